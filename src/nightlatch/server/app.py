"""The application that the HTTP server's workers run."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from nightlatch.auth import Nightlatch
from nightlatch.errors import NightlatchError, NotFound
from nightlatch.http.app import HttpApp
from nightlatch.http.exchange import Exchange
from nightlatch.http.hosted.chrome import page
from nightlatch.http.messages import Response
from nightlatch.http.routes import Route
from nightlatch.http.well_known import WELL_KNOWN
from nightlatch.http.wsgi import answer, path_of, request_of
from nightlatch.server.config import Config, load
from nightlatch.server.logs import begin_logging
from nightlatch.server.mailbox import MAILBOX_SIZE, admitted, pieces, read_mailbox
from nightlatch.server.stopping import Answering
from nightlatch.services.mailers import FileMailer
from nightlatch.storage.sql.schema import verify_schema
from nightlatch.storage.sql.store import SqlStore

__all__ = ["ServerApp", "build", "wsgi"]

log = logging.getLogger("nightlatch.server")

_TEXT = ("Content-Type", "text/plain; charset=utf-8")
_MAILBOX = "/dev/mailbox"


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
    app = ServerApp(config, build(config))
    app.answering.leave_when_told()
    return app


class ServerApp:
    """The core's web layer below its mount; beside it a home page, health, and in development the mailbox.

    Args:
        config: how the server runs.
        auth: the core.
    """

    def __init__(self, config: Config, auth: Nightlatch) -> None:
        self.auth = auth
        self.answering = Answering()
        self._config = config
        self._mount = config.settings.mount
        mailbox = _MAILBOX if config.settings.development else None
        self._mounted = HttpApp(auth, mailbox=mailbox)
        self._beside = HttpApp(auth, mailbox=mailbox, only=_routes(self, mailbox))

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        path = path_of(environ)
        with self.answering:
            if path == self._mount or path.startswith(f"{self._mount}/"):
                response = self._mounted.respond(request_of(environ, path[len(self._mount) :] or "/"))
            else:
                response = self._beside.respond(request_of(environ, path))
            return answer(response, start_response)

    def home(self, exchange: Exchange) -> Response:
        """Tell what to do next, signed in or out."""
        settings = self._config.settings
        return page(exchange, "home.html", base=settings.base_url + settings.mount, origin=settings.origin)

    def alive(self, exchange: Exchange) -> Response:
        """Tell that the process lives."""
        del exchange
        return Response(status=200, headers=[_TEXT], body=b"ok\n")

    def ready(self, exchange: Exchange) -> Response:
        """Tell whether the database answers and takes writes and its schema fits; and what else is not as it should be.

        Mail that is late and a clock that is behind are told and stop nothing: another server would fare no better.
        """
        del exchange
        store = self.auth.store
        try:
            assert isinstance(store, SqlStore)
            verify_schema(store.engine)
            troubles = self.auth.health.troubles()
        except NightlatchError as error:
            # The public answer says only ready or not; the cause is for the operator.
            log.warning("not ready: %s", error.reason)
            return Response(status=503, headers=[_TEXT, ("Retry-After", "2")], body=b"not ready\n")
        stops = any(each.stops for each in troubles)
        lines = ["not ready" if stops else "ready", *(f"{each.name} {each.state}" for each in troubles)]
        retry = [("Retry-After", "2")] if stops else []
        body = "".join(f"{line}\n" for line in lines).encode()
        return Response(status=503 if stops else 200, headers=[_TEXT, *retry], body=body)

    def mailbox(self, exchange: Exchange) -> Response:
        """List what would have been mailed."""
        mails = [
            {**each, "pieces": pieces(each["text"]), "when": datetime.fromisoformat(each["at"])}
            for each in self._mails(exchange)
        ]
        return page(exchange, "mailbox.html", mails=mails)

    def mailbox_json(self, exchange: Exchange) -> Response:
        """List what would have been mailed, for programs."""
        return exchange.json(self._mails(exchange))

    def _mails(self, exchange: Exchange) -> list[dict[str, str]]:
        if not admitted(exchange.request):
            raise NotFound("dev mailbox refused")
        self.auth.outbox.run_once()
        return read_mailbox(self._config.mailbox)


def _routes(app: ServerApp, mailbox: str | None) -> tuple[Route, ...]:
    routes = (
        Route(method="GET", path="/", handler=app.home, who="anybody", kind="page"),
        Route(method="GET", path="/healthz", handler=app.alive, who="anybody"),
        Route(method="GET", path="/readyz", handler=app.ready, who="anybody"),
        *WELL_KNOWN,
    )
    if mailbox is None:
        return routes
    return (
        *routes,
        Route(method="GET", path=mailbox, handler=app.mailbox, who="anybody", kind="page"),
        Route(method="GET", path=f"{mailbox}.json", handler=app.mailbox_json, who="anybody"),
    )
