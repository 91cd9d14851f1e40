"""Page: the second step of a sign-in, a reauthentication or a recovery; another way is a link away."""

from __future__ import annotations

from datetime import timedelta

from nightlatch.errors import (
    AttemptInvalid,
    Busy,
    InvalidCode,
    InvalidCredentials,
    InvalidInput,
    NightlatchError,
    Throttled,
)
from nightlatch.flows.outcome import More
from nightlatch.http.bodies import json_in_form, query_of
from nightlatch.http.exchange import Exchange
from nightlatch.http.hosted.chrome import form_page
from nightlatch.http.hosted.forms import ProveForm
from nightlatch.http.hosted.sign_in import go_on
from nightlatch.http.hosted.tokens import validate_token
from nightlatch.http.messages import Response

__all__ = ["prove", "prove_page", "send_prove"]

_SHOWN = (InvalidInput, InvalidCode, InvalidCredentials, Throttled, Busy)
_LABELS = {
    "passkey": "Passkey",
    "totp": "Code from your app",
    "sms_code": "Code from the text",
    "recovery_code": "Recovery code",
    "password": "Password",
}


def prove(exchange: Exchange) -> Response:
    """Ask for the next proof. Changes nothing."""
    more = exchange.auth.attempts.look(exchange.client, exchange.held_attempt)
    wanted = query_of(exchange.request, "with").get("with")
    return prove_page(exchange, more, wanted, None)


def send_prove(exchange: Exchange, form: ProveForm) -> Response:
    """Prove it."""
    validate_token(exchange, form.csrf_token)
    held = exchange.held_attempt
    more = exchange.auth.attempts.look(exchange.client, held)
    kind = form.authenticator or (more.authenticators or ("",))[0]
    try:
        outcome = exchange.auth.attempts.answer(
            exchange.client,
            held,
            authenticator=kind,
            code=form.code,
            password=form.password,
            credential=json_in_form(form.credential),
            session=exchange.session_or_none,
            remember_device=form.remember_device is not None,
        )
    except _SHOWN as error:
        return prove_page(exchange, more, kind, error, ticked=form.remember_device is not None)
    return go_on(exchange, outcome)


def prove_page(
    exchange: Exchange, more: More, wanted: str | None, refusal: NightlatchError | None, *, ticked: bool = False
) -> Response:
    """Ask for a proof that would help, with what was wrong."""
    ways = [kind for kind in more.authenticators if kind in _LABELS]
    if not ways:
        raise AttemptInvalid("nothing is to be proven at this step")
    kind = wanted if wanted in ways else ways[0]
    field = {"password": "password", "passkey": "credential"}.get(kind, "code")
    if kind == "passkey" and isinstance(refusal, InvalidCredentials):
        refusal.message = "That passkey does not fit. Try again, or take another way."
    return form_page(
        exchange,
        "prove.html",
        refusal,
        beside=None if kind == "passkey" else field,
        labels={field: _LABELS[kind]},
        kind=kind,
        field_label=_LABELS[kind],
        purpose=more.purpose,
        phones=more.phones if kind == "sms_code" else (),
        remember_hours=round(more.may_remember / timedelta(hours=1)) if more.may_remember else None,
        ticked=ticked,
        others=[(each, _LABELS[each]) for each in ways if each != kind],
    )
