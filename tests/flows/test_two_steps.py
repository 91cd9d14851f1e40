"""Asking first and signing in afterwards: what frameworks with `authenticate` and `login` need."""

from __future__ import annotations

import pytest

from house import HERE, PASSWORD, WRONG, House, signed_in
from nightlatch.errors import AttemptInvalid, InvalidCredentials, Throttled
from nightlatch.records import Authenticator, Session

MIA = "mia@example.org"


def test_a_proof_starts_nothing_until_it_is_asked_to(house: House) -> None:
    """No session comes of the question; one comes of the answer."""
    user = house.member().user
    before = len(house.auth.sessions.of_user(user.id))
    assurance = house.auth.sign_in.prove(HERE, identifier=MIA, password=PASSWORD)
    assert len(house.auth.sessions.of_user(user.id)) == before
    done = signed_in(house.auth.sign_in.start(HERE, assurance))
    assert house.auth.sessions.recognise(done.token or "").user_id == user.id


def test_a_wrong_password_is_counted_like_any(house: House) -> None:
    """The same budgets as a sign-in's: ten tries, and then not even the right one."""
    house.member()
    for _ in range(10):
        with pytest.raises(InvalidCredentials):
            house.auth.sign_in.prove(HERE, identifier=MIA, password=WRONG)
    with pytest.raises(Throttled):
        house.auth.sign_in.prove(HERE, identifier=MIA, password=PASSWORD)


def test_042_who_needs_more_than_a_password_is_refused(house: House) -> None:
    """A right password that may not stand alone looks like a wrong one, and no session can come of it."""
    user = house.member().user
    house.store.update(Authenticator, {"user_id": user.id}, {"must_change": True})
    with pytest.raises(InvalidCredentials):
        house.auth.sign_in.prove(HERE, identifier=MIA, password=PASSWORD)


def test_063_a_suspension_in_between_counts(house: House) -> None:
    """What the gate saw is matched again when the session is written."""
    user = house.member().user
    assurance = house.auth.sign_in.prove(HERE, identifier=MIA, password=PASSWORD)
    house.auth.operator.suspend(user.id)
    with pytest.raises(AttemptInvalid):
        house.auth.sign_in.start(HERE, assurance)
    assert house.store.find(Session, {"user_id": user.id}) == []


def test_an_old_word_starts_nothing(house: House) -> None:
    """It is good for as long as a sign-in may take."""
    house.member()
    assurance = house.auth.sign_in.prove(HERE, identifier=MIA, password=PASSWORD)
    house.clock.advance(minutes=11)
    with pytest.raises(AttemptInvalid):
        house.auth.sign_in.start(HERE, assurance)
