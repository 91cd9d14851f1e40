"""Fetch a small document from a configured address, within bounds."""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
from contextlib import suppress
from threading import Event, Timer
from typing import Final
from urllib.parse import urlsplit

from nightlatch.verify.errors import KeysUnavailable

__all__ = ["fetch", "validated_url"]

_MOST_BYTES: Final = 65_536
_SECONDS: Final = 3.0


def validated_url(url: str) -> str:
    """Refuse an address that keys must not come from: https, or http to this very machine.

    Raises:
        ValueError: it is none.
    """
    parts = urlsplit(url)
    if not parts.hostname or parts.username is not None or parts.fragment:
        raise ValueError(f"not the address of a document: {url!r}")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(parts.hostname)):
        raise ValueError(f"keys come by https, or by http from this machine alone: {url!r}")
    return url


def _is_loopback(host: str) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def fetch(url: str, question: bytes | None = None) -> bytes:
    """Fetch a document, or the answer to a question that is sent as JSON.

    At most 64 KiB, 3 seconds to connect and 3 to answer, no redirect, no proxy.

    Raises:
        KeysUnavailable: it cannot be had.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    connection = (
        http.client.HTTPSConnection(host, parts.port, timeout=_SECONDS, context=ssl.create_default_context())
        if parts.scheme == "https"
        else http.client.HTTPConnection(host, parts.port, timeout=_SECONDS)
    )
    over = Event()
    deadline: Timer | None = None
    try:
        connection.connect()
        # The time-out of a socket is for each read: a byte a second would hold a thread for ever.
        deadline = Timer(_SECONDS, _hang_up, (connection.sock, over))
        deadline.daemon = True
        deadline.start()
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = {"Accept": "application/json", "User-Agent": "nightlatch-verify"}
        if question is not None:
            headers["Content-Type"] = "application/json"
        connection.request("GET" if question is None else "POST", path, question, headers)
        response = connection.getresponse()
        if response.status != http.client.OK:
            # A redirect too: where keys come from is configuration's to say (RFC 8725 3.10).
            raise KeysUnavailable(f"status {response.status}")
        body = response.read(_MOST_BYTES + 1)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise KeysUnavailable(f"{type(error).__name__}") from None
    finally:
        if deadline is not None:
            deadline.cancel()
        connection.close()
    if over.is_set():
        raise KeysUnavailable("too slow")  # what came until then looks like the end of a document
    if len(body) > _MOST_BYTES:
        raise KeysUnavailable("too long")
    return body


def _hang_up(sock: socket.socket, over: Event) -> None:
    over.set()
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
