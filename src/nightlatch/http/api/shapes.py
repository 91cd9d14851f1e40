"""What the JSON API takes and gives, as types: bodies are decoded into these, OpenAPI is generated from them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from nightlatch.authenticators.sms_code import SmsCode, number_of
from nightlatch.flows.addresses import Pending
from nightlatch.primitives.phones import masked
from nightlatch.primitives.secret import Secret
from nightlatch.records import Authenticator, Event, Identifier, Session, User

__all__ = [
    "AccountChanges",
    "AccountShape",
    "AddressBody",
    "AddressChanges",
    "AnswerBody",
    "AuthenticatorChanges",
    "AuthenticatorShape",
    "AuthenticatorsShape",
    "BeginBody",
    "BeginPasskeyBody",
    "BeginTotpBody",
    "BoundMoreShape",
    "BoundShape",
    "BoundStepShape",
    "ChangePasswordBody",
    "Closed",
    "ConfirmPasskeyBody",
    "ConfirmTotpBody",
    "EventsShape",
    "LinkBody",
    "MoreShape",
    "NewAttempt",
    "PasskeyProposalShape",
    "PhoneShape",
    "ReauthenticateBody",
    "RecoverBody",
    "RecoveryCodesShape",
    "Revoked",
    "SessionView",
    "SessionsShape",
    "SignInBody",
    "SignUpBody",
    "SignedIn",
    "StepShape",
    "StopBody",
    "Stopped",
    "TotpProposal",
]

NO_NUL = r"^[^\x00]*$"
"""No store keeps a NUL; bodies refuse it, and the document says so."""

Short = Annotated[str, msgspec.Meta(max_length=512, pattern=NO_NUL)]


Deliver = Literal["cookie", "tokens"]
"""What a session is to be carried by; asked when an attempt begins, and not changed after."""


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A body that is sent: what is not named here is refused."""


class SignUpBody(Body, frozen=True, kw_only=True):
    """Begin a sign-up."""

    email: Short | None = None
    username: Short | None = None
    name: Short | None = None
    password: Secret | None = None
    return_to: Short | None = None
    deliver: Deliver = "cookie"


class SignInBody(Body, frozen=True, kw_only=True):
    """Begin a sign-in. Without an identifier a passkey alone tells who it is, and the answer holds its ``options``."""

    identifier: Annotated[str, msgspec.Meta(min_length=1, max_length=512, pattern=NO_NUL)] | None = None
    password: Secret | None = None
    return_to: Short | None = None
    deliver: Deliver = "cookie"


class BeginBody(Body, frozen=True, kw_only=True):
    """Ask for the code of an authenticator, or for what a browser is to be asked for a passkey."""

    attempt: Secret
    authenticator: Literal["email_code", "passkey", "sms_code"]
    id: UUID | None = None
    """For a texted code: which phone, of several; without it the one used last."""


class AnswerBody(Body, frozen=True, kw_only=True):
    """Answer an attempt: prove an authenticator, or set what is to be set."""

    attempt: Secret
    authenticator: Literal["password", "email_code", "passkey", "totp", "sms_code", "recovery_code"] | None = None
    code: Secret | None = None
    password: Secret | None = None
    credential: dict[str, Any] | None = None
    """What the browser's ``PublicKeyCredential.toJSON()`` gives."""
    new_password: Secret | None = None
    username: Short | None = None
    name: Short | None = None
    remember_device: bool = False
    """Let this browser ask for the password alone once its session was idle for too long; of a sign-in with two
    factors, and where `may_remember_device` says so."""


class LinkBody(Body, frozen=True, kw_only=True):
    """Redeem a mailed link."""

    link: Secret
    attempt: Secret | None = None


class ReauthenticateBody(Body, frozen=True, kw_only=True):
    """Begin a reauthentication."""

    aal: Literal[1, 2] = 1
    """The level to be proven anew, as far as one's authenticators reach."""
    phishing_resistant: bool = False
    return_to: Short | None = None


class RecoverBody(Body, frozen=True, kw_only=True):
    """Begin a recovery."""

    identifier: Annotated[str, msgspec.Meta(min_length=1, max_length=512, pattern=NO_NUL)]
    return_to: Short | None = None


class BeginTotpBody(Body, frozen=True, kw_only=True):
    """Begin to enrol an authenticator app; with `attempt` for a sign-in that waits for one."""

    attempt: Secret | None = None
    name: Short | None = None


class ConfirmTotpBody(Body, frozen=True, kw_only=True):
    """Confirm an authenticator app by its first code."""

    attempt: Secret | None = None
    id: UUID
    code: Secret


class BeginPasskeyBody(Body, frozen=True, kw_only=True):
    """Begin to make a passkey; with `attempt` for a sign-in or sign-up that waits for one."""

    attempt: Secret | None = None
    name: Short | None = None


class ConfirmPasskeyBody(Body, frozen=True, kw_only=True):
    """Confirm a passkey by the credential that was made."""

    attempt: Secret | None = None
    id: UUID
    credential: dict[str, Any]
    """What the browser's ``PublicKeyCredential.toJSON()`` gives."""


class AuthenticatorChanges(Body, frozen=True, kw_only=True):
    """Change what an authenticator is called."""

    name: Short | None


class AccountChanges(Body, frozen=True, kw_only=True):
    """Change the profile."""

    name: Short | msgspec.UnsetType | None = msgspec.UNSET
    username: Short | msgspec.UnsetType = msgspec.UNSET


class ChangePasswordBody(Body, frozen=True, kw_only=True):
    """Change the password."""

    current_password: Secret
    new_password: Secret


class AddressBody(Body, frozen=True, kw_only=True):
    """Begin to change the primary address, or with `keep_old` to add one."""

    email: Short
    keep_old: bool = False


class AddressChanges(Body, frozen=True, kw_only=True):
    """Make an address the primary one."""

    primary: Literal[True]


class StopBody(Body, frozen=True, kw_only=True):
    """Stop what a mailed notice tells of."""

    link: Secret


# --- what is given --------------------------------------------------------------------------------------------------


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """A body that is answered."""


class UserShape(Given, frozen=True, kw_only=True):
    """A user, as far as everybody signed in as them may see."""

    id: UUID
    email: str | None
    username: str | None
    roles: tuple[str, ...]


class SessionShape(Given, frozen=True, kw_only=True):
    """A session and how sure it is."""

    id: UUID
    aal: int
    amr: tuple[str, ...]
    authenticated_at: datetime
    enrol_by: datetime | None
    """Until when sign-in goes on without what policy asks for; bind it before."""
    expires_at: datetime


class SessionView(Given, frozen=True, kw_only=True):
    """Who is signed in."""

    user: UserShape
    session: SessionShape


class SignedIn(Given, frozen=True, kw_only=True, tag_field="status", tag="complete"):
    """An attempt that is complete. Without `session` no session comes with it."""

    user: UserShape
    session: SessionShape | None
    return_to: str | None = None
    access_token: str | msgspec.UnsetType = msgspec.UNSET
    """This and what follows only where the client asked for tokens."""
    token_type: str | msgspec.UnsetType = msgspec.UNSET
    expires_in: int | msgspec.UnsetType = msgspec.UNSET
    refresh_token: str | msgspec.UnsetType = msgspec.UNSET
    new_recovery_codes: list[str] | msgspec.UnsetType = msgspec.UNSET
    """In place of one that was used up; shown this once."""


class NewAttempt(Given, frozen=True, kw_only=True, tag_field="status", tag="more"):
    """An attempt that was begun."""

    attempt: str
    authenticators: tuple[str, ...]
    enrol: tuple[str, ...] = ()
    """Of a reauthentication: kinds to bind once it is complete, where nothing bound reaches what was asked for."""
    expires_at: datetime


class MoreShape(Given, frozen=True, kw_only=True, tag_field="status", tag="more"):
    """What would help now."""

    attempt: str
    purpose: str
    authenticators: tuple[str, ...]
    enrol: tuple[str, ...]
    set: tuple[str, ...]
    may_remember_device: bool
    expires_at: datetime
    options: dict[str, Any] | UnsetType = UNSET
    """For a passkey: ``PublicKeyCredentialRequestOptionsJSON``."""
    phones: list[PhoneShape] | UnsetType = UNSET
    """Where a texted code would help: where it can go, the phone used last first."""


StepShape = SignedIn | MoreShape


class OneSession(Given, frozen=True, kw_only=True):
    """A session in the list of one's devices."""

    id: UUID
    current: bool
    aal: int
    amr: tuple[str, ...]
    ip: str | None
    user_agent: str | None
    created_at: datetime
    last_seen_at: datetime
    idle: bool
    """Nobody is signed in there any longer; the browser is remembered, and a password alone signs in again."""
    remembered_until: datetime | None
    expires_at: datetime


class SessionsShape(Given, frozen=True, kw_only=True):
    """One's devices."""

    sessions: list[OneSession]


class Revoked(Given, frozen=True, kw_only=True):
    """How many sessions ended."""

    revoked: int


class IdentifierShape(Given, frozen=True, kw_only=True):
    """A proven identifier."""

    id: UUID
    kind: str
    value: str
    primary: bool
    proven_at: datetime


class AuthenticatorShape(Given, frozen=True, kw_only=True):
    """One way in which one proves oneself."""

    id: UUID
    kind: str
    name: str | None
    number: str | UnsetType = UNSET
    """Of a phone: its last two digits."""
    created_at: datetime
    last_used_at: datetime | None


class AuthenticatorsShape(Given, frozen=True, kw_only=True):
    """What one proves oneself with."""

    authenticators: list[AuthenticatorShape]
    recovery_codes_left: int


class PhoneShape(Given, frozen=True, kw_only=True):
    """A phone that a code can be texted to."""

    id: UUID
    name: str | None
    number: str
    """Its last two digits."""


class TotpProposal(Given, frozen=True, kw_only=True):
    """What an authenticator app is to be told, this once."""

    id: UUID
    secret: str
    """In base32, for typing."""
    uri: str
    qr: str
    """The same as an SVG element."""


class PasskeyProposalShape(Given, frozen=True, kw_only=True):
    """What a browser is to be asked to make, this once."""

    id: UUID
    options: dict[str, Any]
    """``PublicKeyCredentialCreationOptionsJSON``."""


class BoundShape(SignedIn, frozen=True, kw_only=True, tag_field="status", tag="complete"):
    """An authenticator that now counts; recovery codes come with the first one, and are shown this once."""

    authenticator: AuthenticatorShape
    recovery_codes: list[str]


class BoundMoreShape(MoreShape, frozen=True, kw_only=True, tag_field="status", tag="more"):
    """An authenticator that now counts, in a sign-in of which policy asks for more still."""

    authenticator: AuthenticatorShape
    recovery_codes: list[str]


BoundStepShape = BoundShape | BoundMoreShape


class RecoveryCodesShape(Given, frozen=True, kw_only=True):
    """A new set of recovery codes, shown this once."""

    recovery_codes: list[str]


class PendingShape(Given, frozen=True, kw_only=True):
    """A change of address that waits."""

    email: str
    keep_old: bool
    changes_at: datetime


class AccountShape(Given, frozen=True, kw_only=True):
    """One's account."""

    id: UUID
    email: str | None
    username: str | None
    name: str | None
    roles: tuple[str, ...]
    identifiers: list[IdentifierShape]
    pending_email: PendingShape | None
    created_at: datetime


class Closed(Given, frozen=True, kw_only=True):
    """An account that was closed, and when it is erased."""

    erased_at: datetime


class Stopped(Given, frozen=True, kw_only=True):
    """What a link stopped."""

    stopped: str


class EventShape(Given, frozen=True, kw_only=True):
    """Something that happened to one's account."""

    at: datetime
    action: str
    outcome: str
    ip: str | None
    user_agent: str | None


class EventsShape(Given, frozen=True, kw_only=True):
    """What happened, newest first."""

    events: list[EventShape]


# --- from records ---------------------------------------------------------------------------------------------------


def user_of_session(session: Session) -> UserShape:
    """Return the user as the session's own row knows them: no second read."""
    return UserShape(id=session.user_id, email=session.email, username=session.username, roles=session.roles)


def session_shape(session: Session) -> SessionShape:
    """Return what is told of a session."""
    return SessionShape(
        id=session.id,
        aal=session.aal,
        amr=session.amr,
        authenticated_at=session.authenticated_at,
        enrol_by=session.enrol_by,
        expires_at=session.expires_at,
    )


def user_shape(user: User) -> UserShape:
    """Return what is told of a user."""
    return UserShape(id=user.id, email=user.email, username=user.username, roles=user.roles)


def one_session(session: Session, current: UUID, now: datetime) -> OneSession:
    """Return a row of the list of devices."""
    return OneSession(
        id=session.id,
        current=session.id == current,
        aal=session.aal,
        amr=session.amr,
        ip=session.ip,
        user_agent=session.user_agent,
        created_at=session.created_at,
        last_seen_at=session.last_seen_at,
        idle=session.idle_expires_at is not None and session.idle_expires_at <= now,
        remembered_until=session.remembered_until_at,
        expires_at=session.expires_at,
    )


def authenticator_shape(record: Authenticator) -> AuthenticatorShape:
    """Return what is told of an authenticator: never a hash or a seed."""
    return AuthenticatorShape(
        id=record.id,
        kind=record.kind,
        name=record.name,
        number=masked(number_of(record)) if record.kind == SmsCode.kind else UNSET,
        created_at=record.created_at,
        last_used_at=record.last_used_at,
    )


def account_shape(user: User, identifiers: list[Identifier], pending: Pending | None) -> AccountShape:
    """Return what is told of an account."""
    waits = None
    if pending is not None:
        waits = PendingShape(email=pending.address, keep_old=pending.keep_old, changes_at=pending.changes_at)
    return AccountShape(
        id=user.id,
        email=user.email,
        username=user.username,
        name=user.name,
        roles=user.roles,
        identifiers=[
            IdentifierShape(
                id=each.id, kind=each.kind, value=each.value, primary=each.primary, proven_at=each.proven_at
            )
            for each in identifiers
        ],
        pending_email=waits,
        created_at=user.created_at,
    )


def event_shape(event: Event) -> EventShape:
    """Return what is told of an event: never its private reason."""
    return EventShape(at=event.at, action=event.action, outcome=event.outcome, ip=event.ip, user_agent=event.user_agent)
