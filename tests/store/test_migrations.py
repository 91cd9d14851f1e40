"""The schema climbs in steps, whichever tool takes them, and says where it stands."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa

from databases import described
from nightlatch.errors import SchemaMismatch, StoreError, StoreUnavailable
from nightlatch.records import SchemaStep
from nightlatch.storage import steps
from nightlatch.storage.sql import SqlStore, migrate, pending, verify_schema
from nightlatch.storage.sql.tables import metadata

STEPS = list(steps.STEPS.items())
LAST = STEPS[-1][0]
NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Return the address of a database that does not exist yet."""
    return f"sqlite:///{tmp_path / 'steps.db'}"


def test_the_steps_are_done_once(url: str) -> None:
    """Pending at first, then done and recorded, then nothing more to do."""
    assert pending(url) == STEPS
    with pytest.raises(SchemaMismatch, match="nightlatch migrate"):
        verify_schema(url)
    assert migrate(url) == STEPS
    assert pending(url) == []
    assert migrate(url) == []
    verify_schema(url)
    store = SqlStore.open(url)
    rows = store.find(SchemaStep, {"tool": "alembic"}, order_by="number")
    assert [(row.number, row.name) for row in rows] == STEPS
    store.close()
    assert sa.inspect(sa.create_engine(url, poolclass=sa.NullPool)).has_table("nightlatch_alembic")


def test_a_step_that_another_tool_did_is_not_run(url: str) -> None:
    """Its tables are there and its row says so: there is nothing left to do."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    metadata.create_all(engine)
    store = SqlStore.open(url)
    for number, name in STEPS:
        store.insert(SchemaStep(id=uuid4(), number=number, name=name, tool="django", done_at=NOW))
    store.close()
    assert migrate(engine) == []
    verify_schema(engine)


def test_a_process_runs_on_its_own_number_or_the_next(url: str) -> None:
    """One step ahead is an upgrade in progress; two are a version that this one does not know."""
    migrate(url)
    store = SqlStore.open(url)
    store.insert(SchemaStep(id=uuid4(), number=LAST + 1, name="later", tool="alembic", done_at=NOW))
    verify_schema(url)
    store.insert(SchemaStep(id=uuid4(), number=LAST + 2, name="much later", tool="alembic", done_at=NOW))
    with pytest.raises(SchemaMismatch, match="newer version"):
        verify_schema(url)
    store.close()


def test_a_step_that_fails_leaves_nothing(url: str) -> None:
    """A table is in the way halfway through: what was made before it is undone, and the next try makes all."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE nightlatch_lease (mine TEXT)")
    with pytest.raises(StoreError):
        migrate(engine)
    assert sa.inspect(engine).get_table_names() == ["nightlatch_lease"]
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE nightlatch_lease")
    assert migrate(engine) == STEPS


def test_an_unreachable_database_is_unavailable(tmp_path: Path) -> None:
    """It is not taken for an empty one."""
    with pytest.raises(StoreUnavailable):
        verify_schema(f"sqlite:///{tmp_path / 'no such folder' / 'x.db'}")


@pytest.mark.slow
def test_processes_that_start_at_once(url: str) -> None:
    """Four processes migrate together: all end well, the step is done once."""
    words = [sys.executable, "-c", f"from nightlatch.storage.sql import migrate; migrate({url!r})"]
    processes = [subprocess.Popen(words) for _ in range(4)]
    assert [process.wait(60) for process in processes] == [0] * 4
    verify_schema(url)


def test_the_migrated_schema_is_the_one_of_the_tables(new_database: Callable[[], str]) -> None:
    """Columns, types, collations, keys and indexes: what the steps made is what the store works on."""
    climbed, made = new_database(), new_database()
    migrate(climbed)
    engine = sa.create_engine(climbed, poolclass=sa.NullPool)
    metadata.create_all(sa.create_engine(made, poolclass=sa.NullPool))
    tables = [table.name for table in metadata.sorted_tables]
    assert sorted(sa.inspect(engine).get_table_names()) == sorted([*tables, "nightlatch_alembic"])
    for table in tables:
        assert described(climbed, table) == described(made, table)
