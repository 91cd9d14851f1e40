"""The shape of an authenticator (NIST SP 800-63B-4's word)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol
from uuid import UUID

from nightlatch.primitives.secret import Secret
from nightlatch.records import Attempt, Authenticator, Device, Evidence, User
from nightlatch.services.client import Client

__all__ = ["Method", "Proof", "Subject", "Verified"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Whose proof is looked at.

    Args:
        key: the normalised identifier, known or unknown.
        user: None where nobody has that identifier: the work is the same.
        bound: what the user has bound.
        attempt: the attempt that the proof answers, where there is one.
        device: the remembered device of this very user, where it is one.
    """

    key: str
    user: User | None
    bound: tuple[Authenticator, ...] = ()
    attempt: Attempt | None = None
    device: Device | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What the client sent; each authenticator reads its own field."""

    password: Secret | None = None
    code: Secret | None = None
    credential: object = None
    """What a browser's WebAuthn answered, as JSON has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A proof that holds.

    Args:
        evidence: what it is worth.
        counter: what it is good for once by: a TOTP's step, a passkey's sign count.
        details: what the authenticator's own file keeps of it from now on; None: what it kept.
        code_id: likewise, of a code that was sent.
    """

    evidence: Evidence
    counter: int | None = None
    details: str | None = None
    code_id: UUID | None = None


class Method(Protocol):
    """A way to prove who you are."""

    kind: ClassVar[str]
    factors: ClassVar[tuple[str, ...]]
    """Of ``knowledge``, ``possession``, ``inherence``."""
    phishing_resistant: ClassVar[bool]
    enrolment: ClassVar[bool]
    """Whether users bind one in a step of its own, which policy may lead them to."""
    offered: bool
    """Whether settings let users come to have one. Those that are there go on being asked for either way."""

    def count_try(self, subject: Subject) -> bool:
        """Count a try, before it is verified, in the transaction that is open.

        Returns:
            whether it was counted, and so may be believed if it holds; where not, `verify` does its work and refuses.
        """
        ...

    def verify(self, subject: Subject, proof: Proof, client: Client, *, believed: bool) -> Verified:
        """Verify a proof, outside any transaction.

        Raises:
            InvalidCredentials: it does not hold.
            InvalidCode: likewise, where the proof is a code.
            InvalidInput: it was not sent.
            Busy: it was not looked at.
        """
        ...

    def accept(self, subject: Subject, verified: Verified) -> None:
        """Note that a proof was accepted, in the transaction that is open; what is good once is redeemed here.

        Raises:
            InvalidCode: another request was first.
        """
        ...

    def uncount(self, subject: Subject) -> None:
        """Take a try back that was counted: the proof was never looked at."""
        ...

    def is_used_up(self, subject: Subject) -> bool:
        """Tell whether the try that was just counted, and failed, was the last that this authenticator had."""
        ...
