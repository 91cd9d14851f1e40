"""Bind, name and remove authenticators; recovery codes come with the first second factor.

A proof that is bound while enrolling counts for nothing until it is confirmed, and who abandons an enrolment half-way
is locked out of nothing. A user's first second factor raises what that user's sign-ins need, and ends every other
session, token and remembered device: whoever was in before it by a stolen password is out (design, section 3).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from msgspec.structs import replace

from nightlatch.authenticators.password import Password
from nightlatch.authenticators.recovery_code import RecoveryCode
from nightlatch.authenticators.totp import Totp
from nightlatch.errors import Forbidden, NotFound
from nightlatch.flows.binding import Binding, Bound
from nightlatch.flows.core import Core
from nightlatch.flows.names import clean_name
from nightlatch.flows.notices import tell_authenticators_changed
from nightlatch.flows.outcome import Complete
from nightlatch.primitives.otp import key_uri, typed_seed
from nightlatch.primitives.secret import Secret
from nightlatch.records import Authenticator, Evidence, Session, User
from nightlatch.services.client import Client
from nightlatch.services.gate import needed_by

__all__ = ["ManageAuthenticators", "Owned", "Proposal"]

_ENROLMENT_LIFE = timedelta(hours=1)
_ALONE = "You signed in with this one alone. Confirm with your password first, then remove it."
_NOT_TEXTS_ALONE = "Texts would be all that is left, and you have no recovery codes. Make new ones, then remove this."
_NEEDED = "Your account must have a second factor. Add another app and confirm with it before you remove this one."


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """What a user has bound. They carry hashes and sealed seeds: show kinds, names and times only."""

    authenticators: list[Authenticator]
    recovery_codes_left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """An authenticator app that is being enrolled: what the user's app is to be told, once.

    Args:
        id: of the authenticator; hand it back with the first code.
        secret: the seed in base32, for typing.
        uri: the same for a QR code.
    """

    id: UUID
    secret: Secret
    uri: Secret


class ManageAuthenticators:
    """Change what one proves oneself with.

    Args:
        core: what flows stand on.
        binding: what binding any authenticator has in common.
    """

    def __init__(self, core: Core, binding: Binding) -> None:
        self._core = core
        self._binding = binding

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that users may bind by themselves here."""
        return self._core.gate.enrolled

    def list(self, session: Session) -> Owned:
        """Return what a session's user has bound."""
        rows = [each for each in self._core.users.authenticators(session.user_id) if each.confirmed_at is not None]
        return Owned(
            authenticators=[each for each in rows if each.kind != RecoveryCode.kind],
            recovery_codes_left=len(RecoveryCode.of(rows)),
        )

    # --- an authenticator app, for who is signed in -----------------------------------------------------------------

    def begin_totp(self, client: Client, session: Session, *, name: str | None = None) -> Proposal:
        """Begin to enrol an app.

        Raises:
            ReauthenticationRequired: the session's proof is not fresh, or not of the user's own level.
            Forbidden: apps are switched off.
            InvalidInput: the name is too long.
            Throttled: too many calls.
        """
        user = self._binding.fresh(session)
        return self._propose(client, user, name)

    def see_fresh(self, session: Session) -> None:
        """See that a session may change its user's authenticators, before anything is asked for.

        Raises:
            ReauthenticationRequired: its proof is not fresh, or not of the user's own level.
        """
        self._binding.fresh(session)

    def proposed_totp(self, session: Session, id: UUID) -> Proposal:  # noqa: A002
        """Return what an app that is being enrolled is to be told, once more.

        Raises:
            ReauthenticationRequired: the session's proof is not fresh.
            NotFound: no such enrolment, or it began too long ago.
        """
        user = self._binding.fresh(session)
        return self._proposal(user, self._unfinished(user, id))

    def confirm_totp(
        self,
        client: Client,
        session: Session,
        id: UUID,  # noqa: A002
        code: Secret,
        *,
        name: str | None = None,
    ) -> Bound:
        """Confirm an app by its first code: from now on it counts, and is asked for.

        Raises:
            ReauthenticationRequired: the session's proof is not fresh.
            NotFound: no such enrolment, or it began too long ago.
            InvalidCode: the code is not the app's.
            Throttled: too many calls.
        """
        user = self._binding.fresh(session)
        record, step = self._proposed(client, user, id, code)
        record = self._named(record, name)
        return self._binding.in_session(
            client, session, user, record, self._evidence(record), lambda: self._confirm(record, step)
        )

    # --- the same, where policy asks for one before there is a session ------------------------------------------------

    def begin_totp_in(self, client: Client, attempt: Secret, *, name: str | None = None) -> Proposal:
        """Begin to enrol an app that a sign-in waits for.

        Raises:
            AttemptInvalid: it waits for something else.
        """
        return self._propose(client, self._binding.enrolling(self._core.attempts.find(attempt), Totp.kind), name)

    def proposed_totp_in(self, attempt: Secret, id: UUID) -> Proposal:  # noqa: A002
        """Return what an app that a sign-in waits for is to be told, once more.

        Raises:
            AttemptInvalid: it waits for something else.
            NotFound: no such enrolment, or it began too long ago.
        """
        user = self._binding.enrolling(self._core.attempts.find(attempt), Totp.kind)
        return self._proposal(user, self._unfinished(user, id))

    def confirm_totp_in(
        self,
        client: Client,
        attempt: Secret,
        id: UUID,  # noqa: A002
        code: Secret,
        *,
        name: str | None = None,
    ) -> Bound:
        """Confirm the app that a sign-in waits for, and end the sign-in.

        Raises:
            AttemptInvalid: it waits for something else.
            NotFound: no such enrolment, or it began too long ago.
            InvalidCode: the code is not the app's.
        """
        found = self._core.attempts.find(attempt)
        user = self._binding.enrolling(found, Totp.kind)
        record, step = self._proposed(client, user, id, code)
        record = self._named(record, name)
        return self._binding.in_attempt(
            client, found, user, record, self._evidence(record), lambda: self._confirm(record, step)
        )

    # --- names, removal, recovery codes -------------------------------------------------------------------------------

    def rename(self, client: Client, session: Session, id: UUID, *, name: str | None) -> Authenticator:  # noqa: A002
        """Change what an authenticator is called.

        Raises:
            NotFound: the user has none by that id.
            InvalidInput: the name is too long.
        """
        core = self._core
        record = self._own(session, id)
        cleaned = clean_name(name)
        with core.transaction():
            core.store.update(Authenticator, {"id": record.id, "user_id": session.user_id}, {"name": cleaned})
            core.audit.done("authenticator_renamed", client, user_id=session.user_id, session_id=session.id)
        return self._own(session, id)

    def remove(self, client: Client, session: Session, id: UUID) -> Complete:  # noqa: A002
        """Remove an authenticator. Every other session, token and device ends; recovery codes go with the last one.

        Raises:
            ReauthenticationRequired: the session's proof is not fresh, or not of the user's own level.
            NotFound: the user has none by that id.
            Forbidden: it is the password, which is changed and not removed; or policy asks for what would go with it.
        """
        core = self._core
        user, record = self._binding.fresh(session), self._own(session, id)
        if record.kind == Password.kind:
            raise Forbidden("a password is changed, not removed")
        with core.transaction():
            core.users.hold(user)
            if not core.store.delete(Authenticator, {"id": record.id, "user_id": user.id}):
                raise NotFound("removed in between")
            rest = core.users.authenticators(user.id)
            if not any(each.kind not in {Password.kind, RecoveryCode.kind} and each.confirmed_at for each in rest):
                core.recovery_codes.remove(user.id)
            elif core.gate.is_restricted(rest):
                raise Forbidden("only texts would be left", message=_NOT_TEXTS_ALONE)
            core.users.end_access(user.id, keep=session.id)
            # What was proven with it counts no longer (adversary 48); and policy holds for who is signed in already.
            left = tuple(each for each in session.evidence if each.authenticator_id != record.id)
            if not any(each.factors for each in left):
                raise Forbidden("the session was proven by this one alone", message=_ALONE)
            if core.gate.unmet(user, left) is not None:
                raise Forbidden("policy asks for more than would be left", message=_NEEDED)
            complete = self._binding.rotate(session, left)
            self._binding.note(client, user, session, "authenticator_removed", record)
            tell_authenticators_changed(core, client, user, "removed", record.kind)
        return complete

    def replace_recovery_codes(self, client: Client, session: Session) -> tuple[Secret, ...]:
        """Make a new set of recovery codes; the old ones are worth nothing.

        Raises:
            ReauthenticationRequired: the session's proof is not fresh, or not of the user's own level.
            NotFound: the user has no second factor that they could stand in for.
        """
        core = self._core
        user = self._binding.fresh(session)
        if needed_by(core.users.authenticators(user.id)) == 1:
            raise NotFound("no second factor to recover")
        with core.transaction():
            core.users.hold(user)
            codes = core.recovery_codes.replace(user.id)
            core.audit.done("recovery_codes_replaced", client, user_id=user.id, session_id=session.id)
            tell_authenticators_changed(core, client, user, "codes")
        return codes

    # --- what they share --------------------------------------------------------------------------------------------

    def _propose(self, client: Client, user: User, name: str | None) -> Proposal:
        core = self._core
        if not core.settings.totp.enabled:
            raise Forbidden("authenticator apps are switched off by settings")
        self._core.spend_call(client)
        cleaned = clean_name(name)
        with core.transaction():
            # One that was not finished makes room: it never counted.
            unfinished = {"user_id": user.id, "kind": Totp.kind, "confirmed_at": None}
            core.store.delete(Authenticator, unfinished)
            record, seed = core.totp.propose(user.id, cleaned)
        return self._told(user, record, seed)

    def _proposal(self, user: User, record: Authenticator) -> Proposal:
        return self._told(user, record, self._core.totp.seed(record))

    def _told(self, user: User, record: Authenticator, seed: bytes) -> Proposal:
        account = user.email or user.username or str(user.id)
        uri = key_uri(seed, account=account, issuer=self._core.settings.service_name)
        return Proposal(id=record.id, secret=Secret(typed_seed(seed)), uri=Secret(uri))

    def _proposed(self, client: Client, user: User, id: UUID, code: Secret) -> tuple[Authenticator, int]:  # noqa: A002
        self._core.spend_call(client)
        record = self._unfinished(user, id)
        return record, self._core.totp.step_of(record, code)

    def _unfinished(self, user: User, id: UUID) -> Authenticator:  # noqa: A002
        core = self._core
        record = core.store.get(Authenticator, id)
        too_old = core.clock.now() - _ENROLMENT_LIFE
        if record is None or record.user_id != user.id or record.kind != Totp.kind or record.confirmed_at is not None:
            raise NotFound("no such enrolment")
        if record.created_at < too_old:
            raise NotFound("the enrolment began too long ago")
        return record

    def _named(self, record: Authenticator, name: str | None) -> Authenticator:
        cleaned = clean_name(name)
        return record if cleaned is None else replace(record, name=cleaned)

    def _confirm(self, record: Authenticator, step: int) -> None:
        now = self._core.clock.now()
        changes = {"confirmed_at": now, "counter": step, "last_used_at": now, "name": record.name}
        if not self._core.store.update(Authenticator, {"id": record.id, "confirmed_at": None}, changes):
            raise NotFound("confirmed in between")

    def _evidence(self, record: Authenticator) -> Evidence:
        return Evidence(
            authenticator=record.kind,
            authenticator_id=record.id,
            factors=Totp.factors,
            amr=("otp",),
            verified_at=self._core.clock.now(),
        )

    def _own(self, session: Session, id: UUID) -> Authenticator:  # noqa: A002
        record = self._core.store.get(Authenticator, id)
        mine = record is not None and record.user_id == session.user_id and record.confirmed_at is not None
        if record is None or not mine or record.kind == RecoveryCode.kind:
            raise NotFound("no such authenticator of this user")  # adversary 65
        return record
