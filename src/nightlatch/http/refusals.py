"""Refusals raised in an application's own code, answered as our own routes would answer them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from nightlatch.errors import NightlatchError, NotAuthenticated, ReauthenticationRequired, StoreError
from nightlatch.http.hosted.chrome import message_page
from nightlatch.http.messages import Request, Response
from nightlatch.http.problems import problem, status_of

if TYPE_CHECKING:
    from nightlatch.http.exchange import Exchange

__all__ = ["outage", "refusal", "wants_page"]


def refusal(exchange: Exchange, error: NightlatchError) -> Response:
    """Answer a refusal: a page for who asks for pages, a problem document for everybody else.

    Args:
        exchange: the application's request; its path is the application's own.
        error: what was raised.

    Raises:
        NightlatchError: it is no refusal but a fault, and the developer's to see with its traceback.
    """
    if status_of(error) == 500:  # noqa: PLR2004
        raise error
    if isinstance(error, StoreError):
        return outage(error)
    request, headers = exchange.request, exchange.app.headers
    if not wants_page(request):
        told = problem(error, exchange.request_id)
        told.headers.extend(headers.api)
        return told
    if request.method == "GET" and isinstance(error, NotAuthenticated):
        return _lead(exchange, "/sign-in")
    if request.method == "GET" and isinstance(error, ReauthenticationRequired):
        return _lead(exchange, "/reauthenticate")
    told = message_page(exchange, error)
    told.headers.extend(headers.page)
    return told


def outage(error: StoreError) -> Response:
    """Answer without the store, which a page could not be made without."""
    told = problem(error, None)
    told.headers.append(("Cache-Control", "no-store"))
    return told


def wants_page(request: Request) -> bool:
    """Tell whether a client would rather have a page than anything else (RFC 9110 12.5.1): browsers say so first."""
    best, most = "", 0.0
    for each in (request.header("accept") or "").split(","):
        kind, *parameters = (part.strip() for part in each.split(";"))
        quality = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        try:
            weight = float(quality)
        except ValueError:
            weight = 0.0
        if kind and weight > most:
            best, most = kind.lower(), weight
    return best == "text/html"


def _lead(exchange: Exchange, page: str) -> Response:
    """Lead to one of our pages, and back; both addresses are made of settings, never of the request's host."""
    settings, request = exchange.auth.settings, exchange.request
    back = settings.base_url[len(settings.origin) :] + quote(request.path, safe="/:@!$&'()*+,;=~")
    if request.query:
        back += "?" + request.query
    target = f"{settings.base_url}{settings.mount}{page}?return_to={quote(back, safe='/')}"
    return Response(
        status=303, headers=[("Location", target), ("Cache-Control", "no-store"), ("Vary", "Cookie, Accept")]
    )
