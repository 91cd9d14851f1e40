"""One request on its way through: what handlers see of it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Literal

import msgspec

from nightlatch.errors import AttemptInvalid, Forbidden, NightlatchError, NotAuthenticated
from nightlatch.flows.outcome import Complete
from nightlatch.http.cookies import read
from nightlatch.http.guards import SAFE_METHODS, clean_user_agent
from nightlatch.http.messages import Request, Response
from nightlatch.primitives.ids import uuid7
from nightlatch.primitives.secret import Secret
from nightlatch.records import Session
from nightlatch.services.api_keys import Delegated
from nightlatch.services.client import Client
from nightlatch.services.devices import DEVICE_LIFE

if TYPE_CHECKING:
    from nightlatch.auth import Nightlatch
    from nightlatch.http.app import HttpApp

__all__ = ["Exchange"]

_API_KEY = "nlk_"
_ATTEMPT_LIFE = timedelta(hours=1)
_ENCODER = msgspec.json.Encoder()
_JSON = ("Content-Type", "application/json")


class Exchange:
    """A request with the installation it is for.

    Args:
        app: the web layer.
        request: as the adapter saw it.
    """

    __slots__ = (
        "_bearer",
        "_client",
        "_delegated",
        "_request_id",
        "_scoped",
        "_session",
        "app",
        "by_cookie_alone",
        "request",
        "rotated",
        "segment",
        "signed_in",
        "signed_out",
    )

    def __init__(self, app: HttpApp, request: Request, segment: str | None = None) -> None:
        self.app = app
        self.request = request
        self.segment = segment
        """The last part of the path, where the route takes one."""
        self._bearer: str | None = None
        self.by_cookie_alone = False
        """Pages are for browsers: they read no token, even one that a proxy in front puts into every request."""
        self._client: Client | None = None
        self._session: Session | None = None
        self._request_id: str | None = None
        self._delegated: Delegated | None = None
        self._scoped = False
        self.signed_in: Complete | None = None
        self.rotated: Complete | None = None
        self.signed_out: Session | None = None

    @property
    def auth(self) -> Nightlatch:
        """The core."""
        return self.app.auth

    @property
    def named(self) -> str | None:
        """The request's id if anybody has asked for it; most requests need none."""
        return self._request_id

    @property
    def request_id(self) -> str:
        """Names this request in logs, events and problems: ours, unless a trusted proxy gave it a name."""
        if self._request_id is None:
            given = self.request.header("x-request-id")
            known = given is not None and 0 < len(given) <= 64 and given.isascii() and given.isprintable()  # noqa: PLR2004
            if given is not None and known and self.app.proxies.trusts(self.request.peer):
                self._request_id = given
            else:
                self._request_id = str(uuid7(self.auth.clock.now()))
        return self._request_id

    @property
    def client(self) -> Client:
        """Who is asking, as far as the connection tells."""
        if self._client is None:
            device = self.cookie(self.app.cookies.device)
            self._client = Client(
                ip=self.app.proxies.client(self.request),
                user_agent=clean_user_agent(self.request.header("user-agent")),
                device=Secret(device) if device else None,
                request_id=self.request_id,
            )
        return self._client

    def client_for(self, deliver: Literal["cookie", "tokens"]) -> Client:
        """Who is asking; where tokens are asked for, no cookie tells."""
        return self.client.without_cookies() if deliver == "tokens" else self.client

    def cookie(self, name: str) -> str | None:
        """Return a cookie's value, if it came exactly once."""
        return read(self.request.header_list("cookie"), name)

    @property
    def bearer(self) -> str | None:
        """What followed ``Bearer`` in the ``Authorization`` header, if there was one.

        A request that brings it rides on it alone: its cookies are not read, whatever the token is worth. No page of
        another site can make a browser send it, so such a request needs no look at where it came from.
        """
        if self.by_cookie_alone:
            return None
        if self._bearer is None:
            self._bearer = _bearer_of(self.request.header_list("authorization"))
        return self._bearer or None

    @property
    def session(self) -> Session:
        """The living session that this request rides on: by its token, else by its cookie.

        Raises:
            NotAuthenticated: there is none.
        """
        if self._session is None:
            bearer = self.bearer
            token = self.cookie(self.app.cookies.session) if bearer is None else None
            if bearer is not None and bearer.startswith(_API_KEY):
                # A key acts for its owner elsewhere: never on the account itself, its sessions, authenticators or keys.
                raise Forbidden("API keys are not taken here")
            if bearer is not None:
                self._session = self.auth.tokens.recognise(bearer)
            elif token is not None:
                self._session = self.auth.sessions.recognise(token)
            else:
                raise NotAuthenticated("no session cookie")
            self.auth.sessions.touch(self._session)
            if self.auth.sessions.has_touches:
                self.auth.background.wake()
        return self._session

    @property
    def session_or_none(self) -> Session | None:
        """The living session that this request rides on, or None."""
        try:
            return self.session
        except NotAuthenticated:
            return None

    @property
    def session_in_host(self) -> Session | None:
        """The living session as a host application's own routes may count on it.

        They are held to the same rule as ours: on an unsafe request from elsewhere the cookie counts as not sent.
        """
        bearer = self.bearer
        if bearer is not None and bearer.startswith(_API_KEY):
            delegated = self.delegated
            return delegated if delegated is not None and (not delegated.scopes or self._scoped) else None
        rides_on_cookie = bearer is None
        if rides_on_cookie and self.request.method not in SAFE_METHODS and not self.app.origins.own(self.request):
            return None
        return self.session_or_none

    @property
    def held_attempt(self) -> Secret:
        """The secret of the attempt that the pages' cookie holds.

        Raises:
            AttemptInvalid: there is none.
        """
        value = self.cookie(self.app.cookies.attempt)
        if value is None:
            raise AttemptInvalid("no attempt cookie")
        return Secret(value)

    def hold_attempt(self, attempt: Secret) -> tuple[str, str]:
        """Return the cookie by which the pages' browser holds an attempt."""
        cookies = self.app.cookies
        return cookies.set(cookies.attempt, attempt.reveal(), life=_ATTEMPT_LIFE)

    @property
    def delegated(self) -> Delegated | None:
        """What a request rides on that brings an API key; None where it brings none that is good."""
        if self._delegated is None and self.bearer is not None and self.bearer.startswith(_API_KEY):
            try:
                self._delegated = self.auth.api_keys.recognise(self.bearer)
            except NotAuthenticated:
                return None
        return self._delegated

    def allow_scope(self, scope: str) -> None:
        """Let an API key with this scope be its owner, for the route that names it. A key with other scopes is nobody.

        Raises:
            Forbidden: the request brings a key without this scope.
        """
        delegated = self.delegated
        if delegated is None:
            return
        if delegated.scopes and scope not in delegated.scopes:
            raise Forbidden(f"API key without scope {scope}")
        self._scoped = True

    # --- answering --------------------------------------------------------------------------------------------------

    def json(self, value: object, status: int = 200) -> Response:
        """Answer with JSON."""
        return Response(status=status, headers=[_JSON], body=_ENCODER.encode(value))

    def nothing(self) -> Response:
        """Answer 204."""
        return Response(status=204)

    def _end_the_other(self, complete: Complete) -> None:
        """End the session that this browser came with, now that it gets another (ASVS 7.2.4: the old id is dead)."""
        try:
            old = self.session
            if complete.session is not None and complete.session.id == old.id:
                self.signed_in, self.rotated = None, complete
            elif complete.session is not None:
                self.auth.account.sign_out(self.client, old)
        except NightlatchError:
            pass  # there was none; or the store is busy, and the new session stands all the same

    def sign_in_cookies(self, complete: Complete) -> list[tuple[str, str]]:
        """Return the headers that carry a session: the one answer that ever does."""
        cookies = self.app.cookies
        headers = []
        self.signed_in = complete if complete.token is not None else None
        self._end_the_other(complete)
        if complete.token is not None and complete.session is not None:
            life = complete.session.expires_at - self.auth.clock.now()
            headers.append(cookies.set(cookies.session, complete.token.reveal(), life=max(life, timedelta(seconds=1))))
        if complete.device is not None:
            headers.append(cookies.set(cookies.device, complete.device.reveal(), life=DEVICE_LIFE))
        return headers

    def sign_out(self) -> list[tuple[str, str]]:
        """End the session that this request rides on, on the server, and return the headers that take it away.

        Raises:
            NotAuthenticated: it rides on none.
        """
        self.auth.account.sign_out(self.client, self.session)
        return self.forget()

    def forget(self) -> list[tuple[str, str]]:
        """Return the headers that take a session away which has just ended."""
        if self.bearer is not None:
            return []  # no cookie carried it, so there is none to take away
        self.signed_out = self.session
        # Not "cookies": the device cookie stays (design, section 3). ASVS 14.3.1.
        return [("Clear-Site-Data", '"cache", "storage"'), self.app.cookies.clear(self.app.cookies.session)]


_LONGEST_BEARER = 16_384


def _bearer_of(values: list[str]) -> str:
    """Return a bearer token; an empty text where there is none of that scheme (another one is the application's own).

    Several such headers are refused as a token that is none: which of them counts is anybody's guess.
    """
    pairs = [value.strip().partition(" ") for value in values]
    found = [token.strip() for scheme, _, token in pairs if scheme.lower() == "bearer"]
    if not found:
        return ""
    return found[0] if len(values) == 1 and 0 < len(found[0]) <= _LONGEST_BEARER else "malformed"
