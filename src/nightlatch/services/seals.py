"""Seals: every few seconds one node gathers the committed events that no seal covers, and signs a root over them.

Events are found by what they lack and not by their order: one whose transaction took long is gathered when it appears.
The tree is RFC 9162's, the root is signed together with the seal before it, so that the last one vouches for all
(docs/audit.md says what that proves and to whom).
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import msgspec

from nightlatch.errors import Conflict, StoreError
from nightlatch.ports import Clock, Store, after, any_of, before
from nightlatch.primitives.ids import uuid7
from nightlatch.primitives.keyring import Keyring
from nightlatch.primitives.merkle import root_of
from nightlatch.primitives.seal_statements import FIRST, SealKeys, line_of, next_hash, statement
from nightlatch.records import Event, Seal
from nightlatch.services.audit import Audit
from nightlatch.services.event_proofs import EventProofs, order_of
from nightlatch.services.leases import Leases
from nightlatch.settings_audit import Audit as Limits

__all__ = ["Seals", "drop_text"]

log = logging.getLogger("nightlatch.seals")

_MOST = 2000
_AT_ONCE = 500
_LEASE = timedelta(seconds=60)
_GATHERED = 8
_COUNTING = timedelta(minutes=2)
"""For so long a gathered event's count may still rise."""


class Lost(StoreError):
    """Another node sealed meanwhile: nothing of this seal was written."""

    code = "seal_lost"


class Seals:
    """Gather, sign, tell; and let go what is older than it is to be kept.

    Args:
        store: where events and seals are.
        clock: tells the time.
        keyring: holds the keys of MACs and signatures.
        audit: takes the event of what is found changed before it was sealed.
        limits: how often, and how long events are kept.
        tell: what else is told of each new root.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        keyring: Keyring,
        audit: Audit,
        limits: Limits,
        tell: Sequence[Callable[[str], None]] = (),
    ) -> None:
        self._store = store
        self._clock = clock
        self._keyring = keyring
        self._keys = SealKeys(keyring)
        self._proofs = EventProofs(keyring)
        self._leases = Leases(store, clock)
        self._audit = audit
        self._limits = limits
        self._tell = (_to_log, *([self._to_file] if limits.roots_file else []), *tell)
        self._looked_at: datetime | None = None

    def run_due(self) -> None:
        """Seal what waits, if it is time again."""
        now = self._clock.now()
        if self._looked_at is None or now - self._looked_at >= self._limits.seal_every:
            self._looked_at = now
            self.run_once()

    def run_once(self) -> int:
        """Seal all that waits, unless another node is at it.

        Returns:
            how many seals were made.
        """
        made, began = 0, self._clock.now()
        while self._leases.take("audit seals", _LEASE):
            events = self._waiting(began)
            if not events:
                return made
            try:
                seal = self._seal(events, began)
            except (Lost, Conflict):
                return made
            made += 1
            self._emit(line_of(seal))
        return made

    def _waiting(self, now: datetime) -> list[Event]:
        found = self._store.find(Event, {"seal_id": None}, order_by="at", limit=_MOST)
        ripe = [each for each in found if each.id.version != _GATHERED or each.at < now - _COUNTING]
        return sorted(ripe, key=order_of)

    def _seal(self, events: list[Event], now: datetime) -> Seal:
        """Write a seal and mark its events, all in one transaction."""
        first = self._store.find(Seal, {"number": 1})
        if not first or first[0].created_at == now:
            with self._store.transaction():
                events = [self._adopted(each) for each in events]
        broken = [each for each in events if self._proofs.faults(each)]
        newest = self._store.find(Seal, {"number": after(0)}, order_by="-number", limit=1)
        with self._store.transaction(own=True):
            leaves = [self._proofs.leaf(each) for each in events]
            unsigned = Seal(
                id=uuid7(now),
                number=newest[0].number + 1 if newest else 1,
                size=len(events),
                newest_at=events[-1].at,
                root_hash=root_of(leaves),
                previous_hash=next_hash(newest[0]) if newest else FIRST,
                public_key=self._keys.public()[0],
                signature=b"",
                leaves=b"".join(leaves),
                created_at=now,
            )
            seal = msgspec.structs.replace(unsigned, signature=self._keys.sign(statement(unsigned)))
            self._store.insert(seal)
            self._mark(events, seal)
        for each in broken:
            log.error("event %s was changed before it was sealed", each.id)
            details = {"event": str(each.id)}
            self._audit.found_wrong("audit_tampering_found", reason="changed before it was sealed", details=details)
        return seal

    def _adopted(self, event: Event) -> Event:
        """Give an event from before there were MACs what it lacks. Only the first seals do; later none may lack it."""
        if event.mac is not None:
            return event
        marked = self._proofs.marked(event, adopted=True)
        changes = {"mac": marked.mac, "salt": marked.salt, "personal_hash": marked.personal_hash}
        self._store.update(Event, {"id": event.id, "seal_id": None, "mac": None}, changes)
        return marked

    def _mark(self, events: list[Event], seal: Seal) -> None:
        for at in range(0, len(events), _AT_ONCE):
            ids = tuple(each.id for each in events[at : at + _AT_ONCE])
            if self._store.update(Event, {"id": any_of(ids), "seal_id": None}, {"seal_id": seal.id}) != len(ids):
                raise Lost("an event was sealed meanwhile, or is gone")

    # --- outside copies ---------------------------------------------------------------------------------------------

    def _emit(self, line: str) -> None:
        for tell in self._tell:
            try:
                tell(line)
            except Exception:
                # The seal stands; an outside copy is missing, which the operator must see.
                log.exception("a root could not be told")

    def _to_file(self, line: str) -> None:
        file = os.open(str(self._limits.roots_file), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, f"{line}\n".encode())
            os.fsync(file)
        finally:
            os.close(file)

    # --- retention --------------------------------------------------------------------------------------------------

    def sweep(self, limit: int = 50) -> int:
        """Drop the events of seals that are older than events are kept. Root and signature stay.

        Returns:
            how many seals were emptied.
        """
        if self._limits.keep is None:
            return 0
        now = self._clock.now()
        old = {"newest_at": before(now - self._limits.keep), "dropped_at": None}
        found = self._store.find(Seal, old, order_by="number", limit=limit)
        return sum(self._drop(seal, now) for seal in found)

    def _drop(self, seal: Seal, now: datetime) -> bool:
        said = self._keyring.named_mac("audit retention", *drop_text(seal, now))
        with self._store.transaction():
            changes = {"dropped_at": now, "drop_mac": said, "leaves": None}
            if not self._store.update(Seal, {"id": seal.id, "dropped_at": None}, changes):
                return False
            self._store.delete(Event, {"seal_id": seal.id})
        return True


def drop_text(seal: Seal, at: datetime) -> tuple[str, ...]:
    """Return what is authenticated when retention drops a seal's events."""
    return str(seal.number), seal.root_hash.hex(), at.isoformat()


def _to_log(line: str) -> None:
    log.info("%s", line)
