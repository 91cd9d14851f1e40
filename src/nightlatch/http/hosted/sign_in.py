"""Pages: sign in, sign up, prove the address, choose a password."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

from nightlatch.errors import (
    AttemptInvalid,
    Busy,
    CrossSite,
    InvalidCode,
    InvalidCredentials,
    InvalidInput,
    LinkInvalid,
    NightlatchError,
    SignUpClosed,
    Throttled,
)
from nightlatch.flows.bind_passkey import Unknown
from nightlatch.flows.outcome import Complete, More, Outcome
from nightlatch.http.bodies import query_of
from nightlatch.http.exchange import Exchange
from nightlatch.http.hosted.chrome import form_page, lead_on, page
from nightlatch.http.hosted.forms import (
    InvitationForm,
    PlainForm,
    SetPasswordForm,
    SignInForm,
    SignUpForm,
    VerifyForm,
)
from nightlatch.http.hosted.recover import recovered
from nightlatch.http.hosted.tokens import validate_token
from nightlatch.http.messages import Response
from nightlatch.primitives.secret import Secret

__all__ = [
    "go_on",
    "invitation",
    "redeem_invitation",
    "send_set_password",
    "send_sign_in",
    "send_sign_out",
    "send_sign_up",
    "send_verify",
    "set_password",
    "set_password_page",
    "sign_in",
    "sign_in_page",
    "sign_out",
    "sign_up",
    "step_of",
    "verify",
]

_OFFERED_LIFE = timedelta(days=90)
_SHOWN = (InvalidInput, InvalidCode, InvalidCredentials, Throttled, Busy)
"""What a form shows, and keeps what was typed; the rest has ended what the form is about."""


# --- sign in --------------------------------------------------------------------------------------------------------


def sign_in(exchange: Exchange) -> Response:
    """Show the sign-in page; who is signed in goes on at once, unless asked to sign in all the same.

    ``prompt=login`` is OpenID Connect's word for it (Core 3.1.2.1).
    """
    query = query_of(exchange.request, "return_to", "prompt")
    return_to = exchange.app.redirects.safe(query.get("return_to"))
    if exchange.session_or_none is not None and query.get("prompt") != "login":
        return _go(exchange, return_to)
    return sign_in_page(exchange, identifier="", return_to=return_to)


def send_sign_in(exchange: Exchange, form: SignInForm) -> Response:
    """Sign in."""
    return_to = exchange.app.redirects.safe(form.return_to)
    try:
        validate_token(exchange, form.csrf_token)
    except CrossSite:
        if exchange.session_or_none is None:
            raise
        # The form is from before a sign-in in another tab: nothing is left to do but to go on.
        return lead_on(exchange, _path(exchange, "/sign-in" + _onward(return_to)))
    try:
        if not form.identifier or form.password is None:
            fields = {} if form.identifier else {"identifier": "Please fill this in."}
            raise InvalidInput(fields=fields | ({} if form.password else {"password": "Please type your password."}))
        outcome = exchange.auth.sign_in.begin(
            exchange.client, identifier=form.identifier, password=form.password, return_to=return_to
        )
    except NightlatchError as error:
        if isinstance(error, InvalidCredentials):
            label = _identifier_label(exchange)
            error.message = f"That {label[0].lower()}{label[1:]} and password don't match. Check both and try again."
        return sign_in_page(exchange, identifier=form.identifier, return_to=return_to, refusal=error)
    if form.can_make and isinstance(outcome, Complete) and not outcome.enrol:
        return _offer_passkey(exchange, outcome) or go_on(exchange, outcome)
    return go_on(exchange, outcome)


def _offer_passkey(exchange: Exchange, outcome: Complete) -> Response | None:
    """Lead somebody who signed in by a password to where a passkey is made, once for each browser in three months."""
    cookies = exchange.app.cookies
    asked_already = exchange.cookie(cookies.offered) is not None
    if outcome.session is None or asked_already or not exchange.auth.bind_passkey.is_worth_offering(outcome.session):
        return None
    onward = _onward(outcome.return_to or exchange.app.look.home).replace("?", "&")
    offered = cookies.set(cookies.offered, "1", life=_OFFERED_LIFE)
    return lead_on(exchange, _path(exchange, f"/account/passkey?offer=1{onward}"), *_in(exchange, outcome), offered)


def sign_in_page(
    exchange: Exchange,
    *,
    identifier: str,
    return_to: str | None,
    refusal: NightlatchError | None = None,
    unknown: Unknown | None = None,
) -> Response:
    """Show the sign-in page, with what was wrong.

    Args:
        exchange: the request.
        identifier: as typed.
        return_to: where to go on.
        refusal: what was wrong.
        unknown: a passkey that nobody has, for the browser to hide from then on.
    """
    settings, label = exchange.auth.settings, _identifier_label(exchange)
    return form_page(
        exchange,
        "sign_in.html",
        refusal,
        labels={"identifier": label},
        identifier_label=label,
        values={"identifier": identifier},
        return_to=return_to,
        onward=_onward(return_to),
        sign_up_open=settings.sign_up == "open",
        recovery_open=settings.asks_email,
        passkeys_open=exchange.auth.bind_passkey.offered,
        unknown=unknown,
    )


def _identifier_label(exchange: Exchange) -> str:
    labels = {"email": "E-mail", "username": "User name"}
    return labels.get(exchange.auth.settings.identifiers, "E-mail or user name")


def sign_out(exchange: Exchange) -> Response:
    """Show the button: applications link here. Changes nothing."""
    return page(exchange, "sign_out.html")


def send_sign_out(exchange: Exchange, form: PlainForm) -> Response:
    """Sign out."""
    validate_token(exchange, form.csrf_token)
    cookies = exchange.app.cookies
    headers = [*exchange.sign_out(), cookies.clear(cookies.attempt)]
    return lead_on(exchange, _path(exchange, "/sign-in"), *headers, notice="signed_out")


# --- sign up --------------------------------------------------------------------------------------------------------


def sign_up(exchange: Exchange) -> Response:
    """Show the sign-up page."""
    if exchange.auth.settings.sign_up == "closed":
        raise SignUpClosed("sign-up is closed by settings")
    return_to = exchange.app.redirects.safe(query_of(exchange.request, "return_to").get("return_to"))
    if exchange.session_or_none is not None:
        return _go(exchange, return_to)
    return _sign_up_page(exchange, SignUpForm(), return_to)


def send_sign_up(exchange: Exchange, form: SignUpForm) -> Response:
    """Begin a sign-up."""
    validate_token(exchange, form.csrf_token)
    return_to = exchange.app.redirects.safe(form.return_to)
    try:
        outcome = exchange.auth.sign_up.begin(
            exchange.client,
            email=form.email,
            username=form.username,
            password=form.password,
            return_to=return_to,
        )
    except NightlatchError as error:
        return _sign_up_page(exchange, form, return_to, error)
    return go_on(exchange, outcome)


def _sign_up_page(
    exchange: Exchange, form: SignUpForm, return_to: str | None, refusal: NightlatchError | None = None
) -> Response:
    settings = exchange.auth.settings
    return form_page(
        exchange,
        "sign_up.html",
        refusal,
        values={"email": form.email or "", "username": form.username or ""},
        asks_email=settings.asks_email,
        asks_username=settings.asks_username,
        min_length=settings.passwords.min_length,
        return_to=return_to,
        onward=_onward(return_to),
    )


# --- prove the address ----------------------------------------------------------------------------------------------


def verify(exchange: Exchange) -> Response:
    """Show where to type the code; or, opened by a mailed link, the button. Changes nothing (adversary 41)."""
    link = query_of(exchange.request, "link").get("link")
    if link is not None:
        view = exchange.auth.attempts.look_link(exchange.client, Secret(link))
        template = "link.html" if view.purpose == "sign_up" else "recover_link.html"
        return page(exchange, template, address=view.address, link=link)
    more = exchange.auth.attempts.look(exchange.client, exchange.held_attempt)
    if step_of(more) != "/verify":
        return lead_on(exchange, _path(exchange, step_of(more)))
    return _verify_page(exchange, more)


def send_verify(exchange: Exchange, form: VerifyForm) -> Response:
    """Redeem a code or a link, or send another code."""
    validate_token(exchange, form.csrf_token)
    attempts = exchange.auth.attempts
    if form.link is not None:
        held = exchange.cookie(exchange.app.cookies.attempt)
        outcome = attempts.link(exchange.client, form.link, Secret(held) if held else None)
        return go_on(exchange, outcome)
    held_secret = exchange.held_attempt
    more = attempts.look(exchange.client, held_secret)
    try:
        if form.again:
            return _send_again(exchange, held_secret, more)
        code = form.code or Secret("")
        return go_on(exchange, attempts.answer(exchange.client, held_secret, authenticator="email_code", code=code))
    except _SHOWN as error:
        return _verify_page(exchange, more, error)


def _send_again(exchange: Exchange, held: Secret, more: More) -> Response:
    try:
        exchange.auth.attempts.begin(exchange.client, held, "email_code")
    except AttemptInvalid as error:
        error.message = "We have sent as many codes as we may. Please use the newest one, or start again."
        return _verify_page(exchange, more, error)
    return lead_on(exchange, _path(exchange, "/verify"), notice="code")


def _verify_page(exchange: Exchange, more: More, refusal: NightlatchError | None = None) -> Response:
    minutes = exchange.auth.settings.attempts.address_proof_life // timedelta(minutes=1)
    template = {"recover": "recover_code.html", "sign_in": "sign_in_code.html"}.get(more.purpose, "verify.html")
    if more.purpose == "sign_in":
        minutes = exchange.auth.settings.attempts.sign_in_life // timedelta(minutes=1)
    return form_page(exchange, template, refusal, beside="code", address=more.address or "", minutes=minutes)


# --- choose a password ----------------------------------------------------------------------------------------------


def set_password(exchange: Exchange) -> Response:
    """Show where to choose a password."""
    more = exchange.auth.attempts.look(exchange.client, exchange.held_attempt)
    if not more.set:
        return lead_on(exchange, _path(exchange, step_of(more)))
    return set_password_page(exchange, more, "")


def send_set_password(exchange: Exchange, form: SetPasswordForm) -> Response:
    """Choose a password."""
    validate_token(exchange, form.csrf_token)
    held = exchange.held_attempt
    more = exchange.auth.attempts.look(exchange.client, held)
    try:
        outcome = exchange.auth.attempts.answer(
            exchange.client, held, new_password=form.new_password or Secret(""), username=form.username
        )
    except _SHOWN as error:
        return set_password_page(exchange, more, form.username or "", error)
    return go_on(exchange, outcome)


def set_password_page(
    exchange: Exchange, more: More, username: str, refusal: NightlatchError | None = None
) -> Response:
    """Show where a password is chosen, with what was wrong."""
    return form_page(
        exchange,
        "set_password.html",
        refusal,
        purpose=more.purpose,
        address=more.address,
        passkey="passkey" in more.enrol,
        asks_username="username" in more.set,
        values={"username": username},
        min_length=exchange.auth.settings.passwords.min_length,
    )


# --- invitations ----------------------------------------------------------------------------------------------------


def invitation(exchange: Exchange) -> Response:
    """Show an invitation. Changes nothing."""
    link = query_of(exchange.request, "link").get("link")
    if link is None:
        raise LinkInvalid("no link")
    return _invitation_page(exchange, Secret(link), InvitationForm())


def redeem_invitation(exchange: Exchange, form: InvitationForm) -> Response:
    """Redeem an invitation."""
    validate_token(exchange, form.csrf_token)
    link = form.link or Secret("")
    try:
        outcome = exchange.auth.invitations.redeem(
            exchange.client,
            link,
            email=form.email,
            username=form.username,
            new_password=form.new_password or Secret(""),
        )
    except _SHOWN as error:
        return _invitation_page(exchange, link, form, error)
    return go_on(exchange, outcome)


def _invitation_page(
    exchange: Exchange, link: Secret, form: InvitationForm, refusal: NightlatchError | None = None
) -> Response:
    settings = exchange.auth.settings
    view = exchange.auth.invitations.look(exchange.client, link)
    return form_page(
        exchange,
        "invitation.html",
        refusal,
        link=link.reveal(),
        first=view.first_administrator,
        email=view.email,
        username=view.username,
        asks_email=settings.asks_email,
        asks_username=settings.asks_username,
        values={"email": form.email or "", "username": form.username or ""},
        min_length=settings.passwords.min_length,
    )


# --- what they share ------------------------------------------------------------------------------------------------


def go_on(exchange: Exchange, outcome: Outcome) -> Response:
    """Lead on: to what more is needed, or in."""
    if isinstance(outcome, More):
        if outcome.purpose == "sign_in" and outcome.authenticators == ("email_code",):
            exchange.auth.attempts.begin(exchange.client, outcome.attempt, "email_code")
        return lead_on(exchange, _path(exchange, step_of(outcome)), exchange.hold_attempt(outcome.attempt))
    if outcome.session is None:
        return recovered(exchange, outcome)
    if outcome.enrol:
        # More is asked than anything that this person has, now or soon: there they bind it, and from there go on.
        page = _path(exchange, "/account/security" + _onward(outcome.return_to or exchange.app.look.home))
        notice = None if outcome.session.enrol_by else "asks_more"
        return lead_on(exchange, page, *_in(exchange, outcome), notice=notice)
    return _go(exchange, outcome.return_to, *_in(exchange, outcome))


def step_of(more: More) -> str:
    """Return the page of the step that an attempt is at."""
    if more.set:
        return "/set-password"
    if more.enrol:
        return "/enrol"
    return "/verify" if "email_code" in more.authenticators else "/prove"


def _in(exchange: Exchange, complete: Complete) -> list[tuple[str, str]]:
    cookies = exchange.app.cookies
    return [*exchange.sign_in_cookies(complete), cookies.clear(cookies.attempt)]


def _go(exchange: Exchange, return_to: str | None, *headers: tuple[str, str]) -> Response:
    if return_to is None:
        return lead_on(exchange, exchange.auth.settings.pages.home_url, *headers)
    if return_to.startswith("/"):
        return lead_on(exchange, exchange.auth.settings.origin + return_to, *headers)
    return lead_on(exchange, return_to, *headers)


def _path(exchange: Exchange, step: str) -> str:
    return exchange.auth.settings.mount + step


def _onward(return_to: str | None) -> str:
    return f"?return_to={quote(return_to, safe='/')}" if return_to else ""
