"""Step 5, api keys: see ``storage/steps``."""

from __future__ import annotations

from nightlatch.storage.sql.migrations.steps import climb

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Do it."""
    climb(5)
