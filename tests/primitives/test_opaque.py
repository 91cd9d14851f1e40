"""Opaque tokens: exactly what was issued, of exactly one kind, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightlatch.primitives.opaque import (
    Kind,
    MalformedToken,
    OpaqueToken,
    issue,
    parse,
    secret_hash,
    verify,
    with_new_secret,
)

TOKEN = OpaqueToken(Kind.SESSION, "0123456789ABCDEFGHIJKL", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ")
kinds = st.sampled_from(list(Kind))


@given(kinds)
def test_an_issued_token_is_read_back_whole(kind: Kind) -> None:
    """Issue, send, parse, verify."""
    token = issue(kind)
    assert parse(kind, token.text()) == token
    assert token.text().startswith(f"nl{kind.value}_")
    verify(parse(kind, token.text()), secret_hash(token))


def test_the_kinds_read_as_the_plan_says() -> None:
    """Secret scanners and people tell them at a glance."""
    assert {f"nl{kind.value}" for kind in Kind} == {"nls", "nlr", "nla", "nlk", "nld", "nll", "nlf"}


@given(st.integers(min_value=0), st.characters(min_codepoint=1, max_codepoint=0x2FFF))
def test_any_flipped_character_is_refused(where: int, other: str) -> None:
    """One character changed anywhere, into anything."""
    text = TOKEN.text()
    at = where % len(text)
    if text[at] != other:
        with pytest.raises(MalformedToken):
            parse(Kind.SESSION, text[:at] + other + text[at + 1 :])


@given(st.integers(min_value=0, max_value=len(TOKEN.text()) - 1))
def test_any_cut_is_refused(length: int) -> None:
    """Cut at either end, at any length."""
    text = TOKEN.text()
    for cut in (text[:length], text[len(text) - length :]):
        with pytest.raises(MalformedToken):
            parse(Kind.SESSION, cut)


@given(st.text(min_size=1, max_size=50))
def test_any_extension_is_refused(more: str) -> None:
    """More text before or behind, a line end too."""
    for longer in (TOKEN.text() + more, more + TOKEN.text(), TOKEN.text() + "\n"):
        with pytest.raises(MalformedToken):
            parse(Kind.SESSION, longer)


@given(st.text(max_size=200))
def test_no_text_makes_parsing_fail_otherwise(text: str) -> None:
    """Whatever a cookie holds, the answer is the one exception."""
    with pytest.raises(MalformedToken):
        parse(Kind.SESSION, text)


@given(kinds, kinds)
def test_a_token_of_one_kind_is_never_good_for_another(one: Kind, other: Kind) -> None:
    """Neither by its text nor by its hash, though selector and secret are the same."""
    if one is other:
        return
    token = OpaqueToken(one, TOKEN.selector, TOKEN.secret)
    twin = OpaqueToken(other, TOKEN.selector, TOKEN.secret)
    with pytest.raises(MalformedToken):
        parse(other, token.text())
    with pytest.raises(MalformedToken):
        verify(twin, secret_hash(token))


def test_a_new_secret_keeps_the_row_and_ends_the_old_one() -> None:
    """Rotation: the same selector, and the old secret is worth nothing."""
    token = issue(Kind.ATTEMPT)
    rotated = with_new_secret(token)
    assert (rotated.kind, rotated.selector) == (token.kind, token.selector)
    with pytest.raises(MalformedToken):
        verify(token, secret_hash(rotated))


def test_tokens_show_nothing_of_their_secret() -> None:
    """Not in repr, not in the words of a refusal."""
    assert TOKEN.secret not in repr(TOKEN)
    assert TOKEN.secret not in f"{TOKEN}"
    with pytest.raises(MalformedToken) as refused:
        parse(Kind.SESSION, TOKEN.text()[:-1])
    assert TOKEN.secret not in str(refused.value)


def test_no_two_tokens_share_anything() -> None:
    """A thousand tokens: as many selectors, as many secrets."""
    tokens = [issue(Kind.SESSION) for _ in range(1000)]
    assert len({each.selector for each in tokens} | {each.secret for each in tokens}) == 2000
