"""The application that the HTTP server's workers run."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec

from nightlatch.auth import Nightlatch
from nightlatch.errors import NightlatchError
from nightlatch.http.app import HttpApp
from nightlatch.http.exchange import Exchange
from nightlatch.http.hosted.chrome import page
from nightlatch.http.messages import Response
from nightlatch.http.routes import Route
from nightlatch.http.wsgi import WsgiApp, answer, path_of, request_of
from nightlatch.server.config import Config, load
from nightlatch.server.logs import begin_logging
from nightlatch.server.mailbox import MAILBOX_SIZE, admitted, pieces, read_mailbox
from nightlatch.services.mailers import FileMailer
from nightlatch.storage.sql.schema import verify_schema
from nightlatch.storage.sql.store import SqlStore

__all__ = ["ServerApp", "build", "wsgi"]

log = logging.getLogger("nightlatch.server")

_TEXT = ("Content-Type", "text/plain; charset=utf-8")
_JSON = ("Content-Type", "application/json")


def build(config: Config) -> Nightlatch:
    """Wire the core as a server has it. Opens nothing yet."""
    settings = config.settings
    mailer = None
    if settings.development and settings.mail.transport == "file" and settings.mail.directory:
        mailer = FileMailer(Path(settings.mail.directory), most=MAILBOX_SIZE)
    store = SqlStore.open(config.database_url, durable=config.durable)
    return Nightlatch(settings, store, mailer=mailer)


def wsgi() -> ServerApp:
    """Build the application in a worker, from what `serve` wrote down for it (paths and numbers, never a secret)."""
    run = msgspec.json.decode(Path(os.environ["NIGHTLATCH_RUN"]).read_bytes())
    config = load(Path(run["config"]) if run["config"] else None, given=run["given"])
    begin_logging()
    return ServerApp(config, build(config))


class ServerApp:
    """The core's web layer, a home page, health, and in development the mailbox.

    Args:
        config: how the server runs.
        auth: the core.
    """

    def __init__(self, config: Config, auth: Nightlatch) -> None:
        self.auth = auth
        self._config = config
        self._development = config.settings.development
        self._web = HttpApp(auth, mailbox="/dev/mailbox" if self._development else None)
        self._mounted = WsgiApp(self._web)
        self._root = HttpApp(auth, mailbox="/dev/mailbox" if self._development else None, only=_root_routes(self))
        self._mount = config.settings.mount + "/"
        self._own: dict[str, Callable[[dict[str, Any]], Response]] = {
            "/": self._home,
            "/healthz": lambda _: Response(status=200, headers=[_TEXT], body=b"ok\n"),
            "/readyz": self._ready,
        }
        if self._development:
            self._own |= {"/dev/mailbox": self._mailbox, "/dev/mailbox.json": self._mailbox_json}

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        path = path_of(environ)
        own = self._own.get(path)
        if own is None:
            return self._mounted(environ, start_response)
        if environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
            response = Response(status=405, headers=[_TEXT, ("Allow", "GET, HEAD")], body=b"Method not allowed\n")
        else:
            response = own(environ)
        if environ["REQUEST_METHOD"] == "HEAD":
            response.without_body()
        return answer(response, start_response)

    def _home(self, environ: dict[str, Any]) -> Response:
        return self._root.respond(request_of(environ, "/"))

    def _ready(self, _: dict[str, Any]) -> Response:
        store = self.auth.store
        try:
            assert isinstance(store, SqlStore)
            verify_schema(store.engine)
        except NightlatchError as error:
            # The public answer says only ready or not; the cause is for the operator.
            log.warning("not ready: %s", error.reason)
            return Response(status=503, headers=[_TEXT, ("Retry-After", "2")], body=b"not ready\n")
        return Response(status=200, headers=[_TEXT], body=b"ready\n")

    def _mailbox(self, environ: dict[str, Any]) -> Response:
        if not admitted(environ):
            return Response(status=404, headers=[_TEXT], body=b"Not found\n")
        self.auth.outbox.run_once()
        return self._root.respond(request_of(environ, "/dev/mailbox"))

    def _mailbox_json(self, environ: dict[str, Any]) -> Response:
        if not admitted(environ):
            return Response(status=404, headers=[_TEXT], body=b"Not found\n")
        self.auth.outbox.run_once()
        mails = read_mailbox(self._config.mailbox)
        headers = [_JSON, ("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")]
        return Response(status=200, headers=headers, body=msgspec.json.encode(mails))

    def home_page(self, exchange: Exchange) -> Response:
        """Tell what to do next, signed in or out."""
        settings = self._config.settings
        return page(exchange, "home.html", base=settings.base_url + settings.mount, origin=settings.origin)

    def mailbox_page(self, exchange: Exchange) -> Response:
        """List what would have been mailed."""
        mails = [{**each, "pieces": pieces(each["text"])} for each in read_mailbox(self._config.mailbox)]
        return page(exchange, "mailbox.html", mails=mails)


def _root_routes(app: ServerApp) -> tuple[Route, ...]:
    return (
        Route(method="GET", path="/", handler=app.home_page, who="anybody", kind="page"),
        Route(method="GET", path="/dev/mailbox", handler=app.mailbox_page, who="anybody", kind="page"),
    )
