"""Step 2, derived columns: see ``storage/steps``."""

from __future__ import annotations

from nightlatch.storage.sql.migrations.steps import climb

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Do it."""
    climb(2)
