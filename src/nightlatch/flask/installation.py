"""Nightlatch in one application: wired at first use, so that building it opens nothing."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask, g, has_request_context, request
from werkzeug.wsgi import get_host

from nightlatch.auth import Nightlatch as Core
from nightlatch.errors import ConfigurationError
from nightlatch.flask.configuration import Configuration
from nightlatch.flask.login import Login
from nightlatch.http.app import HttpApp
from nightlatch.http.exchange import Exchange
from nightlatch.http.guards import SAFE_METHODS
from nightlatch.http.wsgi import path_of, request_of
from nightlatch.ports import Clock, Mailer, Store
from nightlatch.records import Session
from nightlatch.settings import Settings

if TYPE_CHECKING:
    import sqlalchemy as sa

__all__ = ["Installation"]

_OUTSIDE_REQUESTS = "localhost:5000"


class Installation:
    """What one application has of Nightlatch: ``app.extensions["nightlatch"]``.

    Args:
        app: the application.
        db: its Flask-SQLAlchemy, or None.
        engine: an SQLAlchemy engine, or None.
        store: a store, or None.
        mailer: hands mail over; None: as settings say.
        clock: tells the time; None: the machine's.

    Raises:
        ConfigurationError: a setting is unknown or cannot be used.
    """

    def __init__(
        self,
        app: Flask,
        *,
        db: Any,
        engine: sa.Engine | None,
        store: Store | None,
        mailer: Mailer | None,
        clock: Clock | None,
    ) -> None:
        self._app = app
        self._db = db
        self._engine = engine
        self._store = store
        self._mailer = mailer
        self._clock = clock
        has_store = db is not None or engine is not None or store is not None
        self.configuration = Configuration(app, has_store=has_store, has_mailer=mailer is not None)
        self.mount = self.configuration.mount
        self._lock = threading.RLock()
        self._settings: Settings | None = None
        self._web: HttpApp | None = None

    @property
    def core(self) -> Core:
        """The core: sign_up, sign_in, account, operator ..."""
        return self.web.auth

    @property
    def web(self) -> HttpApp:
        """The web layer; wired, and the schema seen, at first use in each process.

        Raises:
            ConfigurationError: settings are missing, or the schema is not the one this version works on.
            StoreUnavailable: the database cannot be reached; the next use tries again.
        """
        if self._web is None:
            with self._lock:
                if self._web is None:
                    self._web = self._wire()
        return self._web

    def prepare(self, environ: dict[str, Any] | None = None) -> Settings:
        """Settle the settings, with nothing of the database yet.

        Args:
            environ: the first request's; in debug mode its ``Host`` becomes the address.

        Raises:
            ConfigurationError: they are missing or cannot be used.
        """
        if self._settings is None:
            with self._lock:
                if self._settings is None:
                    self._settle(environ)
        assert self._settings is not None
        return self._settings

    def _settle(self, environ: dict[str, Any] | None) -> None:
        if not isinstance(self._app.login_manager, Login):  # type: ignore[attr-defined] # Flask-Login's own way
            # Another manager would believe Flask's session and the remember cookie: a second way in.
            raise ConfigurationError("this application has a LoginManager of its own: remove it; Nightlatch brings one")
        if environ is None and has_request_context():
            environ = request.environ
        self._settings = self.configuration.settings(_OUTSIDE_REQUESTS if environ is None else get_host(environ))

    def _wire(self) -> HttpApp:
        settings = self.prepare()
        store = self._store or self._sql_store(settings)
        # Under a test runner there is no thread: tests call `core.outbox.run_once()`.
        background = not self._app.testing
        return HttpApp(Core(settings, store, mailer=self._mailer, clock=self._clock, background=background))

    def _sql_store(self, settings: Settings) -> Store:
        from nightlatch.storage.sql import SqlStore, migrate, verify_schema

        if self._engine is not None:
            store = SqlStore.on_engine(self._engine)
        elif self._db is not None:
            with self._app.app_context():
                store = SqlStore.on_engine(self._db.engine)
        else:
            store = SqlStore.open(self.configuration.database_url or self._own_database())
        if settings.development:
            migrate(store.engine)
        elif not _mends_the_schema():
            verify_schema(store.engine)
        return store

    def _own_database(self) -> str:
        from nightlatch.services.key_files import write_private

        path = Path(self._app.instance_path) / "nightlatch.db"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_private(path, "", exclusive=True)
        except FileExistsError:
            pass
        except OSError as error:
            raise ConfigurationError(f"cannot make {path}: {error.strerror}") from None
        return f"sqlite:///{path}"

    # --- requests ---------------------------------------------------------------------------------------------------

    @property
    def exchange(self) -> Exchange:
        """The current request, as our own routes would see it."""
        found: Exchange | None = g.get("nightlatch_exchange")
        if found is None:
            found = g.nightlatch_exchange = Exchange(self.web, request_of(request.environ, path_of(request.environ)))
        return found

    def session_of_request(self) -> Session | None:
        """Return the living session of the current request; on a cross-origin unsafe request, none."""
        exchange = self.exchange
        if request.method not in SAFE_METHODS and not exchange.app.origins.own(exchange.request):
            # The application's own routes are held to the same rule as ours: the cookie counts as not sent.
            return None
        return exchange.session_or_none


def _mends_the_schema() -> bool:
    """Tell whether ``flask nightlatch migrate`` or ``doctor`` runs: they are for what others are refused for."""
    import click

    context = click.get_current_context(silent=True)
    if context is None or context.parent is None:
        return False
    return context.parent.info_name == "nightlatch" and context.info_name in {"migrate", "doctor"}
