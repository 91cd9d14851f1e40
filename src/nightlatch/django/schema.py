"""Where the schema stands, as Django sees it."""

from __future__ import annotations

from typing import Any, cast

from django.db import DatabaseError, InterfaceError, connections

from nightlatch.errors import StoreUnavailable
from nightlatch.storage import steps

__all__ = ["MIGRATE", "database_of", "done", "verify_schema"]

MIGRATE = "manage.py migrate nightlatch"


def database_of(connection: Any) -> steps.Database:
    """Return which of the databases a connection speaks to."""
    if connection.vendor == "mysql" and connection.mysql_is_mariadb:
        return "mariadb"
    return cast("steps.Database", connection.vendor)


def done(alias: str) -> set[int]:
    """Return the numbers of the steps that are done.

    Raises:
        StoreUnavailable: the database cannot be reached.
    """
    connection = connections[alias]
    try:
        with connection.cursor() as cursor:
            if "nightlatch_schema_step" not in connection.introspection.table_names(cursor):
                return set()
            cursor.execute("SELECT number FROM nightlatch_schema_step")
            return {number for (number,) in cursor.fetchall()}
    except (DatabaseError, InterfaceError) as error:
        raise StoreUnavailable(f"cannot read the schema: {type(error).__name__}") from None


def verify_schema(alias: str = "default") -> None:
    """See that this version can work on the database: its own number, or the next.

    Raises:
        SchemaMismatch: it cannot; the reason says which command to run.
        StoreUnavailable: the database cannot be reached.
    """
    steps.verify(done(alias), MIGRATE)
