"""New secret keys: what was begun goes on under the old ones; what no key opens is refused like anything unknown."""

from __future__ import annotations

import secrets

import pytest

from house import ELSEWHERE, HERE, PASSWORD, WRONG, House, signed_in
from nightlatch.errors import AttemptInvalid, InvalidCode, InvalidCredentials, LinkInvalid
from nightlatch.flows.outcome import More
from nightlatch.primitives.secret import Secret


def a_key() -> Secret:
    """Return a new secret key."""
    return Secret(secrets.token_urlsafe(48))


def test_what_was_begun_goes_on_when_a_key_is_put_in_front(house: House) -> None:
    """Sessions, devices, attempts, codes, links and mails that wait: nothing is lost (ASVS 11.2.2)."""
    leo = house.member("leo@example.org")
    more = house.auth.sign_up.begin(HERE, email="mia@example.org", password=PASSWORD)
    assert isinstance(more, More)
    rotated = House(house.store, secret_keys=(a_key(), *house.auth.settings.secret_keys))
    assert rotated.auth.sessions.recognise(leo.token or "").user_id == leo.user.id
    code, link = rotated.code(), rotated.link()
    assert rotated.auth.attempts.look_link(ELSEWHERE, link).address == "mia@example.org"
    done = signed_in(rotated.auth.attempts.answer(HERE, more.attempt, authenticator="email_code", code=code))
    assert done.user.email == "mia@example.org"
    signed_in(rotated.sign_in())
    rotated.auth.close()


def test_what_no_key_opens_any_longer_is_refused_like_anything_unknown(house: House) -> None:
    """A key that is taken away too early costs those who were at it a new beginning, and is no fault of the service."""
    leo = house.member("leo@example.org")
    more = house.auth.sign_up.begin(HERE, email="mia@example.org", password=PASSWORD)
    assert isinstance(more, More)
    code, link = house.code(), house.link()
    house.auth.sign_up.begin(HERE, email="waiting@example.org")
    changed = House(house.store, secret_keys=(a_key(),))
    changed.deliver()
    assert changed.mails == []
    with pytest.raises(AttemptInvalid):
        changed.auth.attempts.look(HERE, more.attempt)
    with pytest.raises(AttemptInvalid):
        changed.auth.attempts.begin(HERE, more.attempt, "email_code")
    with pytest.raises(InvalidCode):
        changed.auth.attempts.answer(HERE, more.attempt, authenticator="email_code", code=code)
    with pytest.raises(LinkInvalid):
        changed.auth.attempts.look_link(HERE, link)
    with pytest.raises(LinkInvalid):
        changed.auth.attempts.link(ELSEWHERE, link)
    assert changed.auth.sessions.recognise(leo.token or "").user_id == leo.user.id
    signed_in(changed.sign_in(identifier="leo@example.org"))
    with pytest.raises(InvalidCredentials):
        changed.sign_in(identifier="nobody@example.org", password=WRONG)
    changed.auth.close()
