"""Tokens: the next ones, their end, and the keys that they are verified with."""

from __future__ import annotations

import hashlib

from nightlatch.http.api.token_shapes import EndedBody, EndedShape, Keys, RefreshBody, RevokeBody, tokens_shape
from nightlatch.http.exchange import Exchange
from nightlatch.http.messages import Response

__all__ = ["ended", "jwks", "refresh", "revoke"]


def refresh(exchange: Exchange, body: RefreshBody) -> Response:
    """Get the next tokens; a page, whose cookie came with it, an access token alone."""
    tokens = exchange.auth.tokens
    if body.refresh_token is not None:
        return exchange.json(tokens_shape(tokens.refresh(exchange.client.without_cookies(), body.refresh_token)))
    # Never a refresh token for a cookie: what a script can read would outlive what it cannot (RFC 9700 2.2).
    return exchange.json(tokens_shape(tokens.issue(exchange.session)))


def revoke(exchange: Exchange, body: RevokeBody) -> Response:
    """End the session of a token. What is no token is answered alike (RFC 7009 2.2)."""
    exchange.auth.tokens.revoke(exchange.client, body.token)
    return exchange.json({})


def ended(exchange: Exchange, body: EndedBody) -> Response:
    """Which of these sessions have ended: for services that only verify."""
    return exchange.json(EndedShape(ended=exchange.auth.tokens.ended(body.sessions)))


def jwks(exchange: Exchange) -> Response:
    """The public keys. Caches may keep them: the next key is there long before it signs."""
    response = exchange.json(Keys(keys=exchange.auth.signing_keys.published()))
    tag = f'"{hashlib.sha256(response.body).hexdigest()[:32]}"'
    response.headers += [("Cache-Control", "public, max-age=300, stale-if-error=86400"), ("ETag", tag)]
    if exchange.request.header("if-none-match") == tag:
        response.status, response.body = 304, b""
    return response
