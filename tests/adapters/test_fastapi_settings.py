"""What an application must say, what it need not, and what it is told when it says too little."""

from __future__ import annotations

import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.middleware import Middleware

from fastapi_shop import PAGE, SECRET, FastShop, fast_settings, router
from nightlatch import Settings
from nightlatch.errors import ConfigurationError, SchemaMismatch
from nightlatch.fastapi import Nightlatch
from nightlatch.fastapi.configuration import Configuration
from nightlatch.primitives.secret import Secret
from nightlatch.storage.sql import SqlStore, migrate

FOUR = r"(?s)base_url.*secret_keys.*database_url.*mail"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run in an empty folder: without settings, that is where key and database go."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def sites() -> Iterator[list[Nightlatch]]:
    """Let everything go afterwards."""
    made: list[Nightlatch] = []
    yield made
    for each in made:
        each.site.close()


def application(**more: Any) -> FastAPI:
    """Return an application with routes of its own."""
    app = FastAPI(**more)
    app.include_router(router)
    return app


def asking(app: FastAPI, url: str = "http://localhost:5123") -> TestClient:
    """Return a client of an application whose lifespan nobody runs, as of one that is mounted in another."""
    return TestClient(app, base_url=url, follow_redirects=False)


def production(folder: Path, **more: Any) -> dict[str, Any]:
    """Return settings outside development."""
    values = fast_settings(development=False, identifiers="username", mail={"transport": "file", "directory": "mail"})
    return {**values, "database_url": f"sqlite:///{folder / 'shop.db'}", **more}


def open_files() -> int:
    """Return how many files and sockets this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def test_building_it_opens_nothing(folder: Path) -> None:
    """No file, no connection, no thread: configured or not."""
    before, files = threading.active_count(), open_files()
    Nightlatch(application())
    Nightlatch(application(), production(folder))
    assert list(folder.iterdir()) == []
    assert threading.active_count() <= before
    assert open_files() <= files


def test_a_route_that_asks_nothing_needs_no_database(folder: Path) -> None:
    """Not even one that is there."""
    app = application()
    Nightlatch(app, production(folder))
    assert asking(app).get("/public").status_code == 200
    assert list(folder.iterdir()) == []


def test_in_debug_mode_nothing_is_needed(folder: Path, sites: list[Nightlatch]) -> None:
    """Keys and database beside the application, their owner's alone; tables; the address from a loopback Host."""
    app = application(debug=True)
    sites.append(auth := Nightlatch(app))
    with TestClient(app, base_url="http://localhost:5123") as client:
        assert list(folder.iterdir()) == []  # the lifespan alone does not know the address yet
        assert client.get("/auth/sign-in", headers=PAGE).status_code == 200
        for name in ("nightlatch_key", "nightlatch.db"):
            assert (folder / "instance" / name).stat().st_mode & 0o777 == 0o600
        settings = auth.core.settings
    assert (settings.base_url, settings.development) == ("http://localhost:5123", True)
    assert settings.mail.transport == "console"
    again = application()
    sites.append(second := Nightlatch(again))
    again.debug = True
    assert asking(again).get("/auth/sign-in").status_code == 200
    assert second.core.settings.secret_keys[0].reveal() == settings.secret_keys[0].reveal()


@pytest.mark.parametrize(
    "host", ["shop.example.com", "localhost.evil.example", "192.0.2.1:5000", "[", "", "127.0.0.1@x"]
)
def test_036_in_debug_mode_only_this_machine_names_the_address(
    folder: Path, sites: list[Nightlatch], host: str
) -> None:
    """A Host that is not loopback makes no address, leaves nothing behind, and is not remembered."""
    app = application(debug=True)
    sites.append(Nightlatch(app))
    with pytest.raises(ConfigurationError, match="this machine"):
        asking(app).get("/auth/sign-in", headers={"Host": host})
    assert not (folder / "instance").exists()
    assert asking(app).get("/auth/sign-in").status_code == 200


@pytest.mark.parametrize("path", ["/auth/sign-in", "/auth/api/session", "/public", "/hello"])
def test_outside_debug_mode_it_refuses(folder: Path, path: str) -> None:
    """Whatever is asked for, with the four settings to write; and so does the lifespan."""
    app = application()
    Nightlatch(app)
    with pytest.raises(ConfigurationError, match=FOUR):
        asking(app).get(path)
    with pytest.raises(ConfigurationError, match=FOUR), TestClient(app):
        raise AssertionError("it started")
    assert list(folder.iterdir()) == []


def test_a_client_sees_no_word_of_the_refusal() -> None:
    """It is an error page, or what the application makes of its faults."""
    app = application()
    Nightlatch(app)
    answered = TestClient(app, raise_server_exceptions=False).get("/hello")
    assert (answered.status_code, answered.text) == (500, "Internal Server Error")


@pytest.mark.parametrize("name", ["base_url", "secret_keys", "database_url", "mail"])
def test_half_configured(folder: Path, sites: list[Nightlatch], name: str) -> None:
    """Only what is missing is named, and in debug mode only that is filled in."""
    values = production(folder, base_url="http://localhost:5123", identifiers="email")
    del values[name]
    if name == "mail":
        values["mail"] = {"sender": "shop@example.org"}
    app = application()
    sites.append(auth := Nightlatch(app, values))
    with pytest.raises(ConfigurationError) as refused:
        asking(app).get("/public")
    lines = [line.strip() for line in refused.value.reason.splitlines()]
    assert [line.partition('"')[2].partition('"')[0] for line in lines if line.startswith('"')] == [name]
    app.debug = True
    assert asking(app).get("/auth/sign-in").status_code == 200
    made = auth.core.settings
    assert made.base_url == "http://localhost:5123"
    assert made.mail.transport == ("console" if name == "mail" else "file")


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"base_ulr": "http://localhost"}, r"Nightlatch\(app.*did you mean base_url"),
        ({"sessions": {"idel": 1}}, r"did you mean sessions.idle"),
        ({"base_url": "http://shop.example.com"}, r"plain http"),
        ("sqlite://", r"a mapping"),
    ],
)
def test_a_mistake_is_told_when_it_is_built(values: Any, told: str) -> None:
    """Where it stands and what to write instead, before the first request."""
    with pytest.raises(ConfigurationError, match=told):
        Nightlatch(application(), values)


def test_settings_from_the_environment(folder: Path, monkeypatch: pytest.MonkeyPatch, sites: list[Nightlatch]) -> None:
    """Where none are given; an unknown one is told, and where it stands."""
    for name, value in {
        "BASE_URL": "http://localhost",
        "SECRET_KEYS": "a secret key for tests and long enough to be one",
        "DATABASE_URL": f"sqlite:///{folder / 'env.db'}",
        "IDENTIFIERS": "username",
        "SESSIONS__IDLE": "3600",
        "DEVELOPMENT": "1",
    }.items():
        monkeypatch.setenv(f"NIGHTLATCH_{name}", value)
    app = application()
    sites.append(auth := Nightlatch(app))
    assert asking(app).get("/auth/sign-in").status_code == 200
    _, idle = auth.core.settings.sessions.limits
    assert idle is not None
    assert idle.total_seconds() == 3600
    monkeypatch.setenv("NIGHTLATCH_IDENTIFIER", "username")
    with pytest.raises(ConfigurationError, match=r"NIGHTLATCH_\* variables.*did you mean identifiers"):
        Nightlatch(application())


def test_settings_as_an_object(folder: Path, sites: list[Nightlatch]) -> None:
    """`nightlatch.Settings`, and the database beside it; in debug mode what it lacks is filled in."""
    made = Settings(
        base_url="http://localhost",
        secret_keys=(Secret("a secret key for tests, long enough to be one"),),
        service_name="Harbour Books",
    )
    app = application(debug=True)
    sites.append(auth := Nightlatch(app, made, database_url=f"sqlite:///{folder / 'object.db'}"))
    assert asking(app).get("/auth/sign-in").status_code == 200
    assert auth.core.settings.service_name == "Harbour Books"
    assert auth.core.settings.mail.transport == "console"
    assert (folder / "object.db").exists()


def test_the_schema_is_seen_when_it_starts_and_at_first_use(folder: Path, sites: list[Nightlatch]) -> None:
    """Outside development nothing is migrated behind an operator's back."""
    app = application()
    values = production(folder)
    sites.append(Nightlatch(app, values))
    with pytest.raises(SchemaMismatch, match="nightlatch migrate"), TestClient(app):
        raise AssertionError("it started")
    client = asking(app)
    assert client.get("/public").status_code == 200
    for path in ("/auth/sign-in", "/hello"):
        client.cookies.set("session", "nls_" + "a" * 80)
        with pytest.raises(SchemaMismatch, match="nightlatch migrate"):
            client.get(path)
    store = SqlStore.open(values["database_url"])
    migrate(store.engine)
    store.close()
    with TestClient(app, base_url="http://localhost") as started:
        assert started.post("/auth/api/sign-up", json={"username": "mia", "password": SECRET}).status_code == 200
        assert started.get("/hello").json() == {"message": "Hello, mia"}


def test_an_outage_at_first_use_is_told_and_passes(
    folder: Path, sites: list[Nightlatch], caplog: pytest.LogCaptureFixture
) -> None:
    """503 with Retry-After, never a fault and never *allowed*; the application starts, and its other routes go on."""
    blocked = folder / "data"
    blocked.write_text("a file where the folder should be")
    values = production(folder, database_url=f"sqlite:///{blocked / 'shop.db'}")
    app = application()
    sites.append(Nightlatch(app, values))
    with caplog.at_level(logging.WARNING), TestClient(app, base_url="http://localhost") as client:
        assert "not there yet" in caplog.text
        client.cookies.set("session", "nls_" + "a" * 80)
        for path in ("/auth/api/session", "/hello", "/theirs"):
            answered = client.get(path)
            assert answered.status_code == 503, path
            assert answered.headers["Retry-After"]
            assert answered.headers["Cache-Control"] == "no-store"
        assert client.get("/public").status_code == 200
        blocked.unlink()
        blocked.mkdir()
        store = SqlStore.open(values["database_url"])
        migrate(store.engine)
        store.close()
        assert client.get("/auth/api/session").status_code == 401


def test_a_lifespan_may_begin_again(make_fast_shop: Callable[..., FastShop]) -> None:
    """It is around the application's own, whose state arrives; what was opened is let go of, and opened anew."""
    seen: list[str] = []

    @asynccontextmanager
    async def own(app: FastAPI) -> AsyncIterator[dict[str, str]]:
        seen.append(str(await app.state.nightlatch.run(lambda core: core.settings.service_name)))
        yield {"from": "the application"}
        seen.append(str(await app.state.nightlatch.run(lambda core: core.settings.service_name)))

    shop = make_fast_shop(app=FastAPI(title="Harbour Books", lifespan=own), identifiers="username")
    files = open_files()
    for sign in ("sign-up", "sign-in"):
        with TestClient(shop.app, base_url="http://localhost") as client:
            name = {"username": "mia"} if sign == "sign-up" else {"identifier": "mia"}
            assert client.post(f"/auth/api/{sign}", json={**name, "password": SECRET}).status_code == 200
            assert client.get("/hello").status_code == 200
            assert client.app_state == {"from": "the application"}
        assert not [each for each in threading.enumerate() if each.name.startswith("nightlatch")]
    assert seen == ["Harbour Books"] * 4
    assert open_files() <= files


def test_no_thread_under_a_test_runner(fast_shop: FastShop) -> None:
    """Tests deliver mail themselves: nothing happens behind their back."""
    with fast_shop.client as client:
        client.post("/auth/api/sign-up", json={"email": "a@example.org", "password": SECRET})
        assert "nightlatch-background" not in {each.name for each in threading.enumerate()}
        assert not fast_shop.mailer.messages


class SessionMiddleware:
    """Stands for Starlette's, whose import needs a package that applications without it do not have."""


def test_starlettes_sessions_and_ours_live_side_by_side() -> None:
    """Both would be called `session` over http; a name that was chosen for both is the developer's to change."""

    def cookie(mine: str, theirs: str | None, base_url: str = "http://localhost") -> str:
        options = {} if theirs is None else {"session_cookie": theirs}
        app = FastAPI(middleware=[Middleware(SessionMiddleware, **options)])  # type: ignore[arg-type]
        values = fast_settings(base_url=base_url, cookie_name=mine)
        made = Configuration(app, values, database_url=None, has_store=True, has_mailer=True).settings("localhost")
        return made.cookie_name

    assert cookie("session", None) == "nightlatch_session"
    assert cookie("session", "other") == "session"
    assert cookie("session", None, "https://shop.example") == "session"  # ours has a prefix there
    with pytest.raises(ConfigurationError, match="session_cookie"):
        cookie("mine", "mine")
