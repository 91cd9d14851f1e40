"""The direct call: `HttpApp.respond`, what every adapter is measured by."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from nightlatch.http.app import HttpApp
from nightlatch.http.messages import Request, Response
from nightlatch.testing.sites.site import Sent

__all__ = ["DirectSite"]


class DirectSite:
    """Do what an adapter does, with nothing in between.

    Args:
        app: the web layer.
    """

    def __init__(self, app: HttpApp) -> None:
        self.app = app
        self._mount = app.auth.settings.mount

    def send(self, sent: Sent) -> Response:
        """Ask the web layer."""
        path, _, query = sent.target.partition("?")
        below = unquote_to_bytes(path).decode("utf-8", "replace").removeprefix(self._mount)
        request = Request(
            # Methods are told apart by case (RFC 9110 9.1), but ASGI and Django know upper case alone.
            method=sent.method.upper(),
            path=below or "/",
            query=query,
            headers=[(name.lower(), value) for name, value in sent.headers],
            peer=sent.peer,
            read=lambda limit: sent.body[: limit + 1],
        )
        return self.app.respond(request)

    def close(self) -> None:
        """Let the core go."""
        self.app.auth.close()
