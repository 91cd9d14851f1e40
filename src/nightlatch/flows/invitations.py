"""Invitations: an operator lets somebody in, the first administrator included.

A link is good once, for a stated time, and acts on POST only. Whoever holds it sets a password that no operator sees
(ASVS 6.4.1, 6.4.6). The operator vouches for the address or user name that the invitation names; for the first
administrator, who names their own, access to the console vouches (docs/decisions/0006-first-administrator.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from nightlatch.authenticators.email_code import EmailCode
from nightlatch.errors import AttemptInvalid, Conflict, InvalidCode, InvalidInput, LinkInvalid, NotFound, UsernameTaken
from nightlatch.flows.administrators import ADMINISTRATOR, had_administrator, note_administrator
from nightlatch.flows.core import Core
from nightlatch.flows.names import clean_name, identified, valid_role
from nightlatch.flows.outcome import Outcome
from nightlatch.pages.mails import InvitationMail
from nightlatch.primitives.identifiers import normalise_email, normalise_username
from nightlatch.primitives.secret import Secret
from nightlatch.records import Attempt, Evidence, OneTimeSecret, User
from nightlatch.services.attempts import Claims
from nightlatch.services.client import NOBODY, Client
from nightlatch.services.gate import Assurance

__all__ = ["ADMINISTRATOR", "InvitationView", "Invitations"]

_FIRST_LIFE = timedelta(hours=1)


class _Invited(Claims, frozen=True, kw_only=True, omit_defaults=True):
    roles: tuple[str, ...] = ()
    first_administrator: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationView:
    """What an invitation's page may show before anything is pressed."""

    email: str | None
    username: str | None
    roles: tuple[str, ...]
    first_administrator: bool
    expires_at: datetime


class Invitations:
    """Make and redeem invitations.

    Args:
        core: what flows stand on.
    """

    def __init__(self, core: Core) -> None:
        self._core = core

    def first_administrator(self) -> Secret:
        """Make the one-time link for the first administrator.

        Returns:
            the link's secret, good for an hour.

        Raises:
            NotFound: there is, or was, an administrator.
        """
        if had_administrator(self._core):
            raise NotFound("there is an administrator")
        return self._issue(_Invited(roles=(ADMINISTRATOR,), first_administrator=True), _FIRST_LIFE)

    def invite(
        self, *, email: str | None = None, username: str | None = None, roles: tuple[str, ...] = (), mail: bool = False
    ) -> Secret | None:
        """Invite somebody.

        Args:
            email: their address, where settings ask for one.
            username: their user name, where settings ask for one.
            roles: what they will be.
            mail: send the link to their address; otherwise it is returned, to be handed over.

        Raises:
            InvalidInput: an identifier is missing, malformed or taken.
        """
        core = self._core
        invited = self._identified(_Invited(roles=tuple(sorted({valid_role(role) for role in roles}))), email, username)
        for claim in identified(invited):
            if core.users.find(claim.kind, claim.key) is not None:
                raise InvalidInput(fields={claim.kind: "Somebody has an account by that name already."})
        if mail and invited.email is None:
            raise InvalidInput(fields={"email": "An invitation is mailed to an address."})
        link = self._issue(invited, core.settings.attempts.invitation_life, mail=mail)
        return None if mail else link

    def _issue(self, invited: _Invited, life: timedelta, *, mail: bool = False) -> Secret:
        core = self._core
        with core.transaction():
            attempt, _ = core.attempts.open("invitation", NOBODY, life=life, claims=invited)
            issued = core.one_time.issue(
                "invitation", destination_key=f"invitation:{attempt.id}", life=life, attempt=attempt, with_code=False
            )
            core.audit.done("invitation_created", NOBODY, details={"roles": invited.roles})
            if mail and invited.email:
                view = InvitationMail(
                    service_name=core.settings.service_name,
                    link=core.link("invitation", issued.link),
                    hours=int(life.total_seconds() // 3600),
                )
                core.outbox.enqueue(view, to=invited.email, expires_at=issued.record.expires_at)
        return issued.link

    # --- redeeming --------------------------------------------------------------------------------------------------

    def look(self, client: Client, link: Secret) -> InvitationView:
        """Tell what an invitation is for. Changes nothing.

        Raises:
            LinkInvalid: unknown, used or expired.
        """
        del client
        row, _, invited = self._open(link)
        return InvitationView(
            email=invited.email,
            username=invited.username,
            roles=invited.roles,
            first_administrator=invited.first_administrator,
            expires_at=row.expires_at,
        )

    def redeem(
        self,
        client: Client,
        link: Secret,
        *,
        email: str | None = None,
        username: str | None = None,
        name: str | None = None,
        new_password: Secret,
    ) -> Outcome:
        """Make the account that an invitation is for, and sign in.

        Args:
            client: who is asking.
            link: the link's secret.
            email: the first administrator's own address; otherwise the invitation names it.
            username: likewise, or chosen where settings ask for both.
            name: what to call the person.
            new_password: as typed.

        Raises:
            LinkInvalid: unknown, used or expired, or an administrator exists by now.
            InvalidInput: something is missing or malformed; `PasswordRejected`, `UsernameTaken` likewise.
        """
        core = self._core
        core.spend_call(client)
        row, attempt, invited = self._open(link)
        invited = self._identified(invited, invited.email or email, invited.username or username)
        if core.settings.asks_username and invited.username is None:
            raise InvalidInput(fields={"username": "Please choose a user name."})
        invited = msgspec.structs.replace(invited, name=clean_name(name))
        core.password.validate(new_password, about=[invited.email, invited.username, invited.name])
        hashed = core.password.hash(new_password, client)
        try:
            return self._create(client, row, attempt, invited, hashed)
        except InvalidCode as refusal:
            raise LinkInvalid(refusal.reason) from None

    def _create(self, client: Client, row: OneTimeSecret, attempt: Attempt, invited: _Invited, hashed: str) -> Outcome:
        core = self._core
        now = core.clock.now()
        with core.transaction():
            core.one_time.redeem(row)
            core.attempts.finish(attempt)
            self._mark_administrator(invited)
            try:
                user = core.users.create(
                    claims=identified(invited), name=invited.name, roles=invited.roles, proven_at=now
                )
            except Conflict:
                raise self._taken(invited) from None
            evidence = self._bind(row, user, hashed, now)
            core.audit.done("user_created", client, user_id=user.id, details={"roles": user.roles})
            granted = core.gate.admit(user, evidence, core.users.authenticators(user.id))
            if isinstance(granted, Assurance):
                return core.welcome(client, granted)
            return core.lead_through(client, user, evidence, granted, return_to=None)

    def _taken(self, invited: _Invited) -> InvalidInput:
        if invited.username_key is not None and self._core.users.find("username", invited.username_key) is not None:
            return UsernameTaken()
        return InvalidInput(fields={"email": "Somebody has an account with that address already."})

    def _bind(self, row: OneTimeSecret, user: User, hashed: str, now: datetime) -> tuple[Evidence, ...]:
        record = self._core.password.bind(user.id, hashed, at=now)
        known = Evidence(
            authenticator="password",
            authenticator_id=record.id,
            factors=("knowledge",),
            amr=("pwd",),
            verified_at=now,
        )
        return (EmailCode.evidence(row, now), known) if user.email else (known,)

    def _mark_administrator(self, invited: _Invited) -> None:
        if ADMINISTRATOR in invited.roles and not note_administrator(self._core) and invited.first_administrator:
            raise LinkInvalid("there is an administrator by now")

    def _open(self, link: Secret) -> tuple[OneTimeSecret, Attempt, _Invited]:
        core = self._core
        row = core.one_time.find_link(link, "invitation")
        attempt = core.store.get(Attempt, row.attempt_id) if row.attempt_id else None
        if attempt is None or attempt.status != "open" or attempt.sealed_claims is None:
            raise LinkInvalid("invitation redeemed")
        try:
            invited = core.attempts.claims(attempt, _Invited)
        except AttemptInvalid as refusal:
            raise LinkInvalid(refusal.reason) from None
        if invited.first_administrator and had_administrator(core):
            raise LinkInvalid("there is an administrator by now")
        return row, attempt, invited

    def _identified(self, invited: _Invited, email: str | None, username: str | None) -> _Invited:
        """Put the identifiers that settings ask for into an invitation."""
        settings = self._core.settings
        fields: dict[str, str] = {}
        if settings.asks_email and not email:
            fields["email"] = "Please type an e-mail address."
        if not settings.asks_email and not username:
            fields["username"] = "Please choose a user name."
        if fields:
            raise InvalidInput(fields=fields)
        address = normalise_email(email) if email and settings.asks_email else None
        chosen = normalise_username(username) if username and settings.asks_username else None
        return msgspec.structs.replace(
            invited,
            email=address.value if address else None,
            email_key=address.key if address else None,
            username=chosen.value if chosen else None,
            username_key=chosen.key if chosen else None,
        )
