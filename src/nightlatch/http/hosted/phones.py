"""Pages: a phone that gets codes by text; added, asked, and where a sign-in waits for one."""

from __future__ import annotations

from urllib.parse import quote

from nightlatch.errors import InvalidCode, InvalidInput, NightlatchError, TextsHeld, Throttled
from nightlatch.flows.bind_phone import PhoneProposal
from nightlatch.http.bodies import id_of, query_of, uuid_of
from nightlatch.http.exchange import Exchange
from nightlatch.http.hosted.authenticators import kept, kept_in_attempt
from nightlatch.http.hosted.chrome import form_page, lead_on
from nightlatch.http.hosted.forms import PhoneCodeForm, PhoneForm, TextForm
from nightlatch.http.hosted.prove import prove_page
from nightlatch.http.hosted.tokens import validate_token
from nightlatch.http.messages import Response
from nightlatch.primitives.secret import Secret

__all__ = ["add", "add_enrolled", "confirm", "confirm_enrolled", "enrol", "phone", "text"]

_SHOWN = (InvalidInput, InvalidCode, TextsHeld, Throttled)


def text(exchange: Exchange, form: TextForm) -> Response:
    """Text a code for the attempt that the browser's cookie holds."""
    validate_token(exchange, form.csrf_token)
    held = exchange.held_attempt
    try:
        exchange.auth.attempts.begin(exchange.client, held, "sms_code", id=uuid_of(form.id or ""))
    except (TextsHeld, Throttled) as error:
        return prove_page(exchange, exchange.auth.attempts.look(exchange.client, held), "sms_code", error)
    return lead_on(exchange, f"{exchange.auth.settings.mount}/prove?with=sms_code", notice="texted")


# --- for who is signed in -------------------------------------------------------------------------------------------


def phone(exchange: Exchange) -> Response:
    """Ask for the number; once a code was sent, for the code. Changes nothing."""
    query = query_of(exchange.request, "id", "return_to")
    found, return_to = uuid_of(query.get("id") or ""), query.get("return_to")
    exchange.auth.manage_authenticators.see_fresh(exchange.session)
    if found is None:
        return _number_page(exchange, PhoneForm(return_to=return_to), None, "/account/phone")
    proposal = exchange.auth.bind_phone.proposed(exchange.session, found)
    return _code_page(exchange, proposal, PhoneCodeForm(return_to=return_to), None, "/account/phone/confirm")


def add(exchange: Exchange, form: PhoneForm) -> Response:
    """Text a code to it."""
    validate_token(exchange, form.csrf_token)
    try:
        proposal = exchange.auth.bind_phone.begin(exchange.client, exchange.session, number=form.number, name=form.name)
    except _SHOWN as error:
        return _number_page(exchange, form, error, "/account/phone")
    return_to = exchange.app.redirects.safe(form.return_to)
    back = f"&return_to={quote(return_to, safe='/')}" if return_to else ""
    return lead_on(exchange, f"{exchange.auth.settings.mount}/account/phone?id={proposal.id}{back}", notice="texted")


def confirm(exchange: Exchange, form: PhoneCodeForm) -> Response:
    """Bind it by that code."""
    validate_token(exchange, form.csrf_token)
    found, flows = id_of(form.id), exchange.auth.bind_phone
    try:
        bound = flows.confirm(exchange.client, exchange.session, found, form.code or Secret(""))
    except _SHOWN as error:
        proposal = flows.proposed(exchange.session, found)
        return _code_page(exchange, proposal, form, error, "/account/phone/confirm")
    return_to = exchange.app.redirects.safe(form.return_to)
    return kept(exchange, bound, return_to or f"{exchange.app.look.mount}/account/security")


# --- for a sign-in that waits for one ---------------------------------------------------------------------------------


def enrol(exchange: Exchange) -> Response:
    """Ask for the number, or the code, where a sign-in waits for it. Changes nothing."""
    found = uuid_of(query_of(exchange.request, "id").get("id") or "")
    if found is None:
        return _number_page(exchange, PhoneForm(), None, "/enrol/phone")
    proposal = exchange.auth.bind_phone.proposed_in(exchange.held_attempt, found)
    return _code_page(exchange, proposal, PhoneCodeForm(), None, "/enrol/phone/confirm")


def add_enrolled(exchange: Exchange, form: PhoneForm) -> Response:
    """Text a code to it."""
    validate_token(exchange, form.csrf_token)
    try:
        proposal = exchange.auth.bind_phone.begin_in(
            exchange.client, exchange.held_attempt, number=form.number, name=form.name
        )
    except _SHOWN as error:
        return _number_page(exchange, form, error, "/enrol/phone")
    return lead_on(exchange, f"{exchange.auth.settings.mount}/enrol/phone?id={proposal.id}", notice="texted")


def confirm_enrolled(exchange: Exchange, form: PhoneCodeForm) -> Response:
    """Bind it, and go on with the sign-in."""
    validate_token(exchange, form.csrf_token)
    found, flows = id_of(form.id), exchange.auth.bind_phone
    try:
        bound = flows.confirm_in(exchange.client, exchange.held_attempt, found, form.code or Secret(""))
    except _SHOWN as error:
        proposal = flows.proposed_in(exchange.held_attempt, found)
        return _code_page(exchange, proposal, form, error, "/enrol/phone/confirm")
    return kept_in_attempt(exchange, bound)


# --- what they share --------------------------------------------------------------------------------------------------


def _number_page(exchange: Exchange, form: PhoneForm, refusal: NightlatchError | None, path: str) -> Response:
    return form_page(
        exchange,
        "phone.html",
        refusal,
        labels={"number": "Phone number", "name": "What to call it"},
        values={"number": form.number, "name": form.name or ""},
        action=exchange.app.look.mount + path,
        attempt=path.startswith("/enrol"),
        return_to=exchange.app.redirects.safe(form.return_to),
    )


def _code_page(
    exchange: Exchange, proposal: PhoneProposal, form: PhoneCodeForm, refusal: NightlatchError | None, path: str
) -> Response:
    return form_page(
        exchange,
        "phone_code.html",
        refusal,
        beside="code",
        labels={"code": "Code from the text"},
        number=proposal.number,
        id=str(proposal.id),
        action=exchange.app.look.mount + path,
        again=exchange.app.look.mount + path.removesuffix("/confirm"),
        return_to=exchange.app.redirects.safe(form.return_to),
    )
