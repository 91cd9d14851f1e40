"""Something you have: an authenticator app (RFC 6238)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar
from uuid import UUID

from nightlatch.authenticators.base import Proof, Subject, Verified
from nightlatch.authenticators.tries import Counted, Tries
from nightlatch.errors import InvalidCode, InvalidInput
from nightlatch.ports import Clock, Store, before
from nightlatch.primitives.ids import uuid7
from nightlatch.primitives.keyring import Keyring, SealBroken
from nightlatch.primitives.otp import matching_step, new_seed
from nightlatch.primitives.secret import Secret
from nightlatch.records import Authenticator, Evidence
from nightlatch.services.client import Client

__all__ = ["Totp"]

_WRONG = "That code is not right. Type the six digits that your app shows now; each is good once."


class Totp(Counted):
    """Verify and bind authenticator apps. A user may have several; a step of each is good once.

    Args:
        store: where the seeds are, sealed.
        clock: tells the time.
        keyring: seals them.
        offered: whether users may add one.
    """

    kind: ClassVar[str] = "totp"
    factors: ClassVar[tuple[str, ...]] = ("possession",)
    phishing_resistant: ClassVar[bool] = False
    enrolment: ClassVar[bool] = True

    def __init__(self, store: Store, clock: Clock, keyring: Keyring, *, offered: bool = True) -> None:
        self.offered = offered
        self._store = store
        self._clock = clock
        self._keyring = keyring
        self._tries = Tries(store, clock, self.kind)

    # --- proving ----------------------------------------------------------------------------------------------------

    def verify(self, subject: Subject, proof: Proof, client: Client, *, believed: bool) -> Verified:
        """Verify a code against every app that the user has.

        Raises:
            InvalidInput: no code was sent.
            InvalidCode: it is no app's, or its step was used before.
        """
        del client
        if proof.code is None:
            raise InvalidInput(fields={"code": "Please type the code from your app."})
        now = self._clock.now()
        for record in self.of(subject.bound):
            step = matching_step(self.seed(record), proof.code, now)
            if step is None:
                continue
            if not believed:
                raise InvalidCode("right code, but refused: too many failures before it", message=_WRONG)
            if step <= record.counter:
                raise InvalidCode(
                    "step was used before", message=_WRONG
                )  # RFC 6238 5.2; `accept` decides among parallel ones
            evidence = Evidence(
                authenticator=self.kind,
                authenticator_id=record.id,
                factors=self.factors,
                amr=("otp",),
                verified_at=now,
            )
            return Verified(evidence=evidence, counter=step)
        raise InvalidCode("wrong code", message=_WRONG)

    def accept(self, subject: Subject, verified: Verified) -> None:
        """Spend the step: it is accepted once, and no earlier one ever again (RFC 6238 5.2, adversary 46).

        Raises:
            InvalidCode: another request was first.
        """
        step = verified.counter or 0
        guard = {"id": verified.evidence.authenticator_id, "counter": before(step)}
        if not self._store.update(Authenticator, guard, {"counter": step, "last_used_at": self._clock.now()}):
            raise InvalidCode("another request used this step first", message=_WRONG)
        self._tries.end(subject)

    # --- binding ----------------------------------------------------------------------------------------------------

    def propose(self, user_id: UUID, name: str | None) -> tuple[Authenticator, bytes]:
        """Write an app that is not confirmed, in the transaction that is open: it counts for nothing.

        Returns:
            the record, and its seed: the only time it is seen.
        """
        now, seed = self._clock.now(), new_seed()
        record_id = uuid7(now)
        record = Authenticator(
            id=record_id,
            user_id=user_id,
            kind=self.kind,
            name=name,
            sealed_secret=self._keyring.seal(
                "totp", seed, table="authenticator", column="sealed_secret", row_id=str(record_id)
            ),
            created_at=now,
        )
        self._store.insert(record)
        return record, seed

    def step_of(self, record: Authenticator, code: Secret) -> int:
        """Return the step of the code that confirms an app.

        Raises:
            InvalidCode: it is not this app's.
        """
        step = matching_step(self.seed(record), code, self._clock.now())
        if step is None:
            raise InvalidCode("wrong code at enrolment", message=_WRONG)
        return step

    def seed(self, record: Authenticator) -> bytes:
        """Return an app's seed, unsealed.

        Raises:
            InvalidCode: no key that is left opens it: like a wrong code, and for the operator to read in the log.
        """
        where = {"table": "authenticator", "column": "sealed_secret", "row_id": str(record.id)}
        try:
            return self._keyring.unseal("totp", record.sealed_secret or b"", **where)
        except SealBroken as broken:
            raise InvalidCode(broken.reason, message=_WRONG) from None

    @classmethod
    def of(cls, bound: Sequence[Authenticator]) -> list[Authenticator]:
        """Return the confirmed apps among what a user has bound."""
        return [each for each in bound if each.kind == cls.kind and each.confirmed_at is not None]
