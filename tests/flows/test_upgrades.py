"""Hashes get better at sign-in, whatever they were."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

import bcrypt
import msgspec
import passlib.hash
import pytest

from house import HERE, PASSWORD, WRONG, House, signed_in
from nightlatch import Nightlatch
from nightlatch.errors import InvalidCredentials
from nightlatch.primitives.secret import Secret
from nightlatch.records import Authenticator, Event
from nightlatch.settings import Hashing


def stored(house: House) -> Authenticator:
    """Return the password's row."""
    (row,) = house.store.find(Authenticator, {"kind": "password"})
    return row


def salted(password: str) -> bytes:
    """Hash a password as Django does."""
    return base64.b64encode(hashlib.pbkdf2_hmac("sha256", password.encode(), b"seasalt", 1000))


def brought_along() -> dict[str, str]:
    """Return hashes of the password as other applications write them."""
    text = PASSWORD.reveal()
    scrypt = hashlib.scrypt(text.encode(), salt=b"seasalt", n=16, r=8, p=1).hex()
    return {
        "bcrypt": bcrypt.hashpw(text.encode(), bcrypt.gensalt(4)).decode(),
        "Django": f"pbkdf2_sha256$1000$seasalt${salted(text).decode()}",
        "Werkzeug": f"scrypt:16:8:1$seasalt${scrypt}",
        "crypt(3)": passlib.hash.sha512_crypt.using(rounds=1000).hash(text),
        "WordPress": passlib.hash.phpass.using(rounds=7).hash(text),
        "unsalted": f"$passlib$hex_md5${hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()}",
    }


def bring(house: House, stored_hash: str) -> None:
    """Put a hash in the place of the one that the house made."""
    house.store.update(Authenticator, {"id": stored(house).id}, {"password_hash": stored_hash})


@pytest.mark.parametrize("brought", brought_along().values(), ids=brought_along())
def test_what_others_hashed_becomes_argon2id(house: House, brought: str) -> None:
    """A hash that an application brought along is verified, and replaced in the same sign-in (ASVS 11.4.2)."""
    house.member()
    bring(house, brought)
    with pytest.raises(InvalidCredentials):
        house.sign_in(password=WRONG)
    assert stored(house).password_hash == brought
    signed_in(house.sign_in())
    assert (stored(house).password_hash or "").startswith("$argon2id$")
    signed_in(house.sign_in())


def test_a_hash_that_cannot_be_verified_is_a_wrong_password_and_the_log_says_why(house: House) -> None:
    """Of no known scheme, or absurdly costly: nobody outside can tell, the operator can, and no hash is in the log."""
    house.member()
    for brought, why in (
        ("md4$seasalt$3f86d0d3d465b7b458c231bf3555c0e3", "stored hash unusable: it is of no scheme that is known here"),
        ("$6$rounds=900000000$salt$" + "a" * 86, "stored hash unusable: its sha512_crypt asks for too much"),
    ):
        bring(house, brought)
        house.clock.advance(minutes=1)
        with pytest.raises(InvalidCredentials):
            house.sign_in()
        (event,) = house.store.find(Event, {"action": "authn_login_fail"}, order_by="-at", limit=1)
        assert (event.reason or "").startswith(why)
        assert stored(house).password_hash == brought


@pytest.mark.parametrize(
    "hashing",
    [
        Hashing(profile="owasp_minimum", slots=1),
        Hashing(profile="cheap_for_tests", pepper_keys=(Secret("a pepper that is long enough, surely it is"),)),
    ],
)
def test_a_new_profile_or_pepper_reaches_old_hashes(make_house: Callable[..., House], hashing: Hashing) -> None:
    """Changed in settings, it is in force for each user from the next sign-in on."""
    house = make_house()
    house.member()
    before = stored(house).password_hash
    settings = msgspec.structs.replace(house.settings, hashing=hashing)
    changed = Nightlatch(settings, house.store, mailer=house.mailbox, clock=house.clock, background=False)
    changed.sign_in.begin(HERE, identifier="mia@example.org", password=PASSWORD)
    after = stored(house).password_hash or ""
    assert after != before
    assert after.startswith("$nlp$") if hashing.pepper_keys else "m=19456,t=2,p=1" in after
    changed.sign_in.begin(HERE, identifier="mia@example.org", password=PASSWORD)
    assert stored(house).password_hash == after
    if hashing.pepper_keys:
        with pytest.raises(InvalidCredentials):
            house.sign_in()  # without the pepper's key the database alone verifies nothing
    changed.hashing.close()


def test_unicode_is_one_password_however_it_is_composed(house: House) -> None:
    """NFC at set and at verify, and nothing else: no trimming, no folding, no truncation."""
    composed, decomposed = "Ångström über den Fjord", "A\u030angstro\u0308m u\u0308ber den Fjord"
    house.member(password=Secret(composed))
    signed_in(house.sign_in(password=Secret(decomposed)))
    for other in (composed + " ", composed.lower(), composed[:-1], composed.replace("ö", "o")):
        with pytest.raises(InvalidCredentials):
            house.sign_in(password=Secret(other))


def test_long_passwords_count_to_their_last_character(house: House) -> None:
    """128 characters, all of them (ASVS 6.2.9, 6.2.8)."""
    long = "".join(chr(97 + turn % 26) + str(turn) for turn in range(60))[:128]
    house.member(password=Secret(long))
    signed_in(house.sign_in(password=Secret(long)))
    house.clock.advance(hours=1)
    for cut in (72, 99, 127):
        with pytest.raises(InvalidCredentials):
            house.sign_in(password=Secret(long[:cut]))


def test_083_decoys_follow_the_hashes_that_the_store_holds(house: House) -> None:
    """Where most hashes are old ones, a stranger's password is verified at their cost as well."""
    house.member()
    for form, beginning in (("bcrypt", "$2b$04$"), ("Django", "pbkdf2_sha256$1000$"), ("crypt(3)", "$6$rounds=1000$")):
        brought = brought_along()[form]
        bring(house, brought)
        house.auth.background.run_once()
        decoys = house.auth.hashing._decoys
        assert {each[: len(beginning)] for each in decoys} == {beginning}
        assert brought not in decoys
    with pytest.raises(InvalidCredentials):
        house.sign_in(identifier="nobody@example.org")
