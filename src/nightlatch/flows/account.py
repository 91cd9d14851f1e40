"""The account of somebody who is signed in: profile, password, sessions, activity."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from nightlatch.authenticators.base import Proof
from nightlatch.errors import AttemptInvalid, InvalidInput, NotAuthenticated, NotFound
from nightlatch.flows.core import Core
from nightlatch.flows.names import clean_name
from nightlatch.flows.notices import tell_password_changed
from nightlatch.flows.outcome import Complete
from nightlatch.flows.prove import Prove
from nightlatch.primitives.secret import Secret
from nightlatch.records import Authenticator, Event, Identifier, Session, User
from nightlatch.services.client import Client

__all__ = ["Account", "AccountView"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """What a person may see of their own account. Authenticators carry hashes: show kinds, names and times only."""

    user: User
    identifiers: list[Identifier]
    authenticators: list[Authenticator]


class Account:
    """Look at and change one's own account.

    Args:
        core: what flows stand on.
        prove: verifies the current password.
    """

    def __init__(self, core: Core, prove: Prove) -> None:
        self._core = core
        self._prove = prove

    def get(self, session: Session) -> AccountView:
        """Return the account of a session's user.

        Raises:
            NotAuthenticated: the user is gone.
        """
        core = self._core
        return AccountView(
            user=self._user(session),
            identifiers=core.store.find(Identifier, {"user_id": session.user_id}, order_by="created_at"),
            authenticators=core.users.authenticators(session.user_id),
        )

    def rename(self, client: Client, session: Session, *, name: str | None) -> User:
        """Change what the person is called.

        Raises:
            InvalidInput: the name is too long.
        """
        core = self._core
        cleaned = clean_name(name)
        with core.transaction():
            core.users.change(session.user_id, name=cleaned)
            core.audit.done("user_updated", client, user_id=session.user_id, session_id=session.id)
        return self._user(session)

    def change_password(
        self, client: Client, session: Session, *, current_password: Secret, new_password: Secret
    ) -> Complete:
        """Set a new password. Every other session, token and remembered device ends; the acting session is rotated.

        Args:
            client: who is asking.
            session: the acting one.
            current_password: proven again, however fresh the session (ASVS 6.2.3).
            new_password: as typed.

        Returns:
            the session's new token, and a new device cookie's value.

        Raises:
            InvalidCredentials: the current password does not hold.
            PasswordRejected: the policy refuses the new one.
            InvalidInput: the current password is empty.
            Throttled: too many tries. Busy: the hashing pool is full.
        """
        with self._core.place(client, new_password):
            return self._change_password(client, session, current_password, new_password)

    def _change_password(
        self, client: Client, session: Session, current_password: Secret, new_password: Secret
    ) -> Complete:
        core = self._core
        if not current_password:
            raise InvalidInput(fields={"current_password": "Please type your current password."})
        user = self._user(session)
        core.password.validate(new_password, about=core.about(user))
        subject = self._prove.subject_of(user, client)
        _, verified, spent = self._prove.verify(client, subject, core.password, Proof(password=current_password))
        core.password.accept(subject, verified)
        core.give_back(spent)
        record = core.password.of(core.users.authenticators(user.id))  # read now: it may have been rehashed
        if record is None:
            raise AttemptInvalid("password removed in between")
        hashed = core.password.hash(new_password, client)
        return self._replace(client, session, user, record, hashed)

    def _replace(self, client: Client, session: Session, user: User, record: Authenticator, hashed: str) -> Complete:
        core = self._core
        with core.transaction():
            core.users.hold(user)
            if not core.password.replace(record, hashed):
                raise AttemptInvalid("password changed in between")
            core.users.end_access(user.id, keep=session.id)
            core.one_time.void_for(user.id)
            fresh = self._user(session)
            device_id, device = core.devices.welcome(user.id, client, None)
            rotated, token = core.sessions.rotate(session, epoch=fresh.epoch, device_id=device_id)
            core.audit.done("authn_password_change", client, user_id=user.id, session_id=session.id)
            tell_password_changed(core, client, user)
        return Complete(user=fresh, session=rotated, token=Secret(token.text()), device=device)

    # --- sessions ---------------------------------------------------------------------------------------------------

    def sign_out(self, client: Client, session: Session) -> None:
        """End the acting session, on the server (ASVS 7.4.1)."""
        core = self._core
        with core.transaction():
            if core.sessions.end(session.id, session.user_id):
                core.audit.done("authn_logout", client, user_id=session.user_id, session_id=session.id)

    def sessions(self, session: Session) -> list[Session]:
        """Return the person's living sessions, the one seen last first."""
        return self._core.sessions.of_user(session.user_id)

    def revoke_session(self, client: Client, session: Session, id: UUID) -> None:  # noqa: A002 - the field is called id
        """End one of the person's sessions.

        Raises:
            NotFound: there is none by that id, or it is somebody else's.
        """
        core = self._core
        with core.transaction():
            if not core.sessions.end(id, session.user_id):
                raise NotFound("no such session of this user")
            core.audit.done("session_revoked", client, user_id=session.user_id, session_id=id)

    def revoke_other_sessions(self, client: Client, session: Session) -> int:
        """End every session but the acting one.

        Returns:
            how many ended.
        """
        core = self._core
        with core.transaction():
            others = [each for each in core.sessions.of_user(session.user_id) if each.id != session.id]
            ended = sum(core.sessions.end(each.id, session.user_id) for each in others)
            core.devices.forget_others(session.user_id, keep=session.device_id)
            core.audit.done(
                "sessions_revoked",
                client,
                user_id=session.user_id,
                session_id=session.id,
                details={"ended": ended},
            )
        return ended

    def events(self, session: Session, *, limit: int = 50) -> list[Event]:
        """Return what happened to the account, newest first."""
        return self._core.store.find(Event, {"user_id": session.user_id}, order_by="-at", limit=limit)

    def _user(self, session: Session) -> User:
        user = self._core.store.get(User, session.user_id)
        if user is None:
            raise NotAuthenticated("user is gone")
        return user
