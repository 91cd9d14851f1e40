"""``manage.py``: Django's commands on our users, and ours on the project's settings."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command

from django_project import MIA, SECRET, Site
from nightlatch.records import Session

COMMAND = "nightlatch.django.management.commands.createsuperuser"


class Terminal(io.StringIO):
    """A person's."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@contextmanager
def typing(monkeypatch: pytest.MonkeyPatch, lines: list[str], passwords: list[str]) -> Iterator[None]:
    """Type lines and passwords, one after the other."""
    said, secret = iter(lines), iter(passwords)
    monkeypatch.setattr("builtins.input", lambda _: next(said))
    monkeypatch.setattr(f"{COMMAND}.getpass", lambda _: next(secret))
    yield
    assert [*said, *secret] == []


def test_createsuperuser_asks_until_the_password_will_do(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Typed differently twice, too short, then well: and the new administrator signs in."""
    err = io.StringIO()
    passwords = [SECRET, "something else", "short", "short", SECRET, SECRET]
    with typing(monkeypatch, [MIA, "mia"], passwords):
        call_command("createsuperuser", stdin=Terminal(), stdout=io.StringIO(), stderr=err)
    assert "not the same" in err.getvalue()
    assert "at least 15" in err.getvalue()
    boss = get_user_model().objects.get(is_superuser=True)
    assert (boss.email, boss.username, boss.is_staff) == (MIA, "mia", True)
    site.sign_in()


def test_createsuperuser_without_a_terminal(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """From variables; a name that is taken, a password that will not do and no terminal are told."""
    with pytest.raises(CommandError, match="no terminal"):
        call_command("createsuperuser", stdin=io.StringIO())
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "short")
    monkeypatch.setenv("DJANGO_SUPERUSER_EMAIL", MIA)
    given: dict[str, Any] = {"interactive": False, "username": "mia", "stdout": io.StringIO()}
    with pytest.raises(CommandError, match="at least 15"):
        call_command("createsuperuser", **given)
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", SECRET)
    call_command("createsuperuser", **given)
    site.sign_in()
    with pytest.raises(CommandError, match="account"):
        call_command("createsuperuser", **given)


def test_changepassword_ends_sessions(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Django's own command, on our user."""
    site.member()
    site.sign_in()
    new = iter(["an entirely different sentence"] * 2)
    monkeypatch.setattr("getpass.getpass", lambda **_: next(new))
    call_command("changepassword", MIA, stdout=io.StringIO())
    assert site.client.get("/order").json() == {"signed_in": False, "by_auth": False}
    proof = {"identifier": MIA, "password": "an entirely different sentence"}
    assert site.post("/auth/api/sign-in", proof).status_code == 200


def test_our_commands_are_the_same_as_everywhere(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    """Tables for people, JSON for programs; the schema is Django's to change."""
    site.member()
    site.sign_in()
    call_command("nightlatch", "users", "list", "--json")
    assert [each["email"] for each in json.loads(capsys.readouterr().out)] == [MIA]
    call_command("nightlatch", "sessions", "revoke", "--user", MIA)
    assert site.core.store.find(Session, {"username": "mia"}) == []
    capsys.readouterr()
    with pytest.raises(SystemExit):  # the cheap hashing of tests is what doctor finds wrong
        call_command("nightlatch", "doctor", "--json")
    found = {each["what"]: each for each in json.loads(capsys.readouterr().out)}
    assert found["schema"]["verdict"] == "good"
    assert found["hashing.profile"]["verdict"] == "wrong"
