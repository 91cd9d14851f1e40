"""Asking for somebody who is signed in, and how sure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, ClassVar

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.http import HttpRequest

from nightlatch.django.identity import auth_of

__all__ = ["RequireMixin", "require"]

View = Callable[..., Any]


def require(
    *,
    role: str | None = None,
    aal: int | None = None,
    max_age: timedelta | None = None,
    phishing_resistant: bool = False,
    scope: str | None = None,
) -> Callable[[View], View]:
    """Guard a view, synchronous or not.

    Args:
        role: one that the user must have.
        aal: the assurance level that the session must have reached.
        max_age: how old its proof may be.
        phishing_resistant: whether a proof that cannot be phished (a passkey) must be among them.
        scope: one that an API key must have, if it has any; without it a key with scopes is nobody here.

    Raises:
        NotAuthenticated: nobody is signed in; a page request is led to the sign-in page and back.
        Forbidden: the user does not have the role.
        ReauthenticationRequired: the session is not sure or not fresh enough; a page request is led to confirm it.
    """

    def admit(request: HttpRequest) -> None:
        auth_of(request).require(
            role=role, aal=aal, max_age=max_age, phishing_resistant=phishing_resistant, scope=scope
        )

    def decorate(view: View) -> View:
        if iscoroutinefunction(view):

            @wraps(view)
            async def guarded_async(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
                await sync_to_async(admit)(request)
                return await view(request, *args, **kwargs)

            return guarded_async

        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            admit(request)
            return view(request, *args, **kwargs)

        return guarded

    return decorate


class RequireMixin:
    """Guard a class-based view; stands first among its bases."""

    required_role: ClassVar[str | None] = None
    required_aal: ClassVar[int | None] = None
    required_max_age: ClassVar[timedelta | None] = None
    required_phishing_resistant: ClassVar[bool] = False
    required_scope: ClassVar[str | None] = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Let the request through, or raise as `require` does."""
        guard = require(
            role=self.required_role,
            aal=self.required_aal,
            max_age=self.required_max_age,
            phishing_resistant=self.required_phishing_resistant,
            scope=self.required_scope,
        )
        return guard(super().dispatch)(request, *args, **kwargs)  # type: ignore[misc]
