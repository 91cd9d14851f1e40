"""Accounts that a host application's own code makes and changes: whoever runs that code vouches for what it says."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from nightlatch.authenticators.base import Proof
from nightlatch.errors import AttemptInvalid, Conflict, InvalidInput, NotFound, UsernameTaken
from nightlatch.flows.administrators import ADMINISTRATOR, note_administrator
from nightlatch.flows.core import Core
from nightlatch.flows.names import clean_name, valid_role
from nightlatch.flows.notices import tell_password_changed
from nightlatch.flows.prove import Prove
from nightlatch.primitives.identifiers import normalise_email, normalise_username
from nightlatch.primitives.secret import Secret
from nightlatch.records import User
from nightlatch.services.client import NOBODY, Client
from nightlatch.services.users import Claim

__all__ = ["Provision"]


class Provision:
    """Make and change accounts in code. Every act is an audit event.

    Args:
        core: what flows stand on.
        prove: verifies a password that code asks about.
    """

    def __init__(self, core: Core, prove: Prove) -> None:
        self._core = core
        self._prove = prove

    def create(
        self,
        *,
        email: str | None = None,
        username: str | None = None,
        name: str | None = None,
        roles: Sequence[str] = (),
        password: Secret | None = None,
    ) -> User:
        """Make an account. The caller vouches for the address: it counts as proven.

        Args:
            email: an address, where settings know addresses.
            username: a user name, where settings know those. One of the two is needed.
            name: what to call the person.
            roles: what they are.
            password: as chosen; without one nobody can sign in until one is set.

        Raises:
            InvalidInput: an identifier is missing, malformed or taken; `PasswordRejected`, `UsernameTaken` likewise.
            Busy: the hashing pool is full.
        """
        core = self._core
        claims = self._claims(email, username)
        chosen, called = tuple(sorted({valid_role(role) for role in roles})), clean_name(name)
        if password is not None:
            core.password.validate(password, about=[email, username, called])
        hashed = core.password.hash(password, NOBODY) if password is not None else None
        now = core.clock.now()
        try:
            with core.transaction():
                user = core.users.create(claims=claims, name=called, roles=chosen, proven_at=now)
                if ADMINISTRATOR in chosen:
                    note_administrator(core)
                if hashed is not None:
                    core.password.bind(user.id, hashed, at=now)
                core.audit.done("user_created", NOBODY, user_id=user.id, details={"by": "application"})
        except Conflict:
            raise self._taken(claims) from None
        return user

    def _claims(self, email: str | None, username: str | None) -> list[Claim]:
        settings = self._core.settings
        claims = []
        if email and settings.asks_email:
            address = normalise_email(email)
            claims.append(Claim("email", address.value, address.key))
        if username and settings.asks_username:
            chosen = normalise_username(username)
            claims.append(Claim("username", chosen.value, chosen.key))
        if not claims:
            wanted = "email" if settings.asks_email else "username"
            raise InvalidInput(fields={wanted: "An account needs one to be found by."})
        return claims

    def _taken(self, claims: Sequence[Claim]) -> InvalidInput:
        for claim in claims:
            if self._core.users.identifier(claim.kind, claim.key) is not None and claim.kind == "email":
                return InvalidInput(fields={"email": "Somebody has an account with that address already."})
        return UsernameTaken()

    def set_password(self, user_id: UUID, password: Secret) -> None:
        """Set a user's password. Every session, token and remembered device ends; the user is told.

        Raises:
            NotFound: there is no such user.
            PasswordRejected: the policy refuses it.
            Busy: the hashing pool is full.
        """
        core = self._core
        user = self._get(user_id)
        core.password.validate(password, about=core.about(user))
        hashed = core.password.hash(password, NOBODY)
        with core.transaction():
            self._put(user, hashed)
            core.users.end_access(user.id)
            core.one_time.void_for(user.id)
            core.audit.done("authn_password_change", NOBODY, user_id=user.id, details={"by": "application"})
            tell_password_changed(core, NOBODY, user)

    def _put(self, user: User, hashed: str) -> None:
        core = self._core
        record = core.password.of(core.users.authenticators(user.id))
        if record is None:
            core.password.bind(user.id, hashed, at=core.clock.now())
        elif not core.password.replace(record, hashed):
            raise AttemptInvalid("password changed in between")

    def remove_password(self, user_id: UUID) -> None:
        """Take a user's password away. Every session, token and remembered device ends.

        Raises:
            NotFound: there is no such user.
        """
        core = self._core
        user = self._get(user_id)
        with core.transaction():
            core.password.unbind(user.id)
            core.users.end_access(user.id)
            core.one_time.void_for(user.id)
            core.audit.done("authn_password_removed", NOBODY, user_id=user.id, details={"by": "application"})

    def verify_password(self, client: Client, user_id: UUID, password: Secret) -> None:
        """Verify a user's password, throttled and counted like any; it signs nobody in.

        Raises:
            InvalidCredentials: it is another one, or the user has none.
            NotFound: there is no such user.
            Throttled: too many tries.
            Busy: the hashing pool is full; nothing was verified.
        """
        core = self._core
        with core.place(client, password):
            subject = self._prove.subject_of(self._get(user_id), client)
            _, verified, spent = self._prove.verify(client, subject, core.password, Proof(password=password))
        with core.transaction():
            core.give_back(spent)
            core.password.accept(subject, verified)

    def has_password(self, user_id: UUID) -> bool:
        """Tell whether a user has a password to sign in with."""
        return self._core.password.of(self._core.users.authenticators(user_id)) is not None

    def rename(self, user_id: UUID, *, name: str | None) -> None:
        """Change what a person is called.

        Raises:
            InvalidInput: the name is too long.
        """
        core = self._core
        cleaned = clean_name(name)
        with core.transaction():
            core.users.change(user_id, name=cleaned)
            core.audit.done("user_updated", NOBODY, user_id=user_id, details={"by": "application"})

    def _get(self, user_id: UUID) -> User:
        user = self._core.store.get(User, user_id)
        if user is None:
            raise NotFound("no such user")
        return user
