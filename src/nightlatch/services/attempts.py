"""Attempts: one sign-up, sign-in, reauthentication or recovery in progress.

An attempt is held by an opaque secret that changes with every accepted answer: a guarded update on its hash decides
who won, so that two parallel answers never both go on (adversary 31, 45).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, TypeVar, overload
from uuid import UUID

import msgspec

from nightlatch.errors import AttemptInvalid
from nightlatch.ports import Clock, Store, before, plus
from nightlatch.primitives.ids import uuid7
from nightlatch.primitives.keyring import Keyring, SealBroken
from nightlatch.primitives.opaque import Kind, MalformedToken, issue, parse, secret_hash, verify
from nightlatch.primitives.secret import Secret
from nightlatch.records import Attempt, Authenticator
from nightlatch.services.client import Client

__all__ = ["Attempts", "Claims"]


class Claims(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was typed before anything was proven. Sealed in the attempt, and worth nothing outside it."""

    email: str | None = None
    email_key: str | None = None
    username: str | None = None
    username_key: str | None = None
    name: str | None = None
    password_hash: str | None = None
    passkey: Authenticator | None = None
    """One that is being made in place of a password, as it was before its browser answered."""


C = TypeVar("C", bound=Claims)


class Attempts:
    """Open, find, advance and finish attempts.

    Args:
        store: where they are.
        clock: tells the time.
        keyring: seals what was claimed.
    """

    def __init__(self, store: Store, clock: Clock, keyring: Keyring) -> None:
        self._store = store
        self._clock = clock
        self._keyring = keyring

    def open(
        self, purpose: str, client: Client, *, life: timedelta, claims: Claims | None = None, **facts: Any
    ) -> tuple[Attempt, Secret]:
        """Write a new attempt in the transaction that is open.

        Returns:
            the attempt, and the secret that holds it.
        """
        now = self._clock.now()
        token = issue(Kind.ATTEMPT)
        attempt_id = uuid7(now)
        attempt = Attempt(
            id=attempt_id,
            selector=token.selector,
            secret_hash=secret_hash(token),
            purpose=purpose,
            sealed_claims=None if claims is None else self.seal(attempt_id, claims),
            ip=client.ip,
            user_agent=client.user_agent,
            created_at=now,
            expires_at=now + life,
            **facts,
        )
        self._store.insert(attempt)
        return attempt, Secret(token.text())

    def find(self, secret: Secret) -> Attempt:
        """Return the open attempt that a secret holds.

        Raises:
            AttemptInvalid: unknown, spent, expired or finished.
        """
        try:
            presented = parse(Kind.ATTEMPT, secret.reveal())
            found = self._store.find(Attempt, {"selector": presented.selector}, limit=1)
            if not found:
                raise AttemptInvalid("unknown attempt")
            attempt = found[0]
            verify(presented, attempt.secret_hash)
        except MalformedToken:
            raise AttemptInvalid("malformed or spent attempt secret") from None
        if attempt.status != "open":
            raise AttemptInvalid(f"attempt is {attempt.status}")
        if attempt.expires_at <= self._clock.now():
            raise AttemptInvalid("attempt expired")
        return attempt

    def advance(self, attempt: Attempt, **changes: Any) -> tuple[Attempt, Secret]:
        """Take an accepted answer: change the attempt and its secret, in the transaction that is open.

        Raises:
            AttemptInvalid: another answer was accepted first.
        """
        token = issue(Kind.ATTEMPT)
        changes |= {"selector": token.selector, "secret_hash": secret_hash(token)}
        self._move(attempt, changes)
        return msgspec.structs.replace(attempt, **changes), Secret(token.text())

    def keep(self, attempt: Attempt, claims: Claims) -> None:
        """Keep more of what was claimed, in the transaction that is open; the attempt's secret stays.

        Raises:
            AttemptInvalid: an answer was accepted meanwhile.
        """
        self._move(attempt, {"sealed_claims": self.seal(attempt.id, claims)})

    def finish(self, attempt: Attempt) -> None:
        """End an attempt, in the transaction of what it allows. The response to this alone carries the session.

        Raises:
            AttemptInvalid: another answer was accepted first.
        """
        # What was claimed is of no more use: nothing of it stays (adversary 52).
        self._move(attempt, {"status": "complete", "sealed_claims": None})

    def end_recoveries(self, user_id: UUID) -> None:
        """End every recovery of a user, proven ones too, in the transaction that is open.

        Call it where an address stops being the user's: who proved that mailbox must not choose a password any longer
        (adversary 32).
        """
        self._store.update(Attempt, {"user_id": user_id, "purpose": "recover", "status": "open"}, {"status": "dead"})

    def _move(self, attempt: Attempt, changes: dict[str, Any]) -> None:
        guard = {"id": attempt.id, "secret_hash": attempt.secret_hash, "status": "open"}
        if not self._store.update(Attempt, guard, changes):
            raise AttemptInvalid("another answer was first")

    def count_code(self, attempt: Attempt, limit: int) -> None:
        """Count one more code sent, in the transaction that is open.

        Raises:
            AttemptInvalid: this attempt has had its codes.
        """
        guard = {"id": attempt.id, "status": "open", "codes_sent": before(limit)}
        if not self._store.update(Attempt, guard, {"codes_sent": plus(1)}):
            raise AttemptInvalid("no more codes for this attempt")

    @overload
    def claims(self, attempt: Attempt) -> Claims: ...

    @overload
    def claims(self, attempt: Attempt, kind: type[C]) -> C: ...

    def claims(self, attempt: Attempt, kind: type[Claims] = Claims) -> Claims:
        """Return what was claimed when this attempt began.

        Raises:
            AttemptInvalid: no key that is left opens it.
        """
        if attempt.sealed_claims is None:
            return kind()
        try:
            opened = self._keyring.unseal(
                "claims", attempt.sealed_claims, table="attempt", column="sealed_claims", row_id=str(attempt.id)
            )
        except SealBroken as broken:
            raise AttemptInvalid(broken.reason) from None
        return msgspec.json.decode(opened, type=kind)

    def seal(self, attempt_id: UUID, claims: Claims) -> bytes:
        """Seal what was claimed, for this attempt's row alone."""
        return self._keyring.seal(
            "claims", msgspec.json.encode(claims), table="attempt", column="sealed_claims", row_id=str(attempt_id)
        )

    def sweep(self, limit: int = 500, *, grace: timedelta = timedelta(hours=1)) -> int:
        """Delete attempts that ended a while ago, in a small batch."""
        until: datetime = self._clock.now() - grace
        old = self._store.find(Attempt, {"expires_at": before(until)}, order_by="expires_at", limit=limit)
        return sum(self._store.delete(Attempt, {"id": each.id}) for each in old)
