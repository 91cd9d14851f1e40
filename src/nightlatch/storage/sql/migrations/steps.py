"""Recording which steps are done, whichever tool did them."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from nightlatch.primitives.ids import derived_id
from nightlatch.storage.sql.tables import CodePointText, UtcTime

__all__ = ["begin_step", "end_step"]

_STEPS = sa.table(
    "nightlatch_schema_step",
    sa.column("id", sa.Uuid()),
    sa.column("number", sa.BigInteger()),
    sa.column("name", CodePointText(255)),
    sa.column("tool", CodePointText(16)),
    sa.column("done_at", UtcTime()),
)


def begin_step(number: int) -> bool:
    """Tell whether a step is still to be done: another tool may have done it."""
    connection = op.get_bind()
    if not sa.inspect(connection).has_table(_STEPS.name):
        return True
    return connection.scalar(sa.select(_STEPS.c.number).where(_STEPS.c.number == number)) is None


def end_step(number: int, name: str) -> None:
    """Record a step as done."""
    op.get_bind().execute(
        sa.insert(_STEPS).values(
            id=derived_id(b"nightlatch schema step", str(number)),
            number=number,
            name=name,
            tool="alembic",
            done_at=datetime.now(UTC),
        )
    )
