"""Users of an application's own table: a row for each, and what changes there followed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from house import PASSWORD, House, signed_in
from nightlatch.errors import InvalidCredentials, NotAuthenticated
from nightlatch.flows.adoption import HostUser
from nightlatch.primitives.hashing import PROFILES, hash_password
from nightlatch.primitives.secret import Secret
from nightlatch.records import Authenticator, Identifier

OTHER = Secret("another horse, another battery")


def hashed(password: Secret = PASSWORD) -> str:
    """Return a hash as the application has it."""
    return hash_password(password, PROFILES["cheap_for_tests"])


def row(key: str = "1", **more: Any) -> HostUser:
    """Return a row of the application's table."""
    usual: dict[str, Any] = {
        "key": key,
        "username": "mia",
        "email": "mia@example.org",
        "vouched": False,
        "name": "Mia",
        "password_hash": hashed(),
        "active": True,
    }
    return HostUser(**{**usual, **more})


@pytest.fixture
def town(make_house: Callable[..., House]) -> House:
    """A house that knows addresses and user names."""
    return make_house(identifiers="email_and_username")


def test_once_adopted_somebody_signs_in_as_before(town: House) -> None:
    """With the old password; a second time changes nothing."""
    first = town.auth.adoption.adopt(row())
    assert (first.new, first.user.external_id, first.user.name) == (True, "1", "Mia")
    again = town.auth.adoption.adopt(row(password_hash=hashed(OTHER)))
    assert (again.new, again.user.id) == (False, first.user.id)
    assert signed_in(town.sign_in(identifier="mia")).user.id == first.user.id


def test_002_an_address_that_nobody_proved_leads_to_nobody(town: House) -> None:
    """Whoever typed it into the old application need not own it: its owner signs up with it, undisturbed."""
    adopted = town.auth.adoption.adopt(row()).user
    with pytest.raises(InvalidCredentials):
        town.sign_in(identifier="mia@example.org")
    more = town.auth.sign_up.begin(town_client(), email="mia@example.org", username="rightful", password=OTHER)
    done = town.auth.attempts.answer(
        town_client(),
        more.attempt,
        authenticator="email_code",
        code=town.code(),  # type: ignore[union-attr]
    )
    assert signed_in(done).user.id != adopted.id


def town_client() -> Any:
    """Return where people come from."""
    from house import HERE

    return HERE


def test_an_address_that_settings_vouch_for_signs_in(town: House) -> None:
    """By either name."""
    town.auth.adoption.adopt(row(vouched=True))
    signed_in(town.sign_in(identifier="MIA@example.org"))
    signed_in(town.sign_in(identifier="Mia"))


def test_015_two_rows_that_come_to_one_name(town: House) -> None:
    """`Mia` and `mia` were two users there: the first keeps the name, the second is told of, and is nobody's way in."""
    first = town.auth.adoption.adopt(row("1", username="Mia"))
    second = town.auth.adoption.adopt(row("2", username="mia", password_hash=hashed(OTHER)))
    assert second.left_out == ("another user has that username",)
    assert signed_in(town.sign_in(identifier="mia")).user.id == first.user.id
    with pytest.raises(InvalidCredentials):
        town.sign_in(identifier="mia", password=OTHER)
    odd = town.auth.adoption.adopt(row("3", username="a b", email="not an address", vouched=True))
    assert [text.split(":")[0] for text in odd.left_out] == ["email", "username"]


def test_063_a_password_changed_there_ends_every_session(town: House) -> None:
    """The old one is worth nothing, the new one signs in; and what was hashed anew here is not taken for a change."""
    user = town.auth.adoption.adopt(row()).user
    done = signed_in(town.sign_in(identifier="mia"))
    assert town.auth.adoption.follow(user, same := row(password_hash=_first_hash(town)))
    assert same.active
    town.auth.sessions.recognise(done.token or "")
    assert not town.auth.adoption.follow(user, row(password_hash=hashed(OTHER)))
    with pytest.raises(NotAuthenticated):
        town.auth.sessions.recognise(done.token or "")
    with pytest.raises(InvalidCredentials):
        town.sign_in(identifier="mia")
    signed_in(town.sign_in(identifier="mia", password=OTHER))


def _first_hash(town: House) -> str:
    (record,) = town.store.find(Authenticator, {"kind": "password"})
    return record.password_hash or ""


def test_a_password_taken_away_there_signs_nobody_in(town: House) -> None:
    """An unusable one."""
    user = town.auth.adoption.adopt(row()).user
    assert not town.auth.adoption.follow(user, row(password_hash=None))
    with pytest.raises(InvalidCredentials):
        town.sign_in(identifier="mia")


def test_063_switched_off_there(town: House) -> None:
    """Every session ends; switched on again, the password signs in."""
    host = row()
    user = town.auth.adoption.adopt(host).user
    done = signed_in(town.sign_in(identifier="mia"))
    off = row(password_hash=host.password_hash, active=False)
    assert not town.auth.adoption.follow(user, off)
    with pytest.raises(NotAuthenticated):
        town.auth.sessions.recognise(done.token or "")
    with pytest.raises(InvalidCredentials):
        town.sign_in(identifier="mia")
    assert town.auth.adoption.follow(town.auth.operator.find_user("mia"), host)
    signed_in(town.sign_in(identifier="mia"))


def test_063_who_was_suspended_here_is_not_let_in_by_a_row_there(town: House) -> None:
    """Saving the application's row, which knows nothing of it, undoes nothing."""
    host = row()
    user = town.auth.adoption.adopt(host).user
    suspended = town.auth.operator.suspend(user.id)
    assert not town.auth.adoption.follow(suspended, host)
    with pytest.raises(InvalidCredentials):
        town.sign_in(identifier="mia")


def test_who_was_off_there_is_adopted_so(town: House) -> None:
    """And may come back."""
    host = row(active=False)
    user = town.auth.adoption.adopt(host).user
    with pytest.raises(InvalidCredentials):
        town.sign_in(identifier="mia")
    on = row(password_hash=host.password_hash)
    assert town.auth.adoption.follow(town.auth.operator.find_user(str(user.id)), on)
    signed_in(town.sign_in(identifier="mia"))


def test_a_new_name_there_leads_here_and_the_old_one_nowhere(town: House) -> None:
    """The application decides what its users are called; an address it does not vouch for stays as it was."""
    user = town.auth.adoption.adopt(row()).user
    assert town.auth.adoption.rename(user, row(username="mia2")) == ()
    with pytest.raises(InvalidCredentials):
        town.sign_in(identifier="mia")
    assert signed_in(town.sign_in(identifier="mia2")).session.username == "mia2"  # type: ignore[union-attr]
    assert [each.kind for each in town.store.find(Identifier, {"user_id": user.id})] == ["username"]
