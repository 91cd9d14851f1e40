"""The page of one's API keys."""

from __future__ import annotations

from datetime import timedelta

from nightlatch.errors import Forbidden, InvalidInput, NightlatchError, ReauthenticationRequired
from nightlatch.http.bodies import id_of
from nightlatch.http.exchange import Exchange
from nightlatch.http.hosted.chrome import form_page, lead_on
from nightlatch.http.hosted.forms import DevicesForm, KeyForm
from nightlatch.http.hosted.tokens import validate_token
from nightlatch.http.messages import Response
from nightlatch.http.step_up import query_of_step_up
from nightlatch.primitives.secret import Secret

__all__ = ["keys", "send_keys", "send_revoke"]

_LABELS = {"name": "Name", "scopes": "Scopes", "days": "Good for how many days"}
_PATH = "/account/keys"
_LONGEST_NUMBER = 4


def keys(exchange: Exchange) -> Response:
    """Show one's keys."""
    return _page(exchange, KeyForm(), None)


def send_keys(exchange: Exchange, form: KeyForm) -> Response:
    """Make a key, and show it: in this answer alone, which no address or cookie leads back to."""
    validate_token(exchange, form.csrf_token)
    try:
        made, text = exchange.auth.api_keys.create(
            exchange.client,
            exchange.session,
            name=form.name,
            scopes=form.scopes.split(),
            life=_days(form.days),
        )
    except ReauthenticationRequired as error:
        page = f"{exchange.auth.settings.mount}/reauthenticate?{query_of_step_up(error)}"
        return lead_on(exchange, f"{page}return_to={exchange.app.look.mount}{_PATH}")
    except InvalidInput as error:
        if "expires_in" in error.fields:
            error.fields["days"] = error.fields.pop("expires_in")
        return _page(exchange, form, error)
    except Forbidden as error:
        return _page(exchange, form, error)
    return _page(exchange, KeyForm(), None, made=text, made_name=made.name)


def _days(text: str) -> timedelta:
    if not text.isascii() or not text.isdecimal() or len(text) > _LONGEST_NUMBER:
        raise InvalidInput(fields={"days": "Please type a number of days."})
    return timedelta(days=int(text))


def _page(
    exchange: Exchange,
    form: KeyForm,
    refusal: NightlatchError | None,
    *,
    made: Secret | None = None,
    made_name: str = "",
) -> Response:
    own = exchange.auth.api_keys
    return form_page(
        exchange,
        "keys.html",
        refusal,
        labels=_LABELS,
        tab=_PATH,
        keys=own.list(exchange.session),
        fresh=own.may_create(exchange.session),
        made=made.reveal() if made else None,
        made_name=made_name,
        values={"name": form.name, "scopes": form.scopes, "days": form.days},
    )


def send_revoke(exchange: Exchange, form: DevicesForm) -> Response:
    """End one of one's keys."""
    validate_token(exchange, form.csrf_token)
    exchange.auth.api_keys.revoke(exchange.client, exchange.session, id_of(form.id))
    return lead_on(exchange, exchange.auth.settings.mount + _PATH, notice="key")
