"""Alembic's entry: run our revisions on the engine that `schema.migrate` hands over."""

from __future__ import annotations

from alembic import context

from nightlatch.storage.sql.schema import VERSION_TABLE
from nightlatch.storage.sql.tables import metadata

with context.config.attributes["engine"].connect() as connection:
    if connection.dialect.name == "sqlite":
        # Two processes that start at once: the second waits for the first, then finds nothing to do.
        connection.exec_driver_sql("PRAGMA busy_timeout=30000")
    context.configure(connection=connection, target_metadata=metadata, version_table=VERSION_TABLE)
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
