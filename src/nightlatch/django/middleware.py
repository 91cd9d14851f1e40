"""``request.user``, ``request.auth``, and answers to what is refused in the project's own code."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings as django_settings
from django.contrib.auth.middleware import AuthenticationMiddleware, LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.utils.functional import SimpleLazyObject
from django.utils.module_loading import import_string

from nightlatch.django.identity import Auth, auth_of
from nightlatch.django.installation import installation
from nightlatch.django.translation import http_response, set_cookies
from nightlatch.django.views import nightlatch
from nightlatch.errors import NightlatchError, StoreError
from nightlatch.http.answers import answer_error, outage
from nightlatch.http.problems import status_of

__all__ = ["NightlatchMiddleware"]


class NightlatchMiddleware(AuthenticationMiddleware):
    """Stand in ``MIDDLEWARE`` where Django's ``AuthenticationMiddleware`` stood, after the session's."""

    def __init__(self, get_response: Callable[..., Any]) -> None:
        super().__init__(get_response)
        self._walled = any(_is_wall(path) for path in django_settings.MIDDLEWARE)

    def process_request(self, request: HttpRequest) -> None:
        """Give the request a user and what is known of the session; nothing is looked up yet.

        Raises:
            ConfigurationError: a project that is not configured answers nothing, rather than everything but sign-in.
        """
        installation().settle(request)
        request.auth = auth_of(request)
        request.user = SimpleLazyObject(lambda: auth_of(request).user)
        request.auser = partial(_auser, request)
        if "HTTP_AUTHORIZATION" in request.META and auth_of(request).exchange.bearer is not None:
            # Such a request rides on its token alone, which no page of another site can make a browser send.
            request._dont_enforce_csrf_checks = True

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        """Come before Django's login wall, which asks who it is whatever the view: an outage there would be a fault.

        Our own routes answer from here, and do not pay for its question.
        """
        if not self._walled:
            return None
        if view is nightlatch:
            return nightlatch(request, *args, **kwargs)
        try:
            _ = auth_of(request).user
        except StoreError as error:
            return http_response(outage(error))
        return None

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer what is refused in the project's own code (a busy pool, step-up ...) as our own routes would."""
        if not isinstance(error, NightlatchError) or status_of(error) == 500:  # noqa: PLR2004 - the developer's to see
            return None
        try:
            return http_response(answer_error(auth_of(request).exchange, error))
        except StoreError as second:
            return http_response(outage(second))

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Set what a sign-in or sign-out in the project's code asks for, and tell caches of the cookie."""
        auth: Auth = auth_of(request)
        set_cookies(response, auth.cookies)
        if auth.looked_up or auth.cookies:
            patch_vary_headers(response, ("Cookie",))
        return response

    async def __acall__(self, request: HttpRequest) -> HttpResponse:
        """Answer under ASGI: neither step waits for anything, so neither is worth a thread."""
        self.process_request(request)
        return self.process_response(request, await self.get_response(request))


async def _auser(request: HttpRequest) -> Any:
    return await sync_to_async(lambda: auth_of(request).user)()


def _is_wall(path: str) -> bool:
    found = import_string(path)
    return isinstance(found, type) and issubclass(found, LoginRequiredMiddleware)
