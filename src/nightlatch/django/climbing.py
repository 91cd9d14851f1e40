"""Taking a step of the ladder with Django, unless another tool has taken it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from django.db.migrations.operations import SeparateDatabaseAndState
from django.db.migrations.operations.base import Operation

from nightlatch.django.schema import database_of, done
from nightlatch.storage import steps

__all__ = ["Step", "climb"]


class Step(SeparateDatabaseAndState):
    """A migration's operation: do a step and record it; one that is recorded already is not run.

    Args:
        number: of the step.
        state_operations: what Django is to know of it.
    """

    reversible = False  # steps only add, and the other tools stand on them

    def __init__(self, number: int, state_operations: Sequence[Operation] = ()) -> None:
        self.number = number
        super().__init__(state_operations=list(state_operations))

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        """Return what makes it again."""
        return type(self).__name__, [self.number], {"state_operations": self.state_operations}

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Do it."""
        del app_label, from_state, to_state
        climb(self.number, schema_editor)

    def describe(self) -> str:
        """Say it in words."""
        return f"Take step {self.number} of the schema ({steps.STEPS[self.number]})"


def climb(number: int, schema_editor: Any) -> None:
    """Do a step and record it; one that is recorded already is not run.

    Args:
        number: of the step.
        schema_editor: Django's, for one database.
    """
    connection = schema_editor.connection
    database = database_of(connection)
    with _alone(connection):
        if number in done(connection.alias) and not schema_editor.collect_sql:
            return
        for statement in steps.statements(number, database):
            schema_editor.execute(statement, params=None)
        schema_editor.execute(steps.recorded(number, "django", datetime.now(UTC), database), params=None)


@contextmanager
def _alone(connection: Any) -> Iterator[None]:
    """Take turns with whoever climbs the same database: the second finds the step recorded."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [steps.LOCK_NUMBER])
            yield
        elif connection.vendor == "mysql":
            cursor.execute("SELECT GET_LOCK(%s, %s)", [steps.LOCK, steps.LOCK_SECONDS])
            cursor.fetchall()
            try:
                yield
            finally:
                cursor.execute("SELECT RELEASE_LOCK(%s)", [steps.LOCK])
                cursor.fetchall()
        else:
            # Takes the write lock, which a look does not: two that both looked could not both write.
            cursor.execute("PRAGMA user_version")
            (version,) = cursor.fetchone()
            cursor.execute(f"PRAGMA user_version = {version:d}")
            yield
