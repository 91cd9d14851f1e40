"""Who is signed in, as FastAPI and Starlette applications ask it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nightlatch.errors import NotAuthenticated
from nightlatch.http import visitors
from nightlatch.records import Session, User

if TYPE_CHECKING:
    from nightlatch.fastapi.installation import Installation

__all__ = ["SignedInUser"]


class SignedInUser(visitors.SignedInUser):
    """Somebody who is signed in: what the session's own row tells, without a second read.

    Args:
        session: the living session.
        site: reads the whole user, when a field is asked for that the session does not carry.
    """

    def __init__(self, session: Session, site: Installation) -> None:
        super().__init__(session)
        self._site = site
        self._record: User | None = None

    @property
    def identity(self) -> str:
        """The id as text, as Starlette has it."""
        return str(self.session.user_id)

    @property
    def display_name(self) -> str:
        """What to call the person without a second read: the user name, else the address."""
        return self.session.username or self.session.email or "you"

    async def load(self) -> User:
        """Return the whole record (a second read, at first use): name, status, created_at ...

        Raises:
            NotAuthenticated: the user was deleted since the session was looked up.
        """
        if self._record is None:
            store, user_id = self._site.core.store, self.session.user_id
            self._record = await self._site.threads.look(lambda: store.get(User, user_id))
        if self._record is None:
            raise NotAuthenticated("the user is gone")
        return self._record
