"""Asking who is signed in, and how sure."""

from __future__ import annotations

from datetime import timedelta

from starlette.requests import HTTPConnection

from nightlatch.errors import NotAuthenticated
from nightlatch.fastapi.user import SignedInUser
from nightlatch.fastapi.visit import visit_of
from nightlatch.http.guards import admit

__all__ = ["admitted_user", "current_user"]


async def current_user(connection: HTTPConnection) -> SignedInUser | None:
    """Return who is signed in, or None: one read a request, at first use.

    Args:
        connection: the ``Request`` or ``WebSocket``.
    """
    return await visit_of(connection).user()


async def admitted_user(
    connection: HTTPConnection,
    *,
    role: str | None,
    aal: int | None,
    max_age: timedelta | None,
    phishing_resistant: bool,
    scope: str | None,
) -> SignedInUser:
    """Return who is signed in, sure enough.

    Raises:
        NotAuthenticated, Forbidden, ReauthenticationRequired: as `nightlatch.http.guards.admit`.
    """
    visit = visit_of(connection)
    if scope is not None:
        await visit.allow_scope(scope)
    user = await visit.user()
    if user is None:
        raise NotAuthenticated("nobody is signed in")
    admit(
        user.session,
        role=role,
        aal=aal,
        max_age=max_age,
        phishing_resistant=phishing_resistant,
        now=visit.site.core.clock.now(),
    )
    return user
