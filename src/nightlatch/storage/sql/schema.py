"""The schema's steps: done, pending, and the one that this version works on.

Each numbered step of ``storage/steps`` is an Alembic revision here (version table ``nightlatch_alembic``) and a Django
migration there; the rows of ``nightlatch_schema_step`` say which are done, whoever did them.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from nightlatch.errors import StoreUnavailable
from nightlatch.records import SchemaStep
from nightlatch.storage import steps
from nightlatch.storage.outages import translated
from nightlatch.storage.sql.drivers import engine_for
from nightlatch.storage.sql.tables import table_of

__all__ = ["VERSION_TABLE", "include_object", "migrate", "pending", "verify_schema"]

VERSION_TABLE = "nightlatch_alembic"

_one_at_a_time = threading.Lock()  # Alembic keeps what it works on in a global variable


def done(engine: sa.Engine | str) -> set[int]:
    """Return the numbers of the steps that are done.

    Raises:
        StoreUnavailable: the database cannot be reached.
    """
    table = table_of(SchemaStep)
    try:
        with _engine(engine).connect() as connection:
            if not sa.inspect(connection).has_table(table.name):
                return set()
            return set(connection.scalars(sa.select(table.c.number)))
    except sa.exc.TimeoutError:
        raise StoreUnavailable("the application's pool has no connection left") from None
    except sa.exc.DBAPIError as error:
        raise StoreUnavailable(f"cannot read the schema: {type(error.orig).__name__}") from None


def pending(engine: sa.Engine | str) -> list[tuple[int, str]]:
    """Return the steps that are not done yet, in order."""
    return steps.pending(done(engine))


def migrate(engine: sa.Engine | str) -> list[tuple[int, str]]:
    """Do every pending step.

    On SQLite and PostgreSQL all of them or none, and of several processes that start at once one does them while the
    others wait. MariaDB commits each table as it is made.

    Args:
        engine: an engine, or a database's address.

    Returns:
        the steps that were done.

    Raises:
        SchemaMismatch: the database is of a later version than this one.
        StoreError: the database refused.
    """
    engine = _engine(engine)
    with _one_at_a_time:
        todo = pending(engine)
        if todo:
            # Only now: a server that finds nothing to do would hand 8 MB of it to each of its workers.
            from alembic import command

            try:
                command.upgrade(_config(engine), "head")
            except sa.exc.DBAPIError as error:
                raise translated(error.orig or error) from error
    verify_schema(engine)
    return todo


def verify_schema(engine: sa.Engine | str) -> None:
    """See that this version can work on the database: its own number, or the next.

    Raises:
        SchemaMismatch: it cannot; the reason says which command to run.
    """
    steps.verify(done(engine), "nightlatch migrate")


def include_object(object_: Any, name: str | None, type_: str, reflected: bool, compare_to: Any) -> bool:  # noqa: FBT001 - Alembic's signature
    """Keep a host application's Alembic from dropping our tables: pass this as ``include_object`` in its ``env.py``."""
    del reflected, compare_to
    table = name if type_ == "table" else getattr(getattr(object_, "table", None), "name", None)
    return not (table or "").startswith("nightlatch_")


def _engine(engine: sa.Engine | str) -> sa.Engine:
    return engine_for(engine) if isinstance(engine, str) else engine


def _config(engine: sa.Engine) -> Any:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["engine"] = engine
    return config
