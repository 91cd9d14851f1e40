"""The extension: what an application's author writes."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import click
from flask import Flask, Response, current_app, g, has_app_context
from flask.cli import run_command

from nightlatch.auth import Nightlatch as Core
from nightlatch.errors import ConfigurationError, NightlatchError
from nightlatch.flask.answers import answer_error
from nightlatch.flask.installation import Installation
from nightlatch.flask.login import Login
from nightlatch.flask.mount import Mounted
from nightlatch.flask.user import current_user, installation
from nightlatch.ports import Clock, Mailer, Store, TextSender

if TYPE_CHECKING:
    import sqlalchemy as sa

__all__ = ["Nightlatch"]


class Nightlatch:
    """Nightlatch in a Flask application. Building it opens no connection, file or thread.

    Settings are read from ``app.config["NIGHTLATCH"]``, a mapping with the names of `nightlatch.settings.Settings`
    and ``database_url``.

    Args:
        app: the application; or call `init_app` later, for as many applications as there are.
        db: the application's Flask-SQLAlchemy: its engine is used, in transactions of our own.
        engine: an SQLAlchemy engine to use in the same way.
        store: a store to use.
        mailer: hands mail over; None: as settings say.
        text_sender: hands texts over; None: as settings say.
        clock: tells the time; None: the machine's.

    Raises:
        ConfigurationError: a setting is unknown or cannot be used.
    """

    def __init__(
        self,
        app: Flask | None = None,
        *,
        db: Any = None,
        engine: sa.Engine | None = None,
        store: Store | None = None,
        mailer: Mailer | None = None,
        text_sender: TextSender | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._parts: dict[str, Any] = {
            "db": db,
            "engine": engine,
            "store": store,
            "mailer": mailer,
            "text_sender": text_sender,
            "clock": clock,
        }
        self._installations: weakref.WeakSet[Installation] = weakref.WeakSet()
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Begin with an application.

        Raises:
            ConfigurationError: a setting is unknown or cannot be used, or it has a Nightlatch already.
        """
        if "nightlatch" in app.extensions:
            raise ConfigurationError("this application has a Nightlatch already")
        site = Installation(app, **self._parts)
        if _serving_by_flask_run():
            site.configuration.refuse_unless_debug()
        app.extensions["nightlatch"] = site
        self._installations.add(site)
        app.wsgi_app = Mounted(app, site, app.wsgi_app)  # type: ignore[method-assign]
        app.register_error_handler(NightlatchError, answer_error)
        app.context_processor(lambda: {"current_user": current_user})
        app.after_request(_vary)
        app.teardown_request(_forget)
        Login(app)

    @property
    def core(self) -> Core:
        """The core of the current application: sign_up, sign_in, account, operator ...

        Raises:
            RuntimeError: there is no current application, and not exactly one that it could be.
        """
        if has_app_context() and current_app.extensions.get("nightlatch") in self._installations:
            return installation().core
        if len(self._installations) != 1:
            raise RuntimeError("which application's? use this within app.app_context()")
        return next(iter(self._installations)).core


def _vary(response: Response) -> Response:
    """Tell caches that an answer which depends on who is signed in is for one cookie alone."""
    if "nightlatch_user" in g:
        response.vary.add("Cookie")
    return response


def _forget(_: BaseException | None) -> None:
    """Let go of who was signed in: an application context may outlive its request, as it does in many a test."""
    for name in ("nightlatch_user", "nightlatch_exchange", "_login_user"):
        g.pop(name, None)


def _serving_by_flask_run() -> bool:
    """Tell whether ``flask run`` loads the application: debug mode is settled then, nothing can turn it on later."""
    context = click.get_current_context(silent=True)
    return context is not None and context.command is run_command
