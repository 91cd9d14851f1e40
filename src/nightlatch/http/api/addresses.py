"""My addresses: a new one, the primary one, one that goes."""

from __future__ import annotations

from nightlatch.http.api.shapes import AddressBody, AddressChanges, NewAttempt
from nightlatch.http.bodies import id_of
from nightlatch.http.exchange import Exchange
from nightlatch.http.messages import Response

__all__ = ["begin", "drop", "prefer", "remove"]


def begin(exchange: Exchange, body: AddressBody) -> Response:
    """Begin a change: a code goes to the new address, whoever has it; `attempt/answer` goes on."""
    more = exchange.auth.addresses.begin(exchange.client, exchange.session, email=body.email, keep_old=body.keep_old)
    begun = NewAttempt(attempt=more.attempt.reveal(), authenticators=more.authenticators, expires_at=more.expires_at)
    return exchange.json(begun, status=202)


def drop(exchange: Exchange) -> Response:
    """Drop the change that waits."""
    exchange.auth.addresses.drop(exchange.client, exchange.session)
    return exchange.nothing()


def prefer(exchange: Exchange, body: AddressChanges) -> Response:
    """Make one of my addresses the primary one."""
    del body  # it can say one thing only
    exchange.auth.addresses.prefer(exchange.client, exchange.session, id_of(exchange.segment))
    return exchange.nothing()


def remove(exchange: Exchange) -> Response:
    """Remove one of my addresses."""
    exchange.auth.addresses.remove(exchange.client, exchange.session, id_of(exchange.segment))
    return exchange.nothing()
