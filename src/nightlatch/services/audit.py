"""The audit log: every security-relevant act is one append-only event (ASVS 16.2.1, 16.3.1).

An act's event is written in the act's own transaction. A refusal's is written in a transaction of its own after the
refused one rolled back, so that no attacker can undo the trace of what he tried. Words follow the OWASP logging
vocabulary where it has one.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from nightlatch.errors import Conflict
from nightlatch.ports import Clock, EventSink, Store, plus
from nightlatch.primitives.ids import derived_id, uuid7
from nightlatch.primitives.keyring import Keyring
from nightlatch.records import Event
from nightlatch.services.client import NOBODY, Client
from nightlatch.services.event_proofs import EventProofs

__all__ = ["Audit"]

log = logging.getLogger("nightlatch.audit")


class Audit:
    """Write events and pass them on to the application.

    Args:
        store: where the events are.
        clock: tells the time.
        keyring: keys the hash of identifiers that belong to nobody, so that the log holds no strangers' addresses.
        sinks: who else is told, after the transaction has ended.
    """

    def __init__(self, store: Store, clock: Clock, keyring: Keyring, sinks: Sequence[EventSink] = ()) -> None:
        self._store = store
        self._clock = clock
        self._keyring = keyring
        self._sinks = tuple(sinks)
        self._local = threading.local()
        self._proofs = EventProofs(keyring)
        self._lock = threading.Lock()
        self._moment: tuple[datetime | None, int] = None, 0

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Begin a flow's transaction; its events reach the sinks only if it commits, and after that."""
        outer = getattr(self._local, "pending", None)
        pending: list[Event] = []
        self._local.pending = pending
        try:
            with self._store.transaction():
                yield
        finally:
            self._local.pending = outer
        if outer is not None:
            outer.extend(pending)
            return
        for event in pending:
            self._tell(event)

    def done(self, action: str, client: Client, *, user_id: UUID | None = None, **facts: Any) -> None:
        """Write the event of an act that succeeds, in the transaction that is open."""
        self._write(self._event(action, "success", client, user_id=user_id, **facts))

    def refused(
        self,
        action: str,
        client: Client,
        *,
        reason: str,
        user_id: UUID | None = None,
        within: Callable[[], None] = lambda: None,
        **facts: Any,
    ) -> None:
        """Write the event of a refusal, in a transaction of its own. Call it after the flow's has ended.

        Args:
            action: what was tried.
            client: who tried.
            reason: why it was refused; private.
            user_id: whose account it was about, if anybody's.
            within: what else is noted in the same transaction.
            facts: further fields of the event.
        """
        event = self._proofs.marked(self._event(action, "refused", client, user_id=user_id, reason=reason, **facts))
        with self._store.transaction(own=True):
            within()
            self._store.insert(event)
        self._tell(event)

    def found_wrong(self, action: str, *, reason: str, details: dict[str, Any]) -> None:
        """Write the event of something that no client did and that should not be, in a transaction of its own."""
        event = self._proofs.marked(self._event(action, "error", NOBODY, reason=reason, details=details))
        with self._store.transaction(own=True):
            self._store.insert(event)
        self._tell(event)

    def counted(self, action: str, client: Client, *, reason: str) -> None:
        """Write a refusal that may come in floods (429): one event a minute for each network, with a count."""
        event = self._event(action, "refused", client, reason=reason)
        minute = event.at.replace(second=0, microsecond=0)
        key = f"{action}|{reason}|{client.network}|{minute.isoformat()}"
        event_id = derived_id(self._keyring.mac("audit", "event ids"), key)
        # One that a seal covers counts no further: its count is proven.
        same = {"id": event_id, "seal_id": None}
        first = self._proofs.marked(msgspec.structs.replace(event, id=event_id))
        with self._store.transaction(own=True):
            if self._store.update(Event, same, {"count": plus(1)}):
                return
            try:
                self._store.insert(first)
            except Conflict:
                if self._store.update(Event, same, {"count": plus(1)}):
                    return
                first = self._proofs.marked(event)
                self._store.insert(first)
        self._tell(first)

    def identifier_hashes(self, kind: str, key: str) -> list[bytes]:
        """Return what may stand in the log for an identifier, under every secret key: to look for it."""
        return self._keyring.macs("audit", "identifier", kind, key)

    def identifier_hash(self, kind: str, key: str) -> bytes:
        """Return what stands in the log for an identifier that belongs to nobody."""
        return self._keyring.mac("audit", "identifier", kind, key)

    def _event(self, action: str, outcome: Any, client: Client, **facts: Any) -> Event:
        now = self._clock.now()
        details = facts.pop("details", None)
        return Event(
            id=uuid7(now),
            at=now,
            number=self._number(now),
            action=action,
            outcome=outcome,
            ip=client.ip,
            user_agent=client.user_agent,
            request_id=client.request_id,
            details=json.dumps(details, separators=(",", ":")) if details else "{}",
            **facts,
        )

    def _number(self, now: datetime) -> int:
        """Return which of the events of this moment comes now: a clock may tell one moment twice."""
        with self._lock:
            moment, last = self._moment
            self._moment = now, last + 1 if moment == now else 0
            return self._moment[1]

    def _write(self, event: Event) -> None:
        event = self._proofs.marked(event)
        self._store.insert(event)
        pending = getattr(self._local, "pending", None)
        if pending is None:
            self._tell(event)
        else:
            pending.append(event)

    def _tell(self, event: Event) -> None:
        for sink in self._sinks:
            try:
                sink.receive(event)
            except Exception:
                # An application's listener must not change what happened.
                log.exception("an event sink failed on %s", event.action)
