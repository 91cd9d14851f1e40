"""What a new password must be, and what nobody may ask of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nightlatch.errors import PasswordRejected
from nightlatch.primitives.passwords import PasswordPolicy, validate_new_password
from nightlatch.primitives.secret import Secret

ABOUT_YOU = ["mia.schneider@example.org", "mia_s", "Mia Schneider"]
ABOUT_SERVICE = ["Harbour Books"]


def rule(password: str, *, min_length: int = 15, max_length: int = 256) -> str | None:
    """Return the rule that refuses a password, or None where it is accepted."""
    policy = PasswordPolicy(min_length=min_length, max_length=max_length)
    try:
        validate_new_password(Secret(password), policy=policy, about_you=ABOUT_YOU, about_service=ABOUT_SERVICE)
    except PasswordRejected as refused:
        return refused.rule
    return None


def test_a_refusal_says_why_and_what_to_do_and_not_the_password() -> None:
    """NIST SP 800-63B-4 3.1.1.2: in words for a person."""
    for password in ("zrk7", "zrk7" * 80, "zrk7zrk7zrk7zrk7zrk7", "mia.schneider@example.org", "harbour books " * 2):
        with pytest.raises(PasswordRejected) as refused:
            validate_new_password(
                Secret(password), policy=PasswordPolicy(), about_you=ABOUT_YOU, about_service=ABOUT_SERVICE
            )
        assert refused.value.fields == {"new_password": refused.value.message}
        assert "lease" in refused.value.message or "best" in refused.value.message
        assert password not in f"{refused.value!r} {refused.value.message} {refused.value.reason}"


@pytest.mark.parametrize(
    "accepted",
    [
        "my cat sat on the old red sofa",
        "lantern harbour gull",
        "wxmqzrtplkvbnhg",  # lower case alone is enough
        "the password is kept in a drawer",  # contains a common word
        "harbour books sells me novels",  # contains the service
        "schneiderlein 7 auf einen streich",  # contains the name
        "дождь идёт весь вечер",
        "".join(chr(0x1F400 + 5 * n) for n in range(15)),
        "  spaces at both ends count  ",
    ],
)
def test_length_is_all_that_is_asked(accepted: str) -> None:
    """No composition rules, any Unicode, and whole passwords compared, not parts."""
    assert rule(accepted) is None


def test_the_floor_counts_code_points_after_nfc() -> None:
    """Fifteen emoji pass, fourteen do not; a letter and its combining mark are one."""
    emoji = [chr(0x1F600 + 3 * n) for n in range(15)]
    assert rule("".join(emoji)) is None
    assert rule("".join(emoji[:14])) == "too_short"
    decomposed = "".join(f"{letter}\u0301" for letter in "aeiouycnslrzgkm")
    assert rule(decomposed) is None
    assert rule(decomposed[:-2]) == "too_short"


def test_the_cap_is_told_and_never_cuts() -> None:
    """64, 128 and 256 are accepted, one more is refused, a megabyte at once."""
    lines = "".join(chr(0x4E00 + 7 * n) for n in range(300))
    for length in (64, 128, 256):
        assert rule(lines[:length]) is None
    assert rule(lines[:257]) == "too_long"
    assert rule("a\u0301" * 500_000) == "too_long"
    assert rule("\U0001f600\U0001f511" * 1500, max_length=5000) == "too_long"


def test_eight_are_enough_where_a_second_factor_is_forced() -> None:
    """And eight are not common for being eight."""
    assert rule("xK3!pq9Z", min_length=8) is None
    assert rule("xK3!pq9", min_length=8) == "too_short"
    assert rule("password", min_length=8) == "common"


@pytest.mark.parametrize(
    "about",
    [
        "mia.schneider@example.org",
        "MIA.SCHNEIDER@EXAMPLE.ORG",
        "mia.schneidermia.schneider",
        "Mia Schneider Mia Schneider",
        "mia schneidermia",
        "mia_smia_smia_smia_s",
        "MiaSchneiderMiaSchneider",
    ],
)
def test_your_own_names_are_refused_repeated_too(about: str) -> None:
    """ASVS 6.2.11: address, its local part, user name, name."""
    assert rule(about) == "about_you"


@pytest.mark.parametrize("about", ["harbour books harbour books", "HarbourBooksHarbourBooks", "harbour booksharbour"])
def test_the_services_name_is_refused_repeated_too(about: str) -> None:
    """ASVS 6.1.2."""
    assert rule(about) == "about_service"


@pytest.mark.parametrize(
    "text", ["a lantern\x00 at the harbour", "a lantern\x1b[31m at the harbour", "a lantern \ud800 at harbour"]
)
def test_what_cannot_be_typed_is_refused(text: str) -> None:
    """Control characters and halves of characters would lock their owner out."""
    assert rule(text) == "not_text"


def test_every_printable_ascii_character_is_welcome() -> None:
    """Space included."""
    for code in range(0x20, 0x7F):
        assert rule(f"wanderlicht{chr(code)}morgen zeit") is None, chr(code)


def test_spaces_alone_are_common() -> None:
    """However many."""
    assert rule(" " * 20) == "common"
    assert rule("\u2003" * 20) == "common"


def test_naughty_strings_are_accepted_or_refused(vectors: Path) -> None:
    """Nothing else comes of them."""
    for text in json.loads((vectors / "naughty-strings" / "blns.json").read_text("utf-8")):
        rule(text)
        rule(text * 3)
