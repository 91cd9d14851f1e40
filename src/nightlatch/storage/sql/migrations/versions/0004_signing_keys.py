"""Step 4, signing keys: see ``storage/steps``."""

from __future__ import annotations

from nightlatch.storage.sql.migrations.steps import climb

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Do it."""
    climb(4)
