"""Keys: one for each purpose, and no ciphertext moves."""

from __future__ import annotations

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightlatch.errors import ConfigurationError
from nightlatch.primitives.keyring import Keyring, SealBroken
from nightlatch.primitives.secret import Secret

OLD, NEW = (Secret(secrets.token_urlsafe(48)) for _ in range(2))
KEYRING = Keyring([OLD])
PLACE = {"table": "outbox", "column": "sealed_body", "row_id": "7"}


@given(st.binary(max_size=200))
def test_what_is_sealed_opens_at_its_place(plaintext: bytes) -> None:
    """And never reads the same twice."""
    sealed = KEYRING.seal("outbox", plaintext, **PLACE)
    assert KEYRING.unseal("outbox", sealed, **PLACE) == plaintext
    assert sealed != KEYRING.seal("outbox", plaintext, **PLACE)


@pytest.mark.parametrize("moved", [{"table": "session"}, {"column": "secret"}, {"row_id": "8"}, {"purpose": "totp"}])
def test_a_ciphertext_that_was_moved_does_not_open(moved: dict[str, str]) -> None:
    """Not in another row, column, table, or under another purpose (ASVS 11.3.3)."""
    sealed = KEYRING.seal("outbox", b"the code is 12345678", **PLACE)
    there = {"purpose": "outbox", **PLACE, **moved}
    with pytest.raises(SealBroken):
        KEYRING.unseal(there.pop("purpose"), sealed, **there)


def test_neighbouring_places_do_not_run_into_one_another() -> None:
    """Table "ab", column "c" is not table "a", column "bc"."""
    sealed = KEYRING.seal("p", b"x", table="ab", column="c", row_id="1")
    with pytest.raises(SealBroken):
        KEYRING.unseal("p", sealed, table="a", column="bc", row_id="1")


@given(st.integers(min_value=0), st.integers(min_value=1, max_value=255))
def test_a_changed_byte_is_noticed(where: int, change: int) -> None:
    """Anywhere: key id, nonce, ciphertext, tag."""
    sealed = bytearray(KEYRING.seal("outbox", b"the code is 12345678", **PLACE))
    sealed[where % len(sealed)] ^= change
    with pytest.raises(SealBroken):
        KEYRING.unseal("outbox", bytes(sealed), **PLACE)


@given(st.binary(max_size=60))
def test_no_bytes_make_opening_fail_otherwise(sealed: bytes) -> None:
    """A damaged column is a broken seal and no other error."""
    with pytest.raises(SealBroken):
        KEYRING.unseal("outbox", sealed, **PLACE)


def test_an_older_key_opens_and_verifies_what_it_made_until_it_is_taken_away() -> None:
    """Rotation online (ASVS 11.2.2): new first, old behind; then old gone."""
    sealed, mac = KEYRING.seal("outbox", b"x", **PLACE), KEYRING.mac("code", "12345678")
    rotated = Keyring([NEW, OLD])
    assert rotated.unseal("outbox", sealed, **PLACE) == b"x"
    rotated.verify_mac("code", mac, "12345678")
    assert rotated.macs("code", "12345678") == [rotated.mac("code", "12345678"), mac]
    assert rotated.seal("outbox", b"x", **PLACE)[:4] != sealed[:4]
    with pytest.raises(SealBroken):
        Keyring([NEW]).unseal("outbox", sealed, **PLACE)
    with pytest.raises(SealBroken):
        Keyring([NEW]).verify_mac("code", mac, "12345678")


@given(st.lists(st.text(max_size=6), max_size=4), st.lists(st.text(max_size=6), max_size=4))
def test_macs_are_equal_for_equal_lists_of_texts_alone(one: list[str], other: list[str]) -> None:
    """No two lists of texts run into the same bytes, and each purpose has its own key."""
    assert (KEYRING.mac("p", *one) == KEYRING.mac("p", *other)) == (one == other)
    assert KEYRING.mac("p", *one) != KEYRING.mac("q", *one)


@pytest.mark.parametrize(
    "weak",
    [
        "",
        "short",
        "x" * 64,
        "changeme-changeme-changeme-changeme-1!",
        "abcdefgh12345678" * 2,
        "ab" * 40,
        "0f1e2d3c4b5a69788796a5b4c3d2e1f0",  # 128 bits, as hex
        "CHANGE_ME before production, please do it",
        "-----------------------0123456789------",
    ],
)
def test_a_weak_key_is_refused_and_not_repeated(weak: str) -> None:
    """The message says what to do and does not show the key (ASVS 13.3.1)."""
    with pytest.raises(ConfigurationError) as refused:
        Keyring([Secret(weak)])
    assert "token_urlsafe" in refused.value.reason
    assert not weak or weak not in refused.value.reason


def test_good_keys_are_taken_in_the_forms_people_have() -> None:
    """base64url, hex, or plain random text."""
    for good in (secrets.token_urlsafe(32), secrets.token_hex(32), "a secret key for tests, long enough to be one"):
        assert repr(Keyring([Secret(good)])) == "Keyring(1 keys)"


def test_no_key_at_all_is_refused() -> None:
    """A keyring without keys protects nothing."""
    with pytest.raises(ConfigurationError):
        Keyring([])
