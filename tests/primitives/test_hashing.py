"""Password hashes: published vectors verify, and nothing stored can do harm."""

from __future__ import annotations

import bz2
import json
import unicodedata
from itertools import count
from pathlib import Path
from typing import Any

import bcrypt
import pytest
from argon2 import low_level
from argon2.low_level import ARGON2_VERSION, Type, core, ffi
from hypothesis import given, settings
from hypothesis import strategies as st

from nightlatch.errors import ConfigurationError
from nightlatch.primitives.hashing import (
    PROFILES,
    HashUnusable,
    PasswordMismatch,
    Pepper,
    decoy_hash,
    decoy_like,
    hash_password,
    verify_password,
)
from nightlatch.primitives.secret import Secret

CHEAP = PROFILES["cheap_for_tests"]
STORED = hash_password(Secret("a lantern at the harbour"), CHEAP)
PEPPERS = Secret("0ld pepper that is kept outside the database"), Secret("n3w pepper that is kept outside the database")
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


def matches(password: str, stored: str) -> bool:
    """Tell whether a password verifies; anything but a mismatch is raised."""
    try:
        verify_password(Secret(password), stored, CHEAP)
    except PasswordMismatch:
        return False
    return True


def read(path: Path) -> Any:
    """Read a file of vectors."""
    return json.loads(path.read_text("utf-8"))


# --- published vectors ----------------------------------------------------------------------------------------------


def test_the_argon2_in_use_is_the_one_of_the_rfc(vectors: Path) -> None:
    """RFC 9106 5.3, with secret and associated data."""
    row = read(vectors / "hashes" / "rfc9106-argon2id.json")
    given_ = {name: bytes.fromhex(row[f"{name}_hex"]) for name in ("password", "salt", "secret", "ad")}
    buffers = {name: ffi.new("uint8_t[]", raw) for name, raw in given_.items()}
    out = ffi.new("uint8_t[]", row["taglen"])
    context = ffi.new(
        "argon2_context *",
        {
            "out": out,
            "outlen": row["taglen"],
            "pwd": buffers["password"],
            "pwdlen": len(given_["password"]),
            "salt": buffers["salt"],
            "saltlen": len(given_["salt"]),
            "secret": buffers["secret"],
            "secretlen": len(given_["secret"]),
            "ad": buffers["ad"],
            "adlen": len(given_["ad"]),
            "t_cost": row["t"],
            "m_cost": row["m_kib"],
            "lanes": row["p"],
            "threads": row["p"],
            "version": row["version"],
            "allocate_cbk": ffi.NULL,
            "free_cbk": ffi.NULL,
            "flags": low_level.lib.ARGON2_DEFAULT_FLAGS,  # type: ignore[attr-defined],
        },
    )
    assert row["version"] == ARGON2_VERSION
    assert core(context, Type.ID.value) == 0
    assert bytes(ffi.buffer(out)).hex() == row["tag_hex"]


def test_nfc_is_what_the_conformance_test_says_it_is(vectors: Path) -> None:
    """Set in one form, typed in another: the same password, for every character this Python knows."""
    lines = (
        bz2.decompress((vectors / "unicode" / "NormalizationTest-15.0.0.txt.bz2").read_bytes()).decode().splitlines()
    )
    rows = [line.split("#")[0].split(";")[:3] for line in lines if line[:1] not in {"#", "@", ""}]
    seen = 0
    for row in rows:
        source, nfc, nfd = ("".join(chr(int(point, 16)) for point in each.split()) for each in row)
        if any(unicodedata.category(each) == "Cn" for each in source + nfc + nfd):
            continue  # newer than this Python's Unicode
        seen += 1
        assert unicodedata.normalize("NFC", source) == unicodedata.normalize("NFC", nfd) == nfc
    assert seen > 18_000


# --- our own --------------------------------------------------------------------------------------------------------


@given(texts, texts)
@settings(max_examples=60)
def test_a_password_is_verified_whole(password: str, other: str) -> None:
    """Equal in NFC, or it does not match: no trimming, no folding, no cut."""
    stored = hash_password(Secret(password), CHEAP)
    assert matches(password, stored)
    assert matches(unicodedata.normalize("NFD", password), stored)
    assert matches(other, stored) == (unicodedata.normalize("NFC", other) == unicodedata.normalize("NFC", password))


@pytest.mark.parametrize("typed", ["x" * 99, "x" * 72, "X" * 100, "x" * 100 + " ", " " + "x" * 100, "x" * 100 + "\x00"])
def test_a_hundred_characters_count_all(typed: str) -> None:
    """ASVS 6.2.8: cut, case flipped, a space, a NUL: all refused."""
    assert not matches(typed, hash_password(Secret("x" * 100), CHEAP))


def test_what_compatibility_would_fold_stays_apart() -> None:
    """NFC, not NFKC: the ligature is not two letters, full width is not half."""
    stored = hash_password(Secret("\ufb01nd the way home"), CHEAP)
    assert matches("\ufb01nd the way home", stored)
    assert not matches("find the way home", stored)


def test_an_imported_hash_of_unnormalised_text_still_matches_its_text() -> None:
    """And asks to be replaced; its normal form does not match it."""
    decomposed = "A\u030a lantern at the harbour"
    imported = bcrypt.hashpw(decomposed.encode(), bcrypt.gensalt(4)).decode()
    assert verify_password(Secret(decomposed), imported, CHEAP).needs_rehash
    assert not matches(unicodedata.normalize("NFC", decomposed), imported)


def test_every_hash_has_a_salt_and_its_costs() -> None:
    """128 bits of salt; the profile's parameters, in the PHC string."""
    made = [hash_password(Secret("x"), CHEAP) for _ in range(2)]
    assert made[0] != made[1]
    assert all(each.startswith("$argon2id$v=19$m=8,t=1,p=1$") for each in made)
    assert len(made[0].split("$")[4]) == 22
    assert (PROFILES["owasp_minimum"].memory_kib, PROFILES["owasp_minimum"].time_cost) == (19456, 2)
    assert (PROFILES["rfc9106_low_memory"].memory_kib, PROFILES["rfc9106_low_memory"].time_cost) == (65536, 3)


def test_another_profile_asks_for_a_rehash() -> None:
    """Costs can rise with the next sign-in."""
    dearer = type(CHEAP)("a little dearer", 16, 2, 1)
    assert verify_password(Secret("a lantern at the harbour"), STORED, dearer).needs_rehash
    assert not verify_password(Secret("a lantern at the harbour"), STORED, CHEAP).needs_rehash


SALT, DIGEST = STORED.split("$")[4:]


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "$",
        "plain text",
        STORED[:-1] + "!",
        STORED + "\x00more",
        STORED + "\n",
        f"$argon2id$v=19$m=8,t=4000000000,p=1${SALT}${DIGEST}",
        f"$argon2id$v=19$m=8,t=999999999,p=1${SALT}${DIGEST}",
        f"$argon2id$v=19$m=999999999,t=1,p=1${SALT}${DIGEST}",
        f"$argon2id$v=19$m=1048576,t=900,p=1${SALT}${DIGEST}",
        f"$argon2id$v=19$m=8,t=1,p=99999${SALT}${DIGEST}",
        f"$argon2id$v=19$m=0,t=0,p=0${SALT}${DIGEST}",
        f"$argon2id$v=99$m=8,t=1,p=1${SALT}${DIGEST}",
        f"$argon2id$v=19$m=8,t=1${SALT}${DIGEST}",
        "$argon2id$v=19$m=8,t=1,p=1$a$b",
        "$2b$31$" + "a" * 53,
        "$2b$12$" + "é" * 53,
        "$2b$99$" + "a" * 53,
        "$nlp$00000000" + STORED,
        "$nlp$zz" + STORED,
    ],
    ids=count(),
)
def test_a_damaged_or_absurd_hash_is_a_mismatch_at_once(stored: str) -> None:
    """Nothing that a row holds can hold a slot for hours, or raise anything else (ASVS 15.2.2)."""
    with pytest.raises(HashUnusable):
        verify_password(Secret("a lantern at the harbour"), stored, CHEAP)


@given(st.one_of(st.text(max_size=120), st.integers(min_value=0, max_value=len(STORED) - 1).map(lambda n: STORED[:n])))
def test_no_text_makes_verifying_fail_otherwise(stored: str) -> None:
    """Whatever a column holds."""
    assert not matches("a lantern at the harbour", stored)


# --- pepper ---------------------------------------------------------------------------------------------------------


def test_a_copy_of_the_database_alone_verifies_nothing() -> None:
    """Without the pepper's key the right password does not match; with it, it does."""
    pepper = Pepper([PEPPERS[0]])
    stored = hash_password(Secret("a lantern"), CHEAP, pepper)
    assert stored.startswith(f"$nlp${pepper.current}$argon2id$")
    assert not verify_password(Secret("a lantern"), stored, CHEAP, pepper).needs_rehash
    for without in (None, Pepper([PEPPERS[1]])):
        with pytest.raises(PasswordMismatch):
            verify_password(Secret("a lantern"), stored, CHEAP, without)
    with pytest.raises(PasswordMismatch):
        verify_password(Secret("a lantern"), stored.removeprefix(f"$nlp${pepper.current}"), CHEAP, pepper)


def test_a_pepper_is_rotated_and_introduced_by_signing_in() -> None:
    """Hashes under an older key, and under none, verify and ask to be made anew."""
    old, both = Pepper([PEPPERS[0]]), Pepper([PEPPERS[1], PEPPERS[0]])
    stored = hash_password(Secret("a lantern"), CHEAP, old)
    assert verify_password(Secret("a lantern"), stored, CHEAP, both).needs_rehash
    assert verify_password(Secret("a lantern at the harbour"), STORED, CHEAP, both).needs_rehash
    anew = hash_password(Secret("a lantern"), CHEAP, both)
    assert not verify_password(Secret("a lantern"), anew, CHEAP, both).needs_rehash


def test_a_pepper_shows_nothing_and_must_be_long() -> None:
    """Its repr tells how many keys; a short one is refused."""
    assert repr(Pepper(PEPPERS)) == "Pepper(2 keys)"
    for weak in ([], [Secret("short")]):
        with pytest.raises(ConfigurationError):
            Pepper(weak)


# --- decoys ---------------------------------------------------------------------------------------------------------


def test_a_decoy_looks_like_a_hash_and_nothing_matches_it() -> None:
    """The form and the costs of a real one, a mismatch after the work of a real one."""
    for name in ("cheap_for_tests", "owasp_minimum"):
        decoy, real = decoy_hash(PROFILES[name]), hash_password(Secret("x"), PROFILES[name])
        assert [len(part) for part in decoy.split("$")] == [len(part) for part in real.split("$")]
        assert decoy.split("$")[:4] == real.split("$")[:4]
    with pytest.raises(PasswordMismatch) as refused:
        verify_password(Secret("x"), decoy_hash(CHEAP), CHEAP)
    assert refused.type is PasswordMismatch, "it was computed, not found unusable"


@pytest.mark.parametrize(
    "stored",
    [
        STORED,
        "argon2" + STORED,
        hash_password(Secret("x"), CHEAP, Pepper(PEPPERS)),
        bcrypt.hashpw(b"x", bcrypt.gensalt(4)).decode(),
        "bcrypt$" + bcrypt.hashpw(b"x", bcrypt.gensalt(5)).decode(),
    ],
    ids=count(),
)
def test_decoys_follow_the_schemes_of_the_store(stored: str) -> None:
    """A decoy like a stored hash costs what that one costs, and shares nothing else with it."""
    decoy = decoy_like(stored)
    with pytest.raises(PasswordMismatch) as refused:
        verify_password(Secret("x"), decoy, CHEAP)
    assert refused.type is PasswordMismatch
    assert stored[-20:] not in decoy
    with pytest.raises(HashUnusable):
        decoy_like("md4$salt$hash")
