"""Passkeys: the standard's own vectors hold, everything that is a little off is refused."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fido2 import cbor

from nightlatch.primitives.webauthn import (
    CeremonyRefused,
    Registered,
    RelyingParty,
    claimed_credential,
    verify_assertion,
    verify_registration,
)
from nightlatch.primitives.webauthn_options import Known, creation_options, request_options
from nightlatch.testing import Passkey

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "webauthn-l3.json").read_text())["vectors"]
PARTY = RelyingParty(id="localhost", name="Shop", origins=frozenset({"http://localhost:8000"}))
CHALLENGE = bytes(range(32))
LIFE = timedelta(minutes=5)


def read(text: str) -> bytes:
    """Return the bytes of base64url."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def write(value: bytes) -> str:
    """Return base64url of bytes."""
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def creation(party: RelyingParty = PARTY, **more: Any) -> dict[str, Any]:
    """Return what a browser is asked for, to make one."""
    return creation_options(
        party, challenge=CHALLENGE, user_handle=b"u" * 64, user_name="mia", display_name="Mia", life=LIFE, **more
    )


def made_by(passkey: Passkey, party: RelyingParty = PARTY) -> Registered:
    """Make a credential, and verify it."""
    return verify_registration(party, CHALLENGE, passkey.register(creation(party)))


def request(**more: Any) -> dict[str, Any]:
    """Return what a browser is asked for, to use one."""
    return request_options(PARTY, challenge=CHALLENGE, life=LIFE, **more)


# --- the standard's vectors -----------------------------------------------------------------------------------------


def party_of(vector: dict[str, Any]) -> RelyingParty:
    """Return the relying party that a vector is for, which lets frames in where the vector is about them."""
    return RelyingParty(
        id=vector["rp_id"],
        name="Vectors",
        origins=frozenset({vector["origin"]}),
        allow_cross_origin="Origin" in vector["name"],
        top_origins=frozenset({vector["top_origin"]} if vector["top_origin"] else ()),
    )


@pytest.mark.parametrize("vector", VECTORS, ids=[each["name"] for each in VECTORS])
def test_the_vectors_of_the_standard_hold(vector: dict[str, Any]) -> None:
    """All fifteen pairs, and what they say of themselves."""
    party = party_of(vector)
    registration, assertion = vector["registration"], vector["authentication"]
    made = verify_registration(party, read(registration["challenge_b64u"]), registration["credential"])
    assert made.credential_id == bytes.fromhex(registration["hex"]["credential_id"])
    assert made.aaguid == UUID(hex=registration["hex"]["aaguid"])
    used = verify_assertion(
        party,
        read(assertion["challenge_b64u"]),
        assertion["credential"],
        public_key=made.public_key,
        backup_eligible=made.backup_eligible,
    )
    assert used.backup_eligible == made.backup_eligible
    assert claimed_credential(assertion["credential"]) == made.credential_id


def test_there_are_fifteen() -> None:
    """So that none goes missing unseen."""
    assert len(VECTORS) == 15


FRAMED = [each for each in VECTORS if "Origin" in each["name"]]


@pytest.mark.parametrize("vector", FRAMED, ids=[each["name"] for each in FRAMED])
def test_frames_of_other_sites_are_refused_unless_configured(vector: dict[str, Any]) -> None:
    """``crossOrigin`` and ``topOrigin`` are ours to refuse (7.1 steps 10 and 11)."""
    party = RelyingParty(id=vector["rp_id"], name="Vectors", origins=frozenset({vector["origin"]}))
    registration = vector["registration"]
    with pytest.raises(CeremonyRefused, match="frame"):
        verify_registration(party, read(registration["challenge_b64u"]), registration["credential"])


def test_an_id_of_1024_bytes_is_too_long() -> None:
    """1023 is the standard's bound (7.1 step 25); the vectors have one that long."""
    assert max(len(bytes.fromhex(each["registration"]["hex"]["credential_id"])) for each in VECTORS) == 1023
    passkey = Passkey()
    credential = passkey.register(creation())
    short = passkey.made[0].credential_id
    attestation = read(credential["response"]["attestationObject"])
    decoded = cbor.decode(attestation)
    long = short * 32
    data = decoded["authData"].replace(len(short).to_bytes(2, "big") + short, len(long).to_bytes(2, "big") + long)
    credential["response"]["attestationObject"] = write(cbor.encode({**decoded, "authData": data}))
    credential["id"] = credential["rawId"] = write(long)
    with pytest.raises(CeremonyRefused, match="too long"):
        verify_registration(PARTY, CHALLENGE, credential)


# --- what a passkey says of itself ----------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "RS256"])
def test_made_and_used(algorithm: Any) -> None:
    """Each algorithm that authenticators have, with what is recorded of it."""
    passkey = Passkey(algorithm=algorithm, counts=True)
    made = made_by(passkey)
    assert (made.user_verified, made.backup_eligible, made.backed_up) == (True, True, True)
    assert made.transports == ("internal",)
    used = verify_assertion(PARTY, CHALLENGE, passkey.sign(request()), public_key=made.public_key, backup_eligible=True)
    assert (used.sign_count, used.user_handle) == (made.sign_count + 1, b"u" * 64)


def test_user_verification_is_recorded_not_assumed() -> None:
    """A touch without a finger or PIN holds, and says that it was no more (adversary 57)."""
    passkey = Passkey(user_verified=False)
    made = made_by(passkey)
    used = verify_assertion(PARTY, CHALLENGE, passkey.sign(request()), public_key=made.public_key, backup_eligible=True)
    assert (made.user_verified, used.user_verified) == (False, False)


def test_a_browser_may_make_one_by_itself() -> None:
    """Conditional create has nobody touch anything (7.1 step 15); using it always needs somebody."""
    passkey = Passkey(user_present=False, user_verified=False)
    credential = passkey.register(creation())
    made = verify_registration(PARTY, CHALLENGE, credential, user_presence=False)
    with pytest.raises(CeremonyRefused, match="present"):
        verify_registration(PARTY, CHALLENGE, credential)
    with pytest.raises(CeremonyRefused, match="present"):
        verify_assertion(PARTY, CHALLENGE, passkey.sign(request()), public_key=made.public_key, backup_eligible=True)


def test_makes_can_be_listed() -> None:
    """Only those on the list are registered; without a list any is."""
    party = RelyingParty(id=PARTY.id, name="Shop", origins=PARTY.origins, aaguids=frozenset({UUID(int=7)}))
    assert made_by(Passkey(aaguid=UUID(int=7).bytes), party).aaguid == UUID(int=7)
    with pytest.raises(CeremonyRefused, match="not on the list"):
        made_by(Passkey(), party)


def test_options_ask_for_what_passkeys_are() -> None:
    """Discoverable, no attestation, what is there excluded, and before a first factor no list of credentials."""
    options = creation(exclude=[Known(credential_id=b"one", transports=("usb",))])
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert options["attestation"] == "none"
    assert options["timeout"] == 300_000
    assert options["excludeCredentials"] == [{"type": "public-key", "id": write(b"one"), "transports": ["usb"]}]
    assert request()["allowCredentials"] == []
    assert json.loads(json.dumps(options)) == options


# --- lies -----------------------------------------------------------------------------------------------------------

LIES: list[tuple[dict[str, Any], str]] = [
    ({"origin": "http://localhost:8001"}, "origin"),
    ({"origin": "https://localhost:8000"}, "origin"),
    ({"origin": "http://localhost:8000.evil.example"}, "origin"),
    ({"origin": "http://localhost:8000/"}, "origin"),
    ({"cross_origin": True}, "frame"),
    ({"top_origin": "https://evil.example"}, "frame"),
    ({"user_present": False}, "present"),
    ({"backup_eligible": False, "backed_up": True}, "not eligible"),
]


@pytest.mark.parametrize(("lie", "reason"), LIES)
def test_lies_are_refused_in_both_ceremonies(lie: dict[str, Any], reason: str) -> None:
    """Another origin, another site's frame, nobody there, flags that contradict one another."""
    with pytest.raises(CeremonyRefused, match=reason):
        made_by(Passkey(**lie))
    passkey = Passkey()
    made = made_by(passkey)
    for name, value in lie.items():
        setattr(passkey, name, value)
    with pytest.raises(CeremonyRefused):
        verify_assertion(PARTY, CHALLENGE, passkey.sign(request()), public_key=made.public_key, backup_eligible=True)


def test_a_proof_is_good_for_its_own_challenge_key_and_site() -> None:
    """Replayed, of somebody else, for another site, of the other ceremony (adversary 59)."""
    mia, eve = Passkey(), Passkey()
    made, other = made_by(mia), made_by(eve)
    proof = mia.sign(request())
    elsewhere = RelyingParty(id="example.org", name="Shop", origins=PARTY.origins)
    for party, challenge, key, reason in [
        (PARTY, bytes(32), made.public_key, "challenge"),
        (PARTY, CHALLENGE, other.public_key, "signature"),
        (elsewhere, CHALLENGE, made.public_key, "relying party"),
    ]:
        with pytest.raises(CeremonyRefused, match=reason):
            verify_assertion(party, challenge, proof, public_key=key, backup_eligible=True)
    with pytest.raises(CeremonyRefused, match="ceremony"):
        verify_registration(PARTY, CHALLENGE, proof)
    with pytest.raises(CeremonyRefused, match="ceremony"):
        verify_assertion(
            PARTY, CHALLENGE, Passkey().register(creation()), public_key=made.public_key, backup_eligible=True
        )


def test_backup_eligibility_never_changes() -> None:
    """What was bound to one device is not suddenly on many (7.2 step 20)."""
    passkey = Passkey(backup_eligible=False, backed_up=False)
    made = made_by(passkey)
    passkey.backup_eligible = True
    with pytest.raises(CeremonyRefused, match="never"):
        verify_assertion(PARTY, CHALLENGE, passkey.sign(request()), public_key=made.public_key, backup_eligible=False)


def test_a_member_of_the_client_data_stands_there_once() -> None:
    """Two origins in one object: which one counts would be the parser's choice."""
    credential = Passkey().register(creation())
    said = read(credential["response"]["clientDataJSON"]).decode()
    twice = said.replace('"type"', '"origin":"https://evil.example","type"', 1)
    credential["response"]["clientDataJSON"] = write(twice.encode())
    with pytest.raises(CeremonyRefused, match="twice"):
        verify_registration(PARTY, CHALLENGE, credential)


def test_keys_that_could_never_verify_are_not_registered() -> None:
    """A point off its curve, an algorithm nobody asked for, the wrong type of key, RSA too short or far too long."""
    ec = {1: 2, 3: -7, -1: 1, -2: b"x" * 32, -3: b"y" * 32}
    rsa = {1: 3, 3: -257, -2: b"\x01\x00\x01"}
    for key in (
        ec,
        {**ec, 3: -65535},
        {**ec, 3: -47},
        {**ec, 1: 3},
        {**ec, -1: 2},
        {**rsa, -1: b"\xff" * 128},
        {**rsa, -1: b"\xff" * 1024},
        {**rsa, -1: b"\xff" * 256, -2: b"\x02"},
    ):
        passkey = Passkey()
        credential = passkey.register(creation())
        decoded = cbor.decode(read(credential["response"]["attestationObject"]))
        at = decoded["authData"].index(passkey.made[0].credential_id) + 32
        decoded["authData"] = decoded["authData"][:at] + cbor.encode(key)
        credential["response"]["attestationObject"] = write(cbor.encode(decoded))
        with pytest.raises(CeremonyRefused):
            verify_registration(PARTY, CHALLENGE, credential)
