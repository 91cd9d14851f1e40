"""Pages: take one's data away, close the account, erase it; and the button of a notice's link."""

from __future__ import annotations

from nightlatch.errors import InvalidInput, LinkInvalid, NightlatchError
from nightlatch.http.api import account as api
from nightlatch.http.bodies import query_of
from nightlatch.http.exchange import Exchange
from nightlatch.http.hosted.chrome import form_page, lead_on, page
from nightlatch.http.hosted.forms import DataForm, StopForm
from nightlatch.http.hosted.tokens import validate_token
from nightlatch.http.messages import Response
from nightlatch.primitives.secret import Secret

__all__ = ["data", "send_data", "send_stop", "stop"]


def data(exchange: Exchange) -> Response:
    """Show what one may take away and end, to who proved lately that it is them. Changes nothing."""
    exchange.auth.reauthenticate.require(exchange.session)
    return _data_page(exchange, None)


def send_data(exchange: Exchange, form: DataForm) -> Response:
    """Hand the data over, close, or erase."""
    validate_token(exchange, form.csrf_token)
    if form.act == "export":
        return api.export(exchange)
    if form.act not in {"close", "erase"}:
        return _data_page(exchange, InvalidInput("no such act"))
    if form.act == "erase" and form.confirmation.strip() != _called(exchange):
        wrong = InvalidInput(fields={"confirmation": f"To erase it, please type {_called(exchange)}."})
        return _data_page(exchange, wrong)
    gone = api.close(exchange) if form.act == "close" else api.erase(exchange)
    cookies = [header for header in gone.headers if header[0] in {"Set-Cookie", "Clear-Site-Data"}]
    notice = "closed" if form.act == "close" else "erased"
    return lead_on(exchange, exchange.auth.settings.mount + "/sign-in", *cookies, notice=notice)


def _called(exchange: Exchange) -> str:
    session = exchange.session
    return session.email or session.username or ""


def _data_page(exchange: Exchange, refusal: NightlatchError | None) -> Response:
    days = exchange.auth.settings.accounts.grace.days
    user = exchange.auth.account.get(exchange.session).user
    return form_page(
        exchange,
        "data.html",
        refusal,
        labels={"confirmation": "What to type"},
        tab="/account/data",
        days=days,
        called=_called(exchange),
        ours=user.external_id is None,
    )


def stop(exchange: Exchange) -> Response:
    """Show what a notice's link would stop. Changes nothing (adversary 41)."""
    link = query_of(exchange.request, "link").get("link")
    if link is None:
        raise LinkInvalid("no link")
    view = exchange.auth.notice_links.look(Secret(link))
    return page(exchange, "stop.html", link=link, purpose=view.purpose)


def send_stop(exchange: Exchange, form: StopForm) -> Response:
    """Stop it."""
    validate_token(exchange, form.csrf_token)
    purpose = exchange.auth.notice_links.redeem(exchange.client, form.link or Secret(""))
    return lead_on(exchange, exchange.auth.settings.mount + "/sign-in?prompt=login", notice=purpose)
