"""Who is signed in, as a host application's own code sees it."""

from __future__ import annotations

from uuid import UUID

from nightlatch.records import Session

__all__ = ["SignedInUser"]


class SignedInUser:
    """Somebody who is signed in: what the session's own row tells, without a second read.

    Args:
        session: the living session.
    """

    is_authenticated = True

    def __init__(self, session: Session) -> None:
        self.session = session

    @property
    def id(self) -> UUID:
        """The user's id."""
        return self.session.user_id

    @property
    def email(self) -> str | None:
        """The primary address."""
        return self.session.email

    @property
    def username(self) -> str | None:
        """The user name."""
        return self.session.username

    @property
    def roles(self) -> tuple[str, ...]:
        """The user's roles."""
        return self.session.roles

    def has_role(self, role: str) -> bool:
        """Tell whether the user has a role."""
        return role in self.session.roles

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SignedInUser) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.id})"
