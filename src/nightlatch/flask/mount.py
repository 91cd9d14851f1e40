"""Our routes, in front of the application's."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask
from werkzeug.wsgi import get_host

from nightlatch.errors import ConfigurationError, StoreError
from nightlatch.flask.installation import Installation
from nightlatch.http.answers import outage
from nightlatch.http.wsgi import answer, path_of, request_of

__all__ = ["Mounted"]

_Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Mounted:
    """The application with our routes before it: its body parsers, login walls and CSRF forms never see them.

    Args:
        app: the application.
        installation: ours, for it.
        inner: what answers everything else.
    """

    def __init__(self, app: Flask, installation: Installation, inner: _Wsgi) -> None:
        self._app = app
        self._installation = installation
        self._inner = inner

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        path, mount = path_of(environ), self._installation.mount
        ours = path == mount or path.startswith(f"{mount}/")
        try:
            # An application that is not configured answers nothing at all, rather than everything but sign-in.
            self._installation.prepare(lambda: get_host(environ))
            web = self._installation.web if ours else None
        except ConfigurationError as error:
            return self._fault(error, environ, start_response)
        except StoreError as error:
            return answer(outage(error), start_response)
        if web is None:
            return self._inner(environ, start_response)
        return answer(web.respond(request_of(environ, path[len(mount) :] or "/")), start_response)

    def _fault(self, error: Exception, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Let Flask tell the developer, as it does for any fault: raised in debug mode and tests, else logged."""
        with self._app.request_context(environ):
            return self._app.handle_exception(error)(environ, start_response)
