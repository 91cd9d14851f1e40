"""Where the schema stands, as Django sees it."""

from __future__ import annotations

from typing import Any, cast

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.db import DatabaseError, InterfaceError, connections

from nightlatch.errors import StoreUnavailable
from nightlatch.storage import steps

__all__ = ["MIGRATE", "database_of", "done", "refuse_other_migrations", "verify_schema"]

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


def refuse_other_migrations(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """Refuse tables that Django makes of the models alone, or by migrations of a project's own.

    They would lack what the ladder's have: deletions that cascade in the database, and the record of each step, by
    which the other frameworks know the tables. A system check of Django's.
    """
    del app_configs
    if "nightlatch" not in settings.MIGRATION_MODULES:
        return []
    return [
        Error(
            "MIGRATION_MODULES leads Nightlatch's migrations elsewhere, or switches them off: its tables would not be"
            " those that it works on.",
            hint="Take 'nightlatch' out of MIGRATION_MODULES.",
            id="nightlatch.E014",
        )
    ]


def verify_schema(alias: str = "default") -> None:
    """See that this version can work on the database: its own number, or the next.

    Raises:
        SchemaMismatch: it cannot; the reason says which command to run.
        StoreUnavailable: the database cannot be reached.
    """
    steps.verify(done(alias), MIGRATE)
