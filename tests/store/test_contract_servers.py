"""PostgreSQL and MariaDB keep the same laws, on connections of ours and on a host's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

import databases
from nightlatch.ports import Store
from nightlatch.storage.sql import SqlStore
from nightlatch.testing.store_contract import StoreContract
from nightlatch.testing.store_many import InsertsManyContract

pytestmark = pytest.mark.slow


def own(url: str) -> Iterator[Store]:
    """Give an empty store with connections of its own."""
    store = SqlStore.open(url)
    databases.empty(store.engine)
    yield store
    store.close()


def hosted(url: str, **pool: int) -> Iterator[Store]:
    """Give an empty store on a host's engine."""
    engine = sa.create_engine(url, **pool)
    databases.empty(engine)
    yield SqlStore.on_engine(engine)
    engine.dispose()


class TestPostgresql(StoreContract, InsertsManyContract):
    """PostgreSQL, as written without a driver's name."""

    @pytest.fixture
    def store(self, postgresql_url: str) -> Iterator[Store]:
        """Return an empty store."""
        yield from own(postgresql_url.replace("+psycopg", ""))


class TestPostgresqlHostEngine(StoreContract, InsertsManyContract):
    """PostgreSQL on a host's engine whose pool has one connection."""

    @pytest.fixture
    def store(self, postgresql_url: str) -> Iterator[Store]:
        """Return an empty store."""
        yield from hosted(postgresql_url, pool_size=1, max_overflow=0, pool_timeout=20)


class TestMariadb(StoreContract, InsertsManyContract):
    """MariaDB, as written without a driver's name."""

    @pytest.fixture
    def store(self, mariadb_url: str) -> Iterator[Store]:
        """Return an empty store."""
        yield from own(mariadb_url.replace("+pymysql", ""))


class TestMariadbHostEngine(StoreContract, InsertsManyContract):
    """MariaDB on a host's engine that calls it MySQL, on tables made by one that did not."""

    @pytest.fixture
    def store(self, mariadb_url: str) -> Iterator[Store]:
        """Return an empty store."""
        yield from hosted(mariadb_url.replace("mariadb+", "mysql+"), pool_size=16)
