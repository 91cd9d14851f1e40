"""On the application's own engine: transactions of our own, and one connection at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask, g
from flask_sqlalchemy import SQLAlchemy

from flask_shop import JSON, MIA, PAGE, SECRET, Shop, routes, settings
from nightlatch.errors import ConfigurationError, NightlatchError
from nightlatch.flask import Nightlatch, current_user, login_required
from nightlatch.services.client import NOBODY
from nightlatch.services.mailers import MemoryMailer

ONE = {"pool_size": 1, "max_overflow": 0, "pool_timeout": 1}


class Host:
    """An application with Flask-SQLAlchemy and a table of its own."""

    def __init__(self, uri: str, *, options: dict[str, Any] | None = None, **more: Any) -> None:
        app = Flask("host")
        app.testing = True
        app.config.update(
            NIGHTLATCH=settings(**more), SQLALCHEMY_DATABASE_URI=uri, SQLALCHEMY_ENGINE_OPTIONS=options or {}
        )
        self.db = db = SQLAlchemy()
        mailer = MemoryMailer()
        # The order of many a factory: the extension is there before its application, and before the database is.
        extension = Nightlatch(db=db, mailer=mailer)
        extension.init_app(app)
        db.init_app(app)

        class Note(db.Model):  # type: ignore[name-defined,misc]
            id = db.Column(db.Integer, primary_key=True)

        self.note = Note
        self.shop = Shop(routes(app), extension, mailer)
        self.app = app

    def notes(self) -> int:
        """Return how many notes are committed, as another connection sees it."""
        with self.app.app_context(), self.db.engine.connect() as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(self.note.__table__)) or 0


@pytest.fixture
def make_host(tmp_path: Path) -> Iterator[Callable[..., Host]]:
    """Build hosts on a file."""
    made: list[Host] = []

    def make(**more: Any) -> Host:
        host = Host(f"sqlite:///{tmp_path / 'host.db'}", **more)
        made.append(host)
        with host.app.app_context():
            host.db.create_all()
        return host

    yield make
    for each in made:
        each.shop.extension.core.close()
        with each.app.app_context():
            each.db.engine.dispose()


def test_our_transactions_are_our_own(make_host: Callable[..., Host]) -> None:
    """The host rolls back, and what we did stays; we refuse, and what the host did stays."""
    host = make_host(identifiers="username")
    db, core = host.db, host.shop.extension.core

    @host.app.post("/undone")
    @login_required
    def undone() -> str:
        db.session.execute(sa.select(host.note)).all()
        db.session.add(host.note())
        core.account.rename(NOBODY, current_user.session, name="Mia")
        db.session.rollback()
        return "rolled back"

    @host.app.post("/refused")
    @login_required
    def refused() -> str:
        db.session.add(host.note())
        with pytest.raises(NightlatchError):
            core.account.rename(NOBODY, current_user.session, name="x" * 10_000)
        db.session.commit()
        return "committed"

    client = host.shop.client
    assert client.post("/auth/api/sign-up", json={"username": "mia", "password": SECRET}).status_code == 200
    assert client.post("/undone").text == "rolled back"
    assert host.notes() == 0
    assert (client.get("/auth/api/account").json or {})["name"] == "Mia"
    assert client.post("/refused").text == "committed"
    assert host.notes() == 1
    assert (client.get("/auth/api/account").json or {})["name"] == "Mia"


def test_looking_up_who_is_signed_in_does_not_touch_the_hosts_transaction(make_host: Callable[..., Host]) -> None:
    """Even with unwritten changes and a lock held: it reads on a connection of its own, and ends nothing."""
    host = make_host(identifiers="username")
    db = host.db

    @host.app.post("/note")
    def note() -> dict[str, Any]:
        db.session.add(host.note())
        db.session.flush()
        transaction = db.session().get_transaction()
        before = host.notes()
        name = current_user.username
        same = db.session().get_transaction() is transaction
        db.session.rollback()
        return {"name": name, "same": same, "committed": before}

    client = host.shop.client
    client.post("/auth/api/sign-up", json={"username": "mia", "password": SECRET})
    assert client.post("/note").json == {"name": "mia", "same": True, "committed": 0}
    assert host.notes() == 0


def test_every_flow_in_a_pool_of_one(make_host: Callable[..., Host]) -> None:
    """One connection, no overflow, a second's patience: no flow ever needs two."""
    host = make_host(options=ONE)
    shop = host.shop
    client = shop.sign_up()
    assert client.post("/auth/api/sign-up", json={"email": MIA, "password": SECRET}).status_code == 202
    begun = client.post("/auth/api/sign-up", json={"email": "new@example.org"}).json or {}
    again = client.post("/auth/api/attempt/begin", json={"attempt": begun["attempt"], "authenticator": "email_code"})
    attempt = (again.json or {})["attempt"]
    shop.extension.core.outbox.run_once()
    link = re.search(r"link=(nll_\w+)", shop.mailer.messages[-1].text)
    assert link
    fork = shop.app.test_client()
    forked = fork.post("/auth/api/attempt/link", json={"link": link.group(1)})
    assert forked.status_code == 200, forked.json
    done = fork.post(
        "/auth/api/attempt/answer", json={"attempt": (forked.json or {})["attempt"], "new_password": SECRET}
    )
    assert done.status_code == 200, done.json
    late = {"attempt": attempt, "authenticator": "email_code", "code": "0000 0000"}
    assert client.post("/auth/api/attempt/answer", json=late).status_code in {401, 410}

    wrong = {"identifier": MIA, "password": "not the right password"}
    assert client.post("/auth/api/sign-in", json=wrong).status_code == 401
    assert client.post("/auth/api/sign-in", json={**wrong, "identifier": "nobody@example.org"}).status_code == 401
    for other in (shop.app.test_client(), shop.app.test_client()):
        shop.sign_in(other)
    shop.sign_in(client)
    step = client.post("/auth/api/reauthenticate", json={}).json or {}
    proof = {"attempt": step["attempt"], "authenticator": "password", "password": SECRET}
    assert client.post("/auth/api/attempt/answer", json=proof).status_code == 200
    assert client.patch("/auth/api/account", json={"name": "Mia"}).status_code == 200
    changed = {"current_password": SECRET, "new_password": SECRET + " and more"}
    assert client.put("/auth/api/account/password", json=changed).status_code == 200
    for path in ("/auth/api/session", "/auth/api/sessions", "/auth/api/account", "/auth/api/account/events"):
        assert client.get(path).status_code == 200, path
    for path in ("/auth/account", "/auth/account/security", "/auth/account/devices", "/auth/account/activity"):
        assert client.get(path, headers=PAGE).status_code == 200, path
    assert client.delete("/auth/api/sessions").status_code in {200, 204}
    assert client.get("/hello").json == {"message": "Hello, Mia"}
    core = shop.extension.core
    core.invitations.invite(email="guest@example.org", username=None, roles=("editor",), mail=True)
    core.background.run_once()
    core.operator.set_roles(core.operator.find_user(MIA).id, ("editor",))
    assert client.get("/reports").status_code == 200
    assert client.delete("/auth/api/session").status_code == 204
    core.operator.delete(core.operator.find_user(MIA).id)
    assert client.get("/hello", headers=JSON).status_code == 401


def test_an_engine_without_flask_sqlalchemy(tmp_path: Path) -> None:
    """Any SQLAlchemy engine will do; its pool is the host's to size and to close."""
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'plain.db'}", poolclass=sa.QueuePool, **ONE)
    app = Flask("plain")
    app.testing = True
    app.config["NIGHTLATCH"] = settings(identifiers="username")
    extension = Nightlatch(routes(app), engine=engine)
    client = app.test_client()
    assert client.post("/auth/api/sign-up", json={"username": "mia", "password": SECRET}).status_code == 200
    assert client.get("/hello").json == {"message": "Hello, mia"}
    extension.core.close()
    with engine.connect() as connection:
        assert connection.scalar(sa.text("select count(*) from nightlatch_user")) == 1
    engine.dispose()


def test_a_pool_that_the_host_has_emptied_is_told(make_host: Callable[..., Host]) -> None:
    """Who holds the one connection waits for himself: 503 after the pool's own patience, and nothing hangs."""
    host = make_host(options={**ONE, "pool_timeout": 0.2}, identifiers="username")

    @host.app.get("/greedy")
    def greedy() -> str:
        g.held = host.db.session.execute(sa.select(host.note)).all()
        return str(current_user.username)

    client = host.shop.client
    client.post("/auth/api/sign-up", json={"username": "mia", "password": SECRET})
    answered = client.get("/greedy", headers=JSON)
    assert (answered.status_code, (answered.json or {})["code"]) == (503, "unavailable")
    assert client.get("/hello").status_code == 200


@pytest.mark.parametrize("uri", ["sqlite:///:memory:", "sqlite://"])
def test_a_shared_connection_is_refused(uri: str) -> None:
    """Flask-SQLAlchemy gives :memory: one connection for all threads: our transactions would mix with the host's."""
    host = Host(uri, identifiers="username")
    with pytest.raises(ConfigurationError, match=r"(?s)shares one connection.*sqlite:///instance/app.db"):
        host.shop.client.get("/auth/sign-in")
    with host.app.app_context():
        host.db.engine.dispose()


def test_a_static_pool_is_refused(tmp_path: Path) -> None:
    """Whatever the file behind it."""
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'static.db'}", poolclass=sa.StaticPool)
    app = Flask("static")
    app.testing = True
    app.config["NIGHTLATCH"] = settings()
    Nightlatch(app, engine=engine)
    with pytest.raises(ConfigurationError, match="shares one connection"):
        app.test_client().get("/auth/sign-in")
    engine.dispose()


def test_in_debug_mode_tables_are_made_in_the_hosts_database(tmp_path: Path) -> None:
    """With nothing but `db`: no second database appears beside the first."""
    app = Flask("host", instance_path=str(tmp_path / "instance"))
    app.testing = app.debug = True
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{tmp_path / 'host.db'}"
    db = SQLAlchemy(app)
    extension = Nightlatch(app, db=db)
    assert app.test_client().get("/auth/sign-in").status_code == 200
    with app.app_context():
        assert "nightlatch_user" in sa.inspect(db.engine).get_table_names()
    assert not (tmp_path / "instance" / "nightlatch.db").exists()
    extension.core.close()
    with app.app_context():
        db.engine.dispose()
