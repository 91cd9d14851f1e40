"""Alembic environment and revisions of our own tables."""
