"""Several nodes on one database, one Redis and one mail server; and people who use them, and remember what was said."""

from __future__ import annotations

import email
import email.policy
import random
import re
import secrets
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller

from free_ports import free_port
from servers import Server

__all__ = ["PASSWORD", "Cluster", "Journal", "Person", "cluster"]

PASSWORD = "correct horse battery staple"
_BUDGETS = ("SIGN_IN_PER_ADDRESS", "SIGN_IN_PER_NETWORK", "SIGN_UP_PER_ADDRESS", "SIGN_UP_PER_NETWORK",
            "ATTEMPT_CALLS_PER_ADDRESS", "CODE_FAILURES_PER_ADDRESS")  # fmt: skip


class Mailbox:
    """A mail server that keeps what it accepted."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._mails: dict[str, list[tuple[str, str]]] = {}
        self._controller = Controller(self, hostname="127.0.0.1", port=free_port())

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Take a message."""
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        body = mail.get_body(("plain",))
        with self._lock:
            for to in envelope.rcpt_tos:
                self._mails.setdefault(to, []).append((mail["Message-ID"], body.get_content() if body else ""))
        return "250 OK"

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._controller.port)

    def begin(self) -> None:
        """Listen."""
        self._controller.start()

    def end(self) -> None:
        """Stop."""
        self._controller.stop()

    def to(self, address: str) -> list[tuple[str, str]]:
        """Return what came for an address: Message-IDs and texts."""
        with self._lock:
            return list(self._mails.get(address, ()))

    def duplicates(self) -> int:
        """Return how many copies came of what was there already."""
        with self._lock:
            ids = [each for mails in self._mails.values() for each, _ in mails]
        return len(ids) - len(set(ids))

    def code(self, address: str, *, patience: float = 20.0) -> str | None:
        """Wait for a code; None where none came in time."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            for _, text in reversed(self.to(address)):
                found = re.search(r"\b\d{4} \d{4}\b", text)
                if found:
                    return found.group()
            time.sleep(0.02)
        return None


class Cluster:
    """Nodes that share everything but their memory.

    Args:
        folder: for each node's files.
        database_url: of the database.
        redis_url: of the counters.
        nodes: how many.
        workers: of each node.
    """

    def __init__(self, folder: Path, database_url: str, redis_url: str, *, nodes: int = 2, workers: int = 1) -> None:
        self.mailbox = Mailbox()
        settings = {
            "DEVELOPMENT": "0",
            "BASE_URL": f"http://localhost:{free_port()}",
            "DATABASE_URL": database_url,
            "REDIS__URL": redis_url,
            "SECRET_KEYS": secrets.token_urlsafe(48),
            "SERVER__WORKERS": str(workers),
            "MAIL__TRANSPORT": "smtp",
            "MAIL__SMTP_HOST": "127.0.0.1",
            "MAIL__SMTP_PORT": str(self.mailbox.port),
            "MAIL__SMTP_SECURITY": "allow_plaintext_to_loopback",
            "OUTBOX__LEASE": "3",
            **{f"THROTTLE__{name}__LIMIT": "1000000" for name in _BUDGETS},
            **{f"THROTTLE__{name}__PER": "3600" for name in _BUDGETS},
        }
        environment = {f"NIGHTLATCH_{name}": value for name, value in settings.items()}
        self.nodes = [Server(folder / f"node-{number}", **environment) for number in range(nodes)]

    def begin(self) -> None:
        """Start the mail server, then each node."""
        self.mailbox.begin()
        for each in self.nodes:
            each.start()

    def end(self) -> None:
        """Stop everything."""
        for each in self.nodes:
            if each.process is not None and each.process.poll() is None:
                self.kill(each)
        self.mailbox.end()

    def kill(self, node: Server) -> None:
        """Kill a node, all of its processes at once, while it is at whatever it is at."""
        node.stop(signal.SIGKILL)

    def any(self) -> Server:
        """Return one of the nodes that a proxy would choose from now."""
        return random.choice([each for each in self.nodes if each.process is not None] or self.nodes)  # noqa: S311


@contextmanager
def cluster(folder: Path, database_url: str, redis_url: str, *, nodes: int = 2, workers: int = 1) -> Iterator[Cluster]:
    """Run nodes."""
    running = Cluster(folder, database_url, redis_url, nodes=nodes, workers=workers)
    try:
        running.begin()
        yield running
    finally:
        running.end()


@dataclass(slots=True)
class Journal:
    """What people were told, which must then be so for ever. Lists grow from many threads."""

    mailed: list[str] = field(default_factory=list)
    """Addresses for which a sign-up was accepted: a mail comes."""
    accounts: list[str] = field(default_factory=list)
    """Addresses whose account was made."""
    signed_out: list[str] = field(default_factory=list)
    """Cookies of sessions that ended."""
    sessions: list[str] = field(default_factory=list)
    """Cookies of sessions that go on."""
    interrupted: int = 0
    """Calls that nobody answered: nothing was said."""
    faults: list[str] = field(default_factory=list)
    """Answers that there must never be."""

    def replay(self, cluster: Cluster) -> list[str]:
        """Ask the nodes for everything that was said, and return what is not so."""

        def told(method: str, path: str, body: Any = None, cookie: str = "") -> int:
            return cluster.any().call(method, path, body, cookie=cookie)[0]

        def signs_in(address: str) -> bool:
            return told("POST", "/auth/api/sign-in", {"identifier": address, "password": PASSWORD}) == 200

        def lives(cookie: str) -> bool:
            return told("GET", "/auth/api/session", cookie=cookie) == 200

        return [
            *self.faults,
            *(f"no mail came for {each}" for each in self.mailed if cluster.mailbox.code(each) is None),
            *(f"{each} cannot sign in" for each in self.accounts if not signs_in(each)),
            *("a session is lost" for each in self.sessions if not lives(each)),
            *("a session that was ended lives" for each in self.signed_out if lives(each)),
        ]


class Person(threading.Thread):
    """Somebody who signs up again and again, at whichever node is there, and every other time signs out.

    Args:
        number: tells this one from the others.
        cluster: where.
        journal: what was said.
        stop: when to stop.
    """

    def __init__(self, number: int, cluster: Cluster, journal: Journal, stop: threading.Event) -> None:
        super().__init__(name=f"person-{number}")
        self._number = number
        self._cluster = cluster
        self._journal = journal
        self._until = stop

    def run(self) -> None:
        """Go on until told to stop."""
        turn = 0
        while not self._until.is_set():
            turn += 1
            try:
                self._sign_up(f"person{self._number}.{turn}@example.org", leave=turn % 2 == 0)
            except OSError:  # killed before it answered, or not there yet
                self._journal.interrupted += 1
                time.sleep(0.05)

    def _sign_up(self, address: str, *, leave: bool) -> None:
        status, begun, _ = self._call("POST", "/auth/api/sign-up", {"email": address, "password": PASSWORD})
        if status != 202:
            return
        self._journal.mailed.append(address)
        code = self._cluster.mailbox.code(address)
        if code is None:
            return  # the replay finds it, if it never comes
        answer = {"attempt": begun["attempt"], "authenticator": "email_code", "code": code}
        status, _, headers = self._call("POST", "/auth/api/attempt/answer", answer)
        if status != 200:
            return
        self._journal.accounts.append(address)
        cookie = headers["set-cookie"].partition(";")[0]
        if not leave:
            self._journal.sessions.append(cookie)
        elif self._call("DELETE", "/auth/api/session", None, cookie=cookie)[0] in {200, 204}:
            self._journal.signed_out.append(cookie)

    def _call(self, method: str, path: str, body: Any, cookie: str = "") -> tuple[int, Any, dict[str, str]]:
        status, document, headers = self._cluster.any().call(method, path, body, cookie=cookie)
        if status >= 500 and status != 503:
            self._journal.faults.append(f"{method} {path}: {status}")
        return status, document, headers
