"""API keys: whom they act for, within what, and how they end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from threading import Thread

import pytest

from house import HERE, PASSWORD, House
from nightlatch.errors import Forbidden, InvalidToken, ReauthenticationRequired, Throttled
from nightlatch.flows.outcome import Complete
from nightlatch.http.guards import admit
from nightlatch.ports import after
from nightlatch.primitives.opaque import Kind, issue
from nightlatch.primitives.secret import Secret
from nightlatch.records import ApiKey, Event, Session
from nightlatch.settings import ApiKeys, Budget


@pytest.fixture
def mia(house: House) -> Complete:
    """Return somebody who has just signed up."""
    return house.member()


def a_key(house: House, mia: Complete, **options: object) -> str:
    """Make a key."""
    assert mia.session is not None
    return house.auth.api_keys.create(HERE, mia.session, **{"name": "till", **options})[1].reveal()  # type: ignore[arg-type]


def test_it_acts_for_its_owner_and_proves_nothing(house: House, mia: Complete) -> None:
    """Names and roles as they are now; no level, so no demand for a level or a fresh proof is ever met."""
    key = a_key(house, mia)
    house.auth.operator.set_roles(mia.user.id, ("editor",))
    acting = house.auth.api_keys.recognise(key)
    assert (acting.user_id, acting.email, acting.roles) == (mia.user.id, "mia@example.org", ("editor",))
    assert (acting.aal, acting.amr, acting.evidence) == (0, (), ())
    now = house.clock.now()
    assert admit(acting, role="editor", now=now) is acting
    with pytest.raises(Forbidden):
        admit(acting, role="admin", now=now)
    for demand in ({"aal": 1}, {"aal": 2}, {"max_age": timedelta(days=999)}):
        with pytest.raises(ReauthenticationRequired):
            admit(acting, now=now, **demand)  # type: ignore[arg-type]
    assert house.store.get(Session, acting.id) is None


def test_only_its_hash_is_kept(house: House, mia: Complete) -> None:
    """Nothing of it is in the row or in an event."""
    key = a_key(house, mia)
    secret = key.split("_")[2]
    rows = [*house.store.find(ApiKey, {"user_id": mia.user.id}), *house.store.find(Event, {"user_id": mia.user.id})]
    assert secret not in repr(rows)


def test_its_owner_is_told(house: House, mia: Complete) -> None:
    """At every address, by its name, and where to revoke it: it lasts longer than a session (ASVS 6.3.7)."""
    key = a_key(house, mia, name="till <b>at the door</b>")
    house.deliver()
    told = house.newest("mia@example.org")
    assert told.subject == "An API key was made for your account at Harbour Books"
    assert "till <b>at the door</b>" in told.text
    assert "<b>at the door" not in told.html
    assert "http://localhost:8000/auth/account/keys" in told.text
    assert key not in told.text + told.html


def test_who_is_refused_a_key_is_told_nothing(house: House, mia: Complete) -> None:
    """A notice is of something done."""
    house.deliver()
    before = len(house.mails)
    house.clock.advance(minutes=11)
    with pytest.raises(ReauthenticationRequired):
        a_key(house, mia)
    house.deliver()
    assert len(house.mails) == before


def test_what_is_no_key(house: House, mia: Complete) -> None:
    """Flipped, cut, extended, of another kind, a stranger's (adversary 30, 39)."""
    key = a_key(house, mia)
    wrong = ["", key[:-1], key + "0", key.swapcase(), *(issue(kind).text() for kind in Kind)]
    other = a_key(house, mia).split("_")
    wrong.append("_".join([*key.split("_")[:2], *other[2:]]))
    for each in wrong:
        with pytest.raises(InvalidToken):
            house.auth.api_keys.recognise(each)
    house.auth.api_keys.recognise(key)


def test_how_it_ends(house: House, mia: Complete) -> None:
    """By itself, revoked, by suspension for good, with its owner; a changed password leaves it to its owner."""
    assert mia.session is not None
    keys = [a_key(house, mia, life=timedelta(hours=1)), a_key(house, mia), a_key(house, mia)]
    changed = house.auth.account.change_password(
        HERE, mia.session, current_password=PASSWORD, new_password=Secret("another horse, another staple")
    )
    assert changed.session is not None
    for key in keys:
        house.auth.api_keys.recognise(key)
    house.clock.advance(hours=1)
    with pytest.raises(InvalidToken):
        house.auth.api_keys.recognise(keys[0])
    second = house.auth.api_keys.recognise(keys[1]).id
    house.auth.api_keys.revoke(HERE, changed.session, second)
    with pytest.raises(InvalidToken):
        house.auth.api_keys.recognise(keys[1])
    house.auth.operator.suspend(mia.user.id)
    for _ in range(2):
        with pytest.raises(InvalidToken):
            house.auth.api_keys.recognise(keys[2])
        house.auth.operator.restore(mia.user.id)
    assert house.store.find(ApiKey, {"user_id": mia.user.id}) == []


def test_none_lives_for_ever(house: House, mia: Complete) -> None:
    """One that asks for no end has one a year from now; a month after it the row is gone."""
    key = a_key(house, mia)
    house.clock.advance(days=365)
    house.auth.api_keys.recognise(key)
    house.clock.advance(days=1)
    with pytest.raises(InvalidToken):
        house.auth.api_keys.recognise(key)
    house.clock.advance(days=31)
    house.auth.background.run_once()
    assert house.store.find(ApiKey, {"user_id": mia.user.id}) == []


def test_last_used(house: House, mia: Complete) -> None:
    """Written aside, at most once a minute; a key that was revoked meanwhile stays so (adversary 72)."""
    assert mia.session is not None
    key = a_key(house, mia)
    house.clock.advance(minutes=2)
    acting = house.auth.api_keys.recognise(key)
    house.auth.background.run_once()
    (row,) = house.store.find(ApiKey, {"user_id": mia.user.id})
    assert row.last_used_at == house.clock.now()
    house.clock.advance(minutes=2)
    house.auth.api_keys.recognise(key)
    house.auth.api_keys.revoke(HERE, mia.session, acting.id)
    house.auth.background.run_once()
    assert house.store.find(ApiKey, {"user_id": mia.user.id}) == []


def test_how_often_and_how_many(make_house: Callable[..., House]) -> None:
    """Traffic is bounded for each key; so is the number of keys, in parallel too."""
    house = make_house(api_keys=ApiKeys(max_per_user=3, uses=Budget(limit=5, per=timedelta(minutes=1))))
    mia = house.member()
    key, other = a_key(house, mia), a_key(house, mia)
    for _ in range(5):
        house.auth.api_keys.recognise(key)
    with pytest.raises(Throttled):
        house.auth.api_keys.recognise(key)
    house.auth.api_keys.recognise(other)
    house.clock.advance(minutes=1)
    house.auth.api_keys.recognise(key)
    refused: list[Exception] = []

    def one_more() -> None:
        try:
            a_key(house, mia)
        except Forbidden as refusal:
            refused.append(refusal)

    threads = [Thread(target=one_more) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert len(refused) == 7
    assert len(house.store.find(ApiKey, {"created_at": after(house.clock.now() - timedelta(days=1))})) == 3
