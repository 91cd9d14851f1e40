"""What the people who run an installation read of its audit log (ASVS 16.2.1). It is read here and never changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from nightlatch.flows.core import Core
from nightlatch.ports import after
from nightlatch.records import Event
from nightlatch.services.event_proofs import order_of

__all__ = ["AuditTrail"]

_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
_INSTANT = timedelta(microseconds=1)


class AuditTrail:
    """Search the audit log, and read all of it.

    Args:
        core: what flows stand on.
    """

    def __init__(self, core: Core) -> None:
        self._core = core

    def search(
        self,
        *,
        user_id: UUID | None = None,
        action: str | None = None,
        outcome: str | None = None,
        ip: str | None = None,
        since: datetime | None = None,
        limit: int = 100,
    ) -> list[Event]:
        """Return the newest events that match every one of these, newest first.

        Args:
            user_id: whose account they are about.
            action: what was done or tried, such as ``authn_login_fail``.
            outcome: ``success``, ``refused`` or ``error``.
            ip: the address of the client.
            since: the earliest time, itself included.
            limit: at most so many.
        """
        asked = {"user_id": user_id, "action": action, "outcome": outcome, "ip": ip}
        where: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
        where |= {"at": after(since - _INSTANT)} if since is not None else {"count": after(0)}
        return self._core.store.find(Event, where, order_by="-at", limit=limit)

    def every(
        self, *, since: datetime | None = None, until: datetime | None = None, page: int = 1000
    ) -> Iterator[Event]:
        """Yield every event from one time to another, oldest first, a page at a time.

        Within one microsecond they come in the order in which each process wrote its own.

        Args:
            since: the earliest time, itself included; the beginning without it.
            until: the time to stop before; without it, the end.
            page: how many are read at once. No two pages are of one moment, whatever this is.
        """
        store = self._core.store
        seen = (since or _BEGINNING) - _INSTANT
        while rows := store.find(Event, {"at": after(seen)}, order_by="at", limit=page):
            seen = rows[-1].at
            # Several may bear the time at which the page was cut: all of that time are read together.
            rows = [row for row in rows if row.at < seen] + store.find(Event, {"at": seen})
            rows.sort(key=order_of)
            yield from (row for row in rows if until is None or row.at < until)
            if until is not None and seen >= until:
                return
