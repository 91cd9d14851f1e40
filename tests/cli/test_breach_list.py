"""``nightlatch breachlist``."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from nightlatch.cli.main import command
from nightlatch.primitives.hash_list import HashList


def build(*arguments: str | Path) -> Result:
    """Run the command."""
    return CliRunner().invoke(command, ["breachlist", "build", *map(str, arguments)])


def sha1(text: str) -> str:
    """Hash as published lists do."""
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest().upper()


def test_a_published_list_becomes_a_file(tmp_path: Path) -> None:
    """Hashes with and without counts, in either case; what was seen too rarely stays out."""
    source, target = tmp_path / "hashes.txt", tmp_path / "breaches.list"
    source.write_text(f"{sha1('often')}:900\r\n{sha1('twice')}:2\n\n{sha1('bare').lower()}\n{sha1('once')}:1\n")
    said = build(source, target, "--at-least", "2", "--json")
    assert (said.exit_code, json.loads(said.output)["passwords"]) == (0, 3)
    made = HashList(target)
    assert [made.contains(each) for each in ("often", "twice", "bare", "once")] == [True, True, True, False]
    assert [each.name for each in tmp_path.glob(".*")] == []


def test_plain_passwords_are_hashed(tmp_path: Path) -> None:
    """A password a line, spaces and all."""
    source, target = tmp_path / "plain.txt", tmp_path / "breaches.list"
    source.write_text("ships at night\n schön \n")
    said = build("--plain", source, target)
    assert (said.exit_code, "2 passwords" in said.output) == (0, True)
    made = HashList(target)
    assert [made.contains(each) for each in ("ships at night", " schön ", "schön")] == [True, True, False]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("letmein\n", "line 1 is no SHA-1"),
        (f"{'A' * 32}:5\n", "line 1 is an NTLM hash"),
        ("", "nothing in it"),
        (f"{sha1('x')}:{'9' * 40}", "line 1 is no SHA-1"),
    ],
)
def test_what_is_no_list_leaves_the_old_file_alone(tmp_path: Path, text: str, why: str) -> None:
    """One sentence says which line, and the file that is in use stays."""
    source, target = tmp_path / "source", tmp_path / "breaches.list"
    target.write_bytes(b"the old list")
    source.write_text(text)
    said = build(source, target)
    assert (said.exit_code, why in said.output) == (2, True)
    assert target.read_bytes() == b"the old list"
    assert len(list(tmp_path.iterdir())) == 2


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """No traceback."""
    source = tmp_path / "source"
    source.write_text(sha1("x"))
    said = build(source, tmp_path / "nowhere" / "breaches.list")
    assert (said.exit_code, "cannot be written" in said.output) == (2, True)
    source.write_bytes(b"\xff\n")
    assert "not UTF-8" in build("--plain", source, tmp_path / "list").output
