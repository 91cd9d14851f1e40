"""What every page has around its content, and the token that every form carries."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nightlatch.errors import CrossSite, NightlatchError
from nightlatch.http.messages import Response
from nightlatch.http.problems import retry_after_of, status_of
from nightlatch.pages.assets import asset, asset_of
from nightlatch.pages.render import render
from nightlatch.pages.theme import theme_css

if TYPE_CHECKING:
    from nightlatch.http.exchange import Exchange
    from nightlatch.settings import Settings

__all__ = ["Chrome", "Look", "lead_on", "message_page", "page", "validate_token"]

_HTML = ("Content-Type", "text/html; charset=utf-8")
_VISITOR_LENGTH = 32


class Look:
    """The parts of a page that depend on settings alone.

    Args:
        settings: theme, logo, names.
        mailbox: address of the dev mailbox, in development.
    """

    def __init__(self, settings: Settings, mailbox: str | None = None) -> None:
        root = settings.base_url[len(settings.origin) :]
        self.mount = root + settings.mount
        self.home = root + settings.pages.home_url
        self.mailbox = mailbox
        self.theme = asset_of(theme_css(settings.pages.theme, settings.pages.theme_dark).encode(), ".css")
        themed = settings.pages.theme or settings.pages.theme_dark
        self.theme_url = f"{self.mount}/static/theme.css?v={self.theme.version}" if themed else None
        self.logo = settings.pages.logo_url or self._url("logo.svg")
        self.stylesheet = self._url("nightlatch.css")
        self.script = self._url("nightlatch.js")

    def _url(self, name: str) -> str:
        found = asset(name)
        return f"{self.mount}/static/{name}?v={found.version if found else 0}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chrome:
    """What a template finds under ``chrome``."""

    service_name: str
    locale: str
    mount: str
    home: str
    logo: str
    stylesheet: str
    script: str
    theme: str | None
    mailbox: str | None
    csrf_token: str
    signed_in_as: str | None


def page(exchange: Exchange, template: str, *, status: int = 200, **values: Any) -> Response:
    """Answer with a page."""
    look, settings, session = exchange.app.look, exchange.auth.settings, exchange.session_or_none
    token, cookie = _token(exchange)
    chrome = Chrome(
        service_name=settings.service_name,
        locale=settings.pages.locale,
        mount=look.mount,
        home=look.home,
        logo=look.logo,
        stylesheet=look.stylesheet,
        script=look.script,
        theme=look.theme_url,
        mailbox=look.mailbox,
        csrf_token=token,
        signed_in_as=(session.email or session.username) if session else None,
    )
    values = {"error": None, "errors": {}, "notice": None, **values}
    headers = [_HTML, *cookie]
    return Response(status=status, headers=headers, body=render(template, chrome=chrome, **values).encode())


def message_page(exchange: Exchange, error: NightlatchError | None) -> Response:
    """Answer a page's refusal that no form can show."""
    status = 500 if error is None else status_of(error)
    internal = error is None or status == 500  # noqa: PLR2004
    text = "Something went wrong on our side. Please try again." if internal or error is None else error.message
    begin = {"href": f"{exchange.app.look.mount}/sign-in", "label": "Back to sign in"}
    response = page(
        exchange,
        "message.html",
        status=status,
        heading=_HEADINGS.get(status, "That did not work"),
        text=text,
        action=begin,
        request_id=exchange.request_id if internal else None,
    )
    wait = retry_after_of(error) if error is not None else None
    if wait is not None:
        response.headers.append(("Retry-After", str(wait)))
    return response


_HEADINGS = {
    404: "There is nothing here",
    410: "That is over",
    429: "A little slower, please",
    500: "Something went wrong",
    503: "Very busy right now",
}


def lead_on(exchange: Exchange, path: str, *headers: tuple[str, str]) -> Response:
    """Lead the browser on after a form (303: it asks for the next page with GET)."""
    target = path if path.startswith("http") else exchange.auth.settings.base_url + path
    return Response(status=303, headers=[("Location", target), *headers])


def validate_token(exchange: Exchange, token: str | None) -> None:
    """Refuse a form without the token of this very session, or before sign-in of this very browser.

    Raises:
        CrossSite: it is missing, another's, or from before a sign-in (NIST SP 800-63B-4 5.1; ASVS 3.5.1).
    """
    session = exchange.session_or_none
    if session is not None:
        expected = _session_token(exchange, session.selector)
    else:
        visitor = exchange.cookie(exchange.app.cookies.visitor)
        if visitor is None:
            raise CrossSite("no visitor cookie", message="Your browser sent no cookie. Allow cookies and try again.")
        expected = _visitor_token(exchange, visitor)
    if token is None or not hmac.compare_digest(token.encode("utf-8", "replace"), expected.encode()):
        raise CrossSite("form token", message="This page was open for too long. Please try again.")


def _token(exchange: Exchange) -> tuple[str, list[tuple[str, str]]]:
    session = exchange.session_or_none
    if session is not None:
        return _session_token(exchange, session.selector), []
    cookies = exchange.app.cookies
    visitor = exchange.cookie(cookies.visitor)
    if visitor is not None and len(visitor) == _VISITOR_LENGTH:
        return _visitor_token(exchange, visitor), []
    visitor = secrets.token_hex(_VISITOR_LENGTH // 2)
    return _visitor_token(exchange, visitor), [cookies.set(cookies.visitor, visitor, life=None)]


def _session_token(exchange: Exchange, selector: str) -> str:
    # The selector changes with every rotation of the session, and the token with it (adversary 61).
    return exchange.auth.keyring.mac("csrf", "session", selector).hex()


def _visitor_token(exchange: Exchange, visitor: str) -> str:
    return exchange.auth.keyring.mac("csrf", "visitor", visitor).hex()
