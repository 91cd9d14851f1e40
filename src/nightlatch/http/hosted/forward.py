"""A browser's way to a session on an application's host, and back to where it wanted to go.

On the application's host ``begin`` sets a secret in a cookie; here ``leave`` gives a signed-in browser a code, bound to
that host and to that secret's hash; there ``return`` redeems it for the host's own session. So a code is of use in the
browser alone in which the way began, and no cookie is ever shared by hosts.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import timedelta
from urllib.parse import quote, urlencode, urlsplit

from nightlatch.errors import Forbidden, InvalidCode, LinkInvalid, NotAuthenticated, NotFound
from nightlatch.http.api.forward import CALLBACKS, begin_address
from nightlatch.http.bodies import query_of
from nightlatch.http.exchange import Exchange
from nightlatch.http.forwarded import asked_site
from nightlatch.http.hosted.chrome import page
from nightlatch.http.messages import Response
from nightlatch.primitives.request_paths import AmbiguousPath, plain_path
from nightlatch.primitives.secret import Secret
from nightlatch.services.forward_rules import Asked
from nightlatch.verify.encoding import b64url

__all__ = ["again", "begin", "leave", "return_"]

_STATE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_STATE_LIFE = timedelta(hours=1)
"""As long as a sign-up may take on the way."""


def begin(exchange: Exchange) -> Response:
    """On the application's host: set the state cookie, and lead here. Tabs that begin at once share one state."""
    site, to = asked_site(exchange), _target(exchange)
    cookies = exchange.app.cookies
    state = exchange.cookie(cookies.forward_state) or ""
    if _STATE.fullmatch(state) is None:
        state = secrets.token_urlsafe(32)
    asked = urlencode({"site": site, "state": _hash(state), "to": to})
    return _lead(
        f"{_mount(exchange)}/forward/leave?{asked}", cookies.set(cookies.forward_state, state, life=_STATE_LIFE)
    )


def leave(exchange: Exchange) -> Response:
    """Here, signed in: lead to the application's host with a code, or first to a proof that it asks for."""
    query = query_of(exchange.request, "site", "state")
    site, state, to = query.get("site", ""), query.get("state", ""), _target(exchange)
    if not exchange.auth.forward.knows(site) or _STATE.fullmatch(state) is None:
        raise NotFound("no such site, or no state")
    code = exchange.auth.forward.issue(exchange.session, Asked(site=site, method="GET", target=to), state)
    return _lead(f"{site}{CALLBACKS}/return?{urlencode({'code': code.reveal(), 'to': to})}")


def return_(exchange: Exchange) -> Response:
    """On the application's host: redeem the code for a session of this host, and go on."""
    site, to = asked_site(exchange), _target(exchange)
    cookies, forward = exchange.app.cookies, exchange.auth.forward
    code, state = query_of(exchange.request, "code").get("code", ""), exchange.cookie(cookies.forward_state) or ""
    try:
        session, token = forward.redeem(exchange.client, site, Secret(code), _hash(state))
    except (LinkInvalid, InvalidCode, NotAuthenticated):
        return _not_redeemed(exchange, site, to)
    life = session.expires_at - exchange.auth.clock.now()
    return _lead(site + to, cookies.set(cookies.forward, token.reveal(), life=max(life, timedelta(seconds=1))))


def _not_redeemed(exchange: Exchange, site: str, to: str) -> Response:
    try:
        exchange.auth.forward.recognise(site, exchange.cookie(exchange.app.cookies.forward))
    except NotAuthenticated:
        # A page that says so, and no further round: a browser that keeps no cookies would go round for ever.
        return _lead(f"{_mount(exchange)}/forward/again?{urlencode({'site': site, 'to': to})}")
    return _lead(site + to)  # the way back was opened twice


def again(exchange: Exchange) -> Response:
    """Here: say that it did not work, and offer to begin anew."""
    site, to = query_of(exchange.request, "site").get("site", ""), _target(exchange)
    if not exchange.auth.forward.knows(site):
        raise NotFound("no such site")
    host = urlsplit(site).netloc
    return page(
        exchange,
        "message.html",
        heading="That took too long",
        text=f"The way back to {host} was already used, has expired, or began in another browser. Cookies must be on.",
        actions=[(begin_address(site, to), f"Go to {host}")],
        request_id=None,
    )


def _target(exchange: Exchange) -> str:
    """Return the path to come back to: one of the same host, in a form that is read in one way (adversary 86)."""
    to = query_of(exchange.request, "to").get("to", "/")
    try:
        plain_path(to)
    except AmbiguousPath:
        raise Forbidden("ambiguous path to come back to") from None
    path, mark, query = to.partition("?")
    return quote(path, safe="/:@!$&'()*+,=-._~%") + mark + quote(query, safe="/:@!$&'()*+,;=-._~%?")


def _mount(exchange: Exchange) -> str:
    return exchange.auth.settings.base_url + exchange.auth.settings.mount


def _hash(state: str) -> str:
    return b64url(hashlib.sha256(state.encode()).digest()).decode()


def _lead(address: str, *headers: tuple[str, str]) -> Response:
    return Response(status=303, headers=[("Location", address), *headers])
