"""Step 3, secret keys: see ``storage/steps``."""

from __future__ import annotations

from nightlatch.storage.sql.migrations.steps import climb

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Do it."""
    climb(3)
