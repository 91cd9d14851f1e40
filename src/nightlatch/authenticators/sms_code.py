"""Something you have: a phone that gets a code by text message (NIST SP 800-63B-4 3.1.3, out-of-band).

A restricted authenticator (3.1.3.3, 3.2.9): numbers are taken over, messages are read on the way, codes are phished. It
is off until switched on, only ever the second step, and never the only second factor (`services.gate`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import ClassVar
from uuid import UUID

from nightlatch.authenticators.base import Proof, Subject, Verified
from nightlatch.authenticators.tries import Counted, Tries
from nightlatch.errors import InvalidCode, InvalidInput
from nightlatch.ports import Clock, Store
from nightlatch.primitives.ids import uuid7
from nightlatch.primitives.phones import Phone
from nightlatch.primitives.secret import Secret
from nightlatch.records import Attempt, Authenticator, Evidence, OneTimeSecret
from nightlatch.services.client import Client
from nightlatch.services.one_time import OneTimeSecrets
from nightlatch.services.text_guard import TextGuard

__all__ = ["SMS_CODE_LIFE", "SmsCode", "number_of"]

SMS_CODE_LIFE = timedelta(minutes=10)
"""NIST SP 800-63B-4 3.1.3.2, ASVS 6.5.5: at most ten minutes, whatever settings say of attempts."""
_WRONG = "That code is not right, or it has expired. Look at the newest text, or ask for a new code."


def number_of(record: Authenticator) -> str:
    """Return a phone's number, E.164."""
    number: str = json.loads(record.details)["number"]
    return number


class SmsCode(Counted):
    """Text codes, verify them, and bind phones. A user may have several.

    Args:
        store: where the phones are.
        clock: tells the time.
        one_time: issues the codes; each has five tries.
        guard: is told which codes were used.
    """

    kind: ClassVar[str] = "sms_code"
    factors: ClassVar[tuple[str, ...]] = ("possession",)
    phishing_resistant: ClassVar[bool] = False
    enrolment: ClassVar[bool] = True
    offered = True
    """Switched off, it is no authenticator of the installation at all."""

    def __init__(self, store: Store, clock: Clock, one_time: OneTimeSecrets, guard: TextGuard) -> None:
        self._store = store
        self._clock = clock
        self._one_time = one_time
        self._guard = guard
        self._tries = Tries(store, clock, self.kind)

    # --- proving ----------------------------------------------------------------------------------------------------

    def verify(self, subject: Subject, proof: Proof, client: Client, *, believed: bool) -> Verified:
        """Verify a code that was texted in this very attempt (ASVS 6.6.2), to a phone that is still the user's.

        Raises:
            InvalidInput: no code was sent.
            InvalidCode: it is none, spent, expired, or guessed too often.
        """
        del client
        if proof.code is None:
            raise InvalidInput(fields={"code": "Please type the code from the text."})
        if subject.attempt is None:
            raise InvalidCode("no attempt, no code", message=_WRONG)
        try:
            row = self._one_time.try_code(subject.attempt, proof.code, purpose=self._purpose(subject.attempt))
        except InvalidCode as refusal:
            raise InvalidCode(refusal.reason, message=_WRONG) from None
        phone = next((each for each in self.of(subject.bound) if number_of(each) == row.destination_key), None)
        if phone is None:
            raise InvalidCode("right code, but the phone was removed since", message=_WRONG)
        if not believed:
            raise InvalidCode("right code, but refused: too many failures before it", message=_WRONG)
        self._guard.used(row)
        return Verified(evidence=self.evidence(phone), code_id=row.id)

    def evidence(self, phone: Authenticator) -> Evidence:
        """Return what a texted code is worth."""
        return Evidence(
            authenticator=self.kind,
            authenticator_id=phone.id,
            factors=self.factors,
            amr=("sms",),
            verified_at=self._clock.now(),
        )

    def accept(self, subject: Subject, verified: Verified) -> None:
        """Use the code up: it is good once, and so is every other one that was texted for the same.

        Raises:
            InvalidCode: another request was first.
        """
        row = self._store.get(OneTimeSecret, verified.code_id) if verified.code_id else None
        if row is None:
            raise InvalidCode("the code is gone", message=_WRONG)
        self._one_time.redeem(row)
        self._store.update(
            Authenticator, {"id": verified.evidence.authenticator_id}, {"last_used_at": verified.evidence.verified_at}
        )
        self._tries.end(subject)

    # --- sending ----------------------------------------------------------------------------------------------------

    def issue(self, attempt: Attempt, phone: Authenticator) -> tuple[OneTimeSecret, Secret]:
        """Write a code for an attempt, in the transaction that is open."""
        return self._one_time.issue_text(
            self._purpose(attempt),
            destination_key=number_of(phone),
            life=SMS_CODE_LIFE,
            user_id=phone.user_id,
            attempt=attempt,
        )

    def _purpose(self, attempt: Attempt) -> str:
        return f"{attempt.purpose} {self.kind}"  # never taken for a mailed code of the same attempt

    # --- binding ----------------------------------------------------------------------------------------------------

    def propose(self, user_id: UUID, phone: Phone, name: str | None) -> tuple[Authenticator, OneTimeSecret, Secret]:
        """Write a phone that is not confirmed, and its code, in the transaction that is open: it counts for nothing."""
        now = self._clock.now()
        record = Authenticator(
            id=uuid7(now),
            user_id=user_id,
            kind=self.kind,
            name=name,
            details=json.dumps({"number": phone.number}),
            created_at=now,
        )
        self._store.insert(record)
        row, code = self._one_time.issue_text(
            self._confirms(record), destination_key=phone.number, life=SMS_CODE_LIFE, user_id=user_id
        )
        return record, row, code

    def confirming(self, record: Authenticator, code: Secret) -> OneTimeSecret:
        """Verify the code that confirms a phone; `confirm` redeems it.

        Raises:
            InvalidCode: it is none, spent, expired, or guessed too often.
        """
        try:
            row = self._one_time.try_text(self._confirms(record), record.user_id, code)
        except InvalidCode as refusal:
            raise InvalidCode(f"at enrolment: {refusal.reason}", message=_WRONG) from None
        self._guard.used(row)
        return row

    def redeem(self, row: OneTimeSecret) -> None:
        """Use up the code that confirms a phone, in the transaction that is open.

        Raises:
            InvalidCode: another request was first.
        """
        self._one_time.redeem(row)

    def _confirms(self, record: Authenticator) -> str:
        return record.id.hex  # no attempt's purpose: the column holds 32 characters

    @classmethod
    def of(cls, bound: Sequence[Authenticator]) -> list[Authenticator]:
        """Return the confirmed phones among what a user has bound."""
        return [each for each in bound if each.kind == cls.kind and each.confirmed_at is not None]
