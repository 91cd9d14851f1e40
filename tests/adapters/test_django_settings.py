"""What a project must say, what it need not, and what it is told when it says too little."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core import mail
from django.core.checks import run_checks
from django.core.management import call_command
from django.test import Client, override_settings

from django_databases import database
from django_project import PAGE, Site
from nightlatch.django.configuration import Configuration, mail_backend
from nightlatch.django.installation import begin, end, installation
from nightlatch.errors import ConfigurationError

MISSING = r"(?s)NIGHTLATCH = \{.*base_url.*secret_keys"


@contextmanager
def project(folder: Path, **changes: Any) -> Iterator[Client]:
    """Open a project that says nothing but what is given, as no test runner would."""
    with override_settings(**{"BASE_DIR": folder, "ALLOWED_HOSTS": ["*"], "NIGHTLATCH": {}, **changes}):
        begin()
        yield Client()
        end()


@pytest.fixture
def _live(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read settings as outside a test run, which makes them up."""
    del site
    monkeypatch.setattr("nightlatch.django.configuration.under_test_runner", lambda: False)


pytestmark = pytest.mark.usefixtures("_live")


def test_in_debug_mode_nothing_is_needed(tmp_path: Path) -> None:
    """A key beside the project, its owner's alone; the address from a loopback Host; and the same key the next time."""
    with project(tmp_path, DEBUG=True) as client:
        assert list(tmp_path.glob("nightlatch*")) == [], "reading settings opens nothing"
        shown = client.get("/auth/sign-in", headers={"Host": "localhost:5123", **PAGE})
        assert shown.status_code == 200
        assert (tmp_path / "nightlatch_key").stat().st_mode & 0o777 == 0o600
        first = installation().core.settings
    assert (first.base_url, first.development) == ("http://localhost:5123", True)
    with project(tmp_path, DEBUG=True) as client:
        assert client.get("/auth/sign-in", headers={"Host": "localhost"}).status_code == 200
        assert installation().core.settings.secret_keys[0].reveal() == first.secret_keys[0].reveal()


@pytest.mark.parametrize("host", ["shop.example.com", "localhost.evil.example", "192.0.2.1:5000"])
def test_036_in_debug_mode_only_this_machine_names_the_address(tmp_path: Path, host: str) -> None:
    """A Host that is not loopback makes no address, leaves nothing behind, and is not remembered."""
    with project(tmp_path, DEBUG=True) as client:
        with pytest.raises(ConfigurationError, match="this machine"):
            client.get("/public", headers={"Host": host})
        assert list(tmp_path.glob("nightlatch*")) == []
        assert client.get("/auth/sign-in", headers={"Host": "localhost"}).status_code == 200


@pytest.mark.parametrize("path", ["/auth/sign-in", "/auth/api/session", "/public", "/hello"])
def test_outside_debug_mode_it_refuses(tmp_path: Path, path: str) -> None:
    """Whatever is asked for, with the settings to write."""
    with project(tmp_path) as client, pytest.raises(ConfigurationError, match=MISSING):
        client.get(path)
    assert list(tmp_path.glob("nightlatch*")) == []


def test_the_refusal_is_printed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """In production a client sees an error page without a word of it; the log shows what to write."""
    with project(tmp_path), caplog.at_level(logging.ERROR):
        answered = Client(raise_request_exception=False).get("/hello")
    assert answered.status_code == 500
    assert "secret_keys" not in answered.text
    for name in ("base_url", "secret_keys"):
        assert f'"{name}": ' in caplog.text


@pytest.mark.parametrize("name", ["base_url", "secret_keys"])
def test_half_configured(tmp_path: Path, name: str) -> None:
    """Only what is missing is named, and in debug mode only that is filled in."""
    values = {"base_url": "http://localhost:5000", "secret_keys": ["a secret key for tests, long enough to be one"]}
    del values[name]
    with project(tmp_path, NIGHTLATCH=values) as client, pytest.raises(ConfigurationError) as refused:
        client.get("/public")
    lines = [each.strip().partition(":")[0].strip('"') for each in refused.value.reason.splitlines() if '":' in each]
    assert lines == [name]
    with project(tmp_path, NIGHTLATCH=values, DEBUG=True) as client:
        assert client.get("/auth/sign-in", headers={"Host": "localhost:5000"}).status_code == 200
        assert installation().core.settings.base_url == "http://localhost:5000"


def test_debug_mode_fills_nothing_in_for_a_public_address(tmp_path: Path) -> None:
    """A project that names its public address must name its keys."""
    changes = {"DEBUG": True, "NIGHTLATCH": {"base_url": "https://shop.example.com"}}
    with project(tmp_path, **changes) as client, pytest.raises(ConfigurationError, match=r"secret_keys.*this machine"):
        client.get("/public")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"base_ulr": "http://localhost"}, r"NIGHTLATCH.*did you mean base_url"),
        ({"sessions": {"idel": 1}}, r"did you mean sessions.idle"),
        ({"vouch_for_adresses": True}, r"did you mean vouch_for_addresses"),
        ({"permission_backend": []}, r"did you mean permission_backends"),
        ({"vouch_for_addresses": "False"}, r"vouch_for_addresses"),
        ({"permission_backends": "guardian.backends.ObjectPermissionBackend"}, r"permission_backends"),
        ({"database": None}, r"database"),
        ({"base_url": "http://shop.example.com"}, r"plain http"),
        ({"database_url": "sqlite://"}, r"'database' names one of DATABASES"),
        ("sqlite://", r"is a mapping"),
    ],
)
def test_a_mistake_is_told(given: Any, told: str) -> None:
    """Where it stands and what to write instead, before the first request: `manage.py check` says it as well."""
    with override_settings(NIGHTLATCH=given):
        with pytest.raises(ConfigurationError, match=told):
            Configuration()
        assert "nightlatch.E008" in {each.id for each in run_checks()}


SMTP = "django.core.mail.backends.smtp.EmailBackend"
CONSOLE = "django.core.mail.backends.console.EmailBackend"


@pytest.mark.parametrize(
    ("mailers", "named"),
    [
        ({"default": {"BACKEND": SMTP, "OPTIONS": {"host": "mail.example.org"}}}, SMTP),
        ({"default": {}}, SMTP),
        ({"default": {"BACKEND": CONSOLE}}, None),
        ({"newsletter": {"BACKEND": SMTP}}, None),
    ],
)
def test_mailers_say_how_django_mails_where_it_knows_them(mailers: dict[str, Any], named: str | None) -> None:
    """From 6.1 on, where they take the place of EMAIL_...; what `startproject` writes there is nobody's word."""
    before = mail_backend()
    with override_settings(MAILERS=mailers):
        assert mail_backend() == (named if hasattr(mail, "mailers") else before)
        assert Configuration().mails_by_django is (mail_backend() is not None)


def test_a_permission_backend_that_is_not_there_is_told() -> None:
    """Before somebody's permissions are asked for, which would be a fault."""
    named = {**settings.NIGHTLATCH, "permission_backends": ["guardian.backend.ObjectPermissionBackend"]}
    with override_settings(NIGHTLATCH=named):
        found = {each.id: each for each in run_checks()}
    assert "guardian.backend.ObjectPermissionBackend" in found["nightlatch.E015"].msg


def test_the_schema_is_seen_at_first_use(tmp_path: Path) -> None:
    """Nothing is migrated behind an operator's back; what to run is told, and needs no restart."""
    with database(f"sqlite:///{tmp_path / 'new.db'}") as alias:
        named = {**settings.NIGHTLATCH, "database": alias}
        with project(tmp_path, NIGHTLATCH=named) as client:
            assert client.get("/public").status_code == 200
            for path in ("/auth/sign-in", "/hello"):
                with pytest.raises(ConfigurationError, match=r"manage.py migrate nightlatch"):
                    client.get(path)
            call_command("migrate", database=alias, verbosity=0)
            assert client.get("/auth/sign-in").status_code == 200


def test_an_outage_at_first_use_is_told_and_passes(tmp_path: Path) -> None:
    """503 with Retry-After, never a fault and never *allowed*; the project's other routes go on."""
    blocked = tmp_path / "data"
    blocked.write_text("a file where the folder should be")
    with database(f"sqlite:///{blocked / 'shop.db'}") as alias:
        named = {**settings.NIGHTLATCH, "database": alias}
        with project(tmp_path, NIGHTLATCH=named) as client:
            client.cookies["session"] = "nls_" + "a" * 80
            for path in ("/auth/api/session", "/hello", "/theirs"):
                answered = client.get(path)
                assert answered.status_code == 503, path
                assert answered.headers["Retry-After"]
                assert answered.headers["Cache-Control"] == "no-store"
            assert client.get("/public").status_code == 200
            blocked.unlink()
            blocked.mkdir()
            call_command("migrate", database=alias, verbosity=0)
            assert client.get("/auth/api/session").status_code == 401


def test_no_thread_under_a_test_runner(site: Site) -> None:
    """Tests deliver mail themselves: nothing happens behind their back."""
    site.post("/auth/api/sign-up", {"email": "a@example.org", "password": "correct horse battery staple"})
    assert "nightlatch-background" not in {each.name for each in threading.enumerate()}
