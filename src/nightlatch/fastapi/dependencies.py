"""FastAPI's dependencies. Annotations stay objects here: FastAPI reads them from the callables below."""

from datetime import timedelta
from typing import Annotated

from fastapi import Depends
from fastapi.openapi.models import APIKey, APIKeyIn
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection

from nightlatch.fastapi.guards import admitted_user, current_user
from nightlatch.fastapi.user import SignedInUser

__all__ = ["BEARER_NAME", "SCHEME_NAME", "CurrentUser", "OptionalUser", "require"]

SCHEME_NAME = "nightlatch"
BEARER_NAME = "nightlatch_bearer"
"""An access token in its place; `Nightlatch(app)` adds it to the document wherever the cookie will do."""


class _SessionCookie(SecurityBase):
    """How a client shows its session, as OpenAPI describes it. `Nightlatch(app)` puts in the cookie's real name."""

    def __init__(self) -> None:
        self.scheme_name = SCHEME_NAME
        self.model = APIKey(
            **{"in": APIKeyIn.cookie},  # type: ignore[arg-type] # its alias is a word of the language
            name="session",
            description="The cookie of a sign-in. A browser that is signed in here sends it by itself.",
        )


class _Optional(_SessionCookie):
    async def __call__(self, connection: HTTPConnection) -> SignedInUser | None:
        """Tell who is signed in, if anybody is."""
        return await current_user(connection)


class _Requirement(_SessionCookie):
    """A dependency; those that ask for the same are equal, so that FastAPI asks once and overrides find them."""

    def __init__(
        self,
        role: str | None,
        aal: int | None,
        max_age: timedelta | None,
        scope: str | None,
        *,
        phishing_resistant: bool,
    ) -> None:
        super().__init__()
        self._role, self._aal, self._max_age, self._scope = role, aal, max_age, scope
        self._phishing_resistant = phishing_resistant
        self._asked = (role, aal, max_age, scope, phishing_resistant)

    async def __call__(self, connection: HTTPConnection) -> SignedInUser:
        """Tell who is signed in, or refuse."""
        return await admitted_user(
            connection,
            role=self._role,
            aal=self._aal,
            max_age=self._max_age,
            phishing_resistant=self._phishing_resistant,
            scope=self._scope,
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Requirement) and other._asked == self._asked

    def __hash__(self) -> int:
        return hash(self._asked)


def require(
    *,
    role: str | None = None,
    aal: int | None = None,
    max_age: timedelta | None = None,
    phishing_resistant: bool = False,
    scope: str | None = None,
) -> _Requirement:
    """Return a dependency that lets only some pass: ``dependencies=[Depends(require(role="editor"))]``.

    Args:
        role: one that the user must have.
        aal: the assurance level that the session must have reached.
        max_age: how old its proof may be.
        phishing_resistant: whether a proof that cannot be phished (a passkey) must be among them.
        scope: one that an API key must have, if it has any; without it a key with scopes is nobody here.

    Returns:
        a dependency that gives a `SignedInUser`, or raises `NotAuthenticated`, `Forbidden` or
        `ReauthenticationRequired`: problem documents for programs; a page request is led to the sign-in page, or to
        reauthentication, and back.
    """
    return _Requirement(role, aal, max_age, scope, phishing_resistant=phishing_resistant)


CurrentUser = Annotated[SignedInUser, Depends(require())]
"""Who is signed in: ``async def hello(user: CurrentUser)``. Nobody: 401, or the sign-in page for a page request."""

OptionalUser = Annotated[SignedInUser | None, Depends(_Optional())]
"""Who is signed in, or None."""
