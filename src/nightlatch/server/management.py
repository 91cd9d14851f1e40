"""The management listener: metrics, and readiness with its cause, beside the public listener and never through it.

One worker of a server listens; the others try again each second, so that when it ends another takes its place.
"""

from __future__ import annotations

import logging
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from nightlatch.server.metrics import Metrics, Shared
from nightlatch.server.readiness import look
from nightlatch.settings import is_loopback

if TYPE_CHECKING:
    from nightlatch.auth import Nightlatch
    from nightlatch.server.stopping import Answering

__all__ = ["Management"]

log = logging.getLogger("nightlatch.management")

_EVERY = 1.0
"""Seconds between two samples of the pools, and two tries to listen."""
_TEXT = "text/plain; charset=utf-8"


class Management:
    """Sample this worker's pools, and listen if no other worker does.

    Args:
        auth: the core of this worker.
        metrics: of this worker.
        answering: counts its requests.
        bind: address to listen on.
        port: to listen on.
    """

    def __init__(self, auth: Nightlatch, metrics: Metrics, answering: Answering, bind: str, port: int) -> None:
        self.auth = auth
        self.metrics = metrics
        self.bind = bind
        self._answering = answering
        self._port = port
        self._server: ThreadingHTTPServer | None = None

    def begin(self) -> None:
        """Begin, in a thread of its own."""
        threading.Thread(target=self._run, name="nightlatch-management", daemon=True).start()

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            try:
                self.metrics.sample(self.auth, self._answering.running)
                if self._server is None:
                    self._listen()
            except Exception:
                # Figures must never end what they are about.
                log.exception("sampling failed")
            pause.wait(_EVERY)

    def _listen(self) -> None:
        try:
            self._server = _Server((self.bind, self._port), self)
        except OSError:
            return  # another worker listens: `serve` saw before the start that nobody else does
        threading.Thread(target=self._server.serve_forever, name="nightlatch-metrics", daemon=True).start()

    def answer(self, path: str, host: str, accept: str) -> tuple[int, str, bytes]:
        """Return status, content type and body.

        Args:
            path: asked for.
            host: the ``Host`` header.
            accept: the ``Accept`` header.
        """
        if is_loopback(self.bind) and not is_loopback(urlsplit(f"//{host}").hostname or ""):
            # A page of a site whose name is made to point here (DNS rebinding) names that site.
            return 403, _TEXT, b"this listener answers to loopback names\n"
        if path == "/metrics":
            return 200, *self.metrics.exposition(accept, Shared(self.auth))
        if path == "/healthz":
            return 200, _TEXT, b"ok\n"
        if path == "/readyz":
            found = look(self.auth)
            lines = ["ready" if found.ready else "not ready", *found.causes]
            return 200 if found.ready else 503, _TEXT, "".join(f"{line}\n" for line in lines).encode()
        return 404, _TEXT, b"/metrics, /readyz, /healthz\n"


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], management: Management) -> None:
        import socket

        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        self.management = management
        super().__init__(address, _Answer)


class _Answer(BaseHTTPRequestHandler):
    timeout = 5  # seconds for which a silent client may keep a thread
    server: _Server
    server_version = "nightlatch"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer."""
        try:
            status, kind, body = self.server.management.answer(
                self.path.partition("?")[0], self.headers.get("Host", ""), self.headers.get("Accept", "")
            )
        except ValueError:  # a Host that is none
            status, kind, body = 400, _TEXT, b"bad request\n"
        self.send_response(status)
        for name, value in (
            ("Content-Type", kind),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def send_error(self, code: int, *_: str | None) -> None:
        """Refuse without repeating what was sent; what the library has not implemented is a method not allowed."""
        super().send_error(HTTPStatus.METHOD_NOT_ALLOWED if code == HTTPStatus.NOT_IMPLEMENTED else code, "refused")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's
        """Say nothing: scrapes are not worth a line, and a path is a stranger's text."""
