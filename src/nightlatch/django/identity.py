"""Who is signed in, and how sure: ``request.auth`` and ``request.user``."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest

from nightlatch.django.configuration import under_test_runner
from nightlatch.django.installation import installation
from nightlatch.django.translation import request_from
from nightlatch.errors import NotAuthenticated
from nightlatch.http.exchange import Exchange
from nightlatch.http.guards import admit
from nightlatch.records import Session

__all__ = ["TEST_TOKEN", "Auth", "auth_of"]

TEST_TOKEN = "_nightlatch_token"  # noqa: S105 - the name of a key
"""Where the test client's ``force_login`` and ``login`` leave a session's token: they hand over no other cookie."""


class Auth:
    """What a request's session says: one indexed read, at first use, and none in a request that does not ask.

    True where somebody is signed in.

    Args:
        request: Django's.
    """

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self.looked_up = False
        """Whether the answer depends on the cookie."""
        self.cookies: list[tuple[str, str]] = []
        """``Set-Cookie`` headers of a sign-in or sign-out in the project's own code."""

    @cached_property
    def exchange(self) -> Exchange:
        """The request, as our own routes would see it."""
        return Exchange(installation().web, request_from(self._request, self._request.path_info))

    @cached_property
    def session(self) -> Session | None:
        """The living session; None where nobody is signed in."""
        self.looked_up = True
        token = self._test_token()
        if token is None:
            return self.exchange.session_in_host
        try:
            return installation().core.sessions.recognise(token)
        except NotAuthenticated:
            return None

    def _test_token(self) -> str | None:
        # Django's session is never authority; under its test runner alone it carries a token that is looked up.
        if not under_test_runner() or not hasattr(self._request, "session"):
            return None
        found: str | None = self._request.session.get(TEST_TOKEN)
        return found

    @cached_property
    def user(self) -> Any:
        """The user, an instance of ``AUTH_USER_MODEL``; an `AnonymousUser` where nobody is signed in."""
        from nightlatch.django.users import user_of

        found = None if self.session is None else user_of(self.session)
        if found is None:
            self.session = None
            return AnonymousUser()
        return found

    def become(self, session: Session | None, user: Any) -> None:
        """Take note that a sign-in or sign-out has changed who this is."""
        self.session = session
        self.user = user

    def __bool__(self) -> bool:
        return self.session is not None

    @property
    def session_id(self) -> UUID | None:
        """The session's id."""
        return None if self.session is None else self.session.id

    @property
    def user_id(self) -> UUID | None:
        """The user's id in our table, the same in every framework."""
        return None if self.session is None else self.session.user_id

    @property
    def aal(self) -> int:
        """The assurance level that was reached; 0 where nobody is signed in."""
        return 0 if self.session is None else self.session.aal

    @property
    def amr(self) -> tuple[str, ...]:
        """Which methods were used (RFC 8176)."""
        return () if self.session is None else self.session.amr

    @property
    def authenticated_at(self) -> datetime | None:
        """When the newest proof was accepted."""
        return None if self.session is None else self.session.authenticated_at

    @property
    def roles(self) -> tuple[str, ...]:
        """The user's roles."""
        return () if self.session is None else self.session.roles

    def has_role(self, role: str) -> bool:
        """Tell whether the user has a role."""
        return role in self.roles

    def require(
        self,
        *,
        role: str | None = None,
        aal: int | None = None,
        max_age: timedelta | None = None,
        phishing_resistant: bool = False,
        scope: str | None = None,
    ) -> None:
        """Ask for somebody who is signed in, and how sure.

        Args:
            role: one that the user must have.
            aal: the assurance level that the session must have reached.
            max_age: how old its proof may be.
            phishing_resistant: whether a proof that cannot be phished (a passkey) must be among them.
            scope: one that an API key must have, if it has any; without it a key with scopes is nobody here.

        Raises:
            NotAuthenticated: nobody is signed in; a page request is led to the sign-in page and back.
            Forbidden: the user does not have the role.
            ReauthenticationRequired: the session is not sure or not fresh enough.
        """
        if scope is not None:
            self.exchange.allow_scope(scope)
            for name in ("session", "user"):
                self.__dict__.pop(name, None)
            self._request.user = self.user
        _ = self.user  # a project's own user may be gone or inactive
        admit(
            self.session,
            role=role,
            aal=aal,
            max_age=max_age,
            phishing_resistant=phishing_resistant,
            now=installation().core.clock.now(),
        )

    def __repr__(self) -> str:
        return "Auth(nobody)" if self.session is None else f"Auth({self.session.user_id})"


def auth_of(request: HttpRequest) -> Auth:
    """Return a request's `Auth`; a stand-in of a request gets one of its own.

    Kept apart from ``request.auth``, which Django REST framework writes to.
    """
    found: Auth | None = getattr(request, "_nightlatch", None)
    if found is None:
        found = request._nightlatch = Auth(request)
    return found
