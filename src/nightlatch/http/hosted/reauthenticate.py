"""Pages: confirm that it is you, before something that asks for it; then back to where that was."""

from __future__ import annotations

from nightlatch.errors import Busy, InvalidCode, InvalidCredentials, InvalidInput, NightlatchError, Throttled
from nightlatch.flows.outcome import More
from nightlatch.http.bodies import json_in_form, query_of
from nightlatch.http.exchange import Exchange
from nightlatch.http.hosted.chrome import form_page
from nightlatch.http.hosted.forms import ReauthenticateForm
from nightlatch.http.hosted.sign_in import go_on
from nightlatch.http.hosted.tokens import validate_token
from nightlatch.http.messages import Response
from nightlatch.primitives.secret import Secret

__all__ = ["begin_reauthentication", "reauthenticate", "send_reauthenticate"]

_SHOWN = (InvalidInput, InvalidCode, InvalidCredentials, Throttled, Busy)


def reauthenticate(exchange: Exchange) -> Response:
    """Ask for the password or a passkey again. Changes nothing: the attempt begins when the form is sent."""
    query = query_of(exchange.request, "return_to", "aal", "phishing_resistant")
    asked = ReauthenticateForm(
        return_to=query.get("return_to"), aal=query.get("aal"), phishing_resistant=query.get("phishing_resistant")
    )
    return _page(exchange, asked, None)


def _page(exchange: Exchange, form: ReauthenticateForm, refusal: NightlatchError | None) -> Response:
    return form_page(
        exchange,
        "reauthenticate.html",
        refusal,
        beside="password" if form.credential is None else None,
        ways=exchange.auth.reauthenticate.ways(exchange.session),
        return_to=exchange.app.redirects.safe(form.return_to),
        aal=form.aal or "",
        phishing_resistant=form.phishing_resistant or "",
    )


def send_reauthenticate(exchange: Exchange, form: ReauthenticateForm) -> Response:
    """Confirm."""
    validate_token(exchange, form.csrf_token)
    try:
        by_passkey = form.credential is not None
        # A passkey signs for an attempt that began when its challenge was asked for.
        held = exchange.held_attempt if by_passkey else begin_reauthentication(exchange, form).attempt
        outcome = exchange.auth.attempts.answer(
            exchange.client,
            held,
            authenticator="passkey" if by_passkey else "password",
            password=form.password or Secret(""),
            credential=json_in_form(form.credential),
            session=exchange.session,
        )
    except _SHOWN as error:
        return _page(exchange, form, error)
    return go_on(exchange, outcome)


def begin_reauthentication(exchange: Exchange, form: ReauthenticateForm) -> More:
    """Begin the reauthentication that the page was asked for."""
    return exchange.auth.reauthenticate.begin(
        exchange.client,
        exchange.session,
        aal=2 if form.aal == "2" else 1,
        phishing_resistant=form.phishing_resistant == "true",
        return_to=exchange.app.redirects.safe(form.return_to),
    )
