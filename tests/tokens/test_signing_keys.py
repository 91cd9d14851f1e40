"""Signing keys: made, rotated and revoked in any number of processes, and never a token that nobody believes."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from threading import Barrier, Thread

import pytest

from house import House
from nightlatch.errors import InvalidToken, NotFound
from nightlatch.ports import after
from nightlatch.primitives.secret import Secret
from nightlatch.records import SigningKey
from nightlatch.services.signing_keys import SigningKeys
from nightlatch.settings import Tokens
from nightlatch.verify import Verifier
from nightlatch.verify.jwks import KeySet
from nightlatch.verify.keys import keys_from_jwks


def another(house: House) -> SigningKeys:
    """Return the keys as another process has them."""
    return SigningKeys(house.store, house.clock, house.auth.keyring, house.settings.tokens)


def test_the_next_key_is_there_before_it_signs(house: House) -> None:
    """Two keys from the first moment on: one signs, one is published; a month later they take turns, and so on."""
    keys = house.auth.signing_keys
    seen: list[str] = []
    for _ in range(4):
        published = [jwk["kid"] for jwk in keys.published()]
        signing = keys.signing().kid
        assert signing in published
        assert [keys.state(row) for row in keys.every()].count("next") == 1
        if seen:
            assert signing in seen  # it was published a month ago
        seen += published
        house.clock.advance(days=30, seconds=1)
    assert len(set(seen)) >= 5


def test_the_old_key_verifies_until_its_last_token_is_old(house: House) -> None:
    """Then it is published no more, and a month later its row is gone."""
    keys = house.auth.signing_keys
    first = keys.signing().kid
    house.clock.advance(days=30, seconds=1)
    assert keys.signing().kid != first
    assert first in [jwk["kid"] for jwk in keys.published()]
    house.clock.advance(hours=2)
    assert first not in [jwk["kid"] for jwk in keys.published()]
    house.clock.advance(days=31)
    keys.sweep()
    assert first not in [row.kid for row in keys.every()]


def test_many_processes_begin_at_once(make_house: Callable[..., House]) -> None:
    """Sixteen that find no key agree on one, and on its successor."""
    house = make_house()
    barrier, signing = Barrier(16), []

    def begin() -> None:
        keys = another(house)
        barrier.wait(30)
        signing.append(keys.signing().kid)

    threads = [Thread(target=begin) for _ in range(16)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert len(signing) == 16
    assert len(set(signing)) == 1
    assert len(house.store.find(SigningKey, {"generation": after(0)})) == 2


def test_a_process_that_looked_before_believes_what_another_signs(house: House) -> None:
    """Rotation in one process is never a gap in another."""
    ours, theirs = house.auth.signing_keys, another(house)
    ours.signing()
    theirs.published()
    house.clock.advance(minutes=20)
    rotated = ours.rotate()
    assert ours.signing().kid == rotated.kid
    assert rotated.kid in {key.kid for key in theirs.in_hand.values()}


def test_rotation_waits_for_the_caches(house: House) -> None:
    """A key that was made a moment ago signs only once every cache has it."""
    keys = house.auth.signing_keys
    first = keys.signing().kid
    rotated = keys.rotate()
    assert rotated.signs_from_at - house.clock.now() == timedelta(minutes=10)
    assert keys.signing().kid == first
    house.clock.advance(minutes=11)
    assert keys.signing().kid == rotated.kid


def test_a_revoked_key_is_believed_no_more(house: House) -> None:
    """Its tokens die, the next one signs at once, and revoking it twice says so."""
    keys = house.auth.signing_keys
    done = house.member()
    assert done.session is not None
    token = house.auth.tokens.issue(done.session).access
    assert house.auth.tokens.recognise(token).id == done.session.id
    first = keys.signing().kid
    keys.revoke(first)
    with pytest.raises(InvalidToken):
        house.auth.tokens.recognise(token)
    assert keys.signing().kid != first
    assert house.auth.tokens.recognise(house.auth.tokens.issue(done.session).access).id == done.session.id
    with pytest.raises(NotFound):
        keys.revoke(first)
    with pytest.raises(NotFound):
        keys.revoke("nonsense")


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256", "RS256"])
def test_a_service_that_only_verifies_believes_us(make_house: Callable[..., House], algorithm: str) -> None:
    """What is published verifies what is signed, whatever the algorithm."""
    house = make_house(tokens=Tokens(algorithm=algorithm))  # type: ignore[arg-type]
    done = house.member()
    assert done.session is not None
    document = json.dumps({"keys": house.auth.signing_keys.published()}).encode()
    assert {key.algorithm for key in keys_from_jwks(document)} == {algorithm}
    service = Verifier(
        issuer="http://localhost:8000/auth",
        audience="http://localhost:8000",
        keys=KeySet("http://localhost:8000/auth/api/jwks.json", read=lambda _: document),
        now=lambda: house.clock.now().timestamp(),
    )
    token = service.verify(house.auth.tokens.issue(done.session).access.reveal())
    assert (token.subject, token.session_id) == (str(done.user.id), str(done.session.id))
    assert (token.aal, token.amr) == (1, ("email", "pwd"))


def test_a_secret_key_that_is_gone(house: House) -> None:
    """What no secret key opens signs no more; its tokens are believed on, and a new one is made."""
    done = house.member()
    assert done.session is not None
    token = house.auth.tokens.issue(done.session).access
    changed = House(house.store, secret_keys=(Secret("another secret, of forty-two characters or so"),))
    assert changed.auth.tokens.recognise(token).id == done.session.id
    fresh = changed.auth.tokens.issue(done.session).access
    assert changed.auth.signing_keys.signing().kid != house.auth.signing_keys.signing().kid
    house.clock.advance(minutes=1)
    assert house.auth.tokens.recognise(fresh).id == done.session.id
    changed.auth.close()


def test_nothing_of_a_key_is_shown(house: House) -> None:
    """Not in its text, and not in its row."""
    key = house.auth.signing_keys.signing()
    assert key.kid in repr(key)
    assert "PRIVATE" not in repr(key)
    der = key.to_der()
    for row in house.store.find(SigningKey, {"generation": after(0)}):
        assert der not in row.sealed_private_key
