"""How a step of a flow ends: more is needed, or it is complete; a refusal is raised."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from nightlatch.primitives.secret import Secret
from nightlatch.records import Session, User

__all__ = ["Complete", "Granted", "More", "Outcome", "PhoneTold"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneTold:
    """A phone that a code can be texted to.

    Args:
        id: of the authenticator.
        name: what its owner calls it.
        number: its last two digits.
    """

    id: UUID
    name: str | None
    number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class More:
    """Not enough yet.

    Args:
        attempt: hand this back with the next answer; the one that was sent is spent.
        purpose: ``sign_up``, ``sign_in``, ``reauthenticate`` or ``recover``.
        authenticators: prove one of these.
        enrol: bind one of these; of a reauthentication, once it is complete; of a sign-up, in place of what is to be
            set.
        set: set these anew: ``password``, and ``username`` where one must be chosen too.
        expires_at: when the attempt ends.
        options: what the browser is to be asked, where a passkey is.
        address: what this very client typed or proved; for its own pages.
        phones: where a texted code would help: the phones it can go to, the one used last first.
        may_remember: for how long this browser may be remembered, if the answer that completes it asks for that.
    """

    attempt: Secret
    purpose: str
    authenticators: tuple[str, ...] = ()
    enrol: tuple[str, ...] = ()
    set: tuple[str, ...] = ()
    expires_at: datetime
    options: dict[str, Any] | None = None
    address: str | None = None
    phones: tuple[PhoneTold, ...] = ()
    may_remember: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Complete:
    """Done.

    Args:
        user: who it is.
        session: the session that was started or rotated, if one was.
        token: its cookie's value: the only time it is seen.
        device: the device cookie's value, where the device is new.
        return_to: where the person wanted to go.
        refresh: the first refresh token, where the client asked for tokens; then there is neither `token` nor `device`.
        recovery_codes: new ones in place of what was used up, shown this once.
        enrol: kinds to bind: nothing the user has reaches what the reauthentication asked for, or what policy will ask
            for once its grace period is over.
    """

    user: User
    session: Session | None = None
    token: Secret | None = None
    device: Secret | None = None
    return_to: str | None = None
    refresh: Secret | None = None
    recovery_codes: tuple[Secret, ...] = ()
    enrol: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """Tokens for a client.

    Args:
        access: a JWT.
        life: how long it is good.
        refresh: what the next ones are asked for with; None for a page, whose cookie does that.
    """

    access: Secret
    life: timedelta
    refresh: Secret | None = None


Outcome = More | Complete
