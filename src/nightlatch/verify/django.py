"""Django: ``@token_required(verifier)`` around a view, and the token is ``request.token``."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from nightlatch.verify.bearer import admit, bearer_of, refused
from nightlatch.verify.errors import VerificationError
from nightlatch.verify.verifier import Verifier

__all__ = ["token_required"]


def token_required(verifier: Verifier, *, role: str | None = None) -> Callable[[Any], Any]:
    """Guard a view, synchronous or not: the request must bring a good access token.

    The view is exempt from Django's CSRF form guard: no page of another site can make a browser send a token.

    Args:
        verifier: says what is good.
        role: one that the user must have.
    """

    def decorate(view: Any) -> Any:
        if iscoroutinefunction(view):

            @wraps(view)
            async def guarded_async(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
                try:
                    request.token = admit(await verifier.verify_async(_bearer(request)), role)
                except VerificationError as error:
                    return _answer(error)
                return await view(request, *args, **kwargs)

            return csrf_exempt(guarded_async)

        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            try:
                request.token = admit(verifier.verify(_bearer(request)), role)
            except VerificationError as error:
                return _answer(error)
            return view(request, *args, **kwargs)

        return csrf_exempt(guarded)

    return decorate


def _bearer(request: HttpRequest) -> str:
    found = request.META.get("HTTP_AUTHORIZATION")
    return bearer_of([] if found is None else [found])


def _answer(error: VerificationError) -> HttpResponse:
    told = refused(error)
    return HttpResponse(told.body, status=told.status, headers=told.headers)
