"""Asking for somebody who is signed in, and how sure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import ParamSpec, TypeVar, cast

from flask import current_app

from nightlatch.errors import Forbidden, NotAuthenticated, ReauthenticationRequired
from nightlatch.flask.user import installation, load_user
from nightlatch.primitives.assurance import meets

__all__ = ["login_required", "require"]

P = ParamSpec("P")
T = TypeVar("T")


def require(
    *, role: str | None = None, aal: int | None = None, max_age: timedelta | None = None
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Guard a view.

    Args:
        role: one that the user must have.
        aal: the assurance level that the session must have reached.
        max_age: how old its proof may be.

    Raises:
        NotAuthenticated: nobody is signed in; a page request is led to the sign-in page and back.
        Forbidden: the user does not have the role.
        ReauthenticationRequired: the session is not sure or not fresh enough.
    """

    def decorate(view: Callable[P, T]) -> Callable[P, T]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
            _admit(role, aal, max_age)
            return cast("T", current_app.ensure_sync(view)(*args, **kwargs))

        return guarded

    return decorate


def _admit(role: str | None, aal: int | None, max_age: timedelta | None) -> None:
    user = load_user()
    session = user.session
    if session is None:
        raise NotAuthenticated("nobody is signed in")
    if role is not None and not user.has_role(role):
        raise Forbidden(f"role {role}")
    if aal is not None or max_age is not None:
        now = installation().core.clock.now()
        if not meets(session.evidence, aal=aal or 1, max_age=max_age, now=now):
            raise ReauthenticationRequired("session not sure enough", aal=aal, max_age=max_age)


def login_required(view: Callable[P, T]) -> Callable[P, T]:
    """Guard a view: somebody must be signed in."""
    return require()(view)
