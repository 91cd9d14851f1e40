"""Our routes, as one view: every path below the mount, every method."""

from __future__ import annotations

from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from nightlatch.django.installation import installation
from nightlatch.django.signals import by_our_routes, follow
from nightlatch.django.transactions import EveryDatabase
from nightlatch.django.translation import http_response, request_from
from nightlatch.errors import StoreError
from nightlatch.http.answers import outage
from nightlatch.http.messages import Request

__all__ = ["nightlatch"]

_NEXT = f"{REDIRECT_FIELD_NAME}="


@csrf_exempt  # our routes hold every form and every origin to a rule of their own
@login_not_required  # and know who may call them
def nightlatch(request: HttpRequest, path: str = "") -> HttpResponse:
    """Answer one request. Synchronous: under ASGI Django runs it in its own thread, whose connections it uses."""
    site = installation()
    site.settle(request)
    try:
        made = request_from(request, f"/{path}")
        made.query = _with_next(made)
        with by_our_routes(request):
            told = site.web.respond(made)
            follow(request, told)
    except StoreError as error:
        return http_response(outage(error))
    return http_response(told)


# Counts commit before what they bound is decided: not with the request, and not undone with it.
nightlatch._non_atomic_requests = EveryDatabase()


def _with_next(made: Request) -> str:
    """Call where a person wanted to go as our pages do.

    Django's login walls call it ``next``, and lead here who is signed in but may not as well: the form is shown to
    them too, or the two would send them back and forth for ever.
    """
    pairs = made.query.split("&")
    if made.method not in {"GET", "HEAD"} or not any(each.startswith(_NEXT) for each in pairs):
        return made.query
    renamed = [f"return_to={each.removeprefix(_NEXT)}" if each.startswith(_NEXT) else each for each in pairs]
    return "&".join([*renamed, "prompt=login"])
