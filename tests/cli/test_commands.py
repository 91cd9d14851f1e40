"""The command line: for people, for programs, and for mistakes."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from nightlatch.cli.main import command

MIA = "mia@example.org"
SECRET = "correct horse battery staple"


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
def mia(run: Callable[..., Result], tmp_path: Path) -> str:
    """Let somebody in by an invitation, and return their id."""
    from nightlatch.primitives.secret import Secret
    from nightlatch.server.app import build
    from nightlatch.server.config import load
    from nightlatch.services.client import Client

    link = json.loads(run("users", "add", "--email", MIA, "--role", "editor", "--json").output)["link"]
    auth = build(load(given={"data": str(tmp_path / "data")}))
    done = auth.invitations.redeem(
        Client(user_agent="curl/8"), Secret(link.partition("link=")[2]), new_password=Secret(SECRET)
    )
    auth.close()
    return str(done.user.id)


def test_migrate_plans_and_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--plan` changes nothing; a second run finds nothing to do."""
    monkeypatch.setenv("NIGHTLATCH_DEVELOPMENT", "1")
    runner, data = CliRunner(), ["--data", str(tmp_path)]
    planned = json.loads(runner.invoke(command, [*data, "migrate", "--plan", "--json"]).output)
    assert planned == json.loads(runner.invoke(command, [*data, "migrate", "--json"]).output)
    assert planned[0]["name"] == "front door"
    assert "up to date" in runner.invoke(command, [*data, "migrate"]).output


def test_users(run: Callable[..., Result], mia: str) -> None:
    """List, show, roles, suspend, restore, delete: as a table and as JSON."""
    assert MIA in run("users", "list").output
    row = json.loads(run("users", "show", MIA, "--json").output)
    assert (row["id"], row["roles"], row["status"]) == (mia, ["editor"], "active")
    assert re.search(rf"^id +{mia}$", run("users", "show", MIA).output, re.MULTILINE)
    assert "there may be more" in run("users", "list", "--limit", "1").output
    assert "suspended" in run("users", "suspend", MIA).output
    assert json.loads(run("sessions", "list", "--json").output) == []
    assert run("users", "restore", mia).exit_code == 0
    assert json.loads(run("users", "roles", MIA, "admin", "editor", "--json").output)["roles"] == ["admin", "editor"]
    assert run("users", "delete", MIA, input="n\n").exit_code == 1
    assert run("users", "delete", MIA, "--yes").exit_code == 0
    assert run("users", "list").output.strip() == "There are no users yet."


def test_a_recovery_is_started_and_not_finished(run: Callable[..., Result], mia: str) -> None:
    """A link to hand over, from when it works, and no password anywhere; one of the two ways must be named."""
    told = json.loads(run("users", "recover", MIA, "--hand-over", "--json").output)
    assert "/auth/verify?link=nll_" in told["link"]
    assert told["works_at"].endswith(("Z", "+00:00"))
    assert "Hand this over in person" in run("users", "recover", MIA, "--hand-over").output
    assert run("users", "recover", mia).exit_code == 2
    assert run("users", "recover", MIA, "--to", "leo@example.org").exit_code != 0
    assert "no recovery was asked for" in run("users", "recover", MIA, "--confirm").output
    assert run("users", "recover", MIA, "--confirm", "--hand-over").exit_code == 2


@pytest.mark.usefixtures("mia")
def test_sessions(run: Callable[..., Result]) -> None:
    """List and revoke."""
    (row,) = json.loads(run("sessions", "list", "--user", MIA, "--json").output)
    assert row["device"] == "curl"
    assert run("sessions", "revoke", row["id"]).exit_code == 0
    assert "Nobody is signed in" in run("sessions", "list").output
    assert json.loads(run("sessions", "revoke", "--user", MIA, "--json").output) == {"revoked": 0}


def test_an_invitation_is_mailed(run: Callable[..., Result], tmp_path: Path) -> None:
    """`--mail` sends the link and prints none."""
    said = run("users", "add", "--email", MIA, "--mail")
    assert said.exit_code == 0
    assert "nll_" not in said.output
    (mail,) = (tmp_path / "data" / "mailbox").glob("*.eml")
    assert re.search(r"link=3D(nll_|\S)|nll_", mail.read_text())


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("users", "show", "nobody@example.org"), 1, "no such user"),
        (("users", "add"), 2, "e-mail address"),
        (("users", "add", "--email", "not an address"), 2, "e-mail address"),
        (("users", "add", "--email", MIA, "--role", "a b"), 2, "role"),
        (("sessions", "revoke", "not-an-id"), 1, "no such session"),
        (("sessions", "revoke"), 2, "session's id"),
        (("users", "frobnicate"), 2, "No such command"),
        (("--config", "/nowhere.toml", "users", "list"), 2, "/nowhere.toml"),
    ],
)
def test_mistakes(run: Callable[..., Result], arguments: tuple[str, ...], code: int, words: str) -> None:
    """A plain sentence, a stated exit code, no traceback."""
    said = run(*arguments)
    assert (said.exit_code, words in said.output) == (code, True), said.output


def test_a_database_without_tables_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which command to run, not what the driver said."""
    monkeypatch.setenv("NIGHTLATCH_DEVELOPMENT", "1")
    for arguments in (
        ("users", "list"),
        ("sessions", "list"),
        ("users", "add", "--email", MIA),
        ("outbox", "run", "--once"),
    ):
        said = CliRunner().invoke(command, ["--data", str(tmp_path), *arguments])
        assert (said.exit_code, "run 'nightlatch migrate'" in said.output) == (2, True), said.output


@pytest.mark.parametrize(
    ("url", "code", "words"),
    [
        ("postgresql://mia:s3cret-word@127.0.0.1:1/x", 3, "cannot be reached"),
        ("mariadb://mia:s3cret-word@127.0.0.1:1/x", 3, "cannot be reached"),
        ("oracle://mia:s3cret-word@127.0.0.1/x", 2, "none of sqlite, postgresql"),
        ("s3cret-word", 2, "no address of a database"),
    ],
)
def test_a_wrong_database_is_told(run: Callable[..., Result], url: str, code: int, words: str) -> None:
    """In a sentence, with its own exit code, and without the password."""
    said = run("users", "list", env={"NIGHTLATCH_DATABASE_URL": url})
    assert (said.exit_code, words in said.output) == (code, True), said.output
    assert "s3cret-word" not in said.output


def test_a_wrong_folder_stays_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing configured: how to begin is told, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    said = CliRunner().invoke(command, ["users", "list"])
    assert (said.exit_code, "nightlatch init" in said.output) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_links_are_for_the_server_that_was_started(run: Callable[..., Result], tmp_path: Path) -> None:
    """In development the address is the port that `serve` was given, for the commands beside it too."""
    (tmp_path / "data" / "run.json").write_text('{"config": null, "given": {"port": 8123}}')
    assert "http://localhost:8123/auth/invitation" in run("users", "add", "--email", MIA).output


def test_a_missing_database_is_told(run: Callable[..., Result], tmp_path: Path) -> None:
    """Exit code 3, and no traceback."""
    for path in (tmp_path / "data").glob("nightlatch.db*"):
        path.unlink()
    (tmp_path / "data" / "nightlatch.db").mkdir()
    assert run("users", "list").exit_code == 3


def test_a_key_whose_name_begins_with_a_dash(run: Callable[..., Result]) -> None:
    """One in 64 does (base64url): it is looked for like any other, and not taken for an option."""
    assert run("keys", "revoke", "-8no-such-key", "--json").exit_code == 1


def test_doctor_measures_and_judges(run: Callable[..., Result]) -> None:
    """It says what a hash costs, and finds the cheap profile wrong."""
    said = run("doctor", "--json")
    rows = {row["what"]: row for row in json.loads(said.output)}
    assert "ms a hash" in rows["owasp_minimum"]["found"]
    assert rows["hashing.profile"]["verdict"] == "wrong"
    assert rows["schema"]["verdict"] == "good"
    assert said.exit_code == 1


def test_init_writes_settings_and_a_key_once(run: Callable[..., Result], tmp_path: Path) -> None:
    """Both for their owner alone; an existing file is left as it is."""
    path = tmp_path / "nightlatch.toml"
    assert run("init", str(path)).exit_code == 0
    assert path.stat().st_mode & 0o777 == 0o600
    again = run("init", str(path))
    assert (again.exit_code, "there already" in again.output) == (2, True)


def test_a_terminal_is_not_steered_by_names(run: Callable[..., Result], mia: str, tmp_path: Path) -> None:
    """Escape codes in what users chose show as marks (ASVS 16.4.1)."""
    from nightlatch.records import User
    from nightlatch.server.app import build
    from nightlatch.server.config import load

    auth = build(load(given={"data": str(tmp_path / "data")}))
    from uuid import UUID

    auth.store.update(User, {"id": UUID(mia)}, {"name": "\x1b[31mred[bold]"})
    auth.close()
    said = run("users", "list").output
    assert "\x1b" not in said


@pytest.mark.slow
def test_delivering_goes_on_until_it_is_stopped(run: Callable[..., Result], tmp_path: Path) -> None:
    """Ctrl-C is how `outbox run` is ended, and no mistake."""
    program = [str(Path(sys.executable).parent / "nightlatch"), "--data", str(tmp_path / "data"), "outbox", "run"]
    running = subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert running.stderr
    assert "Ctrl-C" in running.stderr.readline()
    assert run("users", "add", "--email", MIA, "--mail").exit_code == 0
    running.send_signal(signal.SIGINT)
    said, _ = running.communicate(timeout=10)
    assert (running.returncode, "delivered" in said) == (0, True)


def test_signing_keys(run: Callable[..., Result]) -> None:
    """Two from the start; rotation says when, revocation takes effect, and no command shows a private key."""
    listed = json.loads(run("keys", "list", "--json").output)
    assert [row["state"] for row in listed] == ["next", "signing"]
    assert set(listed[0]) == {"kid", "state", "algorithm", "signs_from_at", "revoked_at", "created_at"}
    assert listed[1]["kid"][:8] in run("keys", "list").output
    rotated = json.loads(run("keys", "rotate", "--json").output)
    assert rotated["kid"] == listed[0]["kid"]
    assert rotated["signs_from_at"] < listed[0]["signs_from_at"]
    assert "signs from" in run("keys", "rotate").output
    revoked = run("keys", "revoke", listed[1]["kid"])
    assert (revoked.exit_code, "is revoked" in revoked.output) == (0, True)
    assert [row["state"] for row in json.loads(run("keys", "list", "--json").output)] == ["next", "signing", "revoked"]
    assert run("keys", "revoke", "nonsense").exit_code == 1


def test_api_keys(run: Callable[..., Result], mia: str, tmp_path: Path) -> None:
    """Listed and ended; no command makes one, or shows its text."""
    from nightlatch.primitives.secret import Secret
    from nightlatch.server.app import build
    from nightlatch.server.config import load
    from nightlatch.services.client import Client

    assert run("api-keys", "list", "--user", MIA).output.strip() == "They have no API keys."
    auth = build(load(given={"data": str(tmp_path / "data")}))
    done = auth.sign_in.begin(Client(user_agent="curl/8"), identifier=mia and MIA, password=Secret(SECRET))
    key, _ = auth.api_keys.create(Client(), done.session, name="till", scopes=("orders:read",))  # type: ignore[union-attr,arg-type]
    auth.close()
    (row,) = json.loads(run("api-keys", "list", "--user", MIA, "--json").output)
    assert (row["id"], row["name"], row["scopes"]) == (str(key.id), "till", ["orders:read"])
    assert "till" in run("api-keys", "list", "--user", MIA).output
    assert [run("api-keys", "revoke", each).exit_code for each in (str(key.id), str(key.id), "nonsense")] == [0, 1, 1]


def test_two_factors_are_asked_of_one_user(run: Callable[..., Result], mia: str) -> None:
    """And no longer; what nobody can reach here is refused in a sentence."""
    asked = json.loads(run("users", "require", MIA, "--aal", "2", "--json").output)
    assert (asked["id"], asked["required_aal"]) == (mia, 2)
    assert json.loads(run("users", "require", MIA, "--aal", "1", "--json").output)["required_aal"] == 1
    refused = run("users", "require", MIA, "--aal", "3")
    assert refused.exit_code == 2
    assert json.loads(run("users", "show", MIA, "--json").output)["required_aal"] == 1
