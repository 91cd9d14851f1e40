"""The audit log proves itself: whoever changes it without the keys is told of, by name, and nothing else is."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from house import ELSEWHERE, WRONG, House
from nightlatch.errors import InvalidCredentials
from nightlatch.flows.verify_audit import Verdict
from nightlatch.primitives.ids import uuid7
from nightlatch.primitives.secret import Secret
from nightlatch.records import Event, Seal
from nightlatch.services.client import Client
from nightlatch.settings import Audit, Budget, Settings, Throttle
from nightlatch.storage.memory import MemoryStore


def busy(house: House) -> None:
    """Let something happen: a sign-up, a sign-in, and one that is refused."""
    house.member()
    house.sign_in()
    with pytest.raises(InvalidCredentials):
        house.sign_in(ELSEWHERE, password=WRONG)


def sealed(house: House) -> list[Event]:
    """Let something happen and seal it; return the events."""
    busy(house)
    assert house.auth.seals.run_once() == 1
    return list(house.auth.audit_trail.every())


def verdict(house: House, **asked: Any) -> Verdict:
    """Verify."""
    return house.auth.verify_audit.run(**asked)


def test_an_untouched_log_holds(house: House) -> None:
    """Sealed events are covered, later ones are told as not covered yet, until the next seal."""
    events = sealed(house)
    found = verdict(house)
    assert (found.failures, found.seals, found.sealed, found.unsealed) == ([], 1, len(events), 0)
    house.sign_in()
    found = verdict(house)
    assert (found.holds, found.unsealed, found.unsealed_since) == (True, 1, house.clock.now())
    assert house.auth.seals.run_once() == 1
    assert house.auth.seals.run_once() == 0
    found = verdict(house)
    assert (found.failures, found.seals, found.unsealed) == ([], 2, 0)


CHANGES: dict[str, Any] = {
    "at": lambda event: event.at - timedelta(microseconds=1),
    "action": lambda _: "authn_logout",
    "outcome": lambda event: "refused" if event.outcome == "success" else "success",
    "reason": lambda _: "another reason",
    "user_id": lambda event: uuid7(event.at),
    "actor_id": lambda event: uuid7(event.at),
    "session_id": lambda event: uuid7(event.at),
    "attempt_id": lambda event: uuid7(event.at),
    "identifier_hash": lambda _: b"\x01" * 32,
    "ip": lambda _: "203.0.113.66",
    "user_agent": lambda _: "another browser",
    "request_id": lambda _: "another",
    "count": lambda event: event.count + 1,
    "details": lambda _: '{"by":"another"}',
    "number": lambda event: event.number + 7,
    "salt": lambda _: b"\x02" * 16,
    "personal_hash": lambda _: b"\x03" * 32,
    "mac": lambda event: event.mac[:4] + bytes(28),
}


def test_every_field_is_told_of(house: House) -> None:
    """Whichever field of an event changes, sealed or not yet, it is named; put back, the log holds again."""
    assert set(CHANGES) == set(Event.__struct_fields__) - {"id", "seal_id"}
    events = sealed(house)
    house.sign_in()
    (fresh,) = [event for event in house.auth.audit_trail.every() if event.seal_id is None]
    for event in (events[-1], fresh):
        for name, change in CHANGES.items():
            house.store.update(Event, {"id": event.id}, {name: change(event)})
            found = verdict(house)
            assert not found.holds, name
            assert all(str(event.id) in failure or "are gone" in failure for failure in found.failures), name
            house.store.update(Event, {"id": event.id}, {name: getattr(event, name)})
            assert verdict(house).holds, name


def test_what_is_deleted_inserted_moved_or_swapped_is_told_of(house: House) -> None:
    """An event that is gone is told by its seal and place, one that was added or moved by its id."""
    events = sealed(house)
    house.sign_in()
    house.auth.seals.run_once()
    gone, last = events[1], events[-1]
    house.store.delete(Event, {"id": gone.id})
    assert verdict(house).failures == [f"seal 1: 1 of {len(events)} events are gone (place 2)"]
    house.store.insert(gone)
    assert verdict(house).holds

    forged = msgspec.structs.replace(last, id=uuid7(last.at))
    house.store.insert(forged)
    assert any(str(forged.id) in failure and "was added to it" in failure for failure in verdict(house).failures)
    house.store.delete(Event, {"id": forged.id})

    second = house.store.find(Seal, {"number": 2})[0]
    house.store.update(Event, {"id": last.id}, {"seal_id": second.id})
    assert any(str(last.id) in failure and "seal 2" in failure for failure in verdict(house).failures)
    house.store.update(Event, {"id": last.id}, {"seal_id": last.seal_id})

    # Two events change places in time: to reorder is to change both.
    house.store.update(Event, {"id": gone.id}, {"number": last.number})
    house.store.update(Event, {"id": last.id}, {"number": gone.number})
    failures = " ".join(verdict(house).failures)
    assert str(gone.id) in failures
    assert str(last.id) in failures


def test_a_forged_event_without_a_seal_is_told_of(house: House) -> None:
    """Written by somebody without the keys, with no MAC or another's: named before it is sealed and after it."""
    events = sealed(house)
    bare = Event(id=uuid7(house.clock.now()), at=house.clock.now(), action="authn_logout", outcome="success")
    copied = msgspec.structs.replace(events[-1], id=uuid7(house.clock.now()), seal_id=None)
    for forged in (bare, copied):
        house.store.insert(forged)
        assert any(str(forged.id) in failure for failure in verdict(house).failures)
    house.clock.advance(seconds=5)
    house.auth.seals.run_once()
    failures = " ".join(verdict(house).failures)
    assert str(bare.id) in failures
    assert str(copied.id) in failures
    told = house.auth.audit_trail.search(action="audit_tampering_found")
    assert {event.outcome for event in told} == {"error"}
    assert {json.loads(event.details)["event"] for event in told} == {str(bare.id), str(copied.id)}


def test_a_seal_cannot_be_changed_dropped_or_made_anew(house: House) -> None:
    """Whatever of a seal changes, it or the next one says so; without outside copies only the last may go unseen."""
    sealed(house)
    for _ in range(2):
        house.sign_in()
        house.auth.seals.run_once()
    seals = house.store.find(Seal, {"number": any_number()}, order_by="number")
    changes: dict[str, Any] = {
        "size": 99,
        "newest_at": house.clock.now() + timedelta(days=1),
        "root_hash": b"\x01" * 32,
        "previous_hash": b"\x01" * 32,
        "public_key": b"\x01" * 32,
        "signature": b"\x01" * 64,
        "leaves": b"\x01" * 32,
        "created_at": house.clock.now() + timedelta(days=1),
        "dropped_at": house.clock.now(),
    }
    for name, value in changes.items():
        house.store.update(Seal, {"id": seals[1].id}, {name: value})
        assert any("seal 2" in failure for failure in verdict(house).failures), name
        house.store.update(Seal, {"id": seals[1].id}, {name: getattr(seals[1], name)})
    assert verdict(house).holds
    house.store.delete(Seal, {"id": seals[1].id})
    failures = " ".join(verdict(house).failures)
    assert "seal 3: before it, 2 is gone" in failures
    assert "its seal is gone" in failures


def any_number() -> Any:
    """Match every seal."""
    from nightlatch.ports import after

    return after(0)


def test_outside_copies_prove_history_to_who_owns_database_and_keys(
    make_house: Callable[..., House], tmp_path: Path
) -> None:
    """Who deletes the last seal with its events, or seals anew with the true keys, is told of by the file of roots."""
    roots = tmp_path / "roots.jsonl"
    house = make_house(audit=Audit(roots_file=str(roots)))
    sealed(house)
    house.sign_in()
    house.auth.seals.run_once()
    copies = roots.read_text().splitlines()
    found = verdict(house, roots=copies)
    assert (found.failures, found.compared) == ([], 2)

    last = house.store.find(Seal, {"number": 2})[0]
    house.store.delete(Event, {"seal_id": last.id})
    house.store.delete(Seal, {"id": last.id})
    assert verdict(house).holds  # nothing inside tells: the docs say so
    assert verdict(house, roots=copies).failures == ["seal 2: an outside copy tells of it, and it is gone"]
    house.sign_in()
    house.auth.seals.run_once()
    assert verdict(house).holds
    assert verdict(house, roots=copies).failures == ["seal 2: an outside copy says otherwise"]
    failures = verdict(house, roots=["no JSON", '{"seal":true}', copies[0], copies[0].replace("size", "Size")]).failures
    assert [failure.split(":")[0] for failure in failures][:2] == ["an outside copy is no seal"] * 2
    assert "seal 1: two outside copies differ" in failures


def test_erasing_a_user_keeps_the_proof(house: House) -> None:
    """What is personal is gone from their events, sealed or not, and the log holds; filled in again it does not."""
    mia = house.member()
    house.auth.seals.run_once()
    house.sign_in()
    house.auth.operator.delete(mia.user.id)
    events = house.auth.audit_trail.search(user_id=mia.user.id)
    assert {event.action for event in events} >= {"user_created", "authn_login_success", "user_deleted"}
    assert {(event.ip, event.user_agent, event.salt) for event in events if event.action != "user_deleted"} == {
        (None, None, None)
    }
    assert verdict(house).holds
    house.auth.seals.run_once()
    found = verdict(house)
    assert (found.failures, found.erased) == ([], len(events) - 1)
    (emptied, *_) = house.store.find(Event, {"salt": None})
    house.store.update(Event, {"id": emptied.id}, {"ip": "192.0.2.7"})
    assert any("was erased" in failure for failure in verdict(house).failures)


def test_retention_drops_events_and_keeps_roots(make_house: Callable[..., House]) -> None:
    """Old events go with their whole seal, which says so under a MAC; who deletes them by hand cannot say it."""
    house = make_house(audit=Audit(keep=timedelta(days=30)))
    count = len(sealed(house))
    house.clock.advance(days=20)
    busy_later = house.sign_in
    busy_later()
    house.auth.seals.run_once()
    assert house.auth.seals.sweep() == 0
    house.clock.advance(days=11)
    assert house.auth.seals.sweep() == 1
    found = verdict(house)
    assert (found.failures, found.dropped, found.sealed, found.seals) == ([], count, 1, 2)

    later = house.store.find(Seal, {"number": 2})[0]
    (event,) = house.store.find(Event, {"seal_id": later.id})
    house.store.delete(Event, {"seal_id": later.id})
    first = house.store.find(Seal, {"number": 1})[0]
    house.store.update(Seal, {"id": later.id}, {"dropped_at": first.dropped_at, "drop_mac": first.drop_mac})
    assert verdict(house).failures == ["seal 2: its 1 events are gone, and not by retention"]
    house.store.update(Seal, {"id": later.id}, {"dropped_at": None, "drop_mac": None})
    house.store.insert(msgspec.structs.replace(event, seal_id=first.id))
    assert any("retention dropped" in failure for failure in verdict(house).failures)


def test_a_flood_is_counted_in_one_event_and_sealed_once_its_minute_is_over(make_house: Callable[..., House]) -> None:
    """Its count is proven from then on: a refusal that comes later is another event."""
    house = make_house(throttle=Throttle(sign_in_per_identifier=Budget(limit=1, per=timedelta(minutes=15))))
    house.member()
    guesser = Client(ip="203.0.113.5")
    for _ in range(5):
        with pytest.raises(Exception):  # noqa: B017, PT011 - the first is a wrong password, the rest are throttled
            house.sign_in(guesser, password=WRONG)
    house.auth.seals.run_once()
    (flood,) = house.auth.audit_trail.search(action="authn_login_throttled")
    assert (flood.count, flood.seal_id) == (4, None)
    assert verdict(house).holds
    house.clock.advance(minutes=3)
    house.auth.seals.run_once()
    (flood,) = house.auth.audit_trail.search(action="authn_login_throttled")
    assert flood.seal_id is not None
    assert verdict(house).holds
    house.store.update(Event, {"id": flood.id}, {"count": 1})
    assert not verdict(house).holds


def test_two_nodes_seal_in_turns_and_never_fork(house: House) -> None:
    """Whoever holds the lease seals; when that node is gone, the other goes on with the same chain."""
    other = House(house.store)
    busy(house)
    assert house.auth.seals.run_once() == 1
    other.clock.time = house.clock.now()
    house.sign_in()
    assert other.auth.seals.run_once() == 0
    other.clock.advance(minutes=2)
    assert other.auth.seals.run_once() == 1
    assert verdict(house).seals == 2
    assert verdict(house).holds
    other.auth.hashing.close()


def test_a_new_secret_key_goes_on_with_the_chain() -> None:
    """Keys are rotated: old seals hold while the old key is there, and afterwards if its public key is named."""
    store = MemoryStore()
    house = House(store)
    sealed(house)
    old = verdict(house).key
    new = Secret("another secret key for tests, long enough to be one")
    both = House(store, secret_keys=(new, *house.settings.secret_keys))
    both.clock.time = house.clock.now() + timedelta(minutes=2)
    both.sign_in()
    both.auth.seals.run_once()
    assert verdict(both).holds
    only = House(store, secret_keys=(new,))
    found = verdict(only)
    assert len(found.failures) == 1
    assert old in found.failures[0]
    found = verdict(only, keys=[old])
    assert (found.failures, found.unchecked > 0) == ([], True)
    for each in (house, both, only):
        each.close()


def test_events_from_before_there_were_macs_are_adopted_by_the_first_seals(house: House) -> None:
    """After the upgrade they are proven from their first seal on, and told apart."""
    at = house.clock.now() - timedelta(days=1)
    for number in range(3):
        house.store.insert(
            Event(id=uuid7(at), at=at + timedelta(seconds=number), action="authn_logout", outcome="success", ip="::1")
        )
    assert verdict(house).unsealed == 3
    assert verdict(house).holds
    busy(house)
    house.auth.seals.run_once()
    found = verdict(house)
    assert (found.failures, found.adopted, found.unsealed) == ([], 3, 0)


def test_sealing_is_a_chore_of_the_background(house: House) -> None:
    """It looks as often as the settings say, and the settings refuse what would switch it off."""
    busy(house)
    house.auth.background.run_once()
    assert verdict(house).unsealed == 0
    house.sign_in()
    house.clock.advance(seconds=1)
    house.auth.background.run_once()
    assert verdict(house).unsealed == 1
    house.clock.advance(seconds=5)
    house.auth.background.run_once()
    assert verdict(house).unsealed == 0
    assert Settings.__struct_fields__.count("audit") == 1
