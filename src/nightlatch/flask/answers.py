"""Turning what is raised in the application's own code into our answer."""

from __future__ import annotations

from urllib.parse import quote

from flask import Response, request

from nightlatch.errors import NightlatchError, NotAuthenticated, ReauthenticationRequired, StoreError
from nightlatch.flask.installation import Installation
from nightlatch.flask.user import installation
from nightlatch.http.hosted.chrome import message_page
from nightlatch.http.messages import Response as Answer
from nightlatch.http.problems import problem, status_of

__all__ = ["answer_error", "outage"]


def answer_error(error: NightlatchError) -> Response:
    """Answer a refusal: a page for who asks for pages, a problem document for everybody else.

    Raises:
        NightlatchError: it is no refusal but a fault, and the developer's to see with its traceback.
    """
    if status_of(error) == 500:  # noqa: PLR2004
        raise error
    found = installation()
    if isinstance(error, StoreError):
        told = outage(error)
        return Response(told.body, told.status, told.headers)
    if request.accept_mimetypes.best != "text/html":
        told = problem(error, found.exchange.request_id)
        return Response(told.body, told.status, told.headers + found.web.headers.api)
    if request.method == "GET" and isinstance(error, NotAuthenticated):
        return _lead(found, "/sign-in")
    if request.method == "GET" and isinstance(error, ReauthenticationRequired):
        return _lead(found, "/reauthenticate")
    told = message_page(found.exchange, error)
    return Response(told.body, told.status, told.headers + found.web.headers.page)


def outage(error: StoreError) -> Answer:
    """Answer without the store, which a page could not be made without."""
    told = problem(error, None)
    told.headers.append(("Cache-Control", "no-store"))
    return told


def _lead(found: Installation, page: str) -> Response:
    """Lead to one of our pages, and back; both addresses are made of settings, never of the request's host."""
    settings = found.web.auth.settings
    back = settings.base_url[len(settings.origin) :] + quote(request.path, safe="/:@!$&'()*+,;=~")
    if request.query_string:
        back += "?" + request.query_string.decode("latin-1")
    target = f"{settings.base_url}{settings.mount}{page}?return_to={quote(back, safe='/')}"
    headers = [("Location", target), ("Cache-Control", "no-store"), ("Vary", "Cookie, Accept")]
    return Response(status=303, headers=headers)
