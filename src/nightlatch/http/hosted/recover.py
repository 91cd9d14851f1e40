"""Page: the way back for who forgot the password. The code and the new password have pages of their own."""

from __future__ import annotations

from urllib.parse import quote

from nightlatch.errors import InvalidInput, NightlatchError, RecoveryClosed, Throttled
from nightlatch.flows.outcome import Complete
from nightlatch.http.bodies import query_of
from nightlatch.http.exchange import Exchange
from nightlatch.http.hosted.chrome import form_page, lead_on
from nightlatch.http.hosted.forms import RecoverForm
from nightlatch.http.hosted.recovery_codes import codes_page
from nightlatch.http.hosted.tokens import validate_token
from nightlatch.http.messages import Response

__all__ = ["recover", "recovered", "send_recover"]


def recover(exchange: Exchange) -> Response:
    """Ask whose password was forgotten. Changes nothing."""
    if not exchange.auth.settings.asks_email:
        raise RecoveryClosed("accounts have no e-mail address by settings")
    return_to = exchange.app.redirects.safe(query_of(exchange.request, "return_to").get("return_to"))
    return _page(exchange, "", return_to)


def send_recover(exchange: Exchange, form: RecoverForm) -> Response:
    """Mail a code and a link, if there is such an account; lead on to where the code is typed in any case."""
    validate_token(exchange, form.csrf_token)
    return_to = exchange.app.redirects.safe(form.return_to)
    try:
        more = exchange.auth.recover.begin(exchange.client, identifier=form.identifier, return_to=return_to)
    except (InvalidInput, Throttled) as error:
        return _page(exchange, form.identifier, return_to, error)
    return lead_on(exchange, exchange.auth.settings.mount + "/verify", exchange.hold_attempt(more.attempt))


def recovered(exchange: Exchange, complete: Complete) -> Response:
    """Lead to the sign-in page, even who is signed in here as somebody else: recovery signs nobody in."""
    cookies, return_to = exchange.app.cookies, complete.return_to
    onward = f"&return_to={quote(return_to, safe='/')}" if return_to else ""
    path = f"/sign-in?prompt=login{onward}"
    done = cookies.clear(cookies.attempt)
    if complete.recovery_codes:
        shown = codes_page(exchange, complete.recovery_codes, exchange.app.look.mount + path)
        shown.headers.append(done)
        return shown
    return lead_on(exchange, exchange.auth.settings.mount + path, done, notice="recovered")


def _page(
    exchange: Exchange, identifier: str, return_to: str | None, refusal: NightlatchError | None = None
) -> Response:
    settings = exchange.auth.settings
    label = {"email": "E-mail"}.get(settings.identifiers, "E-mail or user name")
    return form_page(
        exchange,
        "recover.html",
        refusal,
        labels={"identifier": label},
        identifier_label=label,
        values={"identifier": identifier},
        return_to=return_to,
        onward=f"?return_to={quote(return_to, safe='/')}" if return_to else "",
    )
