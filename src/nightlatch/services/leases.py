"""Who does a chore right now, among many processes: the one that holds its lease."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from nightlatch.errors import Conflict
from nightlatch.ports import Clock, Store, before
from nightlatch.primitives.ids import derived_id, uuid7
from nightlatch.records import Lease

__all__ = ["Leases"]


class Leases:
    """Take leases and keep them for a while.

    Args:
        store: where they are noted.
        clock: tells the time.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._holder_id = uuid7(clock.now())

    def take(self, chore: str, life: timedelta) -> bool:
        """Take or renew the lease of a chore, in one guarded statement.

        Args:
            chore: its name.
            life: how long it is ours unless renewed.

        Returns:
            whether it is ours now.
        """
        lease_id, now = _id_of(chore), self._clock.now()
        mine: dict[str, Any] = {"holder_id": self._holder_id, "expires_at": now + life}
        if self._store.update(Lease, {"id": lease_id, "holder_id": self._holder_id}, mine):
            return True
        if self._store.update(Lease, {"id": lease_id, "expires_at": before(now)}, mine):
            return True
        try:
            self._store.insert(Lease(id=lease_id, **mine))
        except Conflict:
            return False  # another holds it
        return True


def _id_of(chore: str) -> UUID:
    return derived_id(b"nightlatch lease", chore)
