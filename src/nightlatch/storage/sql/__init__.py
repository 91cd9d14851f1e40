"""The store on SQLAlchemy Core: SQLite, PostgreSQL, MariaDB."""

from __future__ import annotations

from nightlatch.storage.sql.schema import include_object, migrate, pending, verify_schema
from nightlatch.storage.sql.store import SqlStore

__all__ = ["SqlStore", "include_object", "migrate", "pending", "verify_schema"]
