"""What an application must say, what it need not, and what it is told when it says too little."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_shop import PAGE, SECRET, Shop, command, routes, settings
from nightlatch.errors import ConfigurationError
from nightlatch.flask import Nightlatch
from nightlatch.records import Event
from nightlatch.storage.memory import MemoryStore

FOUR = r"(?s)base_url.*secret_keys.*database_url.*mail"


def application(tmp_path: Path, **config: Any) -> Flask:
    """Return an application with an instance folder that is not there yet."""
    app = Flask("quick", instance_path=str(tmp_path / "instance"))
    app.testing = True
    app.config.update(config)
    return routes(app)


def open_files() -> int:
    """Return how many files and sockets this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def test_building_it_opens_nothing(tmp_path: Path) -> None:
    """No file, no connection, no thread: configured or not, and no request of the application's needs any."""
    before, files = threading.active_count(), open_files()
    Nightlatch(application(tmp_path))
    app = application(tmp_path, NIGHTLATCH=settings(database_url=f"sqlite:///{tmp_path / 'lazy.db'}"))
    Nightlatch(app)
    assert app.test_client().get("/public").status_code == 200
    assert list(tmp_path.iterdir()) == []
    assert threading.active_count() <= before
    assert open_files() <= files


def test_in_debug_mode_nothing_is_needed(tmp_path: Path) -> None:
    """Keys and database beside the application, their owner's alone; tables; the address from a loopback Host."""
    app = application(tmp_path)
    app.debug = True
    extension = Nightlatch(app)
    shown = app.test_client().get("/auth/sign-in", headers={"Host": "localhost:5123", **PAGE})
    assert shown.status_code == 200
    for name in ("nightlatch_key", "nightlatch.db"):
        assert (tmp_path / "instance" / name).stat().st_mode & 0o777 == 0o600
    core = extension.core
    assert core.settings.base_url == "http://localhost:5123"
    assert core.settings.development
    assert core.settings.mail.transport == "console"
    core.close()
    again = Nightlatch(other := application(tmp_path))
    other.debug = True
    assert other.test_client().get("/auth/sign-in").status_code == 200
    assert again.core.settings.secret_keys[0].reveal() == core.settings.secret_keys[0].reveal()
    again.core.close()


def test_debug_mode_may_begin_after_it_was_built(tmp_path: Path) -> None:
    """`app.run(debug=True)` stands at the end of many an application."""
    app = application(tmp_path)
    extension = Nightlatch(app)
    app.debug = True
    assert app.test_client().get("/auth/sign-in", headers=PAGE).status_code == 200
    extension.core.close()


@pytest.mark.parametrize(
    "host", ["shop.example.com", "localhost.evil.example", "192.0.2.1:5000", "[", "", "127.0.0.1@x"]
)
def test_036_in_debug_mode_only_this_machine_names_the_address(tmp_path: Path, host: str) -> None:
    """A Host that is not loopback makes no address, leaves nothing behind, and is not remembered."""
    app = application(tmp_path)
    app.debug = True
    extension = Nightlatch(app)
    environ = {"HTTP_HOST": host, "SERVER_NAME": "shop.example.com"}
    with pytest.raises(ConfigurationError, match="this machine"):
        app.test_client().get("/auth/sign-in", environ_overrides=environ)
    assert not (tmp_path / "instance").exists()
    assert app.test_client().get("/auth/sign-in").status_code == 200
    extension.core.close()


@pytest.mark.parametrize("path", ["/auth/sign-in", "/auth/api/session", "/public", "/hello"])
def test_outside_debug_mode_it_refuses(tmp_path: Path, path: str) -> None:
    """Whatever is asked for, with the four settings to write."""
    app = application(tmp_path)
    Nightlatch(app)
    with pytest.raises(ConfigurationError, match=FOUR):
        app.test_client().get(path)
    assert list(tmp_path.iterdir()) == []


def test_the_refusal_is_printed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """In production a client sees an error page without a word of it; the log shows what to write."""
    app = application(tmp_path)
    app.testing = False
    Nightlatch(app)
    with caplog.at_level(logging.ERROR):
        answered = app.test_client().get("/hello")
    assert answered.status_code == 500
    assert "secret_keys" not in answered.text
    for name in ("base_url", "secret_keys", "database_url", "mail"):
        assert f'"{name}": ' in caplog.text


@pytest.mark.parametrize("name", ["base_url", "secret_keys", "database_url", "mail"])
def test_half_configured(tmp_path: Path, name: str) -> None:
    """Only what is missing is named, and in debug mode only that is filled in."""
    values = settings(base_url="http://localhost:5000", database_url=f"sqlite:///{tmp_path / 'half.db'}")
    del values[name], values["development"]
    if name == "mail":
        values["mail"] = {"sender": "shop@example.org"}
    else:
        values["mail"] = {"transport": "file", "directory": str(tmp_path)}
    app = application(tmp_path, NIGHTLATCH=values)
    extension = Nightlatch(app)
    with pytest.raises(ConfigurationError) as refused:
        app.test_client().get("/public")
    lines = [each.strip().partition(":")[0].strip('"') for each in refused.value.reason.splitlines()[3:-1]]
    assert lines == [name]
    app.debug = True
    assert app.test_client().get("/auth/sign-in", headers={"Host": "localhost:5000"}).status_code == 200
    made = extension.core.settings
    assert made.base_url == "http://localhost:5000"
    assert made.mail.transport == ("console" if name == "mail" else "file")
    assert app.config["NIGHTLATCH"] == values
    extension.core.close()


def test_debug_mode_fills_nothing_in_for_a_public_address(tmp_path: Path) -> None:
    """An application that names its public address must name its keys."""
    app = application(tmp_path, NIGHTLATCH={"base_url": "https://shop.example.com"})
    app.debug = True
    Nightlatch(app)
    with pytest.raises(ConfigurationError, match=r"secret_keys.*this machine"):
        app.test_client().get("/public")


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"NIGHTLATCH": {"base_ulr": "http://localhost"}}, r"NIGHTLATCH.*did you mean base_url"),
        ({"NIGHTLATCH": {"sessions": {"idel": 1}}}, r"did you mean sessions.idle"),
        ({"NIGHTLATCH": {"base_url": "http://shop.example.com"}}, r"plain http"),
        ({"NIGHTLATCH": "sqlite://"}, r"is a mapping"),
        ({"NIGHTLATCH_BASE_URL": "http://localhost"}, r"write app.config\['NIGHTLATCH'\]\['base_url'\]"),
    ],
)
def test_a_mistake_is_told_when_it_is_built(tmp_path: Path, config: dict[str, Any], told: str) -> None:
    """Where it stands and what to write instead, before the first request."""
    with pytest.raises(ConfigurationError, match=told):
        Nightlatch(application(tmp_path, **config))


def test_settings_that_come_too_late_are_told(tmp_path: Path) -> None:
    """They would be ignored, and debug mode would hide it."""
    app = application(tmp_path)
    Nightlatch(app)
    app.config["NIGHTLATCH"] = settings()
    with pytest.raises(ConfigurationError, match="before"):
        app.test_client().get("/public")


def test_settings_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Flask's own way: from_prefixed_env."""
    monkeypatch.setenv("FLASK_NIGHTLATCH__base_url", "https://shop.example.com")
    monkeypatch.setenv("FLASK_NIGHTLATCH__secret_keys", '["a secret key for tests, long enough to be one"]')
    monkeypatch.setenv("FLASK_NIGHTLATCH__database_url", f"sqlite:///{tmp_path / 'env.db'}")
    monkeypatch.setenv("FLASK_NIGHTLATCH__mail__transport", "smtp")
    monkeypatch.setenv("FLASK_NIGHTLATCH__sessions__idle", "3600")
    app = application(tmp_path)
    app.config.from_prefixed_env()
    Nightlatch(app)
    made = app.extensions["nightlatch"].prepare()
    assert (made.base_url, made.mail.transport) == ("https://shop.example.com", "smtp")
    assert made.sessions.idle.total_seconds() == 3600


def test_the_schema_is_seen_at_first_use(tmp_path: Path) -> None:
    """Outside development nothing is migrated behind an operator's back; the command mends it, without a restart."""
    app = application(
        tmp_path,
        NIGHTLATCH=settings(
            database_url=f"sqlite:///{tmp_path / 'old.db'}",
            development=False,
            mail={"transport": "file", "directory": str(tmp_path)},
            identifiers="username",
        ),
    )
    extension = Nightlatch(app)
    client = app.test_client()
    assert client.get("/public").status_code == 200
    for path in ("/auth/sign-in", "/hello"):
        with pytest.raises(ConfigurationError, match="nightlatch migrate"):
            client.get(path)
    refused = command(app, "nightlatch", "users", "list")
    assert refused.exit_code == 2
    assert "nightlatch migrate" in refused.output
    assert "wrong" in command(app, "nightlatch", "doctor").output
    assert "front door" in command(app, "nightlatch", "migrate", "--plan").output
    assert "front door" in command(app, "nightlatch", "migrate").output
    assert client.post("/auth/api/sign-up", json={"username": "mia", "password": SECRET}).status_code == 200
    extension.core.close()


def test_an_outage_at_first_use_is_told_and_passes(tmp_path: Path) -> None:
    """503 with Retry-After, never a fault and never *allowed*; the application's other routes go on."""
    blocked = tmp_path / "data"
    blocked.write_text("a file where the folder should be")
    values = settings(database_url=f"sqlite:///{blocked / 'shop.db'}", development=False, identifiers="username")
    app = application(tmp_path, NIGHTLATCH={**values, "mail": {"transport": "file", "directory": str(tmp_path)}})
    extension = Nightlatch(app)
    client = app.test_client()
    client.set_cookie("session", "nls_" + "a" * 80)
    for path in ("/auth/api/session", "/hello", "/theirs"):
        answered = client.get(path)
        assert answered.status_code == 503, path
        assert answered.headers["Retry-After"]
        assert answered.headers["Cache-Control"] == "no-store"
    assert client.get("/public").status_code == 200
    blocked.unlink()
    blocked.mkdir()
    assert command(app, "nightlatch", "migrate").exit_code == 0
    assert client.get("/auth/api/session").status_code == 401
    extension.core.close()


def test_no_thread_under_a_test_runner(shop: Shop) -> None:
    """Tests deliver mail themselves: nothing happens behind their back."""
    before = threading.active_count()
    shop.client.post("/auth/api/sign-up", json={"email": "a@example.org", "password": SECRET})
    names = {each.name for each in threading.enumerate()}
    assert "nightlatch-background" not in names
    assert threading.active_count() - before <= 2  # the hashing pool's


def test_an_application_is_told_of_events(tmp_path: Path) -> None:
    """`event_sinks=` hear of what happened once it is committed; one that fails changes nothing."""

    class Sink:
        def __init__(self, *, broken: bool = False) -> None:
            self.heard: list[str] = []
            self.broken = broken

        def receive(self, event: Event) -> None:
            self.heard.append(event.action)
            if self.broken:
                raise RuntimeError("a fault of the application's")

    broken, sink = Sink(broken=True), Sink()
    app = application(tmp_path, NIGHTLATCH=settings())
    extension = Nightlatch(app, store=MemoryStore(), event_sinks=[broken, sink])
    with app.app_context():
        extension.core.invitations.invite(email="mia@example.org")
    assert sink.heard == broken.heard == ["invitation_created"]
    extension.core.close()
