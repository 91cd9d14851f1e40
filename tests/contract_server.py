"""The stand-alone server in a process of its own, whose time, mail and settings a test holds in its hands.

Run as a program it serves; `ServedElsewhere` starts it and opens one site after another in it.
"""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from free_ports import free_port
from nightlatch.auth import Nightlatch
from nightlatch.http.messages import Response
from nightlatch.ports import Mail
from nightlatch.server.app import ServerApp
from nightlatch.server.config import Config
from nightlatch.settings import settings_from
from nightlatch.storage.memory import MemoryStore
from nightlatch.storage.sql import SqlStore
from nightlatch.testing.adapter_contract import Premises
from nightlatch.testing.clock import Clock
from nightlatch.testing.mailbox import Mailbox
from nightlatch.testing.sites import Sent, WireSite

__all__ = ["ServedElsewhere", "wsgi"]

_TIME = "x-contract-time"


class _Stage:
    """A WSGI application that holds one server application after another.

    `POST /-/open` opens one by settings, `GET /-/mail` hands over what was mailed; a header tells the time.
    """

    def __init__(self) -> None:
        self._clock, self._mailbox = Clock(), Mailbox()
        self._app: ServerApp | None = None

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path.startswith("/-/"):
            body = self._open(environ) if path == "/-/open" else self._mail()
            start_response("200 OK", [("Content-Length", str(len(body)))])
            return [body]
        told = environ.pop(f"HTTP_{_TIME.upper().replace('-', '_')}", None)
        if told:
            self._clock.time = datetime.fromisoformat(told)
        assert self._app is not None
        return self._app(environ, start_response)

    def _open(self, environ: dict[str, Any]) -> bytes:
        asked = msgspec.json.decode(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
        settings = settings_from(asked["settings"])
        if self._app is not None:
            self._app.auth.close()
        self._clock, self._mailbox = Clock(), Mailbox()
        url = asked["database_url"]
        store = SqlStore.open(url) if url else MemoryStore()
        core = Nightlatch(settings, store, mailer=self._mailbox, clock=self._clock, background=False)
        self._app = ServerApp(Config(settings=settings, data=Path(), database_url=url or ""), core)
        return b"open"

    def _mail(self) -> bytes:
        assert self._app is not None
        self._app.auth.background.run_once()
        return msgspec.json.encode(self._mailbox.messages)


def wsgi() -> _Stage:
    """Build the application in the server's one worker."""
    return _Stage()


class ServedElsewhere:
    """The process, and the sites in it."""

    def __init__(self) -> None:
        self.port = free_port()
        here = str(Path(__file__).parent)
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(self.port)], env={**os.environ, "PYTHONPATH": here}
        )
        for _ in range(200):
            try:
                self._ask("mail")
            except urllib.error.HTTPError:
                return  # it answers; nothing is open yet
            except OSError:
                assert self._process.poll() is None, "the server ended"
                time.sleep(0.05)
        raise AssertionError("the server was not ready in time")

    def open_site(self, premises: Premises, database_url: str | None = None) -> WireSite:
        """Open a site with nothing in its store, or on a database."""
        mailbox = premises.mailbox
        self._ask("open", msgspec.json.encode({"settings": premises.settings, "database_url": database_url}))

        def deliver() -> None:
            mailbox.messages[:] = msgspec.json.decode(self._ask("mail"), type=list[Mail])

        mailbox.deliver = deliver
        return _TimedSite(self.port, premises.clock)

    def stop(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.wait(10)

    def _ask(self, what: str, body: bytes | None = None) -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/{what}", data=body, timeout=20) as answered:
            read: bytes = answered.read()
            return read


class _TimedSite(WireSite):
    """A real socket, where each request tells the time that the premises' clock shows."""

    def __init__(self, port: int, clock: Clock) -> None:
        super().__init__(port)
        self._clock = clock

    def send(self, sent: Sent) -> Response:
        """Send a request and the time."""
        told = (_TIME, self._clock.now().isoformat())
        return super().send(dataclasses.replace(sent, headers=(*sent.headers, told)))


def _serve(port: int) -> None:
    """Serve as `nightlatch serve` does, with one worker."""
    from granian import Granian
    from granian.constants import Interfaces

    Granian(
        "contract_server:wsgi",
        factory=True,
        address="127.0.0.1",
        port=port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=4,
        workers_kill_timeout=2,
        websockets=False,
        log_enabled=False,
    ).serve()


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
