"""On the application's own engine: transactions of our own, and one connection at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient

from fastapi_shop import JSON, MIA, PAGE, SECRET, FastShop, fast_settings
from nightlatch.errors import ConfigurationError
from nightlatch.fastapi import CurrentUser, Nightlatch

ONE: dict[str, Any] = {"poolclass": sa.QueuePool, "pool_size": 1, "max_overflow": 0, "pool_timeout": 1}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    """A host's engine with one connection, no overflow and a second's patience."""
    made = sa.create_engine(f"sqlite:///{tmp_path / 'host.db'}", **ONE)
    yield made
    made.dispose()


def test_every_flow_in_a_pool_of_one(make_fast_shop: Callable[..., FastShop], engine: sa.Engine) -> None:
    """No flow ever needs two connections."""
    shop = make_fast_shop(parts={"engine": engine})
    client = shop.sign_up()
    assert client.post("/auth/api/sign-up", json={"email": MIA, "password": SECRET}).status_code == 202
    begun = client.post("/auth/api/sign-up", json={"email": "new@example.org"}).json()
    again = client.post("/auth/api/attempt/begin", json={"attempt": begun["attempt"], "authenticator": "email_code"})
    attempt = again.json()["attempt"]
    shop.extension.core.outbox.run_once()
    link = re.search(r"link=(nll_\w+)", shop.mailer.messages[-1].text)
    assert link
    fork = shop.new_client()
    forked = fork.post("/auth/api/attempt/link", json={"link": link.group(1)})
    assert forked.status_code == 200, forked.text
    chosen = {"attempt": forked.json()["attempt"], "new_password": SECRET}
    assert fork.post("/auth/api/attempt/answer", json=chosen).status_code == 200
    late = {"attempt": attempt, "authenticator": "email_code", "code": "0000 0000"}
    assert client.post("/auth/api/attempt/answer", json=late).status_code in {401, 410}
    for wrong in (MIA, "nobody@example.org"):
        body = {"identifier": wrong, "password": "not the right password"}
        assert client.post("/auth/api/sign-in", json=body).status_code == 401
    shop.sign_in(shop.new_client())
    shop.sign_in(client)
    changed = {"current_password": SECRET, "new_password": SECRET + " and more"}
    assert client.put("/auth/api/account/password", json=changed).status_code == 200
    for path in ("/auth/api/session", "/auth/api/sessions", "/auth/api/account", "/auth/api/account/events"):
        assert client.get(path).status_code == 200, path
    for path in ("/auth/account", "/auth/account/security", "/auth/account/devices", "/auth/account/activity"):
        assert client.get(path, headers=PAGE).status_code == 200, path
    assert client.delete("/auth/api/sessions").status_code in {200, 204}
    assert client.get("/name").status_code == 200
    shop.extension.core.background.run_once()
    assert client.delete("/auth/api/session").status_code == 204
    assert client.get("/hello", headers=JSON).status_code == 401


def test_a_pool_that_the_host_has_emptied_is_told(make_fast_shop: Callable[..., FastShop], engine: sa.Engine) -> None:
    """Who holds the one connection waits for himself: 503 after the pool's own patience, and nothing hangs."""
    shop = make_fast_shop(parts={"engine": engine}, identifiers="username")
    held: list[sa.Connection] = []

    @shop.app.middleware("http")
    async def greedy(request: Any, call_next: Any) -> Any:
        if request.url.path == "/hello":
            held.append(engine.connect())
        return await call_next(request)

    shop.client.post("/auth/api/sign-up", json={"username": "mia", "password": SECRET})
    answered = shop.client.get("/hello", headers=JSON)
    assert (answered.status_code, answered.json()["code"]) == (503, "unavailable")
    held.pop().close()
    assert shop.client.get("/theirs").status_code == 200


def test_the_hosts_transaction_is_its_own(make_fast_shop: Callable[..., FastShop], tmp_path: Path) -> None:
    """What the route rolls back is undone, what we did meanwhile stays; and its engine is not closed by us."""
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'host.db'}")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE note (id INTEGER PRIMARY KEY)")
    shop = make_fast_shop(parts={"engine": engine}, identifiers="username")

    @shop.app.get("/undone")
    def undone(user: CurrentUser) -> str | None:
        with engine.connect() as connection:
            connection.exec_driver_sql("SELECT * FROM note")
            shop.extension.core.operator.set_roles(user.id, ("editor",))
            connection.exec_driver_sql("INSERT INTO note DEFAULT VALUES")
            connection.rollback()
        return user.username

    with shop.client as client:
        client.post("/auth/api/sign-up", json={"username": "mia", "password": SECRET})
        assert client.get("/undone").json() == "mia"
        assert client.get("/reports").status_code == 200
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM note").scalar() == 0
    engine.dispose()


class Asynchronous:
    """Looks like SQLAlchemy's AsyncEngine, which needs a driver that is not among our dependencies."""

    class dialect:  # noqa: N801 - an attribute of engines
        """Its dialect."""

        is_async = True

    url = sa.make_url("postgresql+asyncpg://shop:hunter2@db/shop")


def test_an_asynchronous_engine_is_refused() -> None:
    """With what to write, on the same database and without its password; so is an address with such a driver."""
    with pytest.raises(ConfigurationError, match=r"create_engine\('postgresql://shop:\*\*\*@db/shop'\)") as refused:
        Nightlatch(FastAPI(), fast_settings(), engine=Asynchronous())  # type: ignore[arg-type]
    assert "hunter2" not in refused.value.reason
    app = FastAPI()
    Nightlatch(app, fast_settings(database_url="sqlite+aiosqlite:///shop.db"))
    with pytest.raises(ConfigurationError, match=r"aiosqlite, an asynchronous driver: write sqlite:// in its place"):
        TestClient(app).get("/auth/sign-in")


@pytest.mark.parametrize("options", [{}, {"poolclass": sa.StaticPool}])
def test_a_shared_connection_is_refused(options: dict[str, Any]) -> None:
    """:memory: is one connection for all threads: our transactions would mix with the host's."""
    engine = sa.create_engine("sqlite://", **options)
    app = FastAPI()
    Nightlatch(app, fast_settings(), engine=engine)
    with pytest.raises(ConfigurationError, match="shares one connection"):
        TestClient(app).get("/auth/sign-in")
    engine.dispose()
