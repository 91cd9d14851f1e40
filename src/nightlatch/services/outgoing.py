"""Send a POST to a configured address, to the very IP address that was looked at and to none that is not public.

A name is looked up once. Were it looked up again to connect, it could lead elsewhere by then (DNS rebinding, adversary
23). No redirect is followed, no proxy asked, and nothing of the answer is read but its status.
"""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from threading import Event, Timer
from typing import Any
from urllib.parse import urlsplit

from nightlatch.errors import NightlatchError
from nightlatch.primitives.public_addresses import is_public

__all__ = ["NotDelivered", "Outgoing", "Resolve"]

_SECONDS = 5.0

Resolve = Callable[[str, int], list[str]]
"""Looks a name up: the IP addresses it leads to."""


class NotDelivered(NightlatchError):
    """It was not taken: the reason holds no more than a status or the kind of fault."""

    code = "not_delivered"


def _look_up(host: str, port: int) -> list[str]:
    return [str(each[4][0]) for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class Outgoing:
    """Send, within five seconds to connect and five to answer.

    Args:
        resolve: looks names up.
        context: verifies certificates; None: by the machine's own list of authorities.
    """

    def __init__(self, resolve: Resolve = _look_up, context: ssl.SSLContext | None = None) -> None:
        self._resolve = resolve
        self._context = context

    def post(self, url: str, body: bytes, headers: Mapping[str, str], *, allow_private: bool = False) -> None:
        """Send a body and wait for the status.

        Args:
            url: a configured address.
            body: what is sent.
            headers: besides Host and Content-Length.
            allow_private: whether it may lead to this machine or a private network.

        Raises:
            NotDelivered: it was refused, redirected, or did not get there.
        """
        parts = urlsplit(url)
        host, secure = parts.hostname or "", parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        over, deadline = Event(), None
        make = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection: Any = make(host, port, timeout=_SECONDS)
        try:
            connection.sock = self._connected(host, port, secure=secure, allow_private=allow_private)
            # The time-out of a socket is for each read: a byte a second would hold the thread for ever.
            deadline = Timer(_SECONDS, _hang_up, (connection.sock, over))
            deadline.daemon = True
            deadline.start()
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("POST", path, body, dict(headers))
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise NotDelivered("too slow" if over.is_set() else type(error).__name__) from None
        finally:
            if deadline is not None:
                deadline.cancel()
            connection.close()
        if not 200 <= status < 300:  # noqa: PLR2004 - a redirect is a refusal too
            raise NotDelivered(f"status {status}")

    def _connected(self, host: str, port: int, *, secure: bool, allow_private: bool) -> socket.socket:
        addresses = self._resolve(host, port)
        # One that is not public among others is enough: which of them is connected to must not be chance.
        if not addresses or not (allow_private or all(map(is_public, addresses))):
            raise NotDelivered("its address is not a public one")
        plain = socket.create_connection((addresses[0], port), timeout=_SECONDS)
        if not secure:
            return plain
        try:
            context = self._context or ssl.create_default_context()
            return context.wrap_socket(plain, server_hostname=host)
        except BaseException:
            plain.close()
            raise


def _hang_up(sock: socket.socket, over: Event) -> None:
    over.set()
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
