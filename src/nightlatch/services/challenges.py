"""Challenges of WebAuthn's ceremonies: random, stored, bound to who asked for them, good once and for five minutes.

A challenge is spent before anything is verified, by one guarded update: whatever comes of it, it is never tried twice
(WebAuthn Level 3 13.4.3, adversary 59).
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

from nightlatch.errors import InvalidCredentials
from nightlatch.ports import Clock, Store, after
from nightlatch.primitives.ids import uuid7
from nightlatch.records import OneTimeSecret

__all__ = ["CHALLENGE_LIFE", "Challenges"]

CHALLENGE_LIFE = timedelta(minutes=5)
_BYTES = 32


class Challenges:
    """Issue and redeem challenges.

    Args:
        store: where their hashes are.
        clock: tells the time.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def issue(
        self, ceremony: str, *, asked_by: str, attempt_id: UUID | None = None, user_id: UUID | None = None
    ) -> bytes:
        """Write a new challenge, in the transaction that is open.

        Args:
            ceremony: what it is for: a challenge of one is no good for another.
            asked_by: what those that are open are counted by: a proposal, an attempt, a client's address.
            attempt_id: the attempt that may answer it, with which it goes.
            user_id: whom it concerns: what ends that user's codes ends it too.

        Returns:
            its 32 bytes.
        """
        now, challenge = self._clock.now(), secrets.token_bytes(_BYTES)
        self._store.insert(
            OneTimeSecret(
                id=uuid7(now),
                purpose=ceremony,
                attempt_id=attempt_id,
                user_id=user_id,
                channel="handed_over",
                destination_key=asked_by,
                code_hash=sha256(challenge).digest(),
                link_selector=_selector(challenge),
                created_at=now,
                expires_at=now + CHALLENGE_LIFE,
            )
        )
        return challenge

    def oldest(self, ceremony: str, *, asked_by: str, most: int) -> OneTimeSecret | None:
        """Return the challenge that makes room for another, where as many as may be are open."""
        where = {"purpose": ceremony, "destination_key": asked_by}
        rows = self._store.find(OneTimeSecret, where, order_by="created_at", limit=most)
        return rows[0] if len(rows) == most else None

    def find(
        self, ceremony: str, challenge: bytes, *, attempt_id: UUID | None = None, asked_by: str | None = None
    ) -> OneTimeSecret:
        """Return a challenge that can still be answered.

        Args:
            ceremony: what it was issued for.
            challenge: its 32 bytes.
            attempt_id: the attempt that answers.
            asked_by: the proposal that is answered, where there is no attempt.

        Raises:
            InvalidCredentials: it is not ours, spent, expired, of another ceremony or of another holder.
        """
        holder = {"destination_key": asked_by} if attempt_id is None else {"attempt_id": attempt_id}
        where = {
            **holder,
            "link_selector": _selector(challenge),
            "code_hash": sha256(challenge).digest(),
            "purpose": ceremony,
            "used_at": None,
            "expires_at": after(self._clock.now()),
        }
        found = self._store.find(OneTimeSecret, where, limit=1)
        if not found:
            raise InvalidCredentials("challenge is not this holder's, or spent, or expired")
        return found[0]

    def spend(self, challenge_id: UUID) -> bool:
        """Spend a challenge: with what it allows, in the transaction that is open, or by itself after a wrong answer.

        Returns:
            False where another answer was first.
        """
        now = self._clock.now()
        guard = {"id": challenge_id, "used_at": None, "expires_at": after(now)}
        return bool(self._store.update(OneTimeSecret, guard, {"used_at": now}))

    def redeem(self, ceremony: str, challenge: bytes, *, asked_by: str) -> None:
        """Spend a proposal's challenge before its answer is looked at, outside any transaction.

        Raises:
            InvalidCredentials: as `find`; or another answer was first.
        """
        row = self.find(ceremony, challenge, asked_by=asked_by)
        if not self.spend(row.id):
            raise InvalidCredentials("challenge was spent in between")


def _selector(challenge: bytes) -> str:
    return sha256(challenge).hexdigest()[:32]
