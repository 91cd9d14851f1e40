"""What is raised in a host application's own code, as an answer: a page for people, a problem for programs."""

from __future__ import annotations

from urllib.parse import quote

from nightlatch.errors import NightlatchError, NotAuthenticated, ReauthenticationRequired, StoreError, StoreUnavailable
from nightlatch.http.exchange import Exchange
from nightlatch.http.hosted.chrome import message_page
from nightlatch.http.messages import Response
from nightlatch.http.problems import problem, status_of
from nightlatch.http.step_up import query_of_step_up

__all__ = ["answer_error", "outage"]


def answer_error(exchange: Exchange, error: NightlatchError) -> Response:
    """Answer a refusal.

    Args:
        exchange: the request, whose path is the whole one of the application's route.
        error: what was raised.

    Raises:
        NightlatchError: it is no refusal but a fault, and the developer's to see with its traceback.
    """
    if status_of(error) == 500:  # noqa: PLR2004
        raise error
    if isinstance(error, StoreError):
        return outage(error)
    if not _wants_page(exchange):
        told = problem(error, exchange.request_id, exchange.auth.settings)
        told.headers += exchange.app.headers.api
        return told
    if exchange.request.method == "GET" and isinstance(error, NotAuthenticated):
        return _lead(exchange, "/sign-in")
    if exchange.request.method == "GET" and isinstance(error, ReauthenticationRequired):
        return _lead(exchange, "/reauthenticate", query_of_step_up(error))
    try:
        told = message_page(exchange, error)
    except StoreUnavailable as second:  # the page looks up who is signed in
        return outage(second)
    told.headers += exchange.app.headers.page
    return told


def _wants_page(exchange: Exchange) -> bool:
    """Tell whether HTML is what the client likes best: browsers say so, programs take anything (RFC 9110 12.5.1)."""
    best, most = "", (0.0, False)
    for each in (exchange.request.header("accept") or "").split(","):
        kind, _, parameters = each.strip().lower().partition(";")
        liking = (_quality(parameters), "*" not in kind)
        if liking > most:
            best, most = kind.strip(), liking
    return best == "text/html"


def _quality(parameters: str) -> float:
    for each in parameters.split(";"):
        name, _, value = each.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def outage(error: StoreError) -> Response:
    """Answer without the store, which a page could not be made without."""
    told = problem(error, None)
    told.headers.append(("Cache-Control", "no-store"))
    return told


def _lead(exchange: Exchange, page: str, asked: str = "") -> Response:
    """Lead to one of our pages, and back; both addresses are made of settings, never of the request's host."""
    settings, request = exchange.auth.settings, exchange.request
    back = settings.base_url[len(settings.origin) :] + quote(request.path, safe="/:@!$&'()*+,;=~")
    if request.query:
        back += "?" + request.query
    target = f"{settings.base_url}{settings.mount}{page}?{asked}return_to={quote(back, safe='/')}"
    headers = [("Location", target), ("Cache-Control", "no-store"), ("Vary", "Cookie, Accept")]
    return Response(status=303, headers=headers)
