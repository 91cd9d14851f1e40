"""A Flask application to tell stories in: settings, routes of its own, its mails, and a client."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import flask_login
import pytest
from click.testing import Result
from flask import Flask, flash, render_template_string
from flask.cli import FlaskGroup
from flask.testing import FlaskClient

from nightlatch.flask import Nightlatch, current_user, login_required, require
from nightlatch.services.mailers import MemoryMailer

__all__ = ["JSON", "MIA", "PAGE", "SECRET", "Shop", "command", "make_shop", "routes", "settings", "shop"]

MIA = "mia@example.org"
SECRET = "correct horse battery staple"
JSON = {"Accept": "application/json"}
PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def settings(**more: Any) -> dict[str, Any]:
    """Return settings as an application writes them."""
    return {
        "base_url": "http://localhost",
        "secret_keys": ["a secret key for tests, long enough to be one"],
        "hashing": {"profile": "cheap_for_tests", "slots": 2, "queue": 32},
        "mail": {"transport": "memory"},
        "development": True,
        **more,
    }


def routes(app: Flask) -> Flask:
    """Give an application routes of its own."""

    @app.get("/hello")
    @login_required
    def hello() -> dict[str, str]:
        return {"message": f"Hello, {current_user.name}"}

    @app.route("/theirs", methods=["GET", "POST"])
    @flask_login.login_required  # type: ignore[untyped-decorator] # Flask-Login is not typed
    def theirs() -> dict[str, str]:
        return {"email": flask_login.current_user.email or flask_login.current_user.username}

    @app.get("/reports")
    @require(role="editor")
    def reports() -> dict[str, bool]:
        return {"ok": True}

    @app.get("/vault")
    @require(max_age=timedelta(minutes=5))
    def vault() -> dict[str, bool]:
        return {"ok": True}

    @app.route("/order", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    def order() -> dict[str, bool]:
        return {"signed_in": bool(current_user.is_authenticated)}

    @app.get("/public")
    def public() -> str:
        return render_template_string("no need to know")

    @app.get("/greeting")
    def greeting() -> str:
        return render_template_string("{{ current_user.email or 'stranger' }}")

    @app.get("/flash")
    def flashed() -> str:
        flash("kept in Flask's session")
        return "flashed"

    return sure_routes(app)


def sure_routes(app: Flask) -> Flask:
    """Give it routes that ask for more than a password."""

    @app.get("/very-sure")
    @require(aal=2)
    def very_sure() -> dict[str, bool]:
        return {"ok": True}

    @app.get("/unphishable")
    @require(phishing_resistant=True)
    def unphishable() -> dict[str, bool]:
        return {"ok": True}

    return app


def command(app: Flask, *words: str) -> Result:
    """Run ``flask ...`` for an application."""
    return app.test_cli_runner().invoke(FlaskGroup(create_app=lambda: app), words)


class Shop:
    """An application, its mails, and a client."""

    def __init__(self, app: Flask, extension: Nightlatch, mailer: MemoryMailer) -> None:
        self.app = app
        self.extension = extension
        self.mailer = mailer
        self.client = app.test_client()

    def code(self) -> str:
        """Return the newest code."""
        self.extension.core.outbox.run_once()
        found = re.search(r"\b\d{4} \d{4}\b", self.mailer.messages[-1].text)
        assert found
        return found.group()

    def sign_up(self, client: FlaskClient | None = None, email: str = MIA) -> FlaskClient:
        """Sign somebody up by JSON."""
        client = client or self.client
        begun = client.post("/auth/api/sign-up", json={"email": email, "password": SECRET})
        assert begun.status_code == 202, begun.json
        assert begun.json
        answer = {"attempt": begun.json["attempt"], "authenticator": "email_code", "code": self.code()}
        done = client.post("/auth/api/attempt/answer", json=answer)
        assert done.status_code == 200, done.json
        return client

    def token(self, client: FlaskClient | None = None) -> str:
        """Return the session cookie's value."""
        cookie = (client or self.client).get_cookie("nightlatch_session")
        assert cookie
        return cookie.value

    def with_cookies(self, path: str, *headers: str) -> int:
        """Ask with Cookie headers exactly as given (a client that keeps cookies would drop them)."""
        sent = [*JSON.items(), *(("Cookie", each) for each in headers)]
        return self.app.test_client(use_cookies=False).get(path, headers=sent).status_code

    def sign_in(self, client: FlaskClient | None = None, email: str = MIA) -> FlaskClient:
        """Sign somebody in by JSON."""
        client = client or self.client
        done = client.post("/auth/api/sign-in", json={"identifier": email, "password": SECRET})
        assert done.status_code == 200, done.json
        return client


@pytest.fixture
def make_shop(tmp_path: Path) -> Iterator[Callable[..., Shop]]:
    """Build shops, each with a database of its own."""
    made: list[Shop] = []

    def make(name: str = "shop", **more: Any) -> Shop:
        app = Flask(name)
        values = settings(**{"database_url": f"sqlite:///{tmp_path / name}.db", **more})
        app.config.update(NIGHTLATCH=values, SECRET_KEY="x" * 40)
        app.testing = True
        mailer = MemoryMailer()
        extension = Nightlatch(app, mailer=mailer)
        made.append(Shop(routes(app), extension, mailer))
        return made[-1]

    yield make
    for each in made:
        each.extension.core.close()


@pytest.fixture
def shop(make_shop: Callable[..., Shop]) -> Shop:
    """The usual shop."""
    return make_shop()
