"""Taking a step with Alembic, unless another tool has taken it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

import sqlalchemy as sa
from alembic import op

from nightlatch.storage import steps

__all__ = ["climb"]


def climb(number: int) -> None:
    """Do a step and record it; one that is recorded already is not run."""
    connection = op.get_bind()
    database = _database(connection.dialect)
    if number in _done(connection):
        return
    for statement in steps.statements(number, database):
        connection.exec_driver_sql(statement)
    connection.exec_driver_sql(steps.recorded(number, "alembic", datetime.now(UTC), database))


def _done(connection: sa.Connection) -> set[int]:
    if not sa.inspect(connection).has_table("nightlatch_schema_step"):
        return set()
    return set(connection.scalars(sa.text("SELECT number FROM nightlatch_schema_step")))


def _database(dialect: Any) -> steps.Database:
    # MariaDB behind a mysql:// address is MariaDB.
    return "mariadb" if getattr(dialect, "is_mariadb", False) else cast("steps.Database", dialect.name)
