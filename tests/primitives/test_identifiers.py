"""Identifiers: one account for one name, and mail to its owner alone."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightlatch.errors import InvalidInput
from nightlatch.primitives.identifiers import RESERVED_USERNAMES, normalise_email, normalise_username


def read(path: Path) -> Any:
    """Read a file of vectors."""
    return json.loads(path.read_text("utf-8"))


def username_key(text: str) -> str | None:
    """Return the key of a user name, or None where it is refused."""
    try:
        return normalise_username(text, reserved=False).key
    except InvalidInput:
        return None


# --- e-mail ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "value", "key"),
    [
        ("Mia@Example.ORG", "Mia@example.org", "mia@example.org"),
        (" mia@example.org ", "mia@example.org", "mia@example.org"),
        ("mia+books@example.org", "mia+books@example.org", "mia+books@example.org"),
        ("mia@b\u00fccher.example", "mia@xn--bcher-kva.example", "mia@xn--bcher-kva.example"),
        ("mia@B\u00dcCHER.example", "mia@xn--bcher-kva.example", "mia@xn--bcher-kva.example"),
        ("ren\u00e9@example.org", "ren\u00e9@example.org", "ren\u00e9@example.org"),
        ("rene\u0301@example.org", "ren\u00e9@example.org", "ren\u00e9@example.org"),
    ],
)
def test_an_address_is_kept_as_written_and_found_by_its_key(typed: str, value: str, key: str) -> None:
    """Case and composition do not make another person; a tag does."""
    read_ = normalise_email(typed)
    assert (read_.value, read_.key) == (value, key)


@pytest.mark.parametrize(
    "look_alike", ["m\u0131a@example.org", "mi\u0430@example.org", "mia@ex\u0430mple.org", "\uff4dia@example.org"]
)
def test_a_look_alike_is_another_mailbox(look_alike: str) -> None:
    """Dotless i, Cyrillic a, full width: never the key of somebody else's account (CVE-2019-19844)."""
    try:
        assert normalise_email(look_alike).key != "mia@example.org"
    except InvalidInput:
        return


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "mia",
        "@example.org",
        "mia@",
        "mia@@example.org",
        "mia@example.org\r\nBcc: all@example.org",
        "mia\n@example.org",
        "mia@example.org\x00",
        "mia@exam ple.org",
        "mia\u202e@example.org",
        "<mia@example.org>",
        "Mia <mia@example.org>",
        "mia@example.org, leo@example.org",
        "mia@[127.0.0.1]",
        "mia@localhost",
        "a" * 65 + "@example.org",
        "mia@" + "a" * 64 + ".org",
        "mia@" + "a." * 130 + "org",
    ],
)
def test_what_is_no_address_is_refused_in_words(typed: str) -> None:
    """Nothing that ends a header line, holds two addresses, or is too long."""
    with pytest.raises(InvalidInput) as refused:
        normalise_email(typed)
    assert "e-mail address" in refused.value.fields["email"]


def test_a_megabyte_of_marks_costs_nothing() -> None:
    """Length is looked at before any Unicode (ASVS 1.3.12); the bound is generous, the work is microseconds."""
    for zalgo in ("a" + "\u0301" * 1_000_000 + "@example.org", "\ufdfa" * 1_000_000):
        began = time.thread_time()
        with pytest.raises(InvalidInput):
            normalise_email(zalgo)
        with pytest.raises(InvalidInput):
            normalise_username(zalgo)
        assert time.thread_time() - began < 1, "it looked at all of it"


@given(st.text(max_size=60), st.sampled_from(["", "@example.org", "@b\u00fccher.example"]))
def test_normalising_an_address_twice_changes_nothing(local: str, domain: str) -> None:
    """Or refuses it: nothing else comes of any text."""
    try:
        once = normalise_email(local + domain)
    except InvalidInput:
        return
    assert normalise_email(once.value) == once
    assert normalise_email(once.key).key == once.key


def test_naughty_strings_are_addresses_and_names_or_refused(vectors: Path) -> None:
    """No other exception, and no control character comes through."""
    for text in read(vectors / "naughty-strings" / "blns.json"):
        for normalise, typed in (
            (normalise_email, text),
            (normalise_email, f"{text}@example.org"),
            (normalise_username, text),
        ):
            try:
                found = normalise(typed)
            except InvalidInput:
                continue
            assert found.value.isprintable(), repr(found)


# --- user names -----------------------------------------------------------------------------------------------------


def test_user_names_are_mapped_as_precis_says(vectors: Path) -> None:
    """Every case of UsernameCaseMapped (RFC 8265 3.3), within our length and without @ and spaces."""
    rows = [
        row
        for row in read(vectors / "unicode" / "precis-rfc8265-golden.json")
        if row["profile"] == "UsernameCaseMapped"
    ]
    accepted = refused = 0
    for row in rows:
        if "unicode_version" in row:
            continue  # the answer depends on the Unicode of this Python
        key = username_key(row["input"])
        output = row["output"]
        if output is None:
            assert key is None, row
            refused += 1
        elif 2 <= len(row["input"]) <= 64 and 2 <= len(output) <= 64 and "@" not in output:
            assert key == output, row
            accepted += 1
    assert accepted > 30
    assert refused > 100


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "m",
        "e\u0301",
        "m" * 65,
        "mia leo",
        "mia@example",
        "mia\uff20example",
        "mia\u200bleo",
        "mia\n",
        "\ud83d\ude00\u200d",
    ],
)
def test_what_is_no_user_name_is_refused(typed: str) -> None:
    """Too short or long (also once composed), spaces, any @, invisible characters."""
    assert username_key(typed) is None


def test_a_user_name_never_reads_as_an_address() -> None:
    """So that signing in by either is never ambiguous."""
    for typed in ("mia@example.org", "mia\ufe6bexample.org"):
        assert username_key(typed) is None


def test_names_that_speak_for_the_service_are_kept_with_all_that_looks_like_them(vectors: Path) -> None:
    """Each reserved name, each letter of it, each look-alike that Unicode lists for that letter."""
    look_alikes: dict[str, list[str]] = read(vectors / "unicode" / "ascii-confusables.json")
    let_through = []
    tried = 0
    for name in RESERVED_USERNAMES:
        for at, letter in enumerate(name):
            for other in look_alikes.get(letter, []):
                typed = name[:at] + other + name[at + 1 :]
                tried += 1
                try:
                    let_through.append((typed, normalise_username(typed)))
                except InvalidInput:
                    continue
    assert tried > 5000
    assert not let_through


@pytest.mark.parametrize(
    "typed", ["admin", "ADMIN", "Ad-min", "adm1n", "r00t", "adrnin", "\uff41dmin", "supp0rt", "a.d.m.i.n", "vvvvvv"]
)
def test_the_usual_disguises_are_refused(typed: str) -> None:
    """Case, separators, digits for letters, two letters for one, full width."""
    with pytest.raises(InvalidInput) as refused:
        normalise_username(typed)
    assert "kept for the service" in refused.value.fields["username"]


@pytest.mark.parametrize(
    "typed", ["mia", "administratrix", "leo_42", "ren\u00e9", "\u043c\u0430\u0448\u0430", "supporter", "o'brien"]
)
def test_people_keep_their_names(typed: str) -> None:
    """Reserved is the whole name; a name of another script is as good as any."""
    assert normalise_username(typed).value == typed
