"""Nightlatch in one FastAPI or Starlette application."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

from starlette.applications import Starlette

from nightlatch.errors import StoreUnavailable
from nightlatch.fastapi.configuration import Configuration
from nightlatch.fastapi.threads import Threads
from nightlatch.hosting.sql import SqlInstallation
from nightlatch.http.app import HttpApp
from nightlatch.http.cookies import Cookies
from nightlatch.ports import Clock, Mailer, Store, TextSender

if TYPE_CHECKING:
    import sqlalchemy as sa

__all__ = ["Installation"]

log = logging.getLogger("nightlatch.fastapi")


class Installation(SqlInstallation):
    """What one application has of Nightlatch.

    Args:
        app: the application.
        configuration: what it says.
        engine: an SQLAlchemy engine, or None.
        store: a store, or None.
        mailer: hands mail over; None: as settings say.
        text_sender: hands texts over; None: as settings say.
        clock: tells the time; None: the machine's.
        request_user: fill in ``request.user`` and ``request.auth``.
    """

    def __init__(
        self,
        app: Starlette,
        configuration: Configuration,
        *,
        engine: sa.Engine | None,
        store: Store | None,
        mailer: Mailer | None,
        text_sender: TextSender | None,
        clock: Clock | None,
        request_user: bool,
    ) -> None:
        super().__init__(configuration, store=store, mailer=mailer, text_sender=text_sender, clock=clock)
        self.app = app
        self.request_user = request_user
        self.threads = Threads()
        self._engine = engine
        self._configuration = configuration

    def engine(self) -> sa.Engine | None:
        """Return the application's engine, where it handed one over."""
        return self._engine

    def runs_in_background(self) -> bool:
        """Tell whether a thread of ours delivers mail: not under a test runner, where `outbox.run_once` does."""
        return "pytest" not in sys.modules

    @property
    def session_cookie(self) -> str:
        """The name of the session's cookie, which does not hang on what debug mode fills in."""
        return Cookies(self._settings or self._configuration.apart(self._configuration.outline)).session

    def _wire(self) -> HttpApp:
        web = super()._wire()
        self.threads.make_room(web.auth.hashing)
        return web

    # --- lifespan ---------------------------------------------------------------------------------------------------

    async def begin(self) -> None:
        """Wire everything before the first request, and deliver what an earlier process left in the outbox.

        Raises:
            ConfigurationError: settings are missing, or the schema is not the one this version works on.
        """
        self.configuration.refuse_unless_debug()
        if "base_url" not in self.configuration.missing:  # else the first request's Host says where we are
            await self.threads.act(self._begin)

    def _begin(self) -> None:
        try:
            self.core.background.wake()
        except StoreUnavailable as error:
            # The database may come up later than we do: until then each request that needs it is answered 503.
            log.warning("the store is not there yet: %s", error.reason)

    async def end(self) -> None:
        """End the threads and let go of what was opened."""
        await self.threads.act(self.close)
