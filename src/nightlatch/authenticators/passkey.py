"""Something you have, which may also see that it is you: a passkey (W3C Web Authentication Level 3)."""

from __future__ import annotations

import dataclasses
import ipaddress
import secrets
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, ClassVar
from uuid import UUID

import msgspec
from msgspec.structs import replace

from nightlatch.authenticators.base import Proof, Subject, Verified
from nightlatch.errors import Conflict, InvalidCredentials, InvalidInput
from nightlatch.ports import Clock, Store, before
from nightlatch.primitives.ids import uuid7
from nightlatch.primitives.webauthn import (
    CeremonyRefused,
    RelyingParty,
    claimed_challenge,
    claimed_credential,
    verify_assertion,
    verify_registration,
)
from nightlatch.primitives.webauthn_options import Known, Verification, base64url, creation_options, request_options
from nightlatch.records import Attempt, Authenticator, Evidence, OneTimeSecret, User
from nightlatch.services.challenges import CHALLENGE_LIFE, Challenges
from nightlatch.services.client import Client

__all__ = ["Passkey"]

_USE, _MAKE = "passkey_use", "passkey_make"
_HANDLE_BYTES = 64
_MOST_OPEN = 50
"""Challenges that one address, or one attempt, has open before anything is proven: an office behind one address opens
its sign-in pages at nine."""


class _Details(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a passkey besides its key."""

    user_handle: bytes
    """Random, the same for all of a user's passkeys: it tells nothing of the user (14.6.1)."""
    credential_id: bytes = b""
    aaguid: UUID = UUID(int=0)
    transports: tuple[str, ...] = ()
    backup_eligible: bool = False
    backed_up: bool = False
    user_verified: bool = False
    """Whether it ever saw that it is its owner."""


class Passkey:
    """Verify and bind passkeys.

    Args:
        store: where the public keys are.
        clock: tells the time.
        party: whom they are made for.
        challenges: issues and spends what they sign.
        offered: whether users may make one; never where the site's address is a number, which is no RP ID.
    """

    kind: ClassVar[str] = "passkey"
    factors: ClassVar[tuple[str, ...]] = ("possession", "inherence")
    """With user verification; without it the first alone (NIST SP 800-63B-4 appendix B)."""
    phishing_resistant: ClassVar[bool] = True
    enrolment: ClassVar[bool] = True

    def __init__(
        self, store: Store, clock: Clock, party: RelyingParty, challenges: Challenges, *, offered: bool = True
    ) -> None:
        self.offered = offered and not _is_number(party.id)
        self._store = store
        self._clock = clock
        self._party = party
        self._challenges = challenges

    # --- proving ----------------------------------------------------------------------------------------------------

    def request(
        self, attempt: Attempt, client: Client, bound: Sequence[Authenticator], *, verification: Verification
    ) -> dict[str, Any]:
        """Return what a browser is asked, with a new challenge of this attempt, in the transaction that is open.

        Before anything is proven anybody may ask: of those that a client's address has open, the oldest makes room.

        Args:
            attempt: the one that will be answered.
            client: who is asking.
            bound: what the user has; empty before a first factor is proven, so that nothing tells who has an account.
            verification: whether the authenticator must see that it is its owner.
        """
        asked_by = str(attempt.id) if attempt.evidence or attempt.user_id else f"address:{client.address}"
        oldest = self._challenges.oldest(_USE, asked_by=asked_by, most=_MOST_OPEN)
        if oldest is not None:
            self._store.delete(OneTimeSecret, {"id": oldest.id})
            if oldest.attempt_id is not None and oldest.attempt_id != attempt.id and oldest.user_id is None:
                self._store.delete(Attempt, {"id": oldest.attempt_id, "user_id": None})
        challenge = self._challenges.issue(_USE, asked_by=asked_by, attempt_id=attempt.id, user_id=attempt.user_id)
        return request_options(
            self._party,
            challenge=challenge,
            life=CHALLENGE_LIFE,
            allow=[_known(each) for each in self.of(bound)],
            verification=verification,
        )

    def count_try(self, subject: Subject) -> bool:  # noqa: ARG002 - the shape of a method
        """Count nothing: a signature is not guessed, and a stranger's tries must not wear the owner's key out."""
        return True

    def uncount(self, subject: Subject) -> None:
        """Take nothing back."""

    def is_used_up(self, subject: Subject) -> bool:  # noqa: ARG002
        """Tell that it never is."""
        return False

    def verify(self, subject: Subject, proof: Proof, client: Client, *, believed: bool) -> Verified:
        """Verify an assertion. A wrong one spends its challenge here; a right one in `accept`, with what it allows.

        Raises:
            InvalidInput: none was sent.
            InvalidCredentials: it does not hold.
        """
        del client, believed
        if proof.credential is None:
            raise InvalidInput(fields={"credential": "Please use your passkey."})
        if subject.attempt is None:
            raise InvalidCredentials("a passkey answers an attempt")
        try:
            challenge = claimed_challenge(proof.credential)
        except CeremonyRefused as refused:
            raise InvalidCredentials(str(refused)) from None
        row = self._challenges.find(_USE, challenge, attempt_id=subject.attempt.id)
        try:
            verified = self._asserted(subject, proof.credential, challenge)
        except InvalidCredentials:
            self._challenges.spend(row.id)
            raise
        return dataclasses.replace(verified, code_id=row.id)

    def _asserted(self, subject: Subject, credential: object, challenge: bytes) -> Verified:
        try:
            record = self._claimed(subject, credential)
            details = _details(record)
            asserted = verify_assertion(
                self._party,
                challenge,
                credential,
                public_key=record.public_key or b"",
                backup_eligible=details.backup_eligible,
            )
        except CeremonyRefused as refused:
            raise InvalidCredentials(str(refused)) from None
        if asserted.user_handle not in {None, details.user_handle}:
            raise InvalidCredentials("the authenticator says that the key is another user's")  # 7.2 step 6
        if record.counter and asserted.sign_count <= record.counter:
            # Two of them sign with one key: nobody knows which is the owner's (7.2 step 22, 6.1.1).
            raise InvalidCredentials("sign count went back: the key may have been copied")
        kept = replace(
            details, backed_up=asserted.backed_up, user_verified=details.user_verified or asserted.user_verified
        )
        return Verified(
            evidence=self._worth(
                record, user_verified=asserted.user_verified, backup_eligible=asserted.backup_eligible
            ),
            counter=asserted.sign_count,
            details=_written(kept),
        )

    def _claimed(self, subject: Subject, credential: object) -> Authenticator:
        lookup = _lookup(claimed_credential(credential))
        found = next((each for each in self.of(subject.bound) if each.lookup == lookup), None)
        if found is None:
            raise InvalidCredentials("no passkey of this user")  # 7.2 step 5: never by another user's
        return found

    def _worth(self, record: Authenticator, *, user_verified: bool, backup_eligible: bool) -> Evidence:
        # UV = 0 is one factor, whatever the authenticator could have done (adversary 57).
        return Evidence(
            authenticator=self.kind,
            authenticator_id=record.id,
            factors=self.factors if user_verified else self.factors[:1],
            phishing_resistant=True,
            user_verified=user_verified,
            backup_eligible=backup_eligible,
            amr=("swk" if backup_eligible else "hwk", "user"),
            verified_at=self._clock.now(),
        )

    def accept(self, subject: Subject, verified: Verified) -> None:  # noqa: ARG002
        """Spend the challenge and move the sign count on, in the transaction that is open.

        Raises:
            InvalidCredentials: another answer was first, or moved the count past this one.
        """
        if verified.code_id is None or not self._challenges.spend(verified.code_id):
            raise InvalidCredentials("challenge was spent in between")
        count = verified.counter or 0
        guard: dict[str, object] = {"id": verified.evidence.authenticator_id}
        guard["counter"] = before(count) if count else 0
        changes = {"counter": count, "details": verified.details, "last_used_at": verified.evidence.verified_at}
        if not self._store.update(Authenticator, guard, changes):
            raise InvalidCredentials("sign count moved on in between, or the passkey was removed")

    def owner_of(self, credential: object) -> tuple[str, UUID | None]:
        """Return whose passkey somebody claims to have, for a sign-in that no name came before.

        Returns:
            what the tries are counted under, and the id of the user whose it is, if it is anybody's.
        """
        try:
            lookup = _lookup(claimed_credential(credential))
        except CeremonyRefused:
            return f"{self.kind}:none", None
        found = self._store.find(Authenticator, {"lookup": lookup}, limit=1)
        return lookup, found[0].user_id if found and found[0].confirmed_at is not None else None

    @property
    def rp_id(self) -> str:
        """Whom passkeys are made for."""
        return self._party.id

    def known(self, bound: Sequence[Authenticator]) -> tuple[str, tuple[str, ...]] | None:
        """Return the handle and the ids of what a user has, in base64url; None where there is none."""
        mine = [_details(each) for each in self.of(bound)]
        if not mine:
            return None
        return base64url(mine[0].user_handle), tuple(base64url(each.credential_id) for each in mine)

    def unknown_id(self, credential: object) -> str | None:
        """Return the id of a credential that nobody has, in base64url; None where it names none, or somebody's."""
        if self.owner_of(credential)[1] is not None:
            return None
        try:
            return base64url(claimed_credential(credential))
        except CeremonyRefused:
            return None

    # --- binding ----------------------------------------------------------------------------------------------------

    def propose(
        self,
        user: User,
        bound: Sequence[Authenticator],
        *,
        name: str | None = None,
        verification: Verification = "preferred",
    ) -> tuple[Authenticator, dict[str, Any]]:
        """Write a passkey that is not confirmed, in the transaction that is open: it counts for nothing.

        Args:
            user: whose it will be.
            bound: what the user has: an authenticator makes no second one.
            name: what the user calls it.
            verification: whether the authenticator must see that it is its owner.

        Returns:
            the record, and what the browser is to be asked to make.
        """
        mine = self.of(bound)
        handle = _details(mine[0]).user_handle if mine else None
        record = replace(self.draft(user.id, handle), name=name)
        self._store.insert(record)
        shown = user.email or user.username or ""
        options = self.options(
            record,
            user_name=shown,
            display_name=user.name or shown,
            user_id=user.id,
            exclude=[_known(each) for each in mine],
            verification=verification,
        )
        return record, options

    def draft(self, user_id: UUID, handle: bytes | None = None) -> Authenticator:
        """Return a passkey that is neither made nor written down.

        Args:
            user_id: whose it will be.
            handle: the user's, if they have passkeys already.
        """
        now = self._clock.now()
        details = _Details(user_handle=handle or secrets.token_bytes(_HANDLE_BYTES))
        return Authenticator(id=uuid7(now), user_id=user_id, kind=self.kind, details=_written(details), created_at=now)

    def options(
        self,
        record: Authenticator,
        *,
        user_name: str,
        display_name: str,
        user_id: UUID | None,
        exclude: Sequence[Known] = (),
        verification: Verification = "preferred",
    ) -> dict[str, Any]:
        """Return what the browser is to be asked to make, with a new challenge, in the transaction that is open."""
        return creation_options(
            self._party,
            challenge=self._challenges.issue(_MAKE, asked_by=str(record.id), user_id=user_id),
            user_handle=_details(record).user_handle,
            user_name=user_name,
            display_name=display_name,
            life=CHALLENGE_LIFE,
            exclude=exclude,
            verification=verification,
        )

    def made(self, record: Authenticator, credential: object, *, user_presence: bool = True) -> Authenticator:
        """Verify the credential that was made for a proposal. Its challenge is spent, whatever comes of it.

        Args:
            record: as `propose` wrote it.
            credential: the browser's ``toJSON()``, decoded.
            user_presence: False where the browser made it by itself after a password sign-in.

        Returns:
            the record as it will be; `bind` writes it.

        Raises:
            InvalidCredentials: it does not hold.
        """
        try:
            challenge = claimed_challenge(credential)
            self._challenges.redeem(_MAKE, challenge, asked_by=str(record.id))
            made = verify_registration(self._party, challenge, credential, user_presence=user_presence)
        except CeremonyRefused as refused:
            raise InvalidCredentials(str(refused)) from None
        details = _Details(
            credential_id=made.credential_id,
            user_handle=_details(record).user_handle,
            aaguid=made.aaguid,
            transports=made.transports,
            backup_eligible=made.backup_eligible,
            backed_up=made.backed_up,
            user_verified=made.user_verified,
        )
        return replace(
            record,
            lookup=_lookup(made.credential_id),
            public_key=made.public_key,
            counter=made.sign_count,
            details=_written(details),
            confirmed_at=self._clock.now(),
        )

    def bind(self, record: Authenticator) -> None:
        """Let a passkey that was `made` count, in the transaction that is open.

        Raises:
            InvalidCredentials: the credential is bound already, to whomever, or the proposal is gone.
        """
        fields = ("lookup", "public_key", "counter", "details", "confirmed_at", "name")
        guard = {"id": record.id, "user_id": record.user_id, "confirmed_at": None}
        try:
            bound = self._store.update(Authenticator, guard, {each: getattr(record, each) for each in fields})
        except Conflict:
            raise InvalidCredentials("credential is bound already") from None  # 7.1 step 26
        if not bound:
            raise InvalidCredentials("proposal is gone, or was confirmed")

    def write(self, record: Authenticator) -> None:
        """Write a passkey that was `made` for a user who was not there before, in the transaction that is open.

        Raises:
            InvalidCredentials: the credential is bound already, to whomever.
        """
        try:
            self._store.insert(record)
        except Conflict:
            raise InvalidCredentials("credential is bound already") from None

    def proof_of(self, made: Authenticator) -> Evidence:
        """Return what the making of a passkey proves: its maker holds it, and was seen if the authenticator says so."""
        details = _details(made)
        return self._worth(made, user_verified=details.user_verified, backup_eligible=details.backup_eligible)

    @classmethod
    def of(cls, bound: Sequence[Authenticator]) -> list[Authenticator]:
        """Return the confirmed passkeys among what a user has bound."""
        return [each for each in bound if each.kind == cls.kind and each.confirmed_at is not None]


def _details(record: Authenticator) -> _Details:
    return msgspec.json.decode(record.details, type=_Details)


def _written(details: _Details) -> str:
    return msgspec.json.encode(details).decode()


def _known(record: Authenticator) -> Known:
    details = _details(record)
    return Known(credential_id=details.credential_id, transports=details.transports)


def _lookup(credential_id: bytes) -> str:
    """Return what finds a passkey: an id has up to 1023 bytes, and an index takes no such key."""
    return f"passkey:{sha256(credential_id).hexdigest()}"


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
