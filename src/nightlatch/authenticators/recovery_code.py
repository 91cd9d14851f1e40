"""Something you have on paper: codes that are each good once (NIST SP 800-63B-4 3.1.2, look-up secrets)."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from typing import ClassVar
from uuid import UUID

from nightlatch.authenticators.base import Proof, Subject, Verified
from nightlatch.authenticators.tries import Counted, Tries
from nightlatch.errors import InvalidCode, InvalidInput
from nightlatch.ports import Clock, Store
from nightlatch.primitives.ids import uuid7
from nightlatch.primitives.keyring import Keyring
from nightlatch.primitives.secret import Secret
from nightlatch.records import Authenticator, Evidence
from nightlatch.services.client import Client

__all__ = ["RecoveryCode"]

_WRONG = "That is none of your recovery codes, or it was used before."
_HOW_MANY = 10
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base32: no i, l, o, u
_LOOKS_LIKE = str.maketrans("ilo", "110")
_LENGTH = 15  # 75 bits, in three groups of five


class RecoveryCode(Counted):
    """Verify, spend and replace recovery codes. Each is a row; what is kept of it is a keyed hash.

    Args:
        store: where they are.
        clock: tells the time.
        keyring: keys the hashes.
    """

    kind: ClassVar[str] = "recovery_code"
    factors: ClassVar[tuple[str, ...]] = ("possession",)
    phishing_resistant: ClassVar[bool] = False
    enrolment: ClassVar[bool] = False
    """They come with the first second factor, and stand in for it: no policy is met by them alone."""
    offered = True

    def __init__(self, store: Store, clock: Clock, keyring: Keyring) -> None:
        self._store = store
        self._clock = clock
        self._keyring = keyring
        self._tries = Tries(store, clock, self.kind)

    # --- proving ----------------------------------------------------------------------------------------------------

    def verify(self, subject: Subject, proof: Proof, client: Client, *, believed: bool) -> Verified:
        """Verify a code.

        Raises:
            InvalidInput: no code was sent.
            InvalidCode: it is none of the user's, or was used before.
        """
        del client
        if proof.code is None:
            raise InvalidInput(fields={"code": "Please type one of your recovery codes."})
        rows = self.of(subject.bound)
        typed = _normal(proof.code)
        ours = (
            [self._lookup(subject.user.id, mac) for mac in self._macs(subject.user.id, typed)] if subject.user else []
        )
        found = None
        for row in rows:  # all are compared, whichever matches
            if any(hmac.compare_digest((row.lookup or "").encode(), each.encode()) for each in ours):
                found = row
        if found is None:
            raise InvalidCode("no such recovery code", message=_WRONG)
        if not believed:
            raise InvalidCode("right recovery code, but refused: too many failures before it", message=_WRONG)
        return Verified(
            evidence=Evidence(
                authenticator=self.kind,
                authenticator_id=found.id,
                factors=self.factors,
                amr=("otp",),
                verified_at=self._clock.now(),
            )
        )

    def accept(self, subject: Subject, verified: Verified) -> None:
        """Spend the code: its row goes, once.

        Raises:
            InvalidCode: another request was first.
        """
        if not self._store.delete(Authenticator, {"id": verified.evidence.authenticator_id, "kind": self.kind}):
            raise InvalidCode("another request used this recovery code first", message=_WRONG)
        self._tries.end(subject)

    # --- binding ----------------------------------------------------------------------------------------------------

    def replace(self, user_id: UUID) -> tuple[Secret, ...]:
        """Write a new set in place of what is left of the old one, in the transaction that is open.

        Returns:
            the codes, as they are shown: the only time they are seen.
        """
        self.remove(user_id)
        return tuple(self.add(user_id) for _ in range(_HOW_MANY))

    def add(self, user_id: UUID) -> Secret:
        """Write one more, in the transaction that is open.

        Returns:
            the code, as it is shown: the only time it is seen.
        """
        now = self._clock.now()
        code = Secret("".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH)))
        mac = next(iter(self._macs(user_id, code.reveal())))
        self._store.insert(
            Authenticator(
                id=uuid7(now),
                user_id=user_id,
                kind=self.kind,
                lookup=self._lookup(user_id, mac),
                confirmed_at=now,
                created_at=now,
            )
        )
        return Secret("-".join(code.reveal()[at : at + 5] for at in range(0, _LENGTH, 5)))

    def remove(self, user_id: UUID) -> None:
        """Take every code of a user away, in the transaction that is open."""
        self._store.delete(Authenticator, {"user_id": user_id, "kind": self.kind})

    @classmethod
    def of(cls, bound: Sequence[Authenticator]) -> list[Authenticator]:
        """Return what is left of the set."""
        return [each for each in bound if each.kind == cls.kind and each.confirmed_at is not None]

    def _macs(self, user_id: UUID, code: str) -> list[bytes]:
        return self._keyring.macs("recovery code", str(user_id), code)

    def _lookup(self, user_id: UUID, mac: bytes) -> str:
        return f"{self.kind}:{user_id}:{mac.hex()}"


def _normal(code: Secret) -> str:
    """Return what was typed as it was made: case, spaces and dashes do not count, nor letters that look like digits."""
    return "".join(code.reveal().lower().split()).replace("-", "").translate(_LOOKS_LIKE)
