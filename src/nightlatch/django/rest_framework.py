"""Django REST framework: name `NightlatchAuthentication` in ``DEFAULT_AUTHENTICATION_CLASSES``."""

from __future__ import annotations

from typing import Any

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from nightlatch.django.identity import Auth, auth_of

__all__ = ["NightlatchAuthentication"]


class NightlatchAuthentication(BaseAuthentication):
    """Give ``request.user`` and ``request.auth`` from our session, in REST framework's views.

    No CSRF token is asked for: on an unsafe request from another origin the cookie counts as not sent.
    """

    def authenticate(self, request: Request) -> tuple[Any, Auth] | None:
        """Return who is signed in, and how sure; None where nobody is."""
        auth = auth_of(request._request)
        user = auth.user
        return (user, auth) if user.is_authenticated else None

    def authenticate_header(self, request: Request) -> str:
        """Name the scheme, so that nobody is answered 401 and not 403 (RFC 9110 11.6.1)."""
        del request
        return "Session"
