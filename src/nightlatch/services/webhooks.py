"""Signed webhooks: an event's message is written in the event's own transaction and delivered afterwards.

They wait in the outbox's table beside the mails, and are delivered by a chore of their own: a receiver that is down
must not keep mail waiting. Signatures are those of Standard Webhooks (https://www.standardwebhooks.com, version 1), so
that receivers verify them with what they have.
"""

from __future__ import annotations

import json
import logging
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from nightlatch.errors import NightlatchError
from nightlatch.ports import Clock, Store, any_of, before, plus
from nightlatch.primitives.ids import uuid7
from nightlatch.primitives.keyring import Keyring, SealBroken
from nightlatch.primitives.webhook_signatures import signed_headers
from nightlatch.records import Event, OutboxMessage
from nightlatch.services.outgoing import Outgoing
from nightlatch.settings import Outbox as Rules
from nightlatch.settings_audit import Webhook

__all__ = ["CHANNEL", "Webhooks", "event_facts"]

log = logging.getLogger("nightlatch.webhooks")

CHANNEL: Final = "webhook"
_AT_ONCE = 100


class Webhooks:
    """Write messages and deliver them.

    Args:
        hooks: who is told of what.
        store: where messages wait.
        clock: tells the time.
        keyring: seals them meanwhile.
        rules: lease, retry and when to give up: the outbox's.
        outgoing: sends.
    """

    def __init__(
        self,
        hooks: tuple[Webhook, ...],
        store: Store,
        clock: Clock,
        keyring: Keyring,
        rules: Rules,
        outgoing: Outgoing | None = None,
    ) -> None:
        self._hooks = hooks
        self._store = store
        self._clock = clock
        self._keyring = keyring
        self._rules = rules
        self._outgoing = outgoing or Outgoing()
        self._resting: dict[str, tuple[datetime, int]] = {}

    def tell(self, event: Event) -> None:
        """Write what tells of an event, in the transaction that wrote it."""
        self._write(event.action, event.at, event_facts(event))

    def tell_seal(self, line: str) -> None:
        """Write what tells of a new root."""
        self._write("audit_seal", self._clock.now(), json.loads(line))

    def _write(self, action: str, at: datetime, facts: dict[str, object]) -> None:
        now = self._clock.now()
        for hook in self._hooks:
            if hook.actions and action not in hook.actions:
                continue
            row_id = uuid7(now)
            said = {"type": action, "timestamp": at.isoformat(), "data": facts}
            body = json.dumps(said, separators=(",", ":")).encode()
            self._store.insert(
                OutboxMessage(
                    id=row_id,
                    channel=CHANNEL,
                    template=action,
                    recipient_hash=self._keyring.mac("webhooks", "receiver", hook.url),
                    sealed_body=self._keyring.seal(
                        "outbox", body, table="outbox_message", column="sealed_body", row_id=str(row_id)
                    ),
                    due_at=now,
                    created_at=now,
                )
            )

    # --- delivery ---------------------------------------------------------------------------------------------------

    def run_once(self) -> int:
        """Deliver what is due, for each receiver until it fails: then it rests, and longer each time.

        Returns:
            how many were taken.
        """
        return sum(self._deliver_to(hook) for hook in self._hooks)

    def _deliver_to(self, hook: Webhook) -> int:
        now = self._clock.now()
        until, failures = self._resting.get(hook.url, (now, 0))
        if until > now:
            return 0
        receiver = any_of(tuple(self._keyring.macs("webhooks", "receiver", hook.url)))
        due = {"recipient_hash": receiver, "channel": CHANNEL, "due_at": before(now + timedelta(microseconds=1))}
        taken = 0
        for row in self._store.find(OutboxMessage, due, order_by="due_at", limit=_AT_ONCE):
            outcome = self._deliver(hook, row)
            if outcome is False:
                self._resting[hook.url] = (self._clock.now() + self._wait(failures), failures + 1)
                return taken
            taken += outcome is True
            self._resting.pop(hook.url, None)
        return taken

    def _deliver(self, hook: Webhook, row: OutboxMessage) -> bool | None:
        """Hand a message over; None where another process has it or nothing is left to send."""
        now, lease_id = self._clock.now(), uuid7(self._clock.now())
        claim = {"due_at": now + self._rules.lease, "lease_id": lease_id, "attempts": plus(1)}
        if not self._store.update(OutboxMessage, {"id": row.id, "due_at": row.due_at}, claim):
            return None
        try:
            body = self._keyring.unseal(
                "outbox", row.sealed_body or b"", table="outbox_message", column="sealed_body", row_id=str(row.id)
            )
        except SealBroken:
            log.warning("webhook %s cannot be opened, and is given up", row.id)
            self._settle(row, lease_id, None)
            return None
        try:
            headers = signed_headers(hook.keys, str(row.id), int(now.timestamp()), body) | {"User-Agent": "nightlatch"}
            self._outgoing.post(hook.url, body, headers, allow_private=hook.allow_private_addresses)
        except NightlatchError as error:
            self._postpone(row, lease_id, error.reason)
            return False
        self._settle(row, lease_id, self._clock.now())
        return True

    def _settle(self, row: OutboxMessage, lease_id: UUID, delivered_at: datetime | None) -> None:
        done = {"due_at": None, "sealed_body": None, "delivered_at": delivered_at}
        self._store.update(OutboxMessage, {"id": row.id, "lease_id": lease_id}, done)

    def _postpone(self, row: OutboxMessage, lease_id: UUID, reason: str) -> None:
        now = self._clock.now()
        if now - row.created_at >= self._rules.give_up_after:
            log.error("webhook %s given up after %d tries: %s", row.id, row.attempts + 1, reason)
            self._settle(row, lease_id, None)
            return
        wait = self._wait(row.attempts)
        log.warning("webhook %s not delivered (%s), next try in %s", row.id, reason, wait)
        again = {"due_at": now + wait, "last_error": reason}
        self._store.update(OutboxMessage, {"id": row.id, "lease_id": lease_id}, again)

    def _wait(self, failures: int) -> timedelta:
        wait: timedelta = self._rules.first_retry * 2 ** min(failures, 20)
        return min(wait, self._rules.last_retry)

    def sweep(self) -> int:
        """Give up what is too old: a receiver's that is no longer configured as well."""
        old = {"channel": CHANNEL, "created_at": before(self._clock.now() - self._rules.give_up_after)}
        waiting = {**old, "due_at": before(self._clock.now())}
        return self._store.update(OutboxMessage, waiting, {"due_at": None, "sealed_body": None})


def event_facts(event: Event) -> dict[str, object]:
    """Return what a receiver is told of an event; the reason is private, and so is the receiver."""
    names = ("id", "user_id", "actor_id", "session_id", "attempt_id")
    ids = {name: str(value) if (value := getattr(event, name)) else None for name in names}
    plain = ("action", "outcome", "reason", "ip", "user_agent", "request_id", "count")
    facts = {name: getattr(event, name) for name in plain}
    return {**ids, "at": event.at.isoformat(), **facts, "details": json.loads(event.details)}
