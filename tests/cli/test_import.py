"""`users import`, `users export`, `users hashes`: files in, files out, and what is said."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from nightlatch.cli.main import command

BCRYPT = "$2b$04$" + "a" * 53
ROWS = [
    {"email": "mia@example.org", "name": "Mia", "roles": ["editor"], "password_hash": BCRYPT},
    {"email": "ben@example.org", "email_verified": False},
    {"email": "eva@example.org", "password_hash": "md4$s3cret$s3cret"},
    {"email": "ada@example.org", "email_verified": True},
]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run commands on an installation in a folder of its own, in another one that files are written to."""
    monkeypatch.setenv("NIGHTLATCH_DEVELOPMENT", "1")
    monkeypatch.setenv("NIGHTLATCH_HASHING__PROFILE", "cheap_for_tests")
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()

    def invoke(*arguments: str, data: str = "data", **options: Any) -> Result:
        return runner.invoke(command, ["--data", str(tmp_path / data), *arguments], **options)

    assert invoke("migrate").exit_code == 0
    return invoke


def json_lines(path: Path, rows: list[dict[str, Any]]) -> str:
    """Write rows to a file and return its name."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def read_json_lines(text: str) -> list[dict[str, Any]]:
    """Read rows."""
    return [json.loads(line) for line in text.splitlines()]


def test_an_import_says_what_became_of_each_row(run: Callable[..., Result], tmp_path: Path) -> None:
    """Refused rows with their line and the reason; sums; weak hashes; exit code 1 while something was refused."""
    file = json_lines(tmp_path / "users.jsonl", ROWS)
    said = run("users", "import", file, "--trust-addresses")
    assert said.exit_code == 1
    assert said.stderr.splitlines() == [
        "line 2: refused: its address is not verified and nothing else identifies it",
        "line 3: refused: its password hash cannot be verified: it is of no scheme that is known here",
    ]
    assert said.stdout.splitlines() == [
        "2 created, 0 updated, 0 there already, 0 there and different, 2 refused.",
        "Cheap to guess until their owners sign in: bcrypt (1)",
    ]
    assert "s3cret" not in said.output
    assert BCRYPT not in said.output
    again = run("users", "import", file, "--trust-addresses")
    assert again.stdout == "0 created, 0 updated, 2 there already, 0 there and different, 2 refused.\n"
    assert json.loads(run("users", "show", "mia@example.org", "--json").stdout)["roles"] == ["editor"]


def test_programs_get_a_line_for_each_row_that_is_not_simply_done_and_the_sums(
    run: Callable[..., Result],
) -> None:
    """`--json`, `--dry-run`, and standard input."""
    text = "".join(json.dumps(row) + "\n" for row in [*ROWS, {**ROWS[0], "name": "Somebody"}])
    said = run("users", "import", "-", "--json", "--dry-run", "--trust-addresses", input=text)
    *rows, sums = read_json_lines(said.stdout)
    assert rows == [
        {"line": 2, "outcome": "refused", "reason": "its address is not verified and nothing else identifies it"},
        {"line": 3, "outcome": "refused",
         "reason": "its password hash cannot be verified: it is of no scheme that is known here"},
        {"line": 5, "outcome": "differs", "fields": ["name"]},
    ]  # fmt: skip
    assert sums == {
        "created": 2, "updated": 0, "unchanged": 0, "differs": 1, "refused": 2,
        "notes": {}, "weak_hashes": {"bcrypt": 1},
    }  # fmt: skip
    assert run("users", "list").output.strip() == "There are no users yet."


def test_a_csv_is_read_as_spreadsheets_and_databases_write_it(run: Callable[..., Result], tmp_path: Path) -> None:
    """A byte-order mark, quotes, empty cells, booleans of every kind, roles in one cell, line breaks in another."""
    path = tmp_path / "users.csv"
    text = (
        "\ufeffemail,email_verified,name,roles,external_id,password_hash,created_at\r\n"
        'mia@example.org,t,"Mia\n""M"" M.","editor, admin",7,' + BCRYPT + ",2019-05-04 08:30:00+02\r\n"
        "ben@example.org,1,,,,,\r\n"
        "eva@example.org,False,,,,,\r\n"
        "ada@example.org,true\r\n"
        "\r\n"
        "una@example.org,true,Unä,,,,\r\n"
    )
    path.write_bytes(text.encode() + b"ole@example.org,true,\xff,,,,\r\n")
    said = run("users", "import", str(path), "--json")
    *rows, sums = read_json_lines(said.stdout)
    assert [(row["line"], row["outcome"]) for row in rows] == [(5, "refused"), (6, "refused")]
    assert rows[1]["reason"] == "it has 2 columns where the first line has 7"
    assert (sums["created"], sums["refused"]) == (4, 2)
    mia = json.loads(run("users", "show", "mia@example.org", "--json").stdout)
    assert (mia["name"], mia["roles"], mia["created_at"]) == (
        'Mia "M" M.',
        ["admin", "editor"],
        "2019-05-04T06:30:00+00:00",
    )


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.jsonl", b"not json\n", "it is not JSON"),
        ("a.jsonl", b"[1, 2]\n", "it is no JSON object"),
        ("a.jsonl", b'{"email": "\xff"}\n', "it is not JSON"),
        ("a.jsonl", b"[" * 60_000 + b"\n", "it is not JSON"),
        ("a.jsonl", b'{"email": "' + b"x" * 200_000 + b'"}\n', "it is longer than 65536 bytes"),
        ("a.jsonl", b'{"pass\\u0000word": "s3cret"}\n', "it has a field that is not known here"),
        ("a.csv", b"email,name\nx\n", "it has 1 columns where the first line has 2"),
    ],
)
def test_what_is_no_row_is_refused_and_the_next_one_is_read(
    run: Callable[..., Result], tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    """However long, deep or broken."""
    good = (
        b"mia@example.org" + b"," * (content.count(b"email,name")) if name == "a.csv" else json.dumps(ROWS[3]).encode()
    )
    (tmp_path / name).write_bytes(content + good + b"\n")
    said = run("users", "import", name, "--json", "--trust-addresses")
    *rows, sums = read_json_lines(said.stdout)
    assert [row["reason"] for row in rows] == [reason]
    assert (sums["created"], sums["refused"]) == (1, 1)


@pytest.mark.parametrize(
    "name",
    [b'"' + b"x" * 200_000 + b"\nevil@example.org,admin\n", b"x" * 200_000 + b"\n", b'"x"x\n', b'"x\n' * 70_000],
    ids=["quoted", "unquoted", "a quote inside", "never closed"],
)
def test_a_csv_that_is_broken_is_read_no_further(run: Callable[..., Result], tmp_path: Path, name: bytes) -> None:
    """What stands in somebody's name is never taken for another row."""
    (tmp_path / "a.csv").write_bytes(
        b"email,name,roles\nmia@example.org,Mia,\nben@example.org," + name + b"eva@example.org,Eva,admin\n"
    )
    said = run("users", "import", "a.csv", "--json", "--trust-addresses")
    *rows, sums = read_json_lines(said.stdout)
    assert [row["reason"] for row in rows] == ["it is not CSV, and what follows was not read"]
    assert (sums["created"], sums["refused"]) == (1, 1)


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "cannot be read"), (b"email,password\n", "the first line names the columns"), (b"", "the first line names"),
     (b"email,email\n", "each once"), (b'"\n', "the first line names")],
)  # fmt: skip
def test_a_file_that_is_none_is_one_sentence(
    run: Callable[..., Result], tmp_path: Path, content: bytes | None, words: str
) -> None:
    """Exit code 2, before anything is written."""
    if content is not None:
        (tmp_path / "users.csv").write_bytes(content)
    said = run("users", "import", "users.csv")
    assert (said.exit_code, said.stderr.count("\n")) == (2, 1)
    assert words in said.stderr


def test_an_export_is_private_new_and_says_what_it_holds(run: Callable[..., Result], tmp_path: Path) -> None:
    """0600; never over a file that is there; and it is imported into an empty installation as it was."""
    json_lines(tmp_path / "users.jsonl", ROWS)
    run("users", "import", "users.jsonl", "--trust-addresses")
    said = run("users", "export", "out.jsonl")
    assert (said.exit_code, said.stdout) == (0, "2 users written to out.jsonl.\n")
    assert "password hashes" in said.stderr
    out = tmp_path / "out.jsonl"
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    rows = read_json_lines(out.read_text())
    assert {row["email"]: row.get("password_hash") for row in rows} == {
        "mia@example.org": BCRYPT,
        "ada@example.org": None,
    }
    again = run("users", "export", "out.jsonl")
    assert (again.exit_code, "is there already" in again.stderr) == (2, True)
    assert run("migrate", data="other").exit_code == 0
    assert run("users", "import", "out.jsonl", data="other").exit_code == 0
    assert read_json_lines(run("users", "export", "-", data="other").stdout) == rows


def test_an_export_that_cannot_be_written_leaves_nothing(run: Callable[..., Result], tmp_path: Path) -> None:
    """A folder that is not there; one sentence."""
    said = run("users", "export", "nowhere/out.jsonl")
    assert (said.exit_code, "cannot be written" in said.stderr) == (2, True)
    assert not os.path.lexists(tmp_path / "nowhere")


def test_stored_hashes_are_counted(run: Callable[..., Result], tmp_path: Path) -> None:
    """By scheme, with those that are cheap to guess."""
    assert run("users", "hashes").stdout.strip() == "Nobody has a password yet."
    json_lines(tmp_path / "users.jsonl", ROWS)
    run("users", "import", "users.jsonl", "--trust-addresses")
    assert json.loads(run("users", "hashes", "--json").stdout) == [{"scheme": "bcrypt", "users": 1, "verdict": "weak"}]
