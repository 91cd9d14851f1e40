"""A server behind a real socket, spoken to in plain HTTP/1.1."""

from __future__ import annotations

import http.client
from collections.abc import Callable

from nightlatch.http.messages import Response
from nightlatch.testing.sites.site import LOCALHOST, Sent

__all__ = ["WireSite"]


class WireSite:
    """Send requests to a port of this machine.

    Args:
        port: where the server listens.
        host: the ``Host`` that is sent where the request names none.
        on_close: lets go of what belongs to it.
    """

    def __init__(
        self, port: int, *, host: str = "localhost:8000", on_close: Callable[[], object] = lambda: None
    ) -> None:
        self._port = port
        self._host = host
        self._on_close = on_close

    def send(self, sent: Sent) -> Response:
        """Open a connection, send one request, read one answer."""
        assert (sent.peer, sent.root) == (LOCALHOST, ""), "a socket has the address and the path that it has"
        connection = http.client.HTTPConnection(LOCALHOST, self._port, timeout=20)
        try:
            connection.putrequest(sent.method, sent.target, skip_host=True, skip_accept_encoding=True)
            host = () if sent.has("host") else (("Host", self._host),)
            for name, value in (*host, *sent.headers):
                connection.putheader(name, value.encode("latin-1"))
            connection.endheaders(_chunks(sent.body) if sent.chunked else sent.body or None)
            answered = connection.getresponse()
            return Response(status=answered.status, headers=answered.getheaders(), body=answered.read())
        finally:
            connection.close()

    def close(self) -> None:
        """Let everything go."""
        self._on_close()


def _chunks(body: bytes) -> bytes:
    """Write a body in two chunks (RFC 9112 7.1)."""
    half = len(body) // 2
    pieces = [each for each in (body[:half], body[half:]) if each]
    return b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in pieces) + b"0\r\n\r\n"
