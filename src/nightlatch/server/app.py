"""The application that the HTTP server's workers run."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from nightlatch.auth import Nightlatch
from nightlatch.errors import NotFound
from nightlatch.http.app import HttpApp
from nightlatch.http.exchange import Exchange
from nightlatch.http.guards import Proxies
from nightlatch.http.hosted.chrome import page
from nightlatch.http.messages import Response
from nightlatch.http.routes import Route
from nightlatch.http.well_known import WELL_KNOWN
from nightlatch.http.wsgi import answer, path_of, request_of
from nightlatch.ports import EventSink
from nightlatch.server.config import Config, load
from nightlatch.server.logs import begin_logging
from nightlatch.server.mailbox import MAILBOX_SIZE, admitted, pieces, read_mailbox
from nightlatch.server.management import Management
from nightlatch.server.metrics import Metrics
from nightlatch.server.readiness import look
from nightlatch.server.stopping import Answering
from nightlatch.server.traces import Traces
from nightlatch.services.mailers import FileMailer
from nightlatch.storage.sql.store import SqlStore

__all__ = ["ServerApp", "build", "wsgi"]

log = logging.getLogger("nightlatch.server")

_TEXT = ("Content-Type", "text/plain; charset=utf-8")
_MAILBOX = "/dev/mailbox"


def build(config: Config, *, event_sinks: Sequence[EventSink] = ()) -> Nightlatch:
    """Wire the core as a server has it. Opens nothing yet."""
    settings = config.settings
    mailer = None
    if settings.development and settings.mail.transport == "file" and settings.mail.directory:
        mailer = FileMailer(Path(settings.mail.directory), most=MAILBOX_SIZE)
    store = SqlStore.open(config.database_url, durable=config.durable)
    return Nightlatch(settings, store, mailer=mailer, event_sinks=event_sinks)


def wsgi() -> ServerApp:
    """Build the application in a worker, from what `serve` wrote down for it (paths and numbers, never a secret)."""
    run = msgspec.json.decode(Path(os.environ["NIGHTLATCH_RUN"]).read_bytes())
    config = load(Path(run["config"]) if run["config"] else None, given=run["given"])
    begin_logging()
    metrics = Metrics() if config.management_port is not None else None
    app = ServerApp(config, build(config, event_sinks=[metrics] if metrics else []), metrics)
    if metrics is not None and config.management_port is not None:
        Management(app.auth, metrics, app.answering, config.management_bind, config.management_port).begin()
    app.answering.leave_when_told()
    return app


class ServerApp:
    """The core's web layer below its mount; beside it a home page, health, and in development the mailbox.

    Args:
        config: how the server runs.
        auth: the core.
        metrics: told of each request, where there is a management listener.
    """

    def __init__(self, config: Config, auth: Nightlatch, metrics: Metrics | None = None) -> None:
        self.auth = auth
        self._metrics = metrics
        self._traces = Traces(Proxies(config.settings).trusts) if config.traces else None
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
            if self._metrics is None and self._traces is None:
                return answer(self._respond(environ, path), start_response)
            return answer(self._observed(environ, path), start_response)

    def _observed(self, environ: dict[str, Any], path: str) -> Response:
        """Answer a request that is measured, traced, or both."""
        mount = self._mount if self._is_mounted(path) else ""
        began = time.perf_counter()
        if self._traces is not None:
            response = self._traces.follow(environ, lambda: self._respond(environ, path), mount)
        else:
            response = self._respond(environ, path)
        if self._metrics is not None:
            route = mount + response.route if response.route else ""
            took = time.perf_counter() - began
            self._metrics.answered(environ["REQUEST_METHOD"].upper(), route, response.status, took)
        return response

    def _is_mounted(self, path: str) -> bool:
        return path == self._mount or path.startswith(f"{self._mount}/")

    def _respond(self, environ: dict[str, Any], path: str) -> Response:
        if self._is_mounted(path):
            return self._mounted.respond(request_of(environ, path[len(self._mount) :] or "/"))
        return self._beside.respond(request_of(environ, path))

    def home(self, exchange: Exchange) -> Response:
        """Tell what to do next, signed in or out."""
        settings = self._config.settings
        return page(exchange, "home.html", base=settings.base_url + settings.mount, origin=settings.origin)

    def alive(self, exchange: Exchange) -> Response:
        """Tell that the process lives."""
        del exchange
        return Response(status=200, headers=[_TEXT], body=b"ok\n")

    def ready(self, exchange: Exchange) -> Response:
        """Tell whether this node can serve, and no more: the cause is for operators (management listener, log)."""
        del exchange
        if look(self.auth).ready:
            return Response(status=200, headers=[_TEXT], body=b"ready\n")
        return Response(status=503, headers=[_TEXT, ("Retry-After", "2")], body=b"not ready\n")

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
