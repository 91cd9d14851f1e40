"""`doctor --production`: before the public, whatever is unsafe is wrong."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from databases import fresh
from nightlatch.cli.main import command
from nightlatch.storage.sql import migrate

SAFE = {
    "NIGHTLATCH_DEVELOPMENT": "0",
    "NIGHTLATCH_BASE_URL": "https://auth.example.com",
    "NIGHTLATCH_SECRET_KEYS": secrets.token_urlsafe(48),
    "NIGHTLATCH_MAIL__TRANSPORT": "smtp",
}

pytestmark = pytest.mark.slow

EVERYWHERE = "0.0.0.0"  # noqa: S104 - only looked at

Run = Callable[..., Result]


@pytest.fixture
def doctor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `doctor --production` on a database of its own, as the server's own user would."""
    for name in [each for each in os.environ if each.startswith("NIGHTLATCH_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    (tmp_path / "data").mkdir()
    migrate(f"sqlite:///{tmp_path / 'data' / 'nightlatch.db'}")

    def run(*options: str, **settings: str) -> Result:
        environment = {**SAFE, **{f"NIGHTLATCH_{name}": value for name, value in settings.items()}}
        words = ["--data", str(tmp_path / "data"), "doctor", "--production", "--json", *options]
        return CliRunner().invoke(command, words, env=environment)

    return run


def wrongs(said: Result) -> set[str]:
    """Return what was found wrong."""
    rows: list[dict[str, Any]] = json.loads(said.output)
    found = {row["what"] for row in rows if row["verdict"] == "wrong"}
    assert said.exit_code == (1 if found else 0)
    return found


def test_a_safe_installation(doctor: Run) -> None:
    """Nothing is wrong, exit code 0."""
    assert wrongs(doctor()) == set()


def test_what_is_unsafe_is_wrong(doctor: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each by its name; the server is not to be run as root either."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    found = doctor(
        PASSWORDS__ALLOW_SHORT_PASSWORDS="1",
        ACCOUNTS__ALLOW_SHORT_WAITS="1",
        MAIL__SMTP_SECURITY="allow_plaintext_to_loopback",
        SERVER__BIND=EVERYWHERE,
        SERVER__DURABLE="0",
        SERVER__MANAGEMENT_PORT="9100",
        SERVER__MANAGEMENT_BIND=EVERYWHERE,
        HASHING__PROFILE="cheap_for_tests",
        REDIS__URL="redis://:a-secret@redis.invalid:6379/0",
    )
    options = {"passwords.allow_short_passwords", "accounts.allow_short_waits", "mail.smtp_security"}
    serving = {"bind", "durable", "management_bind", "user"}
    assert wrongs(found) == options | serving | {"hashing.profile", "redis.url", "redis"}
    assert "a-secret" not in found.output


def test_development_is_not_for_the_public(doctor: Run) -> None:
    """What helps a developer is wrong, all of it."""
    local = {"DEVELOPMENT": "1", "BASE_URL": "http://localhost:8000", "MAIL__TRANSPORT": "console"}
    assert wrongs(doctor(**local)) == {"development", "base_url", "base_url host", "mail.transport"}


def test_what_is_behind_a_proxy(doctor: Run) -> None:
    """A named proxy may speak plain HTTP to it, and a private network may read its metrics."""
    proxy = {"SERVER__BIND": EVERYWHERE, "TRUSTED_PROXIES": "10.0.0.7"}
    assert wrongs(doctor(SERVER__MANAGEMENT_PORT="9100", SERVER__MANAGEMENT_BIND="10.0.0.9", **proxy)) == set()


def test_what_is_accepted_is_accepted_by_name(doctor: Run) -> None:
    """It becomes a note; a name that is not wrong is refused, so that none is accepted in advance."""
    weak = {"PASSWORDS__ALLOW_SHORT_PASSWORDS": "1", "SERVER__DURABLE": "0"}
    assert wrongs(doctor("--accept", "durable", **weak)) == {"passwords.allow_short_passwords"}
    assert wrongs(doctor("--accept", "durable", "--accept", "passwords.allow_short_passwords", **weak)) == set()
    assert doctor("--accept", "hashing.profile", HASHING__PROFILE="cheap_for_tests").exit_code == 2


def test_a_database_that_forgets(doctor: Run, postgresql_url: str) -> None:
    """A server that acknowledges what a power cut undoes; one that cannot be asked; one that is read over a network."""
    with fresh(postgresql_url) as url:
        migrate(url)
        assert wrongs(doctor(DATABASE_URL=url)) == {"fsync"}  # which the tests' own has off, to be quick
    far = doctor(DATABASE_URL="postgresql+psycopg://nightlatch:a-secret@203.0.113.1:1/none?connect_timeout=1")
    assert {"schema", "database", "database_url"} <= wrongs(far)
    assert "a-secret" not in far.output
