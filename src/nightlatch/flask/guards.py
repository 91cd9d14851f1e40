"""Asking for somebody who is signed in, and how sure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import ParamSpec, TypeVar, cast

from flask import current_app

from nightlatch.flask.user import allow_scope, installation, load_user
from nightlatch.http.guards import admit

__all__ = ["login_required", "require"]

P = ParamSpec("P")
T = TypeVar("T")


def require(
    *,
    role: str | None = None,
    aal: int | None = None,
    max_age: timedelta | None = None,
    phishing_resistant: bool = False,
    scope: str | None = None,
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Guard a view.

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

    def decorate(view: Callable[P, T]) -> Callable[P, T]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
            _admit(role, aal, max_age, scope, phishing_resistant=phishing_resistant)
            return cast("T", current_app.ensure_sync(view)(*args, **kwargs))

        return guarded

    return decorate


def _admit(
    role: str | None, aal: int | None, max_age: timedelta | None, scope: str | None, *, phishing_resistant: bool
) -> None:
    if scope is not None:
        allow_scope(scope)
    session, now = load_user().session, installation().core.clock.now()
    admit(session, role=role, aal=aal, max_age=max_age, phishing_resistant=phishing_resistant, now=now)


def login_required(view: Callable[P, T]) -> Callable[P, T]:
    """Guard a view: somebody must be signed in."""
    return require()(view)
