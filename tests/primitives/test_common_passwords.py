"""Whole passwords that guessing begins with."""

from __future__ import annotations

import random
import string
import time
from pathlib import Path

import pytest

from nightlatch.primitives.common_passwords import is_common


@pytest.mark.parametrize(
    "password",
    [
        "aaaaaaaaaaaaaaaaaaaa",
        "abc123abc123abc123",
        "zebra7zebra7zebra7",  # any short unit, repeated
        "passwordpassword",
        "Password12345678",
        "P@ssw0rdP@ssw0rd!",
        "qwertyuiop12345",
        "1qaz2wsx3edc4rfv",
        "zaq12wsxcde34rfv",
        "q1w2e3r4t5y6u7i8",
        "asdfghjklasdfghjkl",
        "123456789987654321",
        "112233445566778899",
        "abcdefghijklmnop",
        "iloveyou-michael-1987",
        "dragon monkey 2024",
        "Welcome To London!",
        "christopher12031987",
        "tobeornottobe2024",
        "gfhjkmgfhjkm2010",  # a Russian word, typed on a Latin keyboard
        "correct" * 3,
        "",
        "   ",
    ],
)
def test_what_is_short_made_long_is_common(password: str) -> None:
    """Repeated, walked, counted, or two common words and a year."""
    assert is_common(password)


@pytest.mark.parametrize(
    "password",
    [
        "my cat sat on the old red sofa",
        "password and three more unusual words",
        "monkey dragon football sunshine",
        "qwertyuiop is not my whole password",
        "lantern harbour gull",
        "xK3!pq9Z",
        "abcdefgXa",
        "7f3a9c1e5b2d8064",
    ],
)
def test_what_only_contains_something_common_is_not(password: str) -> None:
    """NIST SP 800-63B-4 3.1.1.2: the whole password is compared, not substrings."""
    assert not is_common(password)


@pytest.mark.parametrize(
    ("file", "first", "floor"),
    [
        ("top1M-min15.txt", 3000, 0.17),
        ("top1M-min15.txt", 9747, 0.10),
        ("top10000-min8.txt", 3000, 0.64),
        ("top10000-min8.txt", 10_000, 0.76),
    ],
)
def test_the_measured_reach_is_kept(vectors: Path, file: str, first: int, floor: float) -> None:
    """What is refused of published lists (SecLists, CC-BY-SA, read here and not shipped) is what the README says.

    ASVS 6.2.4 asks for all of the first 3,000: see docs/decisions/0003-common-passwords.md.
    """
    rows = (vectors / "passwords" / file).read_text("utf-8").splitlines()[:first]
    assert len(rows) == first
    assert sum(map(is_common, rows)) / first >= floor


def test_random_passwords_are_not_common() -> None:
    """None of 5,000 of fifteen small letters."""
    rnd = random.Random(63)  # noqa: S311 - the same ones each time
    assert not any(is_common("".join(rnd.choices(string.ascii_lowercase, k=15))) for _ in range(5000))


def test_nothing_that_is_typed_takes_long() -> None:
    """Texts made to be taken apart in very many ways (ASVS 1.3.12); the bound is generous, the work is milliseconds."""
    rnd = random.Random(63)  # noqa: S311
    for letters in ("aeimny", "12", "0123456789", "malis", "ann a", "qwe", "asdfgh"):
        for length in (15, 40, 256):
            password = "".join(rnd.choices(letters, k=length)) + "~"
            began = time.thread_time()
            is_common(password)
            assert time.thread_time() - began < 2, password
