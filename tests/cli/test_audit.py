"""The audit log, as the people who run an installation read it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from nightlatch.cli.main import command

MIA, NOA = "mia@example.org", "noa@example.org"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run commands on an installation in a folder of its own."""
    monkeypatch.setenv("NIGHTLATCH_DEVELOPMENT", "1")
    monkeypatch.setenv("NIGHTLATCH_HASHING__PROFILE", "cheap_for_tests")
    runner = CliRunner()

    def invoke(*arguments: str, **options: Any) -> Result:
        return runner.invoke(command, ["--data", str(tmp_path / "data"), *arguments], **options)

    assert invoke("migrate").exit_code == 0
    return invoke


@pytest.fixture
def both(run: Callable[..., Result], tmp_path: Path) -> None:
    """Let two people in, and suspend and restore one of them."""
    from nightlatch.primitives.secret import Secret
    from nightlatch.server.app import build
    from nightlatch.server.config import load
    from nightlatch.services.client import Client

    for address in (MIA, NOA):
        link = json.loads(run("users", "add", "--email", address, "--json").output)["link"]
        auth = build(load(given={"data": str(tmp_path / "data")}))
        auth.invitations.redeem(
            Client(ip="192.0.2.7", user_agent="curl/8"),
            Secret(link.partition("link=")[2]),
            new_password=Secret("correct horse battery staple"),
        )
        auth.close()
    for act in ("suspend", "restore"):
        assert run("users", act, MIA).exit_code == 0


def _events(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.output
    return list(json.loads(result.stdout))


@pytest.mark.usefixtures("both")
def test_the_tail_ends_with_the_newest(run: Callable[..., Result]) -> None:
    """The last events, oldest of them first, for people and for programs."""
    rows = _events(run("audit", "tail", "--limit", "2", "--json"))
    assert [row["action"] for row in rows] == ["user_suspended", "user_restored"]
    assert "user_restored" in run("audit", "tail").output


@pytest.mark.usefixtures("both")
def test_a_search_narrows(run: Callable[..., Result]) -> None:
    """By person, action, outcome, address and time; together they must all hold."""
    mia = json.loads(run("users", "show", MIA, "--json").output)["id"]
    assert {row["user_id"] for row in _events(run("audit", "search", "--user", MIA, "--json"))} == {mia}
    found = _events(run("audit", "search", "--user", MIA, "--action", "user_suspended", "--json"))
    assert [(row["action"], row["details"]) for row in found] == [("user_suspended", {"by": "operator"})]
    assert {row["ip"] for row in _events(run("audit", "search", "--ip", "192.0.2.7", "--json"))} == {"192.0.2.7"}
    assert _events(run("audit", "search", "--outcome", "error", "--json")) == []
    assert _events(run("audit", "search", "--since", "2999-01-01", "--json")) == []
    assert "No event matches." in run("audit", "search", "--action", "nothing").output
    assert "there may be more" in run("audit", "search", "--limit", "1").output
    assert run("audit", "search", "--user", "nobody@example.org").exit_code == 1


@pytest.mark.usefixtures("both")
def test_an_export_is_everything_once(run: Callable[..., Result]) -> None:
    """One object a line, oldest first, none twice; the times given bound it."""
    rows = [json.loads(line) for line in run("audit", "export").stdout.splitlines()]
    assert [row["at"] for row in rows] == sorted(row["at"] for row in rows)
    assert len({row["id"] for row in rows}) == len(rows)
    listed = _events(run("audit", "tail", "--limit", "10000", "--json"))
    assert {row["id"] for row in rows} == {row["id"] for row in listed}
    assert run("audit", "export", "--since", "2999-01-01").stdout == ""
    assert run("audit", "export", "--until", "2000-01-01").stdout == ""


def test_verify_ends_with_one_and_says_what_fails(run: Callable[..., Result], both: None, tmp_path: Path) -> None:
    """It holds until a row is changed behind Nightlatch's back; the exit code tells scripts."""
    del both
    assert run("outbox", "run", "--once").exit_code == 0
    told = json.loads(run("audit", "verify", "--json").output)
    assert (told["holds"], told["failures"], told["unsealed"]) == (True, [], 0)
    assert told["sealed"] > 4
    with closing(sqlite3.connect(tmp_path / "data" / "nightlatch.db")) as database, database:
        database.execute("UPDATE nightlatch_event SET ip = '203.0.113.66' WHERE action = 'user_created'")
    found = run("audit", "verify")
    assert found.exit_code == 1
    assert "wrong: event" in found.output
    assert "ip, user_agent, request_id, identifier_hash was changed" in found.output
    assert "The audit log does not hold." in found.output


def test_explain_tells_people_and_programs(run: Callable[..., Result], both: None) -> None:
    """Somebody who is suspended, and somebody whom nobody knows."""
    del both
    assert run("users", "suspend", MIA).exit_code == 0
    found = run("explain", MIA)
    assert found.exit_code == 0
    assert "the user is suspended" in found.output
    assert "lifted by: users restore" in found.output
    told = json.loads(run("explain", "nobody@example.org", "--json").output)
    assert (told["user_id"], told["ways"], told["refused"]) == (None, [], [])
    assert told["blocks"][0]["rule"] == "nobody has this identifier, proven"
