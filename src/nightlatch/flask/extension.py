"""The extension: settings from the application, the store, the mount, the error handler."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from flask import Flask, Response, has_request_context, request

from nightlatch.auth import Nightlatch as Core
from nightlatch.errors import ConfigurationError, NightlatchError, NotAuthenticated
from nightlatch.flask.login import Login
from nightlatch.http.app import HttpApp
from nightlatch.http.exchange import Exchange
from nightlatch.http.guards import SAFE_METHODS
from nightlatch.http.problems import problem
from nightlatch.http.wsgi import answer, path_of, request_of
from nightlatch.ports import Mailer, Store
from nightlatch.records import Session
from nightlatch.settings import Settings, is_loopback, settings_from

if TYPE_CHECKING:
    import sqlalchemy as sa

__all__ = ["Nightlatch"]

_FOUR_SETTINGS = """\
Nightlatch is not configured, and starts without settings in debug mode only. Write these four:

    app.config["NIGHTLATCH"] = {
        "base_url": "https://app.example.com",
        "secret_keys": ["... python -c 'import secrets; print(secrets.token_urlsafe(48))' ..."],
        "database_url": "sqlite:////var/lib/app/nightlatch.db",   # or Nightlatch(app, db=db)
        "mail": {"transport": "smtp", "smtp_host": "smtp.example.com"},
    }
"""


class Nightlatch:
    """Nightlatch in a Flask application. Building it opens no connection, file or thread.

    Args:
        app: the application; or call `init_app` later.
        db: the application's Flask-SQLAlchemy: its engine is used, in transactions of our own.
        engine: an SQLAlchemy engine to use.
        store: a store to use.
        mailer: hands mail over; None: as settings say.
    """

    def __init__(
        self,
        app: Flask | None = None,
        *,
        db: Any = None,
        engine: sa.Engine | None = None,
        store: Store | None = None,
        mailer: Mailer | None = None,
    ) -> None:
        self._db = db
        self._engine = engine
        self._store = store
        self._mailer = mailer
        self._lock = threading.Lock()
        self._web: HttpApp | None = None
        self._settings: Settings | None = None
        self._app: Flask
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Begin with an application.

        Raises:
            ConfigurationError: its settings cannot be used.
        """
        self._app = app
        self._values: dict[str, Any] = dict(app.config.get("NIGHTLATCH") or {})
        self._database_url = self._values.pop("database_url", None)
        self.mount = self._values.get("mount", "/auth")
        if self._values.get("base_url"):
            self._settings = self._configured()
            self.mount = self._settings.mount
        app.extensions["nightlatch"] = self
        app.wsgi_app = _Mounted(self, app.wsgi_app)  # type: ignore[method-assign]
        app.register_error_handler(NightlatchError, self._answer_error)
        Login(app)

    @property
    def core(self) -> Core:
        """The core: sign_up, sign_in, account, operator ..."""
        return self.web.auth

    @property
    def web(self) -> HttpApp:
        """The web layer; wired at first use in each process."""
        if self._web is None:
            with self._lock:
                if self._web is None:
                    self._web = self._wire()
        return self._web

    def web_for(self, environ: dict[str, Any]) -> HttpApp:
        """Return the web layer; development settings are taken from the first request."""
        if self._web is not None:
            return self._web
        with self._app.request_context(environ):
            return self.web

    # --- wiring -----------------------------------------------------------------------------------------------------

    def _configured(self) -> Settings:
        settings = settings_from({"service_name": self._app.import_name, **self._values})
        if not (self._database_url or self._db is not None or self._engine is not None or self._store is not None):
            raise ConfigurationError("NIGHTLATCH['database_url'] is not set (or pass db=, engine= or store=)")
        return settings

    def _wire(self) -> HttpApp:
        settings = self._settings or self._for_development()
        store = self._store or self._sql_store(settings)
        background = not self._app.testing
        return HttpApp(Core(settings, store, mailer=self._mailer, background=background))

    def _for_development(self) -> Settings:
        """Settings with nothing configured: for debug mode, on this machine alone."""
        if not self._app.debug:
            raise ConfigurationError(_FOUR_SETTINGS)
        from nightlatch.services.key_files import read_or_make_key

        host = request.host if has_request_context() else "localhost:5000"
        if not is_loopback(urlsplit(f"//{host}").hostname or ""):
            raise ConfigurationError(f"without settings this application is for this machine alone, not for {host!r}")
        values: dict[str, Any] = {
            "base_url": f"http://{host}",
            "service_name": self._app.name,
            "development": True,
            "secret_keys": [read_or_make_key(Path(self._app.instance_path) / "nightlatch_key")],
            **self._values,
        }
        values.setdefault("mail", {}).setdefault("transport", "console")
        return settings_from(values)

    def _sql_store(self, settings: Settings) -> Store:
        from nightlatch.storage.sql.schema import migrate, verify_schema
        from nightlatch.storage.sql.store import SqlStore

        if self._db is not None or self._engine is not None:
            store = SqlStore.on_engine(self._engine if self._engine is not None else self._host_engine())
        else:
            url = self._database_url or f"sqlite:///{Path(self._app.instance_path) / 'nightlatch.db'}"
            store = SqlStore.open(url)
        if settings.development:
            if store.engine.dialect.name == "sqlite" and store.engine.url.database:
                Path(store.engine.url.database).parent.mkdir(parents=True, exist_ok=True)
            migrate(store.engine)
        elif not _in_command():
            verify_schema(store.engine)
        return store

    def _host_engine(self) -> Any:
        with self._app.app_context():
            return self._db.engine

    # --- requests ---------------------------------------------------------------------------------------------------

    def session_of_request(self) -> Session | None:
        """Return the living session of the current request; on a cross-origin unsafe request, none."""
        exchange = Exchange(self.web, request_of(request.environ, request.path))
        if request.method not in SAFE_METHODS and not self.web.origins.own(exchange.request):
            # The application's own routes are held to the same rule as ours: the cookie counts as not sent.
            return None
        return exchange.session_or_none

    def _answer_error(self, error: NightlatchError) -> Response:
        """Turn an error raised in the application's code into our answer."""
        if isinstance(error, ConfigurationError):
            raise error  # a developer's to see, with its traceback
        accept = request.accept_mimetypes
        page = request.method == "GET" and accept.accept_html and not accept.accept_json
        if page or (request.method == "GET" and accept.best == "text/html"):
            settings = self.web.auth.settings
            if isinstance(error, NotAuthenticated):
                return self._lead(f"{settings.mount}/sign-in")
            if error.code == "reauthenticate":
                return self._lead(f"{settings.mount}/reauthenticate")
        told = problem(error, Exchange(self.web, request_of(request.environ, request.path)).request_id)
        return Response(told.body, told.status, [*told.headers, ("Cache-Control", "no-store")])

    def _lead(self, path: str) -> Response:
        settings = self.web.auth.settings
        asked = request.script_root + request.full_path.rstrip("?")
        target = f"{settings.base_url}{path}?return_to={quote(asked, safe='/')}"
        return Response(status=303, headers={"Location": target, "Cache-Control": "no-store"})


class _Mounted:
    """Our routes, in front of the application: its body parsers, login walls and CSRF forms never see them."""

    def __init__(self, extension: Nightlatch, application: Callable[..., Iterable[bytes]]) -> None:
        self._extension = extension
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path, mount = path_of(environ), self._extension.mount
        if path != mount and not path.startswith(f"{mount}/"):
            return self._application(environ, start_response)
        web = self._extension.web_for(environ)
        return answer(web.respond(request_of(environ, path[len(mount) :] or "/")), start_response)


def _in_command() -> bool:
    """Tell whether ``flask nightlatch migrate`` is running: it mends what it would be refused for."""
    import click

    context = click.get_current_context(silent=True)
    return context is not None and not has_request_context()
