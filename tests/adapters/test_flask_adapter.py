"""Nightlatch in Flask, as an application's author and its users meet it."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import flask_login
import pytest
from flask import Flask, session
from flask.testing import FlaskClient
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from nightlatch.errors import ConfigurationError
from nightlatch.flask import Nightlatch, current_user, login_required, require
from nightlatch.services.mailers import MemoryMailer
from nightlatch.storage.sql import migrate

MIA = "mia@example.org"
SECRET = "correct horse battery staple"
JSON = {"Accept": "application/json"}
PAGE = {"Accept": "text/html,*/*;q=0.8"}


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
    @flask_login.login_required
    def theirs() -> dict[str, str]:
        return {"email": flask_login.current_user.email}

    @app.get("/reports")
    @require(role="editor")
    def reports() -> dict[str, bool]:
        return {"ok": True}

    @app.get("/vault")
    @require(max_age=timedelta(minutes=5))
    def vault() -> dict[str, bool]:
        return {"ok": True}

    @app.post("/order")
    def order() -> dict[str, bool]:
        return {"signed_in": bool(current_user.is_authenticated)}

    return app


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


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """An application with a database of its own."""
    app = Flask("shop")
    app.config.update(NIGHTLATCH=settings(database_url=f"sqlite:///{tmp_path / 'shop.db'}"), SECRET_KEY="x" * 40)
    app.testing = True
    mailer = MemoryMailer()
    extension = Nightlatch(app, mailer=mailer)
    yield Shop(routes(app), extension, mailer)
    extension.core.close()


def test_a_protected_route(shop: Shop) -> None:
    """Nobody, then somebody, then nobody: by JSON."""
    assert shop.client.get("/hello", headers=JSON).status_code == 401
    shop.sign_up()
    assert shop.client.get("/hello").json == {"message": f"Hello, {MIA}"}
    assert shop.client.delete("/auth/api/session").status_code == 204
    assert shop.client.get("/hello", headers=JSON).status_code == 401
    done = shop.client.post("/auth/api/sign-in", json={"identifier": MIA, "password": SECRET})
    assert done.status_code == 200
    assert shop.client.get("/hello").status_code == 200


def test_a_page_request_is_led_to_sign_in_and_back(shop: Shop) -> None:
    """303 to the sign-in page, with the way back; a program gets a problem document."""
    led = shop.client.get("/hello?x=1", headers=PAGE)
    assert led.status_code == 303
    assert led.headers["Location"] == "http://localhost/auth/sign-in?return_to=/hello%3Fx%3D1"
    refused = shop.client.get("/hello", headers=JSON)
    assert refused.content_type == "application/problem+json"
    assert refused.json
    assert refused.json["code"] == "not_authenticated"


def test_roles_and_freshness(shop: Shop) -> None:
    """A role given is seen by the next request; an old proof leads to reauthentication."""
    shop.sign_up()
    refused = shop.client.get("/reports", headers=JSON)
    assert (refused.status_code, (refused.json or {})["code"]) == (403, "forbidden")
    operator = shop.extension.core.operator
    operator.set_roles(operator.find_user(MIA).id, ("editor",))
    assert shop.client.get("/reports").status_code == 200
    assert shop.client.get("/vault").status_code == 200


def test_flask_logins_own_names_work(shop: Shop) -> None:
    """`flask_login.current_user` and `login_required` say the same."""
    assert shop.client.get("/theirs", headers=JSON).status_code == 401
    assert shop.client.get("/theirs", headers=PAGE).status_code == 303
    shop.sign_up()
    assert shop.client.get("/theirs").json == {"email": MIA}


def test_flask_logins_login_user_signs_nobody_in(shop: Shop) -> None:
    """It raises, with what to call instead."""

    @shop.app.get("/back-door")
    def back_door() -> str:
        flask_login.login_user(flask_login.UserMixin())
        return "in"

    shop.app.testing = False
    shop.app.config["PROPAGATE_EXCEPTIONS"] = True
    with pytest.raises(ConfigurationError, match="signs nobody in"):
        shop.client.get("/back-door")


def test_flasks_session_and_the_remember_cookie_sign_nobody_in(shop: Shop) -> None:
    """042: left-overs of Flask-Login, well signed, are nobody."""

    @shop.app.get("/plant")
    def plant() -> str:
        session["_user_id"] = str(shop.extension.core.operator.find_user(MIA).id)
        session["_fresh"] = True
        return "planted"

    shop.sign_up(shop.app.test_client())
    shop.client.get("/plant")
    with shop.app.test_request_context():
        remembered = flask_login.encode_cookie(str(shop.extension.core.operator.find_user(MIA).id))
    shop.client.set_cookie("remember_token", remembered)
    for path in ("/hello", "/theirs"):
        assert shop.client.get(path, headers=JSON).status_code == 401


@pytest.mark.parametrize(
    ("headers", "counts"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Origin": "http://localhost"}, True),
        ({"Origin": "http://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({}, True),
    ],
)
def test_the_cookie_does_not_count_across_origins(shop: Shop, headers: dict[str, str], counts: bool) -> None:  # noqa: FBT001
    """The application's own routes are held to our rule: an unsafe request from elsewhere is nobody's."""
    shop.sign_up()
    assert shop.client.post("/order", headers=headers).json == {"signed_in": counts}


@pytest.mark.parametrize("cookie", ["", "x", "nls_", "nls_" + "a" * 80, "\x80\xff", "a=b; session=" + "9" * 9000])
def test_066_malformed_cookies_are_nobody(shop: Shop, cookie: str) -> None:
    """Anonymous, never in, never a fault."""
    answered = shop.client.get("/hello", headers={**JSON, "Cookie": f"session={cookie}"})
    assert answered.status_code == 401


def test_the_hosts_csrf_form_guard_leaves_our_routes_alone(tmp_path: Path) -> None:
    """Flask-WTF guards the application; our routes guard themselves."""
    app = Flask("guarded")
    app.config.update(
        NIGHTLATCH=settings(database_url=f"sqlite:///{tmp_path / 'g.db'}", identifiers="username"), SECRET_KEY="x" * 40
    )
    app.testing = True
    extension = Nightlatch(app)
    CSRFProtect(app)
    routes(app)
    client = app.test_client()
    done = client.post("/auth/api/sign-up", json={"username": "mia", "password": SECRET})
    assert done.status_code == 200
    assert client.post("/order").status_code == 400
    assert client.open("/auth/api/session", method="BREW").status_code == 405
    extension.core.close()


def test_the_applications_own_engine(tmp_path: Path) -> None:
    """Flask-SQLAlchemy's engine, a pool of one: our transactions are our own, never the session's."""
    app = Flask("host")
    app.config.update(
        NIGHTLATCH=settings(identifiers="username"),
        SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path / 'host.db'}",
        SQLALCHEMY_ENGINE_OPTIONS={"pool_size": 1, "max_overflow": 0, "pool_timeout": 1},
    )
    app.testing = True
    db = SQLAlchemy()
    extension = Nightlatch()
    db.init_app(app)

    class Note(db.Model):  # type: ignore[name-defined,misc]
        id = db.Column(db.Integer, primary_key=True)

    extension._db = db
    extension.init_app(app)
    with app.app_context():
        db.create_all()
        migrate(db.engine)
        db.session.remove()

    @app.post("/note")
    @login_required
    def note() -> str:
        db.session.add(Note())
        extension.core.account.rename(_client(), current_user.session, name="Mia")
        db.session.rollback()
        return str(db.session.query(Note).count())

    client = app.test_client()
    assert client.post("/auth/api/sign-up", json={"username": "mia", "password": SECRET}).status_code == 200
    assert client.post("/note").text == "0"
    assert (client.get("/auth/api/account").json or {})["name"] == "Mia"
    extension.core.close()


def _client() -> Any:
    from nightlatch.services.client import NOBODY

    return NOBODY


def test_building_it_opens_nothing(tmp_path: Path) -> None:
    """No file, no connection, no thread."""
    before = threading.active_count()
    app = Flask("lazy", instance_path=str(tmp_path / "instance"))
    app.config["NIGHTLATCH"] = settings(database_url=f"sqlite:///{tmp_path / 'lazy.db'}")
    Nightlatch(app)
    assert list(tmp_path.iterdir()) == []
    assert threading.active_count() == before


def test_without_settings_only_in_debug_mode(tmp_path: Path) -> None:
    """In debug mode it makes keys and tables beside the application; else it names the four settings."""
    app = Flask("quick", instance_path=str(tmp_path / "instance"))
    app.testing = True
    routes(app)
    Nightlatch(app)
    with pytest.raises(ConfigurationError, match=r"(?s)base_url.*secret_keys.*database_url.*mail"):
        app.test_client().get("/auth/sign-in")

    app.debug = True
    with pytest.raises(ConfigurationError, match="this machine"):
        app.test_client().get("/auth/sign-in", headers={"Host": "shop.example.com"})
    shown = app.test_client().get("/auth/sign-in", headers={"Host": "localhost:5000"})
    assert shown.status_code == 200
    assert (tmp_path / "instance" / "nightlatch_key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "instance" / "nightlatch.db").exists()
    app.extensions["nightlatch"].core.close()


def test_a_schema_that_is_missing_is_told(tmp_path: Path) -> None:
    """Outside development nothing is migrated behind an operator's back."""
    app = Flask("old")
    app.config["NIGHTLATCH"] = settings(
        database_url=f"sqlite:///{tmp_path / 'old.db'}",
        development=False,
        mail={"transport": "file", "directory": str(tmp_path)},
    )
    app.testing = True
    Nightlatch(app)
    with pytest.raises(ConfigurationError, match="nightlatch migrate"):
        app.test_client().get("/auth/sign-in")


def test_behind_a_prefix(tmp_path: Path) -> None:
    """Mounted below /app by a dispatcher: links come from base_url alone."""
    app = Flask("below")
    app.config["NIGHTLATCH"] = settings(
        base_url="http://localhost/app", database_url=f"sqlite:///{tmp_path / 'p.db'}", identifiers="username"
    )
    app.testing = True
    extension = Nightlatch(routes(app))
    outer = Flask("outer")
    outer.wsgi_app = DispatcherMiddleware(outer.wsgi_app, {"/app": app.wsgi_app})  # type: ignore[method-assign]
    client = outer.test_client()
    shown = client.get("/app/auth/sign-in")
    assert shown.status_code == 200
    assert 'action="/app/auth/sign-in"' in shown.text
    assert client.get("/app/hello", headers=PAGE).headers["Location"] == (
        "http://localhost/app/auth/sign-in?return_to=/app/hello"
    )
    extension.core.close()


def test_the_commands(shop: Shop) -> None:
    """`flask nightlatch users ...` speaks of this application's users."""
    from nightlatch.flask.commands import group

    shop.app.cli.add_command(group)
    shop.sign_up()
    runner = shop.app.test_cli_runner()
    listed = runner.invoke(args=["nightlatch", "users", "list", "--json"])
    assert MIA in listed.output, listed.output
    assert runner.invoke(args=["nightlatch", "users", "suspend", MIA]).exit_code == 0
    assert shop.client.get("/hello", headers=JSON).status_code == 401
    missing = runner.invoke(args=["nightlatch", "users", "show", "nobody@example.org"])
    assert missing.exit_code == 1
