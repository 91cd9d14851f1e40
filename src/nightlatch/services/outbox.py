"""The outbox: messages are written in the transaction of what causes them and delivered afterwards, at least once.

A row is due when `due_at` has passed. Claiming it moves `due_at` to the end of the lease, by a guarded update: if the
process dies at any point the row falls due again, and the stable Message-ID lets the receiver drop a second copy.
Bodies are sealed, and erased once delivered, expired, or given up.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec

from nightlatch.errors import Throttled
from nightlatch.pages.mails import MailView, render_mail
from nightlatch.pages.texts import TextView, render_text
from nightlatch.ports import Clock, Mail, Mailer, Store, Text, TextSender, Undeliverable, before, plus
from nightlatch.primitives.ids import uuid7
from nightlatch.primitives.keyring import Keyring, SealBroken
from nightlatch.records import OutboxMessage
from nightlatch.services.throttle import Charge, Throttle
from nightlatch.settings import Settings, is_loopback

__all__ = ["Outbox"]

log = logging.getLogger("nightlatch.outbox")


_IN_A_ROW = 3


class _Body(msgspec.Struct, frozen=True, kw_only=True):
    to: str
    subject: str = ""
    text: str
    html: str = ""


class Outbox:
    """Write messages and deliver them.

    Args:
        settings: sender, lease and retry.
        store: where they wait.
        clock: tells the time.
        keyring: seals the bodies, keys the hash of recipients.
        throttle: caps what a stranger can cause to be sent to one address (adversary 82).
        mailer: hands mail over.
        text_sender: hands texts over; None where there are none.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        clock: Clock,
        keyring: Keyring,
        throttle: Throttle,
        mailer: Mailer,
        text_sender: TextSender | None = None,
    ) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock
        self._keyring = keyring
        self._throttle = throttle
        self._mailer = mailer
        self.text_sender = text_sender
        self.enqueued = False
        """Whether something was written since the worker was last woken."""
        self.sender = settings.mail.sender or f"no-reply@{'localhost' if is_loopback(settings.host) else settings.host}"

    def within_cap(self, destination_key: str) -> bool:
        """Spend one of the messages that strangers may cause to one address. Call it before the transaction opens.

        Returns:
            False where the cap is reached: the caller then enqueues a decoy, and answers as ever.
        """
        budget = self._settings.throttle.mail_per_recipient
        try:
            self._throttle.spend([Charge(budget, f"mail:{destination_key}")])
        except Throttled:
            return False
        return True

    def enqueue(
        self,
        view: MailView,
        *,
        to: str,
        user_id: UUID | None = None,
        expires_at: datetime | None = None,
        decoy: bool = False,
        due_at: datetime | None = None,
    ) -> None:
        """Write a message in the transaction that is open.

        Args:
            view: what it says.
            to: the address, as stored.
            user_id: whom it concerns, if known.
            expires_at: an expired code is not delivered; None for a notice.
            decoy: write the same row, but drop it at delivery.
            due_at: not before this time; None: now.
        """
        rendered = render_mail(view)
        self._write(
            "email",
            type(view).__name__,
            _Body(to=to, subject=rendered.subject, text=rendered.text, html=rendered.html),
            user_id=user_id,
            expires_at=expires_at,
            decoy=decoy,
            due_at=due_at,
        )

    def enqueue_text(self, view: TextView, *, to: str, user_id: UUID, expires_at: datetime) -> None:
        """Write a text message in the transaction that is open. What it may cost was asked before.

        Args:
            view: what it says.
            to: the number, E.164.
            user_id: whom it concerns.
            expires_at: an expired code is not delivered.
        """
        body = _Body(to=to, text=render_text(view))
        self._write("sms", type(view).__name__, body, user_id=user_id, expires_at=expires_at)

    def _write(
        self,
        channel: Literal["email", "sms"],
        template: str,
        body: _Body,
        *,
        user_id: UUID | None,
        expires_at: datetime | None,
        decoy: bool = False,
        due_at: datetime | None = None,
    ) -> None:
        now = self._clock.now()
        message_id = uuid7(now)
        self._store.insert(
            OutboxMessage(
                id=message_id,
                channel=channel,
                template=template,
                user_id=user_id,
                recipient_hash=self._keyring.mac("outbox", "recipient", body.to),
                sealed_body=self._keyring.seal(
                    "outbox",
                    msgspec.json.encode(body),
                    table="outbox_message",
                    column="sealed_body",
                    row_id=str(message_id),
                ),
                decoy=decoy,
                due_at=due_at or now,
                expires_at=expires_at,
                created_at=now,
            )
        )
        self.enqueued = True

    def run_once(self, limit: int = 50) -> int:
        """Deliver what is due.

        Returns:
            how many messages were handed over.
        """
        now = self._clock.now()
        delivered = refused = 0
        due = self._store.find(
            OutboxMessage, {"due_at": before(now + timedelta(microseconds=1))}, order_by="due_at", limit=limit
        )
        for row in due:
            handed_over = self._deliver(row)
            delivered += handed_over is True
            refused = refused + 1 if handed_over is False else 0
            if refused == _IN_A_ROW:
                break  # a server that is down or slow keeps no other chore waiting; the rest stays due
        return delivered

    def _deliver(self, row: OutboxMessage) -> bool | None:
        """Hand a message over.

        Returns:
            whether it was; None where there was nothing to hand over.
        """
        now = self._clock.now()
        lease_id = uuid7(now)
        claimed = self._store.update(
            OutboxMessage,
            {"id": row.id, "due_at": row.due_at},
            {"due_at": now + self._settings.outbox.lease, "lease_id": lease_id, "attempts": plus(1)},
        )
        if not claimed:
            return None
        if row.decoy or row.sealed_body is None or (row.expires_at is not None and row.expires_at <= now):
            self._settle(row, lease_id, delivered_at=None)
            return None
        try:
            self._hand_over(row, self._open(row, row.sealed_body))
        except Exception as error:  # noqa: BLE001 - whatever a mailer raises means: not sent
            self._postpone(row, lease_id, error)
            return False
        self._settle(row, lease_id, delivered_at=self._clock.now())
        return True

    def _open(self, row: OutboxMessage, sealed: bytes) -> _Body:
        opened = self._keyring.unseal(
            "outbox", sealed, table="outbox_message", column="sealed_body", row_id=str(row.id)
        )
        return msgspec.json.decode(opened, type=_Body)

    def _hand_over(self, row: OutboxMessage, body: _Body) -> None:
        if row.channel == "email":
            self._mailer.send(self._mail(row, body))
        elif self.text_sender is not None:
            self.text_sender.send(Text(to=body.to, text=body.text, message_id=str(row.id), at=row.created_at))
        else:
            raise Undeliverable("texts were switched off")

    def _mail(self, row: OutboxMessage, body: _Body) -> Mail:
        return Mail(
            to=body.to,
            subject=body.subject,
            text=body.text,
            html=body.html,
            message_id=f"<{row.id}@{self._settings.host}>",
            sender=self.sender,
            sender_name=self._settings.service_name,
            at=row.created_at,
        )

    def _settle(self, row: OutboxMessage, lease_id: UUID, *, delivered_at: datetime | None) -> None:
        """Finish with a message: it is never due again, and its body is gone."""
        self._store.update(
            OutboxMessage,
            {"id": row.id, "lease_id": lease_id},
            {"due_at": None, "sealed_body": None, "delivered_at": delivered_at},
        )

    def _postpone(self, row: OutboxMessage, lease_id: UUID, error: Exception) -> None:
        now = self._clock.now()
        rules = self._settings.outbox
        # The class alone: a server's answer may quote the recipient, and a body holds codes (ASVS 16.2.5).
        reason = type(error).__name__
        if isinstance(error, SealBroken | Undeliverable) or now - row.created_at >= rules.give_up_after:
            log.error("message %s given up after %d tries: %s", row.id, row.attempts + 1, reason)
            self._settle(row, lease_id, delivered_at=None)
            return
        wait = min(rules.first_retry * 2 ** min(row.attempts, 20), rules.last_retry)
        log.warning("message %s not delivered (%s), next try in %s", row.id, reason, wait)
        self._store.update(
            OutboxMessage, {"id": row.id, "lease_id": lease_id}, {"due_at": now + wait, "last_error": reason}
        )

    def backlog(self, most: int = 500) -> tuple[int, timedelta]:
        """Return how many messages are due, counted no further than `most`, and for how long the oldest one is.

        One that is being delivered is not due: its lease moves `due_at`.
        """
        now = self._clock.now()
        due = self._store.find(OutboxMessage, {"due_at": before(now)}, order_by="due_at", limit=most)
        oldest = due[0].due_at if due else None
        return len(due), now - oldest if oldest else timedelta(0)

    def sweep(self, limit: int = 500, *, keep: timedelta = timedelta(days=7)) -> int:
        """Delete finished messages' rows after a while, in a small batch."""
        until = self._clock.now() - keep
        old = self._store.find(
            OutboxMessage, {"due_at": None, "created_at": before(until)}, order_by="created_at", limit=limit
        )
        return sum(self._store.delete(OutboxMessage, {"id": each.id}) for each in old)
