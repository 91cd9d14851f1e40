"""The first administrator: at most one, for ever (docs/decisions/0006-first-administrator.md)."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from nightlatch.errors import Conflict
from nightlatch.flows.core import Core
from nightlatch.primitives.ids import derived_id
from nightlatch.records import Lease

__all__ = ["ADMINISTRATOR", "had_administrator", "note_administrator"]

ADMINISTRATOR = "admin"
"""The role of those who run an installation."""

_FOR_EVER = timedelta(days=36500)


def had_administrator(core: Core) -> bool:
    """Tell whether there is, or was, an administrator."""
    return core.store.get(Lease, _marker_id()) is not None


def note_administrator(core: Core) -> bool:
    """Note, in the transaction that is open, that there is one: a row that only one transaction can insert.

    Returns:
        whether it is the first.
    """
    marker_id = _marker_id()
    try:
        core.store.insert(Lease(id=marker_id, holder_id=marker_id, expires_at=core.clock.now() + _FOR_EVER))
    except Conflict:
        return False
    return True


def _marker_id() -> UUID:
    return derived_id(b"nightlatch lease", "first administrator")
