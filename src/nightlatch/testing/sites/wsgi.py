"""A WSGI application, called as a server calls it (PEP 3333)."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote_to_bytes

from nightlatch.http.messages import Response
from nightlatch.testing.sites.site import Sent

__all__ = ["WsgiSite"]


class WsgiSite:
    """Call a WSGI application.

    Args:
        app: the application.
        on_close: lets go of what it holds.
    """

    def __init__(self, app: Callable[..., Iterable[bytes]], on_close: Callable[[], object] = lambda: None) -> None:
        self.app = app
        self._on_close = on_close

    def send(self, sent: Sent) -> Response:
        """Call the application, and see that it keeps to PEP 3333."""
        began: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], error: Any = None) -> None:
            if error is not None:
                raise error[1]
            assert not began, "start_response was called twice"
            began.append((status, list(headers)))

        parts = self.app(environ_of(sent), start_response)
        try:
            body = b"".join(parts)
        finally:
            close = getattr(parts, "close", None)
            if close is not None:
                close()
        assert began, "start_response was not called"
        status, headers = began[0]
        return Response(status=int(status.partition(" ")[0]), headers=headers, body=body)

    def close(self) -> None:
        """Let everything go."""
        self._on_close()


def environ_of(sent: Sent) -> dict[str, Any]:
    """Return the environment that a server makes of a request.

    A header that comes more than once is joined by commas, as CGI has it (RFC 3875 4.1.18), cookies by semicolons.
    """
    path, _, query = sent.target.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": sent.method,
        "SCRIPT_NAME": sent.root,
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "localhost:8000",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(sent.body),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    if sent.peer is not None:
        environ["REMOTE_ADDR"] = sent.peer
    named: dict[str, str] = {}
    for name, value in sent.headers:
        key = name.upper().replace("-", "_")
        key = key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"
        named[key] = f"{named[key]}{'; ' if key == 'HTTP_COOKIE' else ','}{value}" if key in named else value
    return environ | named
