"""The ladder: every numbered step of the schema, once, as plain DDL for each database.

The law of this folder: it imports no driver and no tool. An Alembic revision (``storage/sql/migrations``) and a Django
migration (``django/migrations``) run the very statements that stand in ``<number>_<name>.<database>.sql``, so that the
schema is the same whichever of them climbed (docs/decisions/0007-one-ladder.md). A step that is out is never edited.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Literal

from nightlatch.errors import SchemaMismatch
from nightlatch.primitives.ids import derived_id
from nightlatch.records import Record, User

__all__ = [
    "DERIVED",
    "LOCK",
    "LOCK_NUMBER",
    "LOCK_SECONDS",
    "STEPS",
    "Database",
    "pending",
    "recorded",
    "statements",
    "verify",
]

Database = Literal["sqlite", "postgresql", "mariadb", "mysql"]

STEPS = {
    1: "front door",
    2: "derived columns",
    3: "secret keys",
    4: "signing keys",
    5: "api keys",
    6: "policy",
    7: "remembered devices",
    8: "audit seals",
}
"""Every step there is: number and name. Steps only add; removals come a release later."""

LOCK = "nightlatch_migrate"
"""The name of the lock that whoever climbs holds on MariaDB; PostgreSQL names such locks by numbers."""
LOCK_NUMBER = 0x6E69676874
LOCK_SECONDS = 30

_ADMIN = """replace(replace(roles, '["admin"', ''), ',"admin"', '')"""
_STAFF = f"""replace(replace({_ADMIN}, '["staff"', ''), ',"staff"', '')"""

DERIVED: dict[type[Record], dict[str, str]] = {
    User: {"is_active": "status = 'active'", "is_staff": f"{_STAFF} <> roles", "is_superuser": f"{_ADMIN} <> roles"}
}
"""Boolean columns that the database computes from others. No record has them; no store reads or writes them."""


@cache
def statements(number: int, database: Database) -> tuple[str, ...]:
    """Return what a step does, statement by statement.

    Args:
        number: of the step.
        database: whose words.
    """
    source: str = "mariadb" if database == "mysql" else database
    name = f"{number:04}_{STEPS[number].replace(' ', '_')}.{source}.sql"
    text = files(__name__).joinpath(name).read_text(encoding="utf-8")
    if database == "mysql":
        # MySQL has neither MariaDB's UUID type nor its names of collations without padding.
        text = text.replace(" UUID", " CHAR(32)").replace("utf8mb4_nopad_bin", "utf8mb4_0900_bin")
    return tuple(each.strip() for each in text.split(";\n") if each.strip())


def recorded(number: int, tool: str, at: datetime, database: Database) -> str:
    """Return the statement that records a step as done.

    Args:
        number: of the step.
        tool: who did it: ``alembic`` or ``django``.
        at: when, aware.
        database: whose words.
    """
    row = derived_id(b"nightlatch schema step", str(number)).hex
    when = at.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
    zone = "+00" if database == "postgresql" else ""
    return (
        "INSERT INTO nightlatch_schema_step (id, number, name, tool, done_at)"  # noqa: S608 - all of it is ours
        f" VALUES ('{row}', {number:d}, '{STEPS[number]}', '{tool}', '{when}{zone}')"
    )


def pending(finished: Iterable[int]) -> list[tuple[int, str]]:
    """Return the steps that are not done yet, in order.

    Args:
        finished: the numbers of those that are.
    """
    done = set(finished)
    return [(number, name) for number, name in STEPS.items() if number not in done]


def verify(finished: Iterable[int], command: str) -> None:
    """See that this version can work on the database: its own number, or the next.

    Args:
        finished: the numbers of the steps that are done.
        command: what to run when one is not.

    Raises:
        SchemaMismatch: it cannot; the reason says which command to run.
    """
    done = set(finished)
    missing = pending(done)
    if missing:
        number, name = missing[0]
        raise SchemaMismatch(f"the database lacks step {number} ({name}): run '{command}'")
    latest, ours = max(done), max(STEPS)
    if latest > ours + 1:
        raise SchemaMismatch(f"the database is at step {latest}, this version works on {ours}: install a newer version")
