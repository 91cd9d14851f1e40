"""Pages: passkeys. A browser's script asks for what is to be signed, and sends the answer with the page's own form."""

from __future__ import annotations

from uuid import UUID

from nightlatch.errors import Forbidden, InvalidCredentials, InvalidInput, NightlatchError, Throttled
from nightlatch.flows.passkey_proposal import PasskeyProposal
from nightlatch.http.api.shapes import PasskeyProposalShape
from nightlatch.http.bodies import json_in_form, query_of, uuid_of
from nightlatch.http.exchange import Exchange
from nightlatch.http.hosted.authenticators import enrol_page, kept, kept_in_attempt
from nightlatch.http.hosted.chrome import form_page
from nightlatch.http.hosted.forms import PasskeyForm, PasskeySignInForm, ProveForm, ReauthenticateForm
from nightlatch.http.hosted.reauthenticate import begin_reauthentication
from nightlatch.http.hosted.sign_in import go_on, sign_in_page
from nightlatch.http.hosted.tokens import validate_token
from nightlatch.http.messages import Response
from nightlatch.primitives.secret import Secret

__all__ = [
    "ask",
    "ask_again",
    "begin",
    "begin_enrolled",
    "confirm",
    "confirm_enrolled",
    "passkey",
    "sign_in_with",
]

_SHOWN = (InvalidCredentials, InvalidInput, Forbidden, Throttled)


# --- proving ----------------------------------------------------------------------------------------------------------


def ask(exchange: Exchange, form: ProveForm) -> Response:
    """Say what the browser is to be asked for the attempt that its cookie holds."""
    validate_token(exchange, form.csrf_token)
    return exchange.json(exchange.auth.attempts.begin(exchange.client, exchange.held_attempt, "passkey").options)


def ask_again(exchange: Exchange, form: ReauthenticateForm) -> Response:
    """Begin a reauthentication, and say what the browser is to be asked for it."""
    validate_token(exchange, form.csrf_token)
    more = begin_reauthentication(exchange, form)
    response = exchange.json(exchange.auth.attempts.begin(exchange.client, more.attempt, "passkey").options)
    response.headers.append(exchange.hold_attempt(more.attempt))
    return response


def sign_in_with(exchange: Exchange, form: PasskeySignInForm) -> Response:
    """Sign in by a passkey alone: it tells who it is, too."""
    validate_token(exchange, form.csrf_token)
    return_to = exchange.app.redirects.safe(form.return_to)
    try:
        outcome = exchange.auth.attempts.answer(
            exchange.client,
            form.attempt or Secret(""),
            authenticator="passkey",
            credential=json_in_form(form.credential),
        )
    except InvalidCredentials as error:
        error.message = "That passkey does not work here. Try another one, or sign in with your password."
        unknown = exchange.auth.bind_passkey.unknown(json_in_form(form.credential))
        return sign_in_page(exchange, identifier="", return_to=return_to, refusal=error, unknown=unknown)
    except NightlatchError as error:
        return sign_in_page(exchange, identifier="", return_to=return_to, refusal=error)
    return go_on(exchange, outcome)


# --- making, for who is signed in -----------------------------------------------------------------------------------


def passkey(exchange: Exchange) -> Response:
    """Show the button that makes one. Changes nothing."""
    exchange.auth.manage_authenticators.see_fresh(exchange.session)
    query = query_of(exchange.request, "return_to", "offer")
    return _page(exchange, PasskeyForm(return_to=query.get("return_to")), None, offer="offer" in query)


def begin(exchange: Exchange, form: PasskeyForm) -> Response:
    """Say what the browser is to be asked to make."""
    validate_token(exchange, form.csrf_token)
    return _told(exchange, exchange.auth.bind_passkey.begin(exchange.client, exchange.session))


def confirm(exchange: Exchange, form: PasskeyForm) -> Response:
    """Bind what it made."""
    validate_token(exchange, form.csrf_token)
    try:
        bound = exchange.auth.bind_passkey.confirm(
            exchange.client, exchange.session, _id(form), json_in_form(form.credential), name=form.name
        )
    except _SHOWN as error:
        return _page(exchange, form, _worded(error))
    return_to = exchange.app.redirects.safe(form.return_to)
    return kept(exchange, bound, return_to or f"{exchange.app.look.mount}/account/security")


def _page(exchange: Exchange, form: PasskeyForm, refusal: NightlatchError | None, *, offer: bool = False) -> Response:
    return form_page(
        exchange,
        "passkey.html",
        refusal,
        labels={"name": "What to call it"},
        values={"name": form.name or ""},
        offer=offer,
        return_to=exchange.app.redirects.safe(form.return_to),
    )


# --- making, for a sign-in that waits for one ------------------------------------------------------------------------


def begin_enrolled(exchange: Exchange, form: PasskeyForm) -> Response:
    """Say what the browser is to be asked to make."""
    validate_token(exchange, form.csrf_token)
    return _told(exchange, exchange.auth.bind_passkey.begin_in(exchange.client, exchange.held_attempt))


def confirm_enrolled(exchange: Exchange, form: PasskeyForm) -> Response:
    """Bind what it made, and end the sign-in."""
    validate_token(exchange, form.csrf_token)
    try:
        bound = exchange.auth.bind_passkey.confirm_in(
            exchange.client, exchange.held_attempt, _id(form), json_in_form(form.credential), name=form.name
        )
    except _SHOWN as error:
        return enrol_page(exchange, _worded(error))
    return kept_in_attempt(exchange, bound)


# --- what they share ------------------------------------------------------------------------------------------------


def _id(form: PasskeyForm) -> UUID:
    if (found := uuid_of(form.id or "")) is None:
        raise InvalidCredentials("no proposal")
    return found


def _worded(refusal: NightlatchError) -> NightlatchError:
    if isinstance(refusal, InvalidCredentials):
        refusal.message = "That passkey could not be added. Please try again."
    return refusal


def _told(exchange: Exchange, proposal: PasskeyProposal) -> Response:
    return exchange.json(PasskeyProposalShape(id=proposal.id, options=proposal.options))
