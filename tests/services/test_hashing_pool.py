"""The hashing pool: bounded, fair, and never in the way."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from argon2.low_level import Type, verify_secret

from nightlatch.errors import Busy
from nightlatch.primitives.hashing import PROFILES, HashUnusable, PasswordMismatch, Pepper, decoy_hash
from nightlatch.primitives.secret import Secret
from nightlatch.services.hashing import HashingPool

CHEAP = PROFILES["cheap_for_tests"]
PASSWORD = Secret("a lantern at the harbour")
OTHER = Secret("another lantern entirely")


class Flood:
    """A pool whose work can be held up, and the callers that wait for it."""

    def __init__(self, *, slots: int = 1, queue: int = 8, lingering: int = 0) -> None:
        self.pool = HashingPool(profile=CHEAP, slots=slots, queue=queue, lingering=lingering, decoy_key=b"k")
        self.gate = threading.Event()
        self.callers = ThreadPoolExecutor(slots + queue + 1)
        self.results: list[Future[None]] = []

    def _held(self) -> None:
        self.gate.wait(timeout=30)

    def come(self, client: str, *, known: bool = False) -> bool:
        """Send a caller in; tell whether he was let in."""
        before = self._inside()
        result = self.callers.submit(self.pool._do, self._held, client, known=known)
        while not result.done() and self._inside() == before:
            pass
        if result.done():
            with pytest.raises(Busy) as refused:
                result.result()
            assert refused.value.retry_after.total_seconds() > 0
            return False
        while self.pool._running < min(self.pool.slots, self._inside()):
            pass  # who has a slot is at work, so that who comes next waits for certain
        self.results.append(result)
        return True

    def keep_place(self, client: str) -> bool:
        """Keep a place for a moment; tell whether there was one."""
        try:
            with self.pool.place(client):
                return True
        except Busy:
            return False

    def _inside(self) -> int:
        with self.pool._wake:
            return self.pool._running + len(self.pool._jobs)

    def end(self) -> None:
        """Let everybody through."""
        self.gate.set()
        for each in self.results:
            each.result(timeout=30)


@contextmanager
def flood(**bounds: int) -> Iterator[Flood]:
    """Open a flood, and end it."""
    held = Flood(**bounds)
    try:
        yield held
    finally:
        held.end()
        held.pool.close()
        held.callers.shutdown()


@pytest.fixture
def pool() -> Iterator[HashingPool]:
    """Return a pool, and close it."""
    made = HashingPool(profile=CHEAP, slots=2, queue=8, decoy_key=b"k")
    yield made
    made.close()


def test_what_is_hashed_verifies_and_nothing_else_does(pool: HashingPool) -> None:
    """A password in, a hash out, proof or a mismatch."""
    stored = pool.hash(PASSWORD, client="192.0.2.0/24")
    assert not pool.verify(PASSWORD, stored, client="192.0.2.0/24").needs_rehash
    with pytest.raises(PasswordMismatch):
        pool.verify(OTHER, stored)


def test_past_the_queue_the_answer_is_busy_at_once() -> None:
    """One runs, eight wait (two places are kept for known devices), and who comes then is sent away."""
    with flood(slots=1, queue=8) as held:
        assert all(held.come(f"network {n}") for n in range(7))
        assert not held.come("one more")
        assert held.come("one more", known=True)
        assert held.come("yet another", known=True)
        assert not held.come("and another", known=True)


def test_who_lingers_gets_the_place_that_becomes_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that comes a moment too early is not sent away."""
    with flood(slots=1, queue=1, lingering=1) as held:
        assert held.come("a")
        assert held.come("b")
        monkeypatch.setattr("nightlatch.services.hashing._LINGER", timedelta(seconds=30))
        waiting = held.callers.submit(held.keep_place, "c")
        while not held.pool._lingerers:
            pass
        held.end()
        assert waiting.result(timeout=30)


def test_who_lingers_in_vain_is_refused_and_no_more_linger_than_may(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest is refused at once: request threads are not for waiting."""
    with flood(slots=1, queue=1, lingering=1) as held:
        assert held.come("a")
        assert held.come("b")
        for _ in range(2):
            monkeypatch.setattr("nightlatch.services.hashing._LINGER", timedelta(seconds=0.5))
            waiting = held.callers.submit(held.keep_place, "c")
            while not held.pool._lingerers:
                pass
            monkeypatch.setattr("nightlatch.services.hashing._LINGER", timedelta(seconds=30))
            assert not held.keep_place("d"), "the one place to linger in is taken"
            assert not waiting.result(timeout=30)


def test_a_place_is_taken_before_the_hash_and_free_again_after_it() -> None:
    """Who has one is let in; until then it counts, and what needed none gives it back."""
    with flood(slots=1, queue=0) as held:
        with held.pool.place("a"):
            assert not held.callers.submit(held.keep_place, "b").result(timeout=30)
            held.pool.hash(PASSWORD)
            assert held.callers.submit(held.keep_place, "b").result(timeout=30)
        with held.pool.place("a"):
            pass
        assert held.keep_place("b")
        with pytest.raises(ZeroDivisionError), held.pool.place("a"):
            raise ZeroDivisionError
        assert held.keep_place("b")
    assert (held.pool._places, dict(held.pool._waiting)) == (0, {})


def test_who_only_said_to_be_a_known_device_has_a_strangers_place(pool: HashingPool) -> None:
    """Any cookie may be sent: the places kept for known devices are for those that are."""
    del pool
    with flood(slots=1, queue=2) as held:
        assert held.come("a")
        assert held.come("b")
        with held.pool.place("c", known_device=True):
            with pytest.raises(Busy):
                held.pool.verify(PASSWORD, "", known_device=False)
            assert held.pool._places == 2
        with held.pool.place("c", known_device=True):
            held.end()
            assert held.pool.hash(PASSWORD, known_device=True)


def test_no_network_holds_more_than_a_quarter_of_the_queue() -> None:
    """However many come from one network while others run, two of eight places are all it gets."""
    with flood(slots=2, queue=8) as held:
        assert held.come("a")
        assert held.come("b")
        assert [held.come("flood") for _ in range(4)] == [True, True, False, False]
        assert held.come("somebody else")
    assert not held.pool._waiting, "every place was given back"


def test_a_networks_known_devices_get_the_reserved_places_and_no_more() -> None:
    """A network with many device cookies cannot fill the queue either."""
    with flood(slots=1, queue=8) as held:
        assert held.come("a")
        assert [held.come("flood", known=True) for _ in range(6)] == [True] * 4 + [False] * 2
        assert held.come("somebody else")


def test_a_network_may_use_idle_slots_as_it_likes() -> None:
    """Shares are of the queue: nobody is refused while nobody waits."""
    with flood(slots=4, queue=4) as held:
        assert all(held.come("office") for _ in range(4))


def test_a_pool_without_a_queue_serves_its_slots() -> None:
    """No place to wait: one is served, the next is refused."""
    with flood(slots=1, queue=0) as held:
        assert held.come("a")
        assert not held.come("b")


def test_many_at_once_all_get_their_own_answer(pool: HashingPool) -> None:
    """Sixteen threads, each with a password of its own, never see another's result."""
    wide = HashingPool(profile=CHEAP, slots=4, queue=64, decoy_key=b"k")

    def story(n: int) -> None:
        mine = Secret(f"the password of number {n}")
        stored = wide.hash(mine)
        wide.verify(mine, stored)
        with pytest.raises(PasswordMismatch):
            wide.verify(PASSWORD, stored)

    with ThreadPoolExecutor(16) as callers:
        list(callers.map(story, range(64)))
    wide.close()
    assert pool.slots == 2


def test_there_are_never_more_threads_than_slots_and_none_before_first_use() -> None:
    """Importing and building start nothing."""
    with flood(slots=2, queue=8) as held:
        assert not held.pool._threads
        for n in range(6):
            held.come(f"network {n}")
        assert len(held.pool._threads) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux gives threads a priority of their own")
def test_hash_threads_give_way_and_the_caller_does_not(pool: HashingPool) -> None:
    """The lowest priority is the hash thread's alone."""
    before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    assert pool._do(lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id()), "", known=False) == 19
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == before


def test_an_error_in_the_work_is_the_callers(pool: HashingPool) -> None:
    """The thread survives it and serves the next."""

    def broken() -> None:
        raise ZeroDivisionError

    for _ in range(5):
        with pytest.raises(ZeroDivisionError):
            pool._do(broken, "", known=False)
    assert pool.hash(PASSWORD)


def test_a_closed_pool_begins_anew_when_it_is_used(pool: HashingPool) -> None:
    """Closing ends the threads; it breaks nothing."""
    pool.hash(PASSWORD)
    pool.close()
    pool.close()
    assert pool.hash(PASSWORD)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_hashes_although_its_parent_was_busy() -> None:
    """Threads, locks and full queues do not survive into a worker process."""
    with flood(slots=1, queue=2) as held:
        held.come("a")
        held.come("b")
        with held.pool._wake:
            child = os.fork()
        if child == 0:
            try:
                held.pool.verify(PASSWORD, held.pool.hash(PASSWORD))
                os._exit(0)
            finally:
                os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def worked(monkeypatch: pytest.MonkeyPatch, act: Callable[[], Any]) -> int:
    """Count how many times a hash was computed."""
    computed: list[bytes] = []

    def counting(stored: bytes, password: bytes, kind: Type) -> bool:
        computed.append(stored)
        return verify_secret(stored, password, kind)

    with monkeypatch.context() as patch:
        patch.setattr("nightlatch.primitives.schemes.argon2.verify_secret", counting)
        act()
    return len(computed)


def test_nobodys_password_costs_what_somebodys_does(pool: HashingPool, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown identifier, and a row that cannot be read, are answered after the work of one verification."""
    stored = pool.hash(PASSWORD)

    def wrong() -> None:
        with pytest.raises(PasswordMismatch):
            pool.verify(OTHER, stored)

    def unusable() -> None:
        with pytest.raises(HashUnusable):
            pool.verify(OTHER, "md4$seasalt$3f86d0d3d465b7b458c231bf3555c0e3")

    assert worked(monkeypatch, wrong) == 1
    assert worked(monkeypatch, lambda: pool.verify_decoy("nobody@example.org", OTHER)) == 1
    assert worked(monkeypatch, unusable) == 1


def test_an_identifier_always_meets_the_same_decoy_of_the_mix(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decoys are picked by a keyed hash: the same for the same identifier, all of them over many."""
    decoys = [decoy_hash(CHEAP) for _ in range(3)]
    mixed = HashingPool(profile=CHEAP, slots=1, queue=2, decoys=decoys, decoy_key=b"k")
    seen: list[str] = []
    verify = "nightlatch.primitives.schemes.argon2.verify_secret"
    monkeypatch.setattr(verify, lambda stored, *_: not seen.append(stored.decode()))
    for _ in range(2):
        for n in range(30):
            mixed.verify_decoy(f"nobody{n}@example.org", OTHER)
    mixed.close()
    assert seen[:30] == seen[30:]
    assert set(seen) == set(decoys)


def test_a_new_pepper_key_asks_for_a_rehash() -> None:
    """The pool mixes the pepper in, and says so when an older key was used."""
    old, new = Secret("o" * 10 + "ld pepper key of some length"), Secret("n" * 10 + "ew pepper key of some length")
    before = HashingPool(profile=CHEAP, slots=1, pepper=Pepper([old]))
    stored = before.hash(PASSWORD)
    before.close()
    after = HashingPool(profile=CHEAP, slots=1, pepper=Pepper([new, old]))
    assert after.verify(PASSWORD, stored).needs_rehash
    assert not after.verify(PASSWORD, after.hash(PASSWORD)).needs_rehash
    after.close()


def test_a_pool_shows_nothing(pool: HashingPool) -> None:
    """Neither keys nor decoys are in its repr."""
    assert repr(pool) == "HashingPool(cheap_for_tests, slots=2)"
