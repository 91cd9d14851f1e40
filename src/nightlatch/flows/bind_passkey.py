"""Make a passkey of one's own, while signed in."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from nightlatch.authenticators.passkey import Passkey
from nightlatch.errors import Forbidden, NotAuthenticated, NotFound
from nightlatch.flows.core import Core
from nightlatch.flows.manage_authenticators import Bound, ManageAuthenticators
from nightlatch.flows.names import clean_name
from nightlatch.flows.notices import tell_authenticators_changed
from nightlatch.flows.outcome import Complete
from nightlatch.primitives.secret import Secret
from nightlatch.records import Authenticator, Session, User
from nightlatch.services.client import Client
from nightlatch.services.gate import needed_by
from nightlatch.services.throttle import Charge

__all__ = ["BindPasskey", "PasskeyProposal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyProposal:
    """A passkey that is being made.

    Args:
        id: of the authenticator; hand it back with the credential.
        options: what the browser is to be asked to make.
    """

    id: UUID
    options: dict[str, Any]


class BindPasskey:
    """Bind a passkey. Until it is confirmed it counts for nothing, and who stops half-way is locked out of nothing.

    Args:
        core: what flows stand on.
        manage: knows who may change their authenticators.
    """

    def __init__(self, core: Core, manage: ManageAuthenticators) -> None:
        self._core = core
        self._manage = manage

    def begin(self, client: Client, session: Session, *, name: str | None = None) -> PasskeyProposal:
        """Begin to make one.

        Raises:
            ReauthenticationRequired: the session's proof is not fresh, or not of the user's own level.
            Forbidden: passkeys are switched off, or this site's address is a number.
            InvalidInput: the name is too long.
            Throttled: too many calls.
        """
        core = self._core
        user = self._user(session)
        if not core.settings.passkeys.enabled or _is_number(core.settings.host):
            raise Forbidden("passkeys are switched off, or base_url has no name for an RP ID")
        self._spend(client)
        cleaned = clean_name(name)
        with core.transaction():
            # One that was not finished makes room: it never counted.
            core.store.delete(Authenticator, {"user_id": user.id, "kind": Passkey.kind, "confirmed_at": None})
            record, options = core.passkey.propose(user, core.users.authenticators(user.id), name=cleaned)
        return PasskeyProposal(id=record.id, options=options)

    def confirm(self, client: Client, session: Session, id: UUID, credential: object) -> Bound:  # noqa: A002
        """Bind what the browser made: from now on it counts.

        Raises:
            ReauthenticationRequired: the session's proof is not fresh.
            NotFound: no such proposal.
            InvalidCredentials: the credential does not hold.
            Throttled: too many calls.
        """
        core = self._core
        user = self._user(session)
        self._spend(client)
        record = core.store.get(Authenticator, id)
        if record is None or record.user_id != user.id or record.kind != Passkey.kind or record.confirmed_at:
            raise NotFound("no such proposal of this user")
        made = core.passkey.made(record, credential)
        with core.transaction():
            core.users.hold(user)
            first = needed_by(core.users.authenticators(user.id)) == 1
            core.passkey.bind(made)
            codes: tuple[Secret, ...] = ()
            if first:
                core.users.end_access(user.id, keep=session.id)
                codes = core.recovery_codes.replace(user.id)
            fresh = core.store.get(User, user.id) or user
            # What was made is no proof: the session keeps what it had.
            granted = core.gate.reweigh(fresh, session.evidence)
            rotated, token = core.sessions.rotate(session, epoch=fresh.epoch, assurance=granted)
            details = {"kind": Passkey.kind}
            core.audit.done("authenticator_added", client, user_id=user.id, session_id=session.id, details=details)
            tell_authenticators_changed(core, client, user, "added")
        complete = Complete(user=fresh, session=rotated, token=Secret(token.text()))
        return Bound(complete=complete, authenticator=made, recovery_codes=codes)

    def _user(self, session: Session) -> User:
        self._manage.see_fresh(session)
        user = self._core.store.get(User, session.user_id)
        if user is None:
            raise NotAuthenticated("user is gone")
        return user

    def _spend(self, client: Client) -> None:
        budget = self._core.settings.throttle.attempt_calls_per_address
        self._core.throttle.spend([Charge(budget, f"attempt:address:{client.address}")])


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
