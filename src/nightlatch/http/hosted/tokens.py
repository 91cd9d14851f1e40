"""The token that every form carries: of this very session, or before sign-in of this very browser."""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING

from nightlatch.errors import CrossSite

if TYPE_CHECKING:
    from nightlatch.http.exchange import Exchange

__all__ = ["token_for", "validate_token"]

_VISITOR_LENGTH = 32


def token_for(exchange: Exchange) -> tuple[str, list[tuple[str, str]]]:
    """Return the token that a page's forms carry, and the header that sets the visitor's cookie if there is none."""
    session = exchange.session_or_none
    if session is not None:
        return _session_token(exchange, session.selector), []
    cookies = exchange.app.cookies
    visitor = exchange.cookie(cookies.visitor)
    if visitor is not None and len(visitor) == _VISITOR_LENGTH:
        return _visitor_token(exchange, visitor), []
    visitor = secrets.token_hex(_VISITOR_LENGTH // 2)
    return _visitor_token(exchange, visitor), [cookies.set(cookies.visitor, visitor, life=None)]


def validate_token(exchange: Exchange, token: str | None) -> None:
    """Refuse a form without the token of this very session, or before sign-in of this very browser.

    Raises:
        CrossSite: it is missing, another's, or from before a sign-in (NIST SP 800-63B-4 5.1; ASVS 3.5.1).
    """
    session = exchange.session_or_none
    if session is not None:
        expected = _session_token(exchange, session.selector)
    else:
        visitor = exchange.cookie(exchange.app.cookies.visitor)
        if visitor is None:
            raise CrossSite("no visitor cookie", message="Your browser sent no cookie. Allow cookies and try again.")
        expected = _visitor_token(exchange, visitor)
    if token is None or not hmac.compare_digest(token.encode("utf-8", "replace"), expected.encode()):
        raise CrossSite("form token", message="This page was open for too long. Nothing was done. Please try again.")


def _session_token(exchange: Exchange, selector: str) -> str:
    # The selector changes with every rotation of the session, and the token with it (adversary 61).
    return exchange.auth.keyring.mac("csrf", "session", selector).hex()


def _visitor_token(exchange: Exchange, visitor: str) -> str:
    return exchange.auth.keyring.mac("csrf", "visitor", visitor).hex()
