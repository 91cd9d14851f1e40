"""Our routes, in front of the application's and of all its middleware."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from starlette.authentication import AuthCredentials, UnauthenticatedUser
from starlette.middleware.errors import ServerErrorMiddleware

from nightlatch.errors import ConfigurationError, StoreUnavailable
from nightlatch.fastapi.visit import Visit
from nightlatch.http.answers import outage
from nightlatch.http.app import LONGEST_BODY
from nightlatch.http.asgi import Message, Receive, Scope, Send, header_of, path_of, read_body, request_of, send_answer
from nightlatch.http.guards import SAFE_METHODS
from nightlatch.http.messages import Request, Response

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from nightlatch.fastapi.installation import Installation

__all__ = ["Mounted"]


class Mounted:
    """The application with our routes before it: its body parsers, login walls and CORS never see them.

    Args:
        app: the application's whole stack of middleware; by this name those who look into a stack find it.
        site: ours, for it.
    """

    def __init__(self, app: ASGIApp, site: Installation) -> None:
        self.app = app
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or let it through."""
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        path, mount = path_of(scope), self._site.mount
        ours = path == mount or path.startswith(f"{mount}/")
        try:
            # An application that is not configured answers nothing at all, rather than everything but sign-in.
            if not self._site.prepared:
                await self._site.threads.look(lambda: self._site.prepare(lambda: header_of(scope, b"host") or ""))
            if ours:
                await self._answer(scope, path[len(mount) :] or "/", receive, send)
                return
        except ConfigurationError as error:
            await self._fault(error, scope, receive, send)
            return
        await self._let_through(scope, receive, send)

    async def _answer(self, scope: Scope, path: str, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._refuse_socket(receive, send)
            return
        acts = scope["method"] not in SAFE_METHODS
        body = await read_body(scope, receive, LONGEST_BODY) if acts else b""
        if body is None:
            return  # the client left in the middle of it: nothing has begun
        request = request_of(scope, path, body)
        lane = self._site.threads.act if acts else self._site.threads.look
        await send_answer(await lane(lambda: self._respond(request)), send)

    def _respond(self, request: Request) -> Response:
        try:
            web = self._site.web
        except StoreUnavailable as error:
            return outage(error)
        return web.respond(request)

    async def _refuse_socket(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.close", "code": 1000})  # before the handshake is answered: 403

    async def _unavailable(self, error: StoreUnavailable, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._refuse_socket(receive, send)
        else:
            await send_answer(outage(error), send)

    async def _let_through(self, scope: Scope, receive: Receive, send: Send) -> None:
        visit = Visit(self._site, scope)
        if self._site.request_user:
            try:
                user = await visit.user()
            except StoreUnavailable as error:
                await self._unavailable(error, scope, receive, send)
                return
            scope["user"] = user or UnauthenticatedUser()
            scope["auth"] = AuthCredentials(["authenticated", *user.roles] if user else [])

        async def varying(message: Message) -> None:
            await visit.send(message, send)

        await self.app(scope, receive, varying)

    async def _fault(self, error: Exception, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the framework tell the developer, as it does for any fault: 500, and the traceback in the log."""

        async def broken(scope: Scope, receive: Receive, send: Send) -> NoReturn:
            del scope, receive, send
            raise error

        app = self._site.app
        own = app.exception_handlers.get(500) or app.exception_handlers.get(Exception)
        await ServerErrorMiddleware(broken, handler=own, debug=app.debug)(scope, receive, send)
