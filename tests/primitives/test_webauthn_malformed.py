"""Whatever is sent in place of a credential: it is refused, and nothing else ever happens."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightlatch.primitives.webauthn import (
    CeremonyRefused,
    RelyingParty,
    claimed_credential,
    verify_assertion,
    verify_registration,
)
from nightlatch.primitives.webauthn_options import creation_options, request_options
from nightlatch.testing import Passkey

PARTY = RelyingParty(id="localhost", name="Shop", origins=frozenset({"http://localhost:8000"}))
CHALLENGE = bytes(32)
LIFE = timedelta(minutes=5)
PASSKEY = Passkey()
REGISTRATION = PASSKEY.register(
    creation_options(PARTY, challenge=CHALLENGE, user_handle=b"u" * 64, user_name="mia", display_name="Mia", life=LIFE)
)
MADE = verify_registration(PARTY, CHALLENGE, REGISTRATION)
ASSERTION = PASSKEY.sign(request_options(PARTY, challenge=CHALLENGE, life=LIFE))

PARTS = [
    ("registration", "clientDataJSON"),
    ("registration", "attestationObject"),
    ("assertion", "clientDataJSON"),
    ("assertion", "authenticatorData"),
    ("assertion", "signature"),
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def assert_(credential: object) -> object:
    """Verify an assertion by the key that is known."""
    return verify_assertion(PARTY, CHALLENGE, credential, public_key=MADE.public_key, backup_eligible=True)


def register(credential: object) -> object:
    """Verify a registration."""
    return verify_registration(PARTY, CHALLENGE, credential)


def replaced(ceremony: str, part: str, value: object) -> tuple[Callable[[object], object], dict[str, Any]]:
    """Return what verifies a ceremony, and its credential with one part replaced."""
    credential = deepcopy(REGISTRATION if ceremony == "registration" else ASSERTION)
    credential["response"][part] = value
    return (register if ceremony == "registration" else assert_), credential


def text(value: bytes) -> str:
    """Return base64url."""
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def original(ceremony: str, part: str) -> bytes:
    """Return the bytes of a part as it holds."""
    written: str = (REGISTRATION if ceremony == "registration" else ASSERTION)["response"][part]
    return urlsafe_b64decode(written + "=" * (-len(written) % 4))


@given(JSON)
def test_any_json_in_its_place(anything: object) -> None:
    """Numbers, lists, deep objects, surrogates."""
    for verify in (register, assert_, claimed_credential):
        with pytest.raises(CeremonyRefused):
            verify(anything)


@given(st.sampled_from(PARTS), JSON)
def test_any_json_in_place_of_a_part(where: tuple[str, str], anything: object) -> None:
    """A part that is no text, or a text that is no base64url."""
    verify, credential = replaced(*where, anything)
    with pytest.raises(CeremonyRefused):
        verify(credential)


@given(st.sampled_from(PARTS), st.binary(max_size=300))
def test_any_bytes_in_place_of_a_part(where: tuple[str, str], anything: bytes) -> None:
    """CBOR, JSON and signatures that are none."""
    verify, credential = replaced(*where, text(anything))
    with pytest.raises(CeremonyRefused):
        verify(credential)


@given(st.sampled_from(PARTS[2:]), st.data())
def test_one_bit_of_an_assertion(where: tuple[str, str], data: st.DataObject) -> None:
    """Every bit is signed, or is the signature."""
    whole = bytearray(original(*where))
    bit = data.draw(st.integers(0, len(whole) * 8 - 1))
    whole[bit // 8] ^= 1 << bit % 8
    verify, credential = replaced(*where, text(bytes(whole)))
    with pytest.raises(CeremonyRefused):
        verify(credential)


@given(st.data())
def test_one_bit_of_a_registration(data: st.DataObject) -> None:
    """Nothing is signed without attestation, so a few bits may change; the rest is refused and nothing else."""
    whole = bytearray(original("registration", "attestationObject"))
    bit = data.draw(st.integers(0, len(whole) * 8 - 1))
    whole[bit // 8] ^= 1 << bit % 8
    verify, credential = replaced("registration", "attestationObject", text(bytes(whole)))
    with suppress(CeremonyRefused):
        verify(credential)


@pytest.mark.parametrize(
    "bomb", [b"\x81" * 40_000, b"\xbb" + b"\xff" * 8, b"\x9b" + b"\xff" * 8, b"\x5b" + b"\xff" * 8, b"\xa1\x80\x00"]
)
def test_cbor_that_goes_too_deep_or_claims_too_much(bomb: bytes) -> None:
    """Nested beyond the stack, or of a length that no memory has."""
    verify, credential = replaced("registration", "attestationObject", text(bomb))
    with pytest.raises(CeremonyRefused):
        verify(credential)


def test_json_that_goes_too_deep() -> None:
    """The client data, nested beyond the stack."""
    verify, credential = replaced("assertion", "clientDataJSON", text(b"[" * 40_000))
    with pytest.raises(CeremonyRefused):
        verify(credential)
