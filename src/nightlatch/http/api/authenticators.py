"""What I prove myself with: list, bind, name, remove."""

from __future__ import annotations

from typing import Any

from msgspec.structs import asdict

from nightlatch.flows.binding import Bound
from nightlatch.flows.outcome import More
from nightlatch.http.api.shapes import (
    AuthenticatorChanges,
    AuthenticatorsShape,
    BeginPasskeyBody,
    BeginTotpBody,
    BoundMoreShape,
    BoundShape,
    ConfirmPasskeyBody,
    ConfirmTotpBody,
    PasskeyProposalShape,
    RecoveryCodesShape,
    TotpProposal,
    authenticator_shape,
)
from nightlatch.http.api.sign_in import more_shape, signed_in
from nightlatch.http.bodies import id_of
from nightlatch.http.exchange import Exchange
from nightlatch.http.messages import Response
from nightlatch.pages.qr import qr_svg
from nightlatch.primitives.secret import Secret

__all__ = [
    "authenticators",
    "begin_passkey",
    "begin_totp",
    "bound_answer",
    "confirm_passkey",
    "confirm_totp",
    "recovery_codes",
    "remove",
    "rename",
]


def authenticators(exchange: Exchange) -> Response:
    """What I have bound."""
    owned = exchange.auth.manage_authenticators.list(exchange.session)
    shapes = [authenticator_shape(each) for each in owned.authenticators]
    return exchange.json(AuthenticatorsShape(authenticators=shapes, recovery_codes_left=owned.recovery_codes_left))


def begin_totp(exchange: Exchange, body: BeginTotpBody) -> Response:
    """Begin to enrol an authenticator app: for who is signed in, or for a sign-in that waits for one."""
    flows = exchange.auth.manage_authenticators
    if body.attempt is not None:
        proposal = flows.begin_totp_in(exchange.client, body.attempt, name=body.name)
    else:
        proposal = flows.begin_totp(exchange.client, exchange.session, name=body.name)
    uri = proposal.uri.reveal()
    return exchange.json(TotpProposal(id=proposal.id, secret=proposal.secret.reveal(), uri=uri, qr=qr_svg(uri)))


def confirm_totp(exchange: Exchange, body: ConfirmTotpBody) -> Response:
    """Confirm it by its first code."""
    flows = exchange.auth.manage_authenticators
    if body.attempt is not None:
        bound = flows.confirm_totp_in(exchange.client, body.attempt, body.id, body.code)
    else:
        bound = flows.confirm_totp(exchange.client, exchange.session, body.id, body.code)
    return bound_answer(exchange, bound)


def begin_passkey(exchange: Exchange, body: BeginPasskeyBody) -> Response:
    """Begin to make a passkey: for who is signed in, or for an attempt that waits for one."""
    flows = exchange.auth.bind_passkey
    if body.attempt is not None:
        proposal = flows.begin_in(exchange.client, body.attempt, name=body.name)
    else:
        proposal = flows.begin(exchange.client, exchange.session, name=body.name)
    return exchange.json(PasskeyProposalShape(id=proposal.id, options=proposal.options))


def confirm_passkey(exchange: Exchange, body: ConfirmPasskeyBody) -> Response:
    """Confirm it by the credential that was made."""
    flows = exchange.auth.bind_passkey
    if body.attempt is not None:
        bound = flows.confirm_in(exchange.client, body.attempt, body.id, body.credential)
    else:
        bound = flows.confirm(exchange.client, exchange.session, body.id, body.credential)
    return bound_answer(exchange, bound)


def bound_answer(exchange: Exchange, bound: Bound) -> Response:
    """Hand the session over in which something new counts, and the recovery codes that came with it."""
    more: dict[str, Any] = {
        "authenticator": authenticator_shape(bound.authenticator),
        "recovery_codes": _shown(bound.recovery_codes),
    }
    if isinstance(bound.outcome, More):
        return exchange.json(BoundMoreShape(**asdict(more_shape(bound.outcome)), **more))
    return signed_in(exchange, bound.outcome, lambda done: BoundShape(**asdict(done), **more))


def recovery_codes(exchange: Exchange) -> Response:
    """Make a new set of recovery codes."""
    codes = exchange.auth.manage_authenticators.replace_recovery_codes(exchange.client, exchange.session)
    return exchange.json(RecoveryCodesShape(recovery_codes=_shown(codes)))


def rename(exchange: Exchange, body: AuthenticatorChanges) -> Response:
    """Change what one of them is called."""
    record = exchange.auth.manage_authenticators.rename(
        exchange.client, exchange.session, id_of(exchange.segment), name=body.name
    )
    return exchange.json(authenticator_shape(record))


def remove(exchange: Exchange) -> Response:
    """Remove one of them; every other session ends, this one gets a new token."""
    complete = exchange.auth.manage_authenticators.remove(exchange.client, exchange.session, id_of(exchange.segment))
    return signed_in(exchange, complete)


def _shown(codes: tuple[Secret, ...]) -> list[str]:
    return [each.reveal() for each in codes]
