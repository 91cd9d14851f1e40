"""Users and the identifiers that lead to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from nightlatch.errors import AttemptInvalid, InvalidInput
from nightlatch.ports import Clock, Store, plus
from nightlatch.primitives.identifiers import normalise_email, normalise_username
from nightlatch.primitives.ids import uuid7
from nightlatch.records import ApiKey, Authenticator, Device, Identifier, Session, TokenFamily, User

__all__ = ["Claim", "Users"]


@dataclass(frozen=True, slots=True)
class Claim:
    """An identifier, normalised.

    Args:
        kind: ``email`` or ``username``.
        value: as it was written.
        key: as it is compared.
    """

    kind: str
    value: str
    key: str


class Users:
    """Find and change users. Nothing here decides who may sign in: that is the gate's.

    Args:
        store: where they are.
        clock: tells the time.
        identifiers: ``email``, ``username`` or ``email_and_username``: what a user may be found by.
    """

    def __init__(self, store: Store, clock: Clock, identifiers: str) -> None:
        self._store = store
        self._clock = clock
        self._identifiers = identifiers

    def claim(self, text: str) -> Claim | None:
        """Read what was typed into the sign-in field: an address has an ``@``, a user name never does.

        Returns:
            the claim, or None where nobody could have such an identifier (the caller goes on as for an unknown one).
        """
        try:
            if "@" in text:
                email = normalise_email(text)
                return Claim("email", email.value, email.key) if self._identifiers != "username" else None
            username = normalise_username(text, reserved=False)
            return Claim("username", username.value, username.key) if self._identifiers != "email" else None
        except InvalidInput:
            return None

    def find(self, kind: str, key: str) -> User | None:
        """Return the user whom a proven identifier leads to."""
        found = self._store.find(Identifier, {"kind": kind, "key": key}, limit=1)
        # Two reads for a stranger as well: the second finds nothing.
        return self._store.get(User, found[0].user_id if found else uuid7(self._clock.now()))

    def identifier(self, kind: str, key: str) -> Identifier | None:
        """Return a proven identifier."""
        found = self._store.find(Identifier, {"kind": kind, "key": key}, limit=1)
        return found[0] if found else None

    def authenticators(self, user_id: UUID) -> list[Authenticator]:
        """Return what a user has bound, confirmed or not, oldest first."""
        return self._store.find(Authenticator, {"user_id": user_id}, order_by="created_at")

    def create(self, *, claims: Sequence[Claim], name: str | None, roles: tuple[str, ...], proven_at: datetime) -> User:
        """Write a user and the identifiers that were proven, in the transaction that is open.

        Raises:
            Conflict: an identifier is taken, by one who proved it first.
        """
        now = self._clock.now()
        by_kind = {claim.kind: claim for claim in claims}
        user = User(
            id=uuid7(now),
            username=by_kind["username"].value if "username" in by_kind else None,
            email=by_kind["email"].value if "email" in by_kind else None,
            name=name,
            roles=roles,
            created_at=now,
            updated_at=now,
        )
        self._store.insert(user)
        self.add_identifiers(user.id, claims, proven_at=proven_at)
        return user

    def add_identifiers(self, user_id: UUID, claims: Sequence[Claim], *, proven_at: datetime) -> None:
        """Write identifiers that were proven, in the transaction that is open.

        Raises:
            Conflict: one is taken, by one who proved it first.
        """
        for each in self.identifiers(user_id, claims, proven_at=proven_at):
            self._store.insert(each)

    def identifiers(self, user_id: UUID, claims: Sequence[Claim], *, proven_at: datetime) -> list[Identifier]:
        """Return the rows of identifiers that were proven, to be written."""
        now = self._clock.now()
        return [
            Identifier(
                id=uuid7(now),
                user_id=user_id,
                kind=claim.kind,  # type: ignore[arg-type]
                value=claim.value,
                key=claim.key,
                primary=True,
                proven_at=proven_at,
                created_at=now,
            )
            for claim in claims
        ]

    def hold(self, user: User) -> None:
        """Match the user as the gate saw it, and lock the row until the transaction ends.

        Roles and names are matched too: a session carries copies of them, and a role that was taken while somebody
        signed in must not live on in the session that follows.

        Raises:
            AttemptInvalid: the user was suspended, reset, removed or changed in between; whatever was about to be
                granted is not.
        """
        now = self._clock.now()
        seen = ("id", "status", "epoch", "roles", "required_aal", "username", "email")
        guard = {name: getattr(user, name) for name in seen}
        if not self._store.update(User, guard, {"updated_at": now}):
            raise AttemptInvalid("user changed since the gate saw it")

    def change(self, user_id: UUID, **changes: object) -> None:
        """Change a user and, in the same transaction, the copies that its sessions carry."""
        self._store.update(User, {"id": user_id}, {**changes, "updated_at": self._clock.now()})
        copied = {key: value for key, value in changes.items() if key in {"username", "email", "roles"}}
        if copied:
            self._store.update(Session, {"user_id": user_id}, copied)

    def end_access(self, user_id: UUID, *, keep: UUID | None = None) -> int:
        """End every session, token family and remembered device of a user, and raise the epoch.

        Call it in the transaction of what makes it necessary: suspension, reset, removal, password change.

        Args:
            user_id: whose.
            keep: the acting session, which the caller rotates.

        Returns:
            how many sessions ended.
        """
        self._store.update(User, {"id": user_id}, {"epoch": plus(1), "updated_at": self._clock.now()})
        # Token families go with their sessions; those of the kept one too: they were made before the change.
        self._store.delete(TokenFamily, {"user_id": user_id})
        self._store.delete(Device, {"user_id": user_id})
        if keep is None:
            # Nobody is there who acts: what others were given to act with ends as well (adversary 2, 63).
            self._store.delete(ApiKey, {"user_id": user_id})
        ended = 0
        for each in self._store.find(Session, {"user_id": user_id}):
            if each.id != keep:
                ended += self._store.delete(Session, {"id": each.id, "user_id": user_id})
        return ended
