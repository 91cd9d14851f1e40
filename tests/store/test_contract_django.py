"""The store on Django's connections keeps the same laws."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

import databases
from django_databases import migrated
from nightlatch.django.store import DjangoStore
from nightlatch.ports import Store
from nightlatch.testing.store_contract import StoreContract


class TestSqlite(StoreContract):
    """SQLite, as Django opens it."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        """Return an empty store."""
        with migrated(f"sqlite:///{tmp_path / 'django.db'}") as alias:
            yield DjangoStore(alias)


def on_server(url: str) -> Iterator[Store]:
    """Give an empty store on a database whose tables Alembic made."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    databases.empty(engine)
    with migrated(url) as alias:
        yield DjangoStore(alias)


@pytest.mark.slow
class TestPostgresql(StoreContract):
    """PostgreSQL."""

    @pytest.fixture
    def store(self, postgresql_url: str) -> Iterator[Store]:
        """Return an empty store."""
        yield from on_server(postgresql_url)


@pytest.mark.slow
class TestMariadb(StoreContract):
    """MariaDB, by the driver that Django knows."""

    @pytest.fixture
    def store(self, mariadb_url: str) -> Iterator[Store]:
        """Return an empty store."""
        yield from on_server(mariadb_url)
