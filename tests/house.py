"""A house to tell stories in: the whole core on a store in memory, with a clock and a mailbox."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from nightlatch import Nightlatch
from nightlatch.flows.outcome import Complete, More, Outcome
from nightlatch.ports import Mail, Store
from nightlatch.primitives.secret import Secret
from nightlatch.services.client import Client
from nightlatch.settings import Hashing, Settings
from nightlatch.storage.memory import MemoryStore
from nightlatch.storage.sql import SqlStore, migrate

PASSWORD = Secret("correct horse battery staple")
WRONG = Secret("certainly not the password")
HERE = Client(ip="192.0.2.7", user_agent="Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0")
ELSEWHERE = Client(ip="198.51.100.9", user_agent="Mozilla/5.0 (iPhone; CPU iPhone OS 19_0) Safari/604.1")


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)

    def now(self) -> datetime:
        """Return the time it shows."""
        return self.time

    def advance(self, **by: float) -> None:
        """Move on."""
        self.time += timedelta(**by)


class House:
    """The core, and what a test needs to live in it."""

    def __init__(self, store: Store, **settings: Any) -> None:
        self.clock = Clock()
        self.mails: list[Mail] = []
        self.store = store
        self.settings = Settings(
            base_url="http://localhost:8000",
            secret_keys=(Secret("a secret key for tests, long enough to be one"),),
            service_name="Harbour Books",
            hashing=Hashing(profile="cheap_for_tests", slots=2, queue=64),
            **settings,
        )
        self.auth = Nightlatch(self.settings, store, mailer=self, clock=self.clock, background=False)

    def send(self, mail: Mail) -> None:
        """Be the mailer."""
        self.mails.append(mail)

    def deliver(self) -> None:
        """Deliver what waits."""
        self.auth.outbox.run_once()

    def newest(self, to: str) -> Mail:
        """Return the newest mail to an address."""
        self.deliver()
        return next(mail for mail in reversed(self.mails) if mail.to == to)

    def code(self, to: str = "mia@example.org") -> Secret:
        """Return the newest code mailed to an address."""
        found = re.search(r"\b(\d{4} ?\d{4})\b", self.newest(to).text)
        assert found, "there is no code in the mail"
        return Secret(found.group(1))

    def link(self, to: str = "mia@example.org") -> Secret:
        """Return the newest link's secret mailed to an address."""
        found = re.search(r"link=(nll_\w+)", self.newest(to).text)
        assert found, "there is no link in the mail"
        return Secret(found.group(1))

    def member(self, email: str = "mia@example.org", client: Client = HERE, password: Secret = PASSWORD) -> Complete:
        """Sign somebody up, all the way."""
        more = self.auth.sign_up.begin(client, email=email, password=password)
        assert isinstance(more, More)
        done = self.auth.attempts.answer(client, more.attempt, authenticator="email_code", code=self.code(email))
        assert isinstance(done, Complete)
        return done

    def sign_in(
        self, client: Client = HERE, identifier: str = "mia@example.org", password: Secret = PASSWORD
    ) -> Outcome:
        """Sign in with a password."""
        return self.auth.sign_in.begin(client, identifier=identifier, password=password)


def signed_in(outcome: object) -> Complete:
    """Return the outcome, which is a session."""
    assert isinstance(outcome, Complete)
    assert outcome.session is not None
    assert outcome.token is not None
    return outcome


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Migrate a database once; tests copy the file."""
    path = tmp_path_factory.mktemp("database") / "empty.db"
    store = SqlStore.open(f"sqlite:///{path}")
    migrate(store.engine)
    store.engine.dispose()
    return path


@pytest.fixture(params=["memory", "sqlite", "pool of one"])
def make_store(request: pytest.FixtureRequest, tmp_path: Path, empty_database: Path) -> Iterator[Callable[[], Store]]:
    """Build stores of each kind; the flows must not tell them apart, nor ever need a second connection."""
    made: list[Any] = []

    def make() -> Store:
        if request.param == "memory":
            return MemoryStore()
        path = tmp_path / f"{len(made)}.db"
        shutil.copy(empty_database, path)
        if request.param == "sqlite":
            made.append(SqlStore.open(f"sqlite:///{path}", durable=False))
            return made[-1]
        engine = sa.create_engine(
            f"sqlite:///{path}", poolclass=sa.QueuePool, pool_size=1, max_overflow=0, pool_timeout=10
        )
        made.append(engine)
        return SqlStore.on_engine(engine)

    yield make
    for each in made:
        each.close() if isinstance(each, SqlStore) else each.dispose()


@pytest.fixture
def make_house(make_store: Callable[[], Store]) -> Iterator[Callable[..., House]]:
    """Build houses with settings of the test's choice."""
    built: list[House] = []

    def make(**settings: Any) -> House:
        built.append(House(make_store(), **settings))
        return built[-1]

    yield make
    for each in built:
        each.auth.close()


@pytest.fixture
def house(make_house: Callable[..., House]) -> House:
    """The usual house: e-mail addresses, everything as it comes."""
    return make_house()
