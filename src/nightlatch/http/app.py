"""The web layer's one entry: a `Request` goes in, a `Response` comes out, whatever the request."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from urllib.parse import quote

from nightlatch.errors import NightlatchError, NotFound, ReauthenticationRequired
from nightlatch.http.bodies import read_form, read_json
from nightlatch.http.cookies import Cookies
from nightlatch.http.exchange import Exchange
from nightlatch.http.guards import Origins, Proxies
from nightlatch.http.headers import Headers
from nightlatch.http.hosted.chrome import Look, lead_on, message_page
from nightlatch.http.hosted.routes import PAGES
from nightlatch.http.messages import Request, Response
from nightlatch.http.openapi import openapi_route
from nightlatch.http.problems import MethodNotAllowed, problem
from nightlatch.http.redirects import Redirects
from nightlatch.http.routes import API, Route
from nightlatch.http.step_up import query_of_step_up

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nightlatch.auth import Nightlatch

__all__ = ["LONGEST_BODY", "HttpApp"]

log = logging.getLogger("nightlatch.http")

LONGEST_BODY = max(route.limit for route in (*API, *PAGES))
"""Bytes that any route takes at most: for adapters that read a body before they know the route."""


class HttpApp:
    """Answer requests below the mount.

    Args:
        auth: the core.
        only: these routes and no others, where a server answers outside the mount.
        mailbox: address of the dev mailbox, in development.
    """

    def __init__(self, auth: Nightlatch, *, only: Sequence[Route] | None = None, mailbox: str | None = None) -> None:
        settings = auth.settings
        self.auth = auth
        self.cookies = Cookies(settings)
        self.origins = Origins(settings)
        self.proxies = Proxies(settings)
        self.redirects = Redirects(settings)
        self.headers = Headers(settings)
        self.look = Look(settings, mailbox)
        routes = (*API, openapi_route(API), *PAGES) if only is None else tuple(only)
        self._exact: dict[tuple[str, str], Route] = {}
        self._below: dict[tuple[str, str], Route] = {}
        for route in routes:
            table = self._below if route.path.endswith("{id}") else self._exact
            table[route.method, route.path.removesuffix("{id}")] = route
        self._methods: dict[str, list[str]] = {}
        for route in routes:
            self._methods.setdefault(route.path, []).append(route.method)

    def respond(self, request: Request) -> Response:
        """Answer a request. Never raises, and never answers 5xx but for `busy` and `unavailable`."""
        exchange = Exchange(self, request)
        route: Route | None = None
        try:
            route = self._route(exchange)
            response = self._options(exchange) if route is None else self._answer(route, exchange)
        except NightlatchError as error:
            response = self._refuse(route, exchange, error)
        except Exception as error:  # noqa: BLE001 - the last resort (ASVS 16.5.4)
            # The class and place, never the text: it may quote what was sent.
            log.error("request %s failed: %s", exchange.request_id, _place(error))  # noqa: TRY400
            response = self._fault(route, exchange)
        return self._finish(route, exchange, response)

    def _route(self, exchange: Exchange) -> Route | None:
        request = exchange.request
        method = "GET" if request.method == "HEAD" else request.method
        route = self._exact.get((method, request.path))
        if route is not None:
            return route
        parent, slash, segment = request.path.rpartition("/")
        route = self._below.get((method, parent + slash))
        # What has a name of its own is nobody's id, whatever the method.
        if route is not None and segment and request.path not in self._methods:
            exchange.segment = segment
            return route
        if self._methods_of(request.path):
            if request.method == "OPTIONS":
                return None
            raise MethodNotAllowed(request.method[:20])
        raise NotFound("no route")

    def _answer(self, route: Route, exchange: Exchange) -> Response:
        exchange.by_cookie_alone = route.kind in {"page", "script"}
        if route.who != "signed_in" or exchange.bearer is None:
            self.origins.guard(exchange.request)
        if route.who == "signed_in":
            # Before the body: who may not act learns nothing of what the body should be.
            _ = exchange.session
        if route.body is None:
            response: Response = route.handler(exchange)
        elif route.form:
            response = route.handler(exchange, read_form(exchange.request, route.body, route.limit))
        else:
            response = route.handler(exchange, read_json(exchange.request, route.body, route.limit))
        return response

    def _refuse(self, route: Route | None, exchange: Exchange, error: NightlatchError) -> Response:
        if route is not None and route.kind == "page" and error.code == "not_authenticated":
            response = self._to_sign_in(exchange)
        elif route is not None and route.kind == "page" and isinstance(error, ReauthenticationRequired):
            response = self._to_reauthenticate(exchange, error)
        else:
            response = self._told(route, exchange, error)
        if isinstance(error, MethodNotAllowed):
            response.headers.append(("Allow", self._allowed(exchange)))
        if error.code == "not_authenticated" and exchange.cookie(self.cookies.session) is not None:
            # A dead session's cookie only costs look-ups.
            response.headers.append(self.cookies.clear(self.cookies.session))
        return response

    def _fault(self, route: Route | None, exchange: Exchange) -> Response:
        return self._told(route, exchange, None)

    def _told(self, route: Route | None, exchange: Exchange, error: NightlatchError | None) -> Response:
        """Tell what happened, in the form that the route speaks; where there is none, that the client asks for."""
        if _spoken(route, exchange) == "page":
            try:
                return message_page(exchange, error)
            except Exception as second:  # noqa: BLE001 - a page looks up its session, and the store may be what failed
                log.error("request %s: no page: %s", exchange.request_id, _place(second))  # noqa: TRY400
        return problem(error, exchange.request_id, self.auth.settings)

    def _to_reauthenticate(self, exchange: Exchange, error: ReauthenticationRequired) -> Response:
        """Lead somebody whose proof is not fresh enough to give it again, and back to where the form stands."""
        request = exchange.request
        known = ("GET", request.path) in self._exact
        query = f"?{request.query}" if known and request.method == "GET" and request.query else ""
        back = quote(self.look.mount + (request.path if known else "/account/security") + query, safe="/")
        return lead_on(exchange, f"{self.auth.settings.mount}/reauthenticate?{query_of_step_up(error)}return_to={back}")

    def _to_sign_in(self, exchange: Exchange) -> Response:
        """Lead somebody who is not signed in to the sign-in page, and back to what was asked for."""
        settings = self.auth.settings
        back = ""
        request = exchange.request
        if ("GET", request.path) in self._exact and request.path != "/sign-out":
            asked = self.look.mount + request.path
            if request.method == "GET" and request.query:
                asked += f"?{request.query}"
            back = f"?return_to={quote(asked, safe='/')}"
        return lead_on(exchange, f"{settings.mount}/sign-in{back}")

    def _options(self, exchange: Exchange) -> Response:
        return Response(status=204, headers=[("Allow", self._allowed(exchange))])

    def _methods_of(self, path: str) -> list[str]:
        parent, slash, segment = path.rpartition("/")
        return self._methods.get(path) or (self._methods.get(f"{parent}{slash}{{id}}", []) if segment else [])

    def _allowed(self, exchange: Exchange) -> str:
        methods = self._methods_of(exchange.request.path)
        also = ["HEAD"] if "GET" in methods else []
        return ", ".join(sorted({*methods, *also, "OPTIONS"}))

    def _finish(self, route: Route | None, exchange: Exchange, response: Response) -> Response:
        response.headers.extend(getattr(self.headers, _spoken(route, exchange)))
        response.signed_in, response.rotated = exchange.signed_in, exchange.rotated
        response.signed_out = exchange.signed_out
        response.route, response.request_id = route.path if route is not None else "", exchange.named
        self._cors(exchange, response)
        if exchange.request.method == "HEAD":
            response.without_body()
        return response

    def _cors(self, exchange: Exchange, response: Response) -> None:
        """Let pages of `allowed_origins` read answers (ASVS 3.4.2: exact, never a wildcard). Nobody else."""
        if not self.origins.foreign:
            return
        origin = exchange.request.header("origin")
        if origin in self.origins.foreign:
            response.headers += [
                ("Access-Control-Allow-Origin", origin),
                ("Access-Control-Allow-Credentials", "true"),
            ]
            if exchange.request.method == "OPTIONS":
                response.headers += [
                    ("Access-Control-Allow-Methods", self._allowed(exchange)),
                    ("Access-Control-Allow-Headers", "Content-Type, Authorization"),
                    ("Access-Control-Max-Age", "600"),
                ]


def _spoken(route: Route | None, exchange: Exchange) -> str:
    """Return the kind of an answer: a person who is lost sees a page."""
    if route is not None:
        return route.kind
    asks_page = "text/html" in (exchange.request.header("accept") or "")
    return "page" if asks_page and not exchange.request.path.startswith("/api/") else "api"


def _place(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else "?"
    return f"{type(error).__name__} at {where}"
