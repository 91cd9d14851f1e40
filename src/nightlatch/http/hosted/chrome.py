"""What every page has around its content: the look, the way back, what was just done, what went wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from nightlatch.errors import InvalidCode, InvalidCredentials, InvalidInput, NightlatchError, NotFound
from nightlatch.http.hosted.tokens import token_for
from nightlatch.http.messages import Response
from nightlatch.http.problems import retry_after_of, status_of
from nightlatch.pages.assets import asset, asset_of
from nightlatch.pages.locales import direction_of
from nightlatch.pages.render import render
from nightlatch.pages.theme import theme_css

if TYPE_CHECKING:
    from nightlatch.http.exchange import Exchange
    from nightlatch.settings import Settings

__all__ = ["Chrome", "Look", "form_page", "lead_on", "message_page", "page"]

_HTML = ("Content-Type", "text/html; charset=utf-8")

_NOTICES = {
    "name": "Your name is saved.",
    "username": "Your user name is changed.",
    "email": "Your new address counts from now on.",
    "preferred": "Your primary address is changed.",
    "removed": "The address is removed.",
    "dropped": "The change is dropped. Your address stays.",
    "cancel_change": "The change is stopped, and everybody is signed out. Choose another password now.",
    "cancel_recovery": "The recovery is stopped. Nothing is changed.",
    "freeze": "The account is frozen. Please write to the people who run this service.",
    "closed": "Your account is closed. The mail we sent tells until when you can keep it after all.",
    "erased": "Your account is erased.",
    "close_account": "Your account stays. You can sign in as before.",
    "password": "Your password is changed. Everywhere else you are signed out.",
    "device": "That device is signed out.",
    "others": "You are signed out everywhere else.",
    "key": "That key is revoked.",
    "code": "A new code is on its way.",
    "recovered": "Your new password is set, and you are signed out everywhere. Sign in with it now.",
    "signed_out": "You are signed out.",
    "asks_more": "What you opened asks for one more way to prove that it is you. Add one here, then go back to it.",
    "texted": "A code is on its way to your phone.",
    "added": "It is added: you can sign in with it from now on.",
    "renamed": "Its name is changed.",
    "away": "It is removed. Everywhere else you are signed out.",
}
"""What the page after a form tells. The word travels in a cookie: in an address anybody could write it for anybody."""
_NOTICE_LIFE = timedelta(minutes=1)

_LABELS = {
    "identifier": "Name",
    "email": "E-mail",
    "username": "User name",
    "password": "Password",
    "current_password": "Current password",
    "new_password": "Password",
    "code": "Code from the mail",
    "name": "Name",
}


class Look:
    """The parts of a page that depend on settings alone.

    Args:
        settings: theme, logo, names.
        mailbox: address of the dev mailbox, in development.

    Raises:
        ConfigurationError: the theme or the locale cannot be used.
    """

    def __init__(self, settings: Settings, mailbox: str | None = None) -> None:
        root = settings.base_url[len(settings.origin) :]
        self.mount = root + settings.mount
        self.home = root + settings.pages.home_url
        self.mailbox = mailbox
        self.direction = direction_of(settings.pages.locale)
        self.theme = asset_of(theme_css(settings.pages.theme, settings.pages.theme_dark).encode(), ".css")
        themed = settings.pages.theme or settings.pages.theme_dark
        self.theme_url = f"{self.mount}/static/theme.css?v={self.theme.version}" if themed else None
        self.logo = settings.pages.logo_url or self._url("logo.svg")
        self.stylesheet = self._url("nightlatch.css")
        self.script = self._url("nightlatch.js")
        self.passkey_script = self._url("passkey.js")

    def _url(self, name: str) -> str:
        found = asset(name)
        return f"{self.mount}/static/{name}?v={found.version if found else 0}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chrome:
    """What a template finds under ``chrome``."""

    service_name: str
    locale: str
    direction: str
    mount: str
    home: str
    logo: str
    stylesheet: str
    script: str
    passkey_script: str
    theme: str | None
    mailbox: str | None
    csrf_token: str
    signed_in_as: str | None
    enrol_by: datetime | None
    """Until when sign-in goes on without what policy asks for."""


def page(exchange: Exchange, template: str, *, status: int = 200, **values: Any) -> Response:
    """Answer with a page."""
    look, settings, session = exchange.app.look, exchange.auth.settings, exchange.session_or_none
    token, cookie = token_for(exchange)
    notice, taken = _notice(exchange)
    chrome = Chrome(
        service_name=settings.service_name,
        locale=settings.pages.locale.replace("_", "-"),
        direction=look.direction,
        mount=look.mount,
        home=look.home,
        logo=look.logo,
        stylesheet=look.stylesheet,
        script=look.script,
        passkey_script=look.passkey_script,
        theme=look.theme_url,
        mailbox=look.mailbox,
        csrf_token=token,
        signed_in_as=(session.email or session.username) if session else None,
        enrol_by=session.enrol_by if session else None,
    )
    values = {"error": None, "errors": {}, "marked": [], "notice": notice, **values}
    headers = [_HTML, *cookie, *taken]
    return Response(status=status, headers=headers, body=render(template, chrome=chrome, **values).encode())


def form_page(
    exchange: Exchange,
    template: str,
    refusal: NightlatchError | None,
    *,
    beside: str | None = None,
    labels: dict[str, str] | None = None,
    **values: Any,
) -> Response:
    """Answer with a form; again with what was wrong, if something was.

    Args:
        exchange: the request.
        template: the form's.
        refusal: what was wrong.
        beside: the field that a refusal of a proof is about.
        labels: what the page calls its fields, where that is not what they are usually called.
        values: what the template names.
    """
    if refusal is None:
        return page(exchange, template, **values)
    # To a page a code is a field like others; to a program a proof that failed.
    status = 422 if isinstance(refusal, InvalidCode) else status_of(refusal)
    if status == 500:  # noqa: PLR2004
        raise refusal
    errors = dict(refusal.fields) if isinstance(refusal, InvalidInput) else {}
    if beside and isinstance(refusal, InvalidCode | InvalidCredentials):
        errors = {beside: refusal.message}
    names = _LABELS | (labels or {})
    response = page(
        exchange,
        template,
        status=status,
        error=refusal.message if not errors else None,
        errors=errors,
        marked=[(name, names[name]) for name in errors if name in names],
        **values,
    )
    return _with_wait(response, refusal)


def _with_wait(response: Response, refusal: NightlatchError | None) -> Response:
    wait = retry_after_of(refusal) if refusal is not None else None
    if wait is not None:
        response.headers.append(("Retry-After", str(wait)))
    return response


# --- when no form can show what happened ----------------------------------------------------------------------------

_HEADINGS = {
    "not_found": "Page not found",
    "method_not_allowed": "Page not found",
    "link_invalid": "This link no longer works",
    "attempt_invalid": "This step is over",
    "cross_site": "Please try again",
    "throttled": "A little slower, please",
    "busy": "Very busy right now",
    "unavailable": "Not available right now",
    "sign_up_closed": "New accounts are not open",
    "recovery_closed": "Not by mail",
    "forbidden": "Not for this account",
}
_PASSING = {"cross_site", "throttled", "busy", "unavailable", "internal"}
"""What may be over when the same page is opened once more."""


def message_page(exchange: Exchange, error: NightlatchError | None) -> Response:
    """Answer a page's refusal that no form can show: what happened, and where to go on."""
    status = 500 if error is None else status_of(error)
    told = error if error is not None and status != 500 else None  # noqa: PLR2004
    code = told.code if told else "internal"
    response = page(
        exchange,
        "message.html",
        status=status,
        heading=_HEADINGS.get(code, "That did not work" if told else "Something went wrong"),
        text=_text(told),
        actions=_ways_on(exchange, code),
        request_id=None if told else exchange.request_id,
    )
    return _with_wait(response, error)


def _text(told: NightlatchError | None) -> str:
    if told is None:
        return "Something went wrong on our side. Please try again."
    # Methods are a program's affair: a person has followed an old link, or opened a form's address.
    return NotFound.message if told.code == "method_not_allowed" else told.message


def _ways_on(exchange: Exchange, code: str) -> list[tuple[str, str]]:
    """Return links and their words, the best one first."""
    mount = exchange.app.look.mount
    # An empty address is the page's own: below whatever prefix, and asked for with GET.
    ways = [("", "Try again")] if code in _PASSING else []
    if exchange.session_or_none is not None:
        return [*ways, (f"{mount}/account", "Your account")]
    ways.append((f"{mount}/sign-in", "Sign in"))
    if code in {"link_invalid", "attempt_invalid"} and exchange.auth.settings.sign_up == "open":
        ways.append((f"{mount}/sign-up", "Create an account"))
    return ways


# --- leading on -----------------------------------------------------------------------------------------------------


def lead_on(exchange: Exchange, path: str, *headers: tuple[str, str], notice: str | None = None) -> Response:
    """Lead the browser on after a form (303: it asks for the next page with GET).

    Args:
        exchange: the request.
        path: below ``base_url``, or a whole address.
        headers: to send besides.
        notice: what the next page tells was done.
    """
    target = path if path.startswith("http") else exchange.auth.settings.base_url + path
    told = []
    if notice is not None:
        told.append(exchange.app.cookies.set(exchange.app.cookies.notice, notice, life=_NOTICE_LIFE))
    return Response(status=303, headers=[("Location", target), *headers, *told])


def _notice(exchange: Exchange) -> tuple[str | None, list[tuple[str, str]]]:
    name = exchange.app.cookies.notice
    told = exchange.cookie(name)
    return (None, []) if told is None else (_NOTICES.get(told), [exchange.app.cookies.clear(name)])
