"""Accounts that an application's own code makes and changes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from house import HERE, PASSWORD, WRONG, House, signed_in
from nightlatch.errors import (
    InvalidCredentials,
    InvalidInput,
    NotAuthenticated,
    NotFound,
    PasswordRejected,
    Throttled,
    UsernameTaken,
)
from nightlatch.primitives.ids import uuid7
from nightlatch.primitives.secret import Secret

MIA = "mia@example.org"
OTHER = Secret("another horse, another battery")


def test_an_account_made_in_code_signs_in(house: House) -> None:
    """By its address, however that is written: the caller vouched for it."""
    user = house.auth.provision.create(email="Mia@EXAMPLE.org", name="Mia", roles=["editor"], password=PASSWORD)
    assert (user.email, user.name, user.roles) == ("Mia@example.org", "Mia", ("editor",))
    assert signed_in(house.sign_in()).user.id == user.id


def test_names_are_held_to_the_same_rules(make_house: Callable[..., House]) -> None:
    """Malformed, taken, reserved, missing: refused, and nothing is left behind."""
    house = make_house(identifiers="email_and_username")
    provision = house.auth.provision
    provision.create(email=MIA, username="mia")
    with pytest.raises(UsernameTaken):
        provision.create(email="other@example.org", username="MIA")
    with pytest.raises(InvalidInput, match="address"):
        provision.create(email="MIA@example.org", username="other")
    for wrong in ({"email": "mia"}, {"username": "admin"}, {"username": "a b"}, {}):
        with pytest.raises(InvalidInput):
            provision.create(**wrong)
    with pytest.raises(InvalidInput):
        provision.create(email="role@example.org", roles=["not a word"])
    assert len(house.auth.operator.users()) == 1


def test_a_password_chosen_in_code_is_held_to_policy(house: House) -> None:
    """Short, or about the user: refused when made and when set."""
    with pytest.raises(PasswordRejected):
        house.auth.provision.create(email=MIA, password=Secret("short"))
    user = house.auth.provision.create(email=MIA)
    with pytest.raises(PasswordRejected):
        house.auth.provision.set_password(user.id, Secret(MIA + MIA))
    assert not house.auth.provision.has_password(user.id)


def test_063_a_password_set_in_code_ends_every_session(house: House) -> None:
    """The old one is worth nothing, the user is told, and the new one signs in."""
    done = house.member()
    house.auth.provision.set_password(done.user.id, OTHER)
    with pytest.raises(NotAuthenticated):
        house.auth.sessions.recognise(done.token or "")
    with pytest.raises(InvalidCredentials):
        house.sign_in()
    assert "password" in house.newest(MIA).subject.lower()
    signed_in(house.sign_in(password=OTHER))


def test_063_a_password_taken_away_signs_nobody_in(house: House) -> None:
    """Nor does any session live on; one may be set again."""
    done = house.member()
    house.auth.provision.remove_password(done.user.id)
    with pytest.raises(NotAuthenticated):
        house.auth.sessions.recognise(done.token or "")
    with pytest.raises(InvalidCredentials):
        house.sign_in()
    house.auth.provision.set_password(done.user.id, OTHER)
    signed_in(house.sign_in(password=OTHER))


def test_078_asking_about_a_password_is_throttled(house: House) -> None:
    """Code that asks is no way around the budgets."""
    user = house.member().user
    house.auth.provision.verify_password(HERE, user.id, PASSWORD)
    for _ in range(10):
        with pytest.raises(InvalidCredentials):
            house.auth.provision.verify_password(HERE, user.id, WRONG)
    with pytest.raises(Throttled):
        house.auth.provision.verify_password(HERE, user.id, PASSWORD)


def test_who_is_not_there_is_told_so(house: House) -> None:
    """These are the application's own calls: a wrong id is its mistake."""
    nobody = uuid7(house.clock.now())
    for act in (house.auth.provision.remove_password, lambda each: house.auth.provision.set_password(each, PASSWORD)):
        with pytest.raises(NotFound):
            act(nobody)
