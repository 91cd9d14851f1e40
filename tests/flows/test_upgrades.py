"""Hashes get better at sign-in, whatever they were."""

from __future__ import annotations

from collections.abc import Callable

import bcrypt
import msgspec
import pytest

from house import HERE, PASSWORD, WRONG, House, signed_in
from nightlatch import Nightlatch
from nightlatch.errors import InvalidCredentials
from nightlatch.primitives.secret import Secret
from nightlatch.records import Authenticator
from nightlatch.settings import Hashing


def stored(house: House) -> Authenticator:
    """Return the password's row."""
    (row,) = house.store.find(Authenticator, {"kind": "password"})
    return row


def test_bcrypt_becomes_argon2id(house: House) -> None:
    """A hash that an application brought along is verified, and replaced in the same sign-in (ASVS 11.4.2)."""
    house.member()
    brought = bcrypt.hashpw(PASSWORD.reveal().encode(), bcrypt.gensalt(4)).decode()
    house.store.update(Authenticator, {"id": stored(house).id}, {"password_hash": brought})
    with pytest.raises(InvalidCredentials):
        house.sign_in(password=WRONG)
    assert stored(house).password_hash == brought
    signed_in(house.sign_in())
    assert (stored(house).password_hash or "").startswith("$argon2id$")
    signed_in(house.sign_in())


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
    brought = bcrypt.hashpw(PASSWORD.reveal().encode(), bcrypt.gensalt(4)).decode()
    house.store.update(Authenticator, {"id": stored(house).id}, {"password_hash": brought})
    house.auth.background.run_once()
    decoys = house.auth.hashing._decoys
    assert {each[:7] for each in decoys} == {"$2b$04$"}
    assert brought not in decoys
    with pytest.raises(InvalidCredentials):
        house.sign_in(identifier="nobody@example.org")
