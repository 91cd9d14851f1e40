"""Pages: add an authenticator app, keep recovery codes, rename, remove."""

from __future__ import annotations

from urllib.parse import quote
from uuid import UUID

from nightlatch.errors import AttemptInvalid, Forbidden, InvalidCode, InvalidInput, NightlatchError, Throttled
from nightlatch.flows.binding import Bound
from nightlatch.flows.manage_authenticators import Proposal
from nightlatch.flows.outcome import Complete, More
from nightlatch.http.bodies import id_of, query_of, uuid_of
from nightlatch.http.exchange import Exchange
from nightlatch.http.hosted.account import security_page
from nightlatch.http.hosted.chrome import form_page, lead_on, page
from nightlatch.http.hosted.forms import AppForm, BeginAppForm, IdForm, PlainForm, RenameForm
from nightlatch.http.hosted.recovery_codes import codes_page
from nightlatch.http.hosted.sign_in import go_on, set_password_page, step_of
from nightlatch.http.hosted.tokens import validate_token
from nightlatch.http.messages import Response
from nightlatch.pages.qr import qr_svg
from nightlatch.primitives.secret import Secret

__all__ = [
    "add_app",
    "app",
    "confirm_app",
    "confirm_enrolled",
    "enrol",
    "enrol_app",
    "enrol_page",
    "kept",
    "kept_in_attempt",
    "new_recovery_codes",
    "remove",
    "rename",
]


# --- for who is signed in -------------------------------------------------------------------------------------------


def app(exchange: Exchange) -> Response:
    """Show the code that an app reads, once one was begun; before it the button. Changes nothing."""
    query = query_of(exchange.request, "id", "return_to")
    found, return_to = uuid_of(query.get("id") or ""), exchange.app.redirects.safe(query.get("return_to"))
    exchange.auth.manage_authenticators.see_fresh(exchange.session)
    if found is None:
        return page(exchange, "app_begin.html", return_to=return_to)
    return _app_page(exchange, found, None, signed_in=True, return_to=return_to)


def add_app(exchange: Exchange, form: BeginAppForm) -> Response:
    """Begin."""
    validate_token(exchange, form.csrf_token)
    proposal = exchange.auth.manage_authenticators.begin_totp(exchange.client, exchange.session)
    return_to = exchange.app.redirects.safe(form.return_to)
    back = f"&return_to={quote(return_to, safe='/')}" if return_to else ""
    return lead_on(exchange, f"{exchange.auth.settings.mount}/account/app?id={proposal.id}{back}")


def confirm_app(exchange: Exchange, form: AppForm) -> Response:
    """Confirm it by its first code."""
    validate_token(exchange, form.csrf_token)
    found, return_to = id_of(form.id), exchange.app.redirects.safe(form.return_to)
    try:
        bound = exchange.auth.manage_authenticators.confirm_totp(
            exchange.client, exchange.session, found, form.code or Secret(""), name=form.name
        )
    except (InvalidCode, InvalidInput, Throttled) as error:
        return _app_page(exchange, found, error, signed_in=True, name=form.name or "", return_to=return_to)
    return kept(exchange, bound, return_to or f"{exchange.app.look.mount}/account/security")


def rename(exchange: Exchange, form: RenameForm) -> Response:
    """Change what an authenticator is called."""
    validate_token(exchange, form.csrf_token)
    try:
        exchange.auth.manage_authenticators.rename(exchange.client, exchange.session, id_of(form.id), name=form.name)
    except InvalidInput as error:
        return security_page(exchange, error)
    return lead_on(exchange, exchange.auth.settings.mount + "/account/security", notice="renamed")


def remove(exchange: Exchange, form: IdForm) -> Response:
    """Remove an authenticator."""
    validate_token(exchange, form.csrf_token)
    try:
        complete = exchange.auth.manage_authenticators.remove(exchange.client, exchange.session, id_of(form.id))
    except Forbidden as error:
        return security_page(exchange, error)
    headers = exchange.sign_in_cookies(complete)
    return lead_on(exchange, exchange.auth.settings.mount + "/account/security", *headers, notice="away")


def new_recovery_codes(exchange: Exchange, form: PlainForm) -> Response:
    """Make a new set, and show it once."""
    validate_token(exchange, form.csrf_token)
    codes = exchange.auth.manage_authenticators.replace_recovery_codes(exchange.client, exchange.session)
    return codes_page(exchange, codes, f"{exchange.app.look.mount}/account/security")


# --- for a sign-in that waits for one ---------------------------------------------------------------------------------


def enrol(exchange: Exchange) -> Response:
    """Lead somebody through what their sign-in waits for. Changes nothing."""
    found = uuid_of(query_of(exchange.request, "id").get("id") or "")
    return enrol_page(exchange, None) if found is None else _app_page(exchange, found, None, signed_in=False)


def enrol_page(exchange: Exchange, refusal: NightlatchError | None) -> Response:
    """Show what may be bound; a sign-up's page has the password as well."""
    more = exchange.auth.attempts.look(exchange.client, exchange.held_attempt)
    if more.set:
        return set_password_page(exchange, more, "", refusal)
    if not more.enrol:
        raise AttemptInvalid("nothing is to be enrolled at this step")
    return form_page(exchange, "enrol.html", refusal, kinds=more.enrol)


def enrol_app(exchange: Exchange, form: PlainForm) -> Response:
    """Begin."""
    validate_token(exchange, form.csrf_token)
    proposal = exchange.auth.manage_authenticators.begin_totp_in(exchange.client, exchange.held_attempt)
    return lead_on(exchange, f"{exchange.auth.settings.mount}/enrol?id={proposal.id}")


def confirm_enrolled(exchange: Exchange, form: AppForm) -> Response:
    """Confirm it, and end the sign-in."""
    validate_token(exchange, form.csrf_token)
    found = id_of(form.id)
    try:
        bound = exchange.auth.manage_authenticators.confirm_totp_in(
            exchange.client, exchange.held_attempt, found, form.code or Secret(""), name=form.name
        )
    except (InvalidCode, InvalidInput, Throttled) as error:
        return _app_page(exchange, found, error, signed_in=False, name=form.name or "")
    return kept_in_attempt(exchange, bound)


# --- what they share --------------------------------------------------------------------------------------------------


def _proposal(exchange: Exchange, found: UUID, *, signed_in: bool) -> Proposal:
    flows = exchange.auth.manage_authenticators
    if signed_in:
        return flows.proposed_totp(exchange.session, found)
    return flows.proposed_totp_in(exchange.held_attempt, found)


def _app_page(
    exchange: Exchange,
    found: UUID,
    refusal: NightlatchError | None,
    *,
    signed_in: bool,
    name: str = "",
    return_to: str | None = None,
) -> Response:
    proposal = _proposal(exchange, found, signed_in=signed_in)
    return form_page(
        exchange,
        "app.html",
        refusal,
        beside="code",
        labels={"code": "Code from the app", "name": "What to call it"},
        action=f"{exchange.app.look.mount}/{'account/app' if signed_in else 'enrol'}/confirm",
        id=str(found),
        qr=qr_svg(proposal.uri.reveal()),
        seed=proposal.secret.reveal(),
        uri=proposal.uri.reveal(),
        values={"name": name},
        return_to=return_to,
    )


def kept(exchange: Exchange, bound: Bound, onward: str) -> Response:
    """Show the recovery codes that came with a first authenticator; lead on where there are none."""
    cookies = exchange.sign_in_cookies(bound.outcome) if isinstance(bound.outcome, Complete) else []
    if not bound.recovery_codes:
        return lead_on(exchange, exchange.auth.settings.mount + "/account/security", *cookies, notice="added")
    shown = codes_page(exchange, bound.recovery_codes, onward)
    shown.headers.extend(cookies)
    return shown


def kept_in_attempt(exchange: Exchange, bound: Bound) -> Response:
    """Show the recovery codes that came with it; from them on to what is waited for still, or where it leads."""
    outcome, cookies = bound.outcome, exchange.app.cookies
    if not bound.recovery_codes:
        return go_on(exchange, outcome)
    if isinstance(outcome, More):
        onward, held = f"{exchange.app.look.mount}{step_of(outcome)}", exchange.hold_attempt(outcome.attempt)
    else:
        onward, held = outcome.return_to or exchange.app.look.home, cookies.clear(cookies.attempt)
    onward = exchange.auth.settings.origin + onward if onward.startswith("/") else onward
    shown = kept(exchange, bound, onward)
    shown.headers.append(held)
    return shown
