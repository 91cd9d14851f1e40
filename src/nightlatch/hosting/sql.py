"""What adapters share whose store is on SQLAlchemy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nightlatch.hosting.installation import HostInstallation
from nightlatch.ports import Store
from nightlatch.settings import Settings

if TYPE_CHECKING:
    import sqlalchemy as sa

__all__ = ["SqlInstallation"]


class SqlInstallation(HostInstallation):
    """What one application has of Nightlatch, on an engine of its own or of ours."""

    def engine(self) -> sa.Engine | None:
        """Return the application's engine, where it handed one over."""
        return None

    def open_store(self, settings: Settings) -> Store:
        """Open the store on the application's engine, or on the database that its configuration names."""
        from nightlatch.storage.sql import SqlStore, migrate, verify_schema

        engine = self.engine()
        if engine is not None:
            store = SqlStore.on_engine(engine)
        else:
            store = SqlStore.open(self.configuration.database_url or self.configuration.own_database())
        if settings.development:
            migrate(store.engine)
        elif not self.mends_the_schema:
            verify_schema(store.engine)
        return store
