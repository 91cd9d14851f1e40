"""A proxy asks: may this request pass?"""

from __future__ import annotations

from urllib.parse import quote

from nightlatch.errors import CrossSite, NightlatchError, NotAuthenticated, ReauthenticationRequired
from nightlatch.http.bodies import query_of
from nightlatch.http.exchange import Exchange
from nightlatch.http.forwarded import asked_request, is_foreign
from nightlatch.http.messages import Response
from nightlatch.http.problems import as_status, problem
from nightlatch.services.forward_rules import Asked

__all__ = ["CALLBACKS", "answer", "begin_address"]

CALLBACKS = "/.nightlatch"
"""Path on every application's host that its proxy hands to our ``/forward``: where its own cookies are set."""

_IN_A_HEADER = "".join(map(chr, range(0x21, 0x7F))).replace("%", "").replace(",", "")
_LONGEST_TARGET = 1000


def answer(exchange: Exchange) -> Response:
    """Answer 200 with who it is; 401 with where to sign in, or 303 to there where the proxy asks for that; or 403.

    nginx's ``auth_request`` knows these statuses and no others: whatever is not right with a request is one of them.
    """
    asked = asked_request(exchange)
    if is_foreign(exchange.request, asked):
        raise CrossSite("unsafe request of another site's page")
    try:
        passed = exchange.auth.forward.admit(asked, exchange.cookie(exchange.app.cookies.forward))
    except (NotAuthenticated, ReauthenticationRequired) as refusal:
        return _sign_in_first(exchange, asked, refusal)
    # Every one of them, always: a header that we leave out may be one that the client has sent.
    session = passed.session
    headers = [
        ("Remote-User", _header_value(passed.remote_user)),
        ("Remote-Email", _header_value(session.email or "")),
        ("Remote-Groups", ",".join(map(_header_value, session.roles))),
        ("Remote-Assertion", passed.assertion.reveal()),
    ]
    return Response(status=200, headers=headers)


def _header_value(text: str) -> str:
    # What is not plain ASCII is percent-encoded: no line end gets into a header, and no comma makes two groups of one.
    return quote(text, safe=_IN_A_HEADER)


def _sign_in_first(exchange: Exchange, asked: Asked, refusal: NightlatchError) -> Response:
    told = as_status(problem(refusal, exchange.request_id), 401)
    if asked.method not in {"GET", "HEAD"} or exchange.request.header("sec-fetch-mode") not in {None, "navigate"}:
        return told  # a script, or a form that would be lost: nothing that a page to sign in at could help
    told.headers.append(("Location", begin_address(asked.site, asked.target)))
    if query_of(exchange.request, "redirect").get("redirect") == "yes":
        told.status = 303
    return told


def begin_address(site: str, target: str) -> str:
    """Return where a browser begins to get a session on an application's host, and comes back to a path of it."""
    back = target if len(target) <= _LONGEST_TARGET else "/"
    return f"{site}{CALLBACKS}/begin?to={quote(back, safe='/')}"
