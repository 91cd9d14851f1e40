"""Bind a phone that gets codes by text."""

from __future__ import annotations

from nightlatch.http.api.authenticators import bound_answer
from nightlatch.http.api.phone_shapes import BeginPhoneBody, ConfirmPhoneBody, PhoneProposalShape
from nightlatch.http.exchange import Exchange
from nightlatch.http.messages import Response

__all__ = ["begin_phone", "confirm_phone"]


def begin_phone(exchange: Exchange, body: BeginPhoneBody) -> Response:
    """Text a code to it: for who is signed in, or for a sign-in that waits for one."""
    flows = exchange.auth.bind_phone
    if body.attempt is not None:
        proposal = flows.begin_in(exchange.client, body.attempt, number=body.number, name=body.name)
    else:
        proposal = flows.begin(exchange.client, exchange.session, number=body.number, name=body.name)
    return exchange.json(PhoneProposalShape(id=proposal.id, number=proposal.number, expires_at=proposal.expires_at))


def confirm_phone(exchange: Exchange, body: ConfirmPhoneBody) -> Response:
    """Confirm it by that code."""
    flows = exchange.auth.bind_phone
    if body.attempt is not None:
        return bound_answer(exchange, flows.confirm_in(exchange.client, body.attempt, body.id, body.code))
    return bound_answer(exchange, flows.confirm(exchange.client, exchange.session, body.id, body.code))
