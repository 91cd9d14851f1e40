"""Short codes: uniform, and forgiving of how people type them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightlatch.primitives.codes import MalformedCode, new_code, normalise_code
from nightlatch.primitives.secret import Secret


def test_codes_have_their_digits_and_keep_leading_zeros() -> None:
    """Every digit at every place turns up, zero in front too."""
    codes = [new_code(8).reveal() for _ in range(2000)]
    assert all(len(code) == 8 and code.isascii() and code.isdigit() for code in codes)
    assert all({code[at] for code in codes} == set("0123456789") for at in range(8))


@given(st.text("0123456789", min_size=6, max_size=8), st.sampled_from([" ", "-", "\u2013", "\u00a0", "\t"]))
def test_spaces_and_dashes_fall_away(digits: str, between: str) -> None:
    """As a mail groups them, or as a phone pastes them."""
    assert normalise_code(Secret(f" {digits[:3]}{between}{digits[3:]}\n")).reveal() == digits


def test_digits_of_any_script_count() -> None:
    """Arabic-Indic, Devanagari and full-width digits are digits."""
    assert normalise_code(Secret("١٢٣४५६７８")).reveal() == "12345678"


@pytest.mark.parametrize("typed", ["", " - ", "1234567a", "12.34", "½", "1e5", "²34", "1" * 41, "\x001234", "+123456"])
def test_anything_else_is_no_code(typed: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(MalformedCode):
        normalise_code(Secret(typed))


def test_naughty_strings_are_codes_or_refused(vectors: Path) -> None:
    """Nothing else comes of them."""
    for text in json.loads((vectors / "naughty-strings" / "blns.json").read_text("utf-8")):
        try:
            code = normalise_code(Secret(text)).reveal()
        except MalformedCode:
            continue
        assert code.isascii()
        assert code.isdigit()
