"""Step 1, front door: see ``storage/steps``."""

from __future__ import annotations

from nightlatch.storage.sql.migrations.steps import climb

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Do it."""
    climb(1)
