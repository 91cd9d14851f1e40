"""Every store keeps the same laws."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from nightlatch.ports import Store
from nightlatch.storage.memory import MemoryStore
from nightlatch.storage.sql import SqlStore, migrate
from nightlatch.testing.store_contract import StoreContract
from nightlatch.testing.store_many import InsertsManyContract


class TestMemory(StoreContract, InsertsManyContract):
    """The reference."""

    @pytest.fixture
    def store(self) -> Store:
        """Return an empty store."""
        return MemoryStore()


class TestSqlite(StoreContract, InsertsManyContract):
    """SQLite with connections of its own."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        """Return an empty store."""
        store = SqlStore.open(f"sqlite:///{tmp_path / 'own.db'}")
        migrate(store.engine)
        yield store
        store.close()


class TestSqliteHostEngine(StoreContract, InsertsManyContract):
    """SQLite on a host's engine whose pool has one connection."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        """Return an empty store."""
        engine = sa.create_engine(
            f"sqlite:///{tmp_path / 'host.db'}", pool_size=1, max_overflow=0, pool_timeout=10, poolclass=sa.QueuePool
        )
        migrate(engine)
        yield SqlStore.on_engine(engine)
        engine.dispose()
