"""The extension: what an application's author writes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
from starlette.applications import Starlette

from nightlatch.auth import Nightlatch as Core
from nightlatch.errors import ConfigurationError, NightlatchError
from nightlatch.fastapi.answers import answer_error
from nightlatch.fastapi.configuration import Configuration
from nightlatch.fastapi.installation import Installation
from nightlatch.fastapi.mount import Mounted
from nightlatch.ports import Clock, Mailer, Store, TextSender
from nightlatch.settings import Settings

if TYPE_CHECKING:
    import sqlalchemy as sa
    from starlette.types import ASGIApp

__all__ = ["Nightlatch"]

T = TypeVar("T")


class Nightlatch:
    """Nightlatch in a FastAPI or Starlette application. Building it opens no connection, file or thread.

    Args:
        app: the application, before it has answered anything.
        settings: `nightlatch.Settings`, or a mapping with its names and ``database_url``; None: the ``NIGHTLATCH_*``
            variables say them.
        database_url: of a database of our own.
        engine: an SQLAlchemy engine to use, in transactions of our own.
        store: a store to use.
        mailer: hands mail over; None: as settings say.
        text_sender: hands texts over; None: as settings say.
        clock: tells the time; None: the machine's.
        request_user: fill in Starlette's ``request.user`` and ``request.auth`` (a scope for each role), at the cost of
            the look-up for every request that carries a session's cookie.

    Raises:
        ConfigurationError: a setting is unknown or cannot be used, the engine is asynchronous, the application has
            a Nightlatch already, or has begun.
    """

    def __init__(
        self,
        app: Starlette,
        settings: Settings | Mapping[str, Any] | None = None,
        *,
        database_url: str | None = None,
        engine: sa.Engine | None = None,
        store: Store | None = None,
        mailer: Mailer | None = None,
        text_sender: TextSender | None = None,
        clock: Clock | None = None,
        request_user: bool = False,
    ) -> None:
        if getattr(app.state, "nightlatch", None) is not None:
            raise ConfigurationError("this application has a Nightlatch already")
        if app.middleware_stack is not None:
            raise ConfigurationError("this application has begun to answer: write Nightlatch(app) before that")
        if engine is not None:
            _refuse_asynchronous(engine)
        configuration = Configuration(
            app,
            settings,
            database_url=database_url,
            has_store=engine is not None or store is not None,
            has_mailer=mailer is not None,
        )
        self.site = Installation(
            app,
            configuration,
            engine=engine,
            store=store,
            mailer=mailer,
            text_sender=text_sender,
            clock=clock,
            request_user=request_user,
        )
        app.state.nightlatch = self
        app.add_exception_handler(NightlatchError, answer_error)  # type: ignore[arg-type] # None answers a web socket
        _put_in_front(app, self.site)
        _wrap_lifespan(app, self.site)
        if hasattr(app, "openapi"):
            _name_the_cookie(app, self.site)

    @property
    def core(self) -> Core:
        """The core: sign_up, sign_in, account, operator ... It is synchronous: for `def` routes, scripts and tests."""
        return self.site.core

    async def run(self, work: Callable[[Core], T]) -> T:
        """Do something with the core from asynchronous code, in a thread of ours.

        Args:
            work: is given the core: ``await auth.run(lambda core: core.operator.find_user("mia@example.org"))``.

        Returns:
            what it returns.
        """
        return await self.site.threads.act(lambda: work(self.site.core))


def _refuse_asynchronous(engine: sa.Engine) -> None:
    if engine.dialect.is_async:
        # Both may be there at once, on the same database: ours is used in threads, never on the event loop.
        url = engine.url.set(drivername=engine.url.get_backend_name())
        raise ConfigurationError(
            "the application's engine is asynchronous: keep it, and hand over a synchronous one on the same database:"
            f" Nightlatch(app, engine=sqlalchemy.create_engine({url.render_as_string()!r}))"
        )


def _put_in_front(app: Starlette, site: Installation) -> None:
    """Stand before whatever middleware the application has by the time it begins, however late it was added."""
    build = app.build_middleware_stack

    def build_middleware_stack() -> ASGIApp:
        return Mounted(build(), site)

    app.build_middleware_stack = build_middleware_stack  # type: ignore[method-assign]


def _wrap_lifespan(app: Starlette, site: Installation) -> None:
    inner = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(running: Any) -> AsyncIterator[Any]:
        await site.begin()
        try:
            async with inner(running) as state:
                yield state
        finally:
            with anyio.CancelScope(shield=True):
                await site.end()

    app.router.lifespan_context = lifespan


def _name_the_cookie(app: Any, site: Installation) -> None:
    """Put the real name of the cookie into the application's OpenAPI document, and that a token does as well."""
    from nightlatch.fastapi.dependencies import BEARER_NAME, SCHEME_NAME

    inner = app.openapi

    def openapi() -> dict[str, Any]:
        document: dict[str, Any] = inner()
        schemes = document.get("components", {}).get("securitySchemes", {})
        if SCHEME_NAME in schemes and BEARER_NAME not in schemes:  # FastAPI keeps the document, and we change it once
            schemes[SCHEME_NAME]["name"] = site.session_cookie
            schemes[BEARER_NAME] = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
            for path in document["paths"].values():
                for operation in path.values():
                    if {SCHEME_NAME: []} in operation.get("security", ()):
                        operation["security"].append({BEARER_NAME: []})
        return document

    app.openapi = openapi
