"""A house to tell stories in: the whole core on a store in memory, with a clock and a mailbox."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from nightlatch.auth import Nightlatch
from nightlatch.flows.outcome import Complete, Outcome
from nightlatch.ports import Mail, Store
from nightlatch.primitives.secret import Secret
from nightlatch.services.client import Client
from nightlatch.storage.memory import MemoryStore
from nightlatch.storage.sql import SqlStore, migrate
from nightlatch.testing.household import PASSWORD, Household

WRONG = Secret("certainly not the password")
HERE = Client(ip="192.0.2.7", user_agent="Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0")
ELSEWHERE = Client(ip="198.51.100.9", user_agent="Mozilla/5.0 (iPhone; CPU iPhone OS 19_0) Safari/604.1")


class House(Household):
    """The published household, with a person's usual moves."""

    @property
    def mails(self) -> list[Mail]:
        """What was mailed."""
        return self.mailbox.messages

    def move_to(self, auth: Nightlatch) -> None:
        """Let another core on the same store, the one that a site runs, be the house's own."""
        assert (auth.store, auth.clock) == (self.store, self.clock)
        self.auth.hashing.close()
        self.auth = auth
        self.mailbox.deliver = self.texts.deliver = auth.outbox.run_once

    def deliver(self) -> None:
        """Deliver what waits."""
        self.auth.outbox.run_once()

    def newest(self, to: str) -> Mail:
        """Return the newest mail to an address."""
        return self.mailbox.newest(to)

    def code(self, to: str = "mia@example.org") -> Secret:
        """Return the newest code mailed to an address."""
        return self.mailbox.code_for(to)

    def link(self, to: str = "mia@example.org") -> Secret:
        """Return the newest link's secret mailed to an address."""
        return self.mailbox.link_for(to)

    def member(self, email: str = "mia@example.org", client: Client = HERE, password: Secret = PASSWORD) -> Complete:
        """Sign somebody up, all the way."""
        return self.sign_up(email, client=client, password=password)

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
