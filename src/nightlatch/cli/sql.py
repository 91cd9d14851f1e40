"""What the command line knows of a schema on SQLAlchemy: ``migrate``, and the doctor's look at it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import click

from nightlatch.auth import Nightlatch
from nightlatch.cli.doctor import Finding
from nightlatch.cli.output import plain_errors, show
from nightlatch.errors import ConfigurationError, NightlatchError

__all__ = ["migrate_command", "schema_findings"]


def migrate_command(load: Callable[[], Nightlatch]) -> click.Command:
    """Return the command, for an installation."""

    @click.command("migrate", help="Bring the database's schema up to date.")
    @click.option("--plan", is_flag=True, help="Only say what would be done.")
    @click.option("--json", "as_json", is_flag=True, help="For programs.")
    def migrate(*, plan: bool, as_json: bool) -> None:
        with plain_errors():
            from nightlatch.storage.sql import SqlStore, schema

            store = load().store
            if not isinstance(store, SqlStore):
                raise ConfigurationError("this installation's store has no migrations of ours")
            steps = schema.pending(store.engine) if plan else schema.migrate(store.engine)
            rows = [{"step": number, "name": name} for number, name in steps]
            show(rows, as_json=as_json, empty="The schema is up to date.")

    return migrate


def schema_findings(auth: Nightlatch) -> Iterator[Finding]:
    """Tell the doctor how the schema stands."""
    from nightlatch.storage.sql import SqlStore, verify_schema

    if isinstance(auth.store, SqlStore):
        try:
            verify_schema(auth.store.engine)
        except NightlatchError as error:
            yield {"what": "schema", "found": error.reason, "verdict": "wrong"}
        else:
            yield {"what": "schema", "found": "up to date", "verdict": "good"}
    yield {
        "what": "host's Alembic",
        "found": "if your application runs Alembic on this database, set include_object in its env.py",
        "verdict": "note",
    }
