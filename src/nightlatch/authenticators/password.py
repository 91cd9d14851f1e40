"""Something you know: the password."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import ClassVar
from uuid import UUID

import msgspec

from nightlatch.authenticators.base import Proof, Subject, Verified
from nightlatch.authenticators.tries import Counted, Tries
from nightlatch.errors import Busy, InvalidCredentials, InvalidInput, PasswordRejected
from nightlatch.ports import Clock, Store
from nightlatch.primitives.hashing import HashUnusable, PasswordMismatch
from nightlatch.primitives.ids import uuid7
from nightlatch.primitives.passwords import PasswordPolicy, validate_new_password
from nightlatch.primitives.schemes import StoredHash
from nightlatch.primitives.secret import Secret
from nightlatch.records import Authenticator, Evidence
from nightlatch.services.breaches import KnownBreaches
from nightlatch.services.client import Client
from nightlatch.services.hashing import HashingPool

__all__ = ["Password"]

_SAMPLE = 32
"""How many of the oldest and of the newest hashes decoys follow."""


class Password(Counted):
    """Verify and set passwords.

    Args:
        store: where the hashes are.
        clock: tells the time.
        pool: hashes, within bounds.
        policy: what a new one must be.
        service_name: a word that a password must not consist of.
        breaches: knows passwords that others have lost.
    """

    kind: ClassVar[str] = "password"
    factors: ClassVar[tuple[str, ...]] = ("knowledge",)
    phishing_resistant: ClassVar[bool] = False
    enrolment: ClassVar[bool] = False
    offered = True

    def __init__(
        self,
        store: Store,
        clock: Clock,
        pool: HashingPool,
        policy: PasswordPolicy,
        service_name: str,
        breaches: KnownBreaches,
    ) -> None:
        self._store = store
        self._clock = clock
        self._pool = pool
        self._policy = policy
        self._service_name = service_name
        self._breaches = breaches
        self._tries = Tries(store, clock, self.kind)

    # --- proving ----------------------------------------------------------------------------------------------------

    def verify(self, subject: Subject, proof: Proof, client: Client, *, believed: bool) -> Verified:
        """Verify a password, in the hashing pool.

        Raises:
            InvalidCredentials: no such user, no password, or not this one: the same for all, after the same work.
            Busy: the pool is full.
        """
        if proof.password is None:
            raise InvalidInput(fields={"password": "Please type your password."})
        record = self.of(subject.bound)
        known_device = subject.device is not None
        if record is None or record.password_hash is None:
            self._pool.verify_decoy(subject.key, proof.password, client=client.network, known_device=known_device)
            raise InvalidCredentials("no such user" if subject.user is None else "user has no password")
        try:
            verified = self._pool.verify(
                proof.password, record.password_hash, client=client.network, known_device=known_device
            )
        except HashUnusable as error:
            raise InvalidCredentials(f"stored hash unusable: {error}") from None
        except PasswordMismatch:
            raise InvalidCredentials("wrong password") from None
        if not believed:
            raise InvalidCredentials("right password, but refused: too many failures before it")
        if verified.needs_rehash:
            self._upgrade(record, proof.password)
        evidence = Evidence(
            authenticator=self.kind,
            authenticator_id=record.id,
            factors=self.factors,
            amr=("pwd",),
            verified_at=self._clock.now(),
        )
        return Verified(evidence=evidence)

    def accept(self, subject: Subject, verified: Verified) -> None:  # noqa: ARG002 - the shape of a method
        """Note a right password: the run of failures ends, and it was used now."""
        changes = {"failures": 0, "retry_at": None, "last_used_at": verified.evidence.verified_at}
        self._store.update(Authenticator, {"id": verified.evidence.authenticator_id}, changes)

    def see_breach(self, record: Authenticator, password: Secret, client: Client) -> Authenticator:
        """Note that the password that was just proven is known to have leaked: the gate then asks for another.

        It stays noted: whoever signs in next is asked as well. Call it outside any transaction.

        Returns:
            the row as it is now.
        """
        if record.must_change or not self._breaches.contain(password, client):
            return record
        self._store.update(
            Authenticator, {"id": record.id, "password_hash": record.password_hash}, {"must_change": True}
        )
        return msgspec.structs.replace(record, must_change=True)

    def forgive(self, user_id: UUID) -> None:
        """End the run of failures, on an operator's word, in the transaction that is open."""
        changes = {"failures": 0, "retry_at": None}
        self._store.update(Authenticator, {"user_id": user_id, "kind": self.kind}, changes)

    def _upgrade(self, record: Authenticator, password: Secret) -> None:
        """Hash anew under the profile in force; the guard keeps a password changed meanwhile (ASVS 11.4.2)."""
        try:
            new_hash = self._pool.hash(password)
        except Busy:
            return  # the next sign-in will do
        guard = {"id": record.id, "password_hash": record.password_hash}
        self._store.update(Authenticator, guard, {"password_hash": new_hash})

    def sample(self) -> None:
        """Look at what hashes the store holds, oldest and newest, so that decoys cost what real ones do."""
        kind = {"kind": self.kind}
        rows = self._store.find(Authenticator, kind, order_by="id", limit=_SAMPLE)
        rows += self._store.find(Authenticator, kind, order_by="-id", limit=_SAMPLE)
        self._pool.follow([row.password_hash for row in rows if row.password_hash])

    # --- setting ----------------------------------------------------------------------------------------------------

    def place(self, client: Client) -> AbstractContextManager[None]:
        """Keep a place in the pool for the hash to come: a flood is shed before it costs a look-up or a write.

        Who may be a known device is looked at when it hashes.

        Raises:
            Busy: on entering; the hashing pool is full.
        """
        return self._pool.place(client.network, known_device=client.device is not None)

    def validate(self, password: Secret, *, about: Sequence[str | None]) -> None:
        """Refuse a new password that policy does not allow.

        Args:
            password: as typed.
            about: the user's own identifiers and names.

        Raises:
            PasswordRejected: why, in words for a person.
        """
        context = [text for text in about if text]
        validate_new_password(password, policy=self._policy, about_you=context, about_service=[self._service_name])

    def see_that_it_differs(self, record: Authenticator, password: Secret, client: Client) -> None:
        """Refuse as a new password the very one that must not be used any longer.

        Raises:
            PasswordRejected: it is the same.
            Busy: the pool is full.
        """
        try:
            self._pool.verify(password, record.password_hash or "", client=client.network)
        except PasswordMismatch:
            return
        raise PasswordRejected("unchanged", message="That is the password you have. Please choose another one.")

    def hash(self, password: Secret, client: Client) -> str:
        """Hash a new password, in the pool, unless it is known to have leaked (NIST SP 800-63B-4 3.1.1.2).

        Both in one step: no path that sets a password can leave out the first. Budgets are spent before it.

        Raises:
            PasswordRejected: it is known to have leaked.
            Busy: the pool is full.
        """
        if self._breaches.contain(password, client):
            raise PasswordRejected(
                "breached",
                message="That password is known from a leak elsewhere, so it is tried first. Please choose another one,"
                " and change it wherever else you use it.",
            )
        return self._pool.hash(password, client=client.network)

    def read(self, password_hash: str) -> StoredHash:
        """Read a hash that is brought along, for what it is and costs; nothing is computed.

        Raises:
            HashUnusable: it could not be verified; the reason may be shown and holds nothing of it.
        """
        return self._pool.read(password_hash)

    def bind(
        self,
        user_id: UUID,
        password_hash: str,
        *,
        at: datetime,
        stands_alone: bool = True,
        must_change: bool = False,
        details: str = "{}",
    ) -> Authenticator:
        """Write a user's password, in the transaction that is open.

        Raises:
            Conflict: the user has one.
        """
        record = self.record(
            user_id, password_hash, at=at, stands_alone=stands_alone, must_change=must_change, details=details
        )
        self._store.insert(record)
        return record

    def record(
        self,
        user_id: UUID,
        password_hash: str,
        *,
        at: datetime,
        stands_alone: bool = True,
        must_change: bool = False,
        details: str = "{}",
    ) -> Authenticator:
        """Return the row of a user's password, to be written."""
        return Authenticator(
            id=uuid7(at),
            user_id=user_id,
            kind=self.kind,
            lookup=f"password:{user_id}",
            password_hash=password_hash,
            stands_alone=stands_alone,
            details=details,
            must_change=must_change,
            confirmed_at=at,
            created_at=at,
        )

    def unbind(self, user_id: UUID) -> None:
        """Take a user's password away, in the transaction that is open."""
        self._store.delete(Authenticator, {"user_id": user_id, "kind": self.kind})

    def replace(self, record: Authenticator, password_hash: str) -> bool:
        """Change a user's password, in the transaction that is open; False if it changed meanwhile."""
        changes = {
            "password_hash": password_hash,
            "stands_alone": True,
            "must_change": False,
            "failures": 0,
            "retry_at": None,
            "created_at": self._clock.now(),
        }
        guard = {"id": record.id, "password_hash": record.password_hash}
        return bool(self._store.update(Authenticator, guard, changes))

    @classmethod
    def of(cls, bound: Sequence[Authenticator]) -> Authenticator | None:
        """Return the confirmed password among what a user has bound."""
        return next((each for each in bound if each.kind == cls.kind and each.confirmed_at is not None), None)
