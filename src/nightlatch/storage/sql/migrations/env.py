"""Alembic's entry: run our revisions on the engine that `schema.migrate` hands over.

Processes that start at once take turns: the second waits for the first, then finds nothing to do.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context

from nightlatch.storage.sql.schema import VERSION_TABLE
from nightlatch.storage.sql.tables import metadata
from nightlatch.storage.steps import LOCK, LOCK_NUMBER, LOCK_SECONDS


def _run(connection: sa.Connection) -> None:
    context.configure(connection=connection, target_metadata=metadata, version_table=VERSION_TABLE)
    with context.begin_transaction():
        context.run_migrations()


def _run_on_sqlite(connection: sa.Connection) -> None:
    # The driver begins no transaction for CREATE TABLE: without our own a process killed halfway leaves half a schema.
    (before,) = connection.exec_driver_sql("PRAGMA busy_timeout").one()
    connection.exec_driver_sql(f"PRAGMA busy_timeout={LOCK_SECONDS * 1000}")
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            _run(connection)
        except BaseException:
            connection.exec_driver_sql("ROLLBACK")
            raise
        connection.exec_driver_sql("COMMIT")
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout={before}")


def _run_on_postgresql(connection: sa.Connection) -> None:
    connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK_NUMBER})
    _run(connection)
    connection.commit()


def _run_on_mariadb(connection: sa.Connection) -> None:
    connection.execute(sa.text("SELECT GET_LOCK(:lock, :wait)"), {"lock": LOCK, "wait": LOCK_SECONDS})
    try:
        _run(connection)
        connection.commit()
    finally:
        connection.execute(sa.text("SELECT RELEASE_LOCK(:lock)"), {"lock": LOCK})


_engine: sa.Engine = context.config.attributes["engine"]
if _engine.dialect.name == "sqlite":
    with _engine.connect().execution_options(isolation_level="AUTOCOMMIT") as _connection:
        _run_on_sqlite(_connection)
else:
    with _engine.connect() as _connection:
        (_run_on_postgresql if _engine.dialect.name == "postgresql" else _run_on_mariadb)(_connection)
