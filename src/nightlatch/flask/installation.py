"""Nightlatch in one Flask application."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Flask, g, has_request_context, request
from werkzeug.wsgi import get_host

from nightlatch.errors import ConfigurationError
from nightlatch.flask.configuration import Configuration
from nightlatch.flask.login import Login
from nightlatch.hosting.sql import SqlInstallation
from nightlatch.http.exchange import Exchange
from nightlatch.http.wsgi import path_of, request_of
from nightlatch.ports import Clock, Mailer, Store, TextSender
from nightlatch.settings import Settings

if TYPE_CHECKING:
    import sqlalchemy as sa

__all__ = ["Installation"]


class Installation(SqlInstallation):
    """What one application has of Nightlatch: ``app.extensions["nightlatch"]``.

    Args:
        app: the application.
        db: its Flask-SQLAlchemy, or None.
        engine: an SQLAlchemy engine, or None.
        store: a store, or None.
        mailer: hands mail over; None: as settings say.
        text_sender: hands texts over; None: as settings say.
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
        text_sender: TextSender | None,
        clock: Clock | None,
    ) -> None:
        self._app = app
        self._db = db
        self._engine = engine
        has_store = db is not None or engine is not None or store is not None
        configuration = Configuration(app, has_store=has_store, has_mailer=mailer is not None)
        super().__init__(configuration, store=store, mailer=mailer, text_sender=text_sender, clock=clock)

    def host(self) -> str:
        """Return the ``Host`` of the request at hand, or where there is none that of the development server."""
        return get_host(request.environ) if has_request_context() else super().host()

    def settings_for(self, host: str) -> Settings:
        """Return the settings, once nobody else says who is signed in."""
        if not isinstance(self._app.login_manager, Login):  # type: ignore[attr-defined] # Flask-Login's own way
            # Another manager would believe Flask's session and the remember cookie: a second way in.
            raise ConfigurationError("this application has a LoginManager of its own: remove it; Nightlatch brings one")
        return super().settings_for(host)

    def engine(self) -> sa.Engine | None:
        """Return the application's engine, where it handed one over."""
        if self._engine is not None or self._db is None:
            return self._engine
        with self._app.app_context():
            engine: sa.Engine = self._db.engine
            return engine

    def runs_in_background(self) -> bool:
        """Tell whether a thread of ours delivers mail: not under a test runner, where `outbox.run_once` does."""
        return not self._app.testing

    @property
    def exchange(self) -> Exchange:
        """The current request, as our own routes would see it."""
        found: Exchange | None = g.get("nightlatch_exchange")
        if found is None:
            found = g.nightlatch_exchange = Exchange(self.web, request_of(request.environ, path_of(request.environ)))
        return found
