"""Pages: my addresses, a new one, and the codes that prove it."""

from __future__ import annotations

from nightlatch.errors import AttemptInvalid, InvalidCode, InvalidInput, NightlatchError, NotFound, Throttled
from nightlatch.flows.addresses import PURPOSE
from nightlatch.flows.outcome import More
from nightlatch.http.bodies import uuid_of
from nightlatch.http.exchange import Exchange
from nightlatch.http.hosted.chrome import form_page, lead_on
from nightlatch.http.hosted.forms import AddressesForm, EmailCodeForm, EmailForm
from nightlatch.http.hosted.tokens import validate_token
from nightlatch.http.messages import Response
from nightlatch.primitives.secret import Secret

__all__ = ["code", "email", "emails", "send_code", "send_email", "send_emails"]


def emails(exchange: Exchange) -> Response:
    """Show the addresses, and the change that waits."""
    return _emails_page(exchange, None)


def send_emails(exchange: Exchange, form: AddressesForm) -> Response:
    """Prefer one, remove one, or drop the change that waits."""
    validate_token(exchange, form.csrf_token)
    flow, client, acting = exchange.auth.addresses, exchange.client, exchange.session
    if form.act == "drop":
        flow.drop(client, acting)
        return _back(exchange, "dropped")
    named = uuid_of(form.id)
    if named is None or form.act not in {"prefer", "remove"}:
        raise NotFound("no id or no such act")
    try:
        (flow.prefer if form.act == "prefer" else flow.remove)(client, acting, named)
    except InvalidInput as error:
        return _emails_page(exchange, error)
    return _back(exchange, "preferred" if form.act == "prefer" else "removed")


def _emails_page(exchange: Exchange, refusal: NightlatchError | None) -> Response:
    acting, auth = exchange.session, exchange.auth
    view = auth.account.get(acting)
    return form_page(
        exchange,
        "emails.html",
        refusal,
        tab="/account",
        addresses=auth.addresses.of(acting.user_id),
        pending=auth.addresses.pending(acting.user_id),
        ours=view.user.external_id is None,
    )


# --- a new one ------------------------------------------------------------------------------------------------------


def email(exchange: Exchange) -> Response:
    """Ask for the new address, of who proved lately that it is them. Changes nothing."""
    exchange.auth.reauthenticate.require(exchange.session)
    return _email_page(exchange, EmailForm(), None)


def send_email(exchange: Exchange, form: EmailForm) -> Response:
    """Mail a code to it, and lead on to where it is typed."""
    validate_token(exchange, form.csrf_token)
    try:
        more = exchange.auth.addresses.begin(
            exchange.client, exchange.session, email=form.email, keep_old=form.keep_old is not None
        )
    except (InvalidInput, Throttled) as error:
        return _email_page(exchange, form, error)
    return _to_code(exchange, more)


def _email_page(exchange: Exchange, form: EmailForm, refusal: NightlatchError | None) -> Response:
    values = {"email": form.email, "keep_old": form.keep_old}
    return form_page(exchange, "email.html", refusal, labels={"email": "New e-mail"}, tab="/account", values=values)


def code(exchange: Exchange) -> Response:
    """Show where to type the code."""
    return _code_page(exchange, _step(exchange), None)


def send_code(exchange: Exchange, form: EmailCodeForm) -> Response:
    """Take the code of the new address, then that of the old one; or send another."""
    validate_token(exchange, form.csrf_token)
    more, attempts = _step(exchange), exchange.auth.attempts
    try:
        if form.again:
            attempts.begin(exchange.client, more.attempt, "email_code")
            return lead_on(exchange, exchange.auth.settings.mount + "/account/email/code", notice="code")
        outcome = attempts.answer(
            exchange.client,
            more.attempt,
            authenticator="email_code",
            code=form.code or Secret(""),
            session=exchange.session,
        )
    except (InvalidCode, Throttled) as error:
        return _code_page(exchange, more, error)
    if isinstance(outcome, More):
        return _to_code(exchange, outcome)
    cookies = exchange.app.cookies
    return _back(exchange, "email", cookies.clear(cookies.attempt))


def _code_page(exchange: Exchange, more: More, refusal: NightlatchError | None) -> Response:
    return form_page(
        exchange,
        "email_code.html",
        refusal,
        beside="code",
        tab="/account",
        address=more.address,
        pending=exchange.auth.addresses.pending(exchange.session.user_id),
    )


def _step(exchange: Exchange) -> More:
    more = exchange.auth.attempts.look(exchange.client, exchange.held_attempt)
    if more.purpose != PURPOSE:
        raise AttemptInvalid("an attempt of another purpose")
    return more


def _to_code(exchange: Exchange, more: More) -> Response:
    held = exchange.hold_attempt(more.attempt)
    return lead_on(exchange, exchange.auth.settings.mount + "/account/email/code", held)


def _back(exchange: Exchange, notice: str, *headers: tuple[str, str]) -> Response:
    return lead_on(exchange, exchange.auth.settings.mount + "/account/emails", *headers, notice=notice)
