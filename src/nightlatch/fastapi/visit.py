"""One request, as it goes through the application."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from starlette.requests import HTTPConnection

from nightlatch.errors import ConfigurationError
from nightlatch.fastapi.user import SignedInUser
from nightlatch.http.asgi import Message, Scope, Send, path_of, request_of
from nightlatch.http.exchange import Exchange

if TYPE_CHECKING:
    from nightlatch.fastapi.installation import Installation

__all__ = ["Visit", "visit_of"]

_KEY = "nightlatch"


class Visit:
    """A request with the installation it is for. It is kept in the scope, and copies of the scope share it.

    Args:
        site: the installation.
        scope: the request's, before any mounted application has changed it.
    """

    __slots__ = ("_exchange", "_scope", "_user", "asked", "site")

    def __init__(self, site: Installation, scope: Scope) -> None:
        self.site = site
        self.asked = False
        """Whether it was asked who is signed in: the answer depends on the cookie then."""
        # The application's own prefix is gone from a path that a mounted application has made longer: kept as it came.
        self._scope = dict(scope)
        self._exchange: Exchange | None = None
        self._user: SignedInUser | None = None
        scope[_KEY] = self

    def exchange(self) -> Exchange:
        """Return the request as our own routes would see it. In a thread: the first use may wire everything."""
        if self._exchange is None:
            self._exchange = Exchange(self.site.web, request_of(self._scope, path_of(self._scope) or "/"))
        return self._exchange

    async def user(self) -> SignedInUser | None:
        """Tell who is signed in: one look-up a request, at first use."""
        if not self.asked:
            if self._brings_something():
                session = await self.site.threads.look(lambda: self.exchange().session_in_host)
                self._user = None if session is None else SignedInUser(session, self.site)
            self.asked = True
        return self._user

    async def allow_scope(self, scope: str) -> None:
        """Let an API key with this scope be its owner from now on, in this request.

        Raises:
            Forbidden: the request brings a key without it.
        """
        if self._brings_something():
            await self.site.threads.look(lambda: self.exchange().allow_scope(scope))
            self.asked = False

    def _brings_something(self) -> bool:
        """Tell whether there is anything to look up, a cookie or a token, which is worth a hop."""
        name = self.site.session_cookie.encode()
        return any(
            each == b"authorization" or (each == b"cookie" and name in value) for each, value in self._scope["headers"]
        )

    async def send(self, message: Message, send: Send) -> None:
        """Tell caches that an answer which depends on who is signed in is for one cookie, or one token, alone."""
        if self.asked and message["type"] == "http.response.start":
            message = {**message, "headers": _varying(list(message.get("headers", ())))}
        await send(message)


def visit_of(connection: HTTPConnection) -> Visit:
    """Return the visit that a connection is.

    Raises:
        ConfigurationError: its application has no Nightlatch.
    """
    found = connection.scope.get(_KEY)
    if found is None:
        raise ConfigurationError("this application has no Nightlatch: write Nightlatch(app)")
    return cast("Visit", found)


def _varying(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    said = b",".join(value for name, value in headers if name.lower() == b"vary").lower()
    if {b"cookie", b"*"} & {each.strip() for each in said.split(b",")}:
        return headers
    return [*headers, (b"vary", b"Cookie")]
