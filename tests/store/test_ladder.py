"""Alembic and Django climb one ladder, in any order, and what one store writes the other finds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from django.core.management import call_command
from django.db.migrations.exceptions import IrreversibleError
from msgspec.structs import replace

import django_databases
from databases import described
from nightlatch.django.schema import verify_schema as verify_in_django
from nightlatch.django.store import DjangoStore
from nightlatch.errors import SchemaMismatch
from nightlatch.ports import Store, any_of, plus
from nightlatch.records import SchemaStep, Session, User
from nightlatch.storage.sql import SqlStore, migrate, pending, verify_schema
from nightlatch.storage.sql.schema import _config
from nightlatch.storage.sql.tables import metadata
from nightlatch.storage.steps import STEPS
from nightlatch.testing.rows import a_session, a_user

LAST = max(STEPS)


def orders(tools: tuple[str, str]) -> list[tuple[str, ...]]:
    """Return orders in which one tool begins: it goes on for so many steps and hands over, or they take turns."""
    count = len(STEPS)
    handed_over = [
        tuple(tools[0] if step < after else tools[1] for step in range(count)) for after in range(1, count + 1)
    ]
    return [*handed_over, tuple(tools[step % 2] for step in range(count))]


ORDERS = sorted({*orders(("alembic", "django")), *orders(("django", "alembic"))})
"""Every place to hand over, in both directions: all orders of so many steps would be too many."""


def climb(tool: str, number: int, url: str) -> None:
    """Climb up to a step with a tool."""
    if tool == "alembic":
        command.upgrade(_config(sa.create_engine(url, poolclass=sa.NullPool)), f"{number:04}")
        return
    with django_databases.database(url) as alias:
        call_command("migrate", "nightlatch", f"{number:04}", database=alias, verbosity=0)


def carry(table: str, there: str, here: str) -> None:
    """Copy rows as the older schema has them: a store of today writes columns that it lacks."""
    source, target = (sa.create_engine(url, poolclass=sa.NullPool) for url in (there, here))
    columns = ", ".join(each["name"] for each in sa.inspect(target).get_columns(table))
    with source.connect() as reader, target.begin() as writer:
        for row in reader.execute(sa.text(f"SELECT {columns} FROM {table}")).mappings():  # noqa: S608 - names of ours
            values = ", ".join(f":{name}" for name in row)
            writer.execute(sa.text(f"INSERT INTO {table} ({columns}) VALUES ({values})"), dict(row))  # noqa: S608


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_the_tools_take_turns(new_database: Callable[[], str], order: tuple[str, ...]) -> None:
    """Whoever comes to a step first does it and says so; the tables are the same, and both find all done."""
    url, made = new_database(), new_database()
    for number, tool in zip(STEPS, order, strict=True):
        climb(tool, number, url)
    assert migrate(url) == []
    with django_databases.migrated(url) as alias:
        call_command("migrate", "--check", database=alias, verbosity=0)
        verify_in_django(alias)
        rows = DjangoStore(alias).find(SchemaStep, {"tool": any_of(("alembic", "django"))}, order_by="number")
    assert [(row.number, row.name, row.tool) for row in rows] == [
        (number, name, tool) for (number, name), tool in zip(STEPS.items(), order, strict=True)
    ]
    metadata.create_all(sa.create_engine(made, poolclass=sa.NullPool))
    for table in metadata.sorted_tables:
        assert described(url, table.name) == described(made, table.name)


def test_a_tool_that_comes_late_goes_on_from_where_the_others_are(new_database: Callable[[], str]) -> None:
    """Its own book of revisions is empty, or behind: it catches up with it and does nothing twice."""
    url = new_database()
    climb("django", LAST, url)
    climb("alembic", 1, url)
    assert pending(url) == []
    climb("alembic", LAST, url)
    verify_schema(url)


def test_what_one_store_writes_the_other_finds(new_database: Callable[[], str]) -> None:
    """Every kind of value: ids, times, texts, hashes, JSON, numbers, truths."""
    url = new_database()
    migrate(url)
    core = SqlStore.open(url)
    with django_databases.migrated(url) as alias:
        django = DjangoStore(alias)
        for writer, reader in ((core, django), (django, core)):
            _tell(writer, reader)
    core.close()


def _tell(writer: Store, reader: Store) -> None:
    user = a_user(email="mia@example.org", name="Mia 𝄞 ", roles=("admin", 'odd "staff"'), external_id=None)
    session = a_session(user, user_agent="é")
    with writer.transaction():
        writer.insert(user)
        writer.insert(session)
    assert reader.get(User, user.id) == user
    assert reader.find(Session, {"selector": session.selector}) == [session]
    assert reader.find(Session, {"created_at": session.created_at, "secret_hash": session.secret_hash}) == [session]
    assert reader.update(User, {"id": user.id}, {"epoch": plus(1)}) == 1
    assert writer.get(User, user.id) == replace(user, epoch=user.epoch + 1)
    assert writer.delete(User, {"id": user.id}) == 1
    assert reader.find(Session, {"id": session.id}) == []


@pytest.mark.parametrize("tool", ["alembic", "django"])
def test_091_what_is_stored_outlives_every_step(new_database: Callable[[], str], tool: str) -> None:
    """People were here before the upgrade: their rows are what they were, and nothing is filled in for them."""
    url, made = new_database(), new_database()
    climb(tool, 1, url)
    migrate(made)
    user = a_user(email="mia@example.org", roles=("admin",))
    session = a_session(user)
    now = SqlStore.open(made)
    for row in (user, session):
        now.insert(row)
    now.close()
    for table in ("nightlatch_user", "nightlatch_session"):
        carry(table, made, url)
    for number in list(STEPS)[1:]:
        climb(tool, number, url)
    after = SqlStore.open(url)
    assert (after.get(User, user.id), after.get(Session, session.id)) == (user, session)
    after.close()


def test_django_names_the_command_that_is_missing(tmp_path: Path) -> None:
    """A process on a database that lacks a step says what to run; one that is two steps behind says so too."""
    url = f"sqlite:///{tmp_path / 'behind.db'}"
    with django_databases.database(url) as alias:
        with pytest.raises(SchemaMismatch, match=r"lacks step 1 .*manage\.py migrate nightlatch"):
            verify_in_django(alias)
        climb("alembic", 1, url)
        with pytest.raises(SchemaMismatch, match=r"lacks step 2 .*manage\.py migrate nightlatch"):
            verify_in_django(alias)
        climb("django", LAST, url)
        verify_in_django(alias)


def test_django_does_not_climb_down(tmp_path: Path) -> None:
    """The other tools stand on the steps: a migration of ours is not undone."""
    with (
        django_databases.migrated(f"sqlite:///{tmp_path / 'up.db'}") as alias,
        pytest.raises(IrreversibleError),
    ):
        call_command("migrate", "nightlatch", "zero", database=alias, verbosity=0)


def test_django_shows_what_it_would_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``sqlmigrate`` prints the step, and runs nothing."""
    with django_databases.migrated(f"sqlite:///{tmp_path / 'shown.db'}") as alias:
        call_command("sqlmigrate", "nightlatch", "0002", database=alias)
    assert "ADD COLUMN is_active BOOLEAN GENERATED ALWAYS AS (status = 'active') VIRTUAL" in capsys.readouterr().out
