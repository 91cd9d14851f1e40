"""One's API keys."""

from __future__ import annotations

from datetime import timedelta

from nightlatch.http.api.token_shapes import ApiKeysShape, NewApiKeyBody, NewApiKeyShape, api_key_shape
from nightlatch.http.bodies import id_of
from nightlatch.http.exchange import Exchange
from nightlatch.http.messages import Response

__all__ = ["create", "list_", "revoke"]


def create(exchange: Exchange, body: NewApiKeyBody) -> Response:
    """Make a key; its text is in this answer alone."""
    key, text = exchange.auth.api_keys.create(
        exchange.client,
        exchange.session,
        name=body.name,
        scopes=body.scopes,
        life=None if body.expires_in is None else timedelta(seconds=body.expires_in),
    )
    return exchange.json(NewApiKeyShape(api_key=api_key_shape(key), key=text.reveal()), status=201)


def list_(exchange: Exchange) -> Response:
    """My keys, the newest first."""
    rows = exchange.auth.api_keys.list(exchange.session)
    return exchange.json(ApiKeysShape(api_keys=[api_key_shape(row) for row in rows]))


def revoke(exchange: Exchange) -> Response:
    """End one of my keys."""
    exchange.auth.api_keys.revoke(exchange.client, exchange.session, id_of(exchange.segment))
    return exchange.nothing()
