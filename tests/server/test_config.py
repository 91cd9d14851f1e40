"""What the server is told: file, environment, command line, and what it fills in."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from nightlatch.errors import ConfigurationError
from nightlatch.server.config import Config, load

DEVELOPMENT = {"NIGHTLATCH_DEVELOPMENT": "1"}


def told(tmp_path: Path, text: str = "", *, given: dict[str, Any] | None = None, **environment: str) -> Config:
    """Read a file, the environment and the command line."""
    path = tmp_path / "nightlatch.toml"
    path.write_text(text)
    return load(path, environment=DEVELOPMENT | environment, given={"data": str(tmp_path / "data"), **(given or {})})


def test_the_environment_wins_over_the_file_and_the_command_line_over_both(tmp_path: Path) -> None:
    """As everybody expects."""
    text = 'service_name = "Harbour"\n[server]\nport = 8001\nworkers = 3\n[hashing]\nqueue = 9\n'
    config = told(tmp_path, text, given={"port": 8003}, NIGHTLATCH_PORT="8002", NIGHTLATCH_HASHING__QUEUE="12")
    assert (config.port, config.workers, config.settings.hashing.queue) == (8003, 3, 12)
    assert config.settings.service_name == "Harbour"


def test_lists_are_comma_separated_wherever_they_stand(tmp_path: Path) -> None:
    """In a section and in a section of a section as well."""
    lists = {
        "NIGHTLATCH_SMS__COUNTRIES": "DE, FR",
        "NIGHTLATCH_POLICY__EVERYONE__SEQUENCE": "password,totp",
        "NIGHTLATCH_PASSKEYS__RELATED_ORIGINS": "https://books.example",
    }
    settings = told(tmp_path, **lists).settings
    assert settings.sms.countries == ("DE", "FR")
    assert settings.policy.everyone.sequence == ("password", "totp")
    assert settings.passkeys.related_origins == ("https://books.example",)


def test_workers_share_the_processors_for_hashing(tmp_path: Path) -> None:
    """More hashes at once than processors are slower together, and cost memory each."""
    processors = os.cpu_count() or 1
    for workers in (1, 2, 64):
        config = told(tmp_path, f"[server]\nworkers = {workers}")
        assert config.settings.hashing.slots == max(1, processors // workers)
    assert told(tmp_path).settings.hashing.lingering == 48, "a quarter of the threads stays free for everything else"
    assert told(tmp_path, NIGHTLATCH_THREADS="16").settings.hashing.lingering == 12
    mine = told(tmp_path, "[hashing]\nslots = 7\nlingering = 0", NIGHTLATCH_HASHING__PROFILE="cheap_for_tests")
    assert (mine.settings.hashing.slots, mine.settings.hashing.lingering) == (7, 0)


@pytest.mark.parametrize(
    ("text", "environment", "words"),
    [
        ("[server]\nworkers = 0", {}, "workers"),
        ("[server]\nthreads = -1", {}, "threads"),
        ("[server]\nport = 'http'", {}, "port"),
        ("[server]\nwrokers = 2", {}, "wrokers"),
        ("server = 3", {}, "server"),
        ("hashing = 3", {}, "hashing"),
        ("mail = 'smtp'", {}, "mail"),
        ("service_name = ", {}, "nightlatch.toml"),
        ("", {"NIGHTLATCH_MAIL": "smtp", "NIGHTLATCH_MAIL__SENDER": "a@example.org"}, "MAIL is a section"),
        ("", {"NIGHTLATCH_MAIL__SENDER": "a@example.org", "NIGHTLATCH_MAIL": "smtp"}, "MAIL is a section"),
        ("", {"NIGHTLATCH_SERVICE_NAEM": "x"}, "did you mean service_name"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, environment: dict[str, str], words: str) -> None:
    """Never a traceback."""
    with pytest.raises(ConfigurationError, match=words):
        told(tmp_path, text, **environment)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """So is one that is no text."""
    with pytest.raises(ConfigurationError, match="cannot read"):
        load(tmp_path / "none.toml", environment=DEVELOPMENT)
    (tmp_path / "picture.toml").write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(ConfigurationError, match=r"picture\.toml"):
        load(tmp_path / "picture.toml", environment=DEVELOPMENT)
