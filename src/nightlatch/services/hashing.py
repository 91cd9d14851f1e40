"""The hashing pool: bounded threads, a bounded queue, and a clear no past it.

Password hashing is the one costly thing a stranger can ask for. Here it never has more threads than slots, never more
memory than slots times the profile's, and never holds more request threads than slots, queue and lingering together.
A place is taken before anything is looked up or written for a password. Hash threads run at the lowest scheduling
priority, so that everything else stays fast in a sign-in flood. They begin at first use, and again in a forked child.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import sys
import threading
import time
import weakref
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from datetime import timedelta
from typing import Any, TypeVar

from nightlatch.errors import Busy
from nightlatch.primitives.hashing import (
    Argon2Profile,
    HashUnusable,
    PasswordMismatch,
    Pepper,
    Verified,
    decoy_hash,
    decoy_like,
    hash_password,
    read_stored,
    verify_password,
)
from nightlatch.primitives.schemes import StoredHash
from nightlatch.primitives.secret import Secret

__all__ = ["HashingPool"]

T = TypeVar("T")

_RESERVED = 2
"""Places in the queue (at most half of it) that only known devices get: a flood of strangers does not keep them out."""
_LEAST_SHARED_QUEUE = 4
"""From this length on, one client network holds at most a quarter of the queue."""
_RETRY_AFTER = timedelta(seconds=2)
_MOST_SHED = 1000
"""Networks and causes that are told apart in one poll."""
_LINGER = timedelta(milliseconds=40)
"""A client that tries again the moment it is refused makes 25 tries a second of what would be a thousand."""


class _Place:
    """One of the slots and the queue, kept for one hash from before anything is looked up for it."""

    __slots__ = ("client", "known", "left", "waits")

    def __init__(self, client: str, *, known: bool, waits: bool) -> None:
        self.client = client
        self.known = known
        self.waits = waits
        """Whether it takes up a part of its client network's share of the queue."""
        self.left = False


class _Job:
    """One piece of work, the place it has, and the thread that waits for it."""

    __slots__ = ("_result", "_work", "place")

    def __init__(self, work: Callable[[], Any], place: _Place) -> None:
        self._work = work
        self._result: Future[Any] = Future()
        self.place = place

    def do(self) -> None:
        """Do the work; what it raises belongs to the caller."""
        try:
            self._result.set_result(self._work())
        except BaseException as error:  # noqa: BLE001 - the caller raises it
            self._result.set_exception(error)

    def result(self) -> Any:
        """Wait for the work to be done, and return what came of it."""
        return self._result.result()


class _Local(threading.local):
    place: _Place | None = None


class HashingPool:
    """Hash and verify passwords, within bounds.

    Args:
        profile: parameters of new hashes.
        slots: hashes at once; None: one for each processor.
        queue: how many more may wait.
        lingering: how many that find the queue full may wait a moment for a place, before they are refused.
        pepper: mixed into new hashes, if there is one.
        decoys: hashes of the schemes and costs that the store holds, for identifiers that nobody has.
        decoy_key: picks the decoy of an identifier, the same each time.
    """

    def __init__(
        self,
        *,
        profile: Argon2Profile,
        slots: int | None = None,
        queue: int = 6,
        lingering: int = 0,
        pepper: Pepper | None = None,
        decoys: Sequence[str] = (),
        decoy_key: bytes = b"",
    ) -> None:
        self.profile = profile
        self.slots = slots or os.cpu_count() or 1
        self._queue = queue
        self.most_held = self.slots + queue + lingering
        """How many request threads running, waiting and lingering hashes can hold at once."""
        self._lingering = lingering
        self._reserved = min(_RESERVED, queue // 2)
        self._share = queue // 4 if queue >= _LEAST_SHARED_QUEUE else queue
        self._pepper = pepper
        self._decoys = list(decoys) or [decoy_hash(profile)]
        self._decoy_key = decoy_key
        self._begin()
        _pools.add(self)

    def _begin(self) -> None:
        lock = threading.Lock()
        self._wake = threading.Condition(lock)
        """Hash threads wait for a job here,"""
        self._freed = threading.Condition(lock)
        """and those that linger for a place."""
        self._jobs: deque[_Job] = deque()
        self._running = 0
        self._places = 0
        self._lingerers = 0
        self._waiting: Counter[str] = Counter()
        self._shed: Counter[tuple[str, str]] = Counter()
        self.hashed = 0
        """Hashes that were computed,"""
        self.hashing_seconds = 0.0
        """and how long they took together."""
        self._local = _Local()
        self._threads: list[threading.Thread] = []
        self._closing = False

    def hash(self, password: Secret, *, client: str = "", known_device: bool = False) -> str:
        """Hash a new password.

        Raises:
            Busy: the pool is full.
        """
        return self._do(lambda: hash_password(password, self.profile, self._pepper), client, known=known_device)

    def verify(self, password: Secret, stored: str, *, client: str = "", known_device: bool = False) -> Verified:
        """Verify a password.

        Args:
            password: as typed.
            stored: what is stored.
            client: the network it comes from, for fair shares.
            known_device: whether it comes from a remembered device.

        Raises:
            PasswordMismatch: it is another one.
            Busy: the pool is full; nothing was verified.
        """

        def work() -> Verified:
            try:
                return verify_password(password, stored, self.profile, self._pepper)
            except HashUnusable:
                # A row that cannot be verified must not answer faster than one that can (ASVS 6.3.8).
                self._verify_decoy(stored, password)
                raise

        return self._do(work, client, known=known_device)

    def verify_decoy(
        self, identifier_key: str, password: Secret, *, client: str = "", known_device: bool = False
    ) -> None:
        """Do the work of a verification for an identifier that nobody has.

        Raises:
            Busy: the pool is full, as for anybody.
        """
        self._do(lambda: self._verify_decoy(identifier_key, password), client, known=known_device)

    def read(self, stored: str) -> StoredHash:
        """Read a stored hash for what it is and costs; nothing is computed.

        Raises:
            HashUnusable: it could not be verified.
        """
        return read_stored(stored, self._pepper)

    def follow(self, stored: Sequence[str]) -> None:
        """Let decoys follow the mix of schemes and costs that the store holds: an old hash is no sign of an account.

        Args:
            stored: a sample of stored hashes; nothing of them but scheme and cost is kept.
        """
        decoys = []
        for each in stored:
            with contextlib.suppress(HashUnusable):
                decoys.append(decoy_like(each))
        if decoys:
            self._decoys = decoys

    def _verify_decoy(self, key: str, password: Secret) -> None:
        # The same identifier meets the same decoy each time, as a real one meets its own hash.
        pick = hmac.digest(self._decoy_key, key.encode("utf-8", "surrogatepass"), hashlib.sha256)
        decoy = self._decoys[int.from_bytes(pick[:8], "big") % len(self._decoys)]
        with contextlib.suppress(PasswordMismatch):
            verify_password(password, decoy, self.profile, self._pepper)

    # --- places -----------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def place(self, client: str, *, known_device: bool = False) -> Iterator[None]:
        """Keep a place for this thread's next hash: who gets none is refused before anything is looked up for him.

        So no more requests than slots and queue ever look something up, or wait for the store's lock, with a password.

        Args:
            client: the network it comes from, for fair shares.
            known_device: whether it may be a remembered device; seen again when it hashes.

        Raises:
            Busy: the pool is full, for this client, and stayed so for a moment.
        """
        with self._wake:
            held = self._local.place = self._take(client, known=known_device, linger=True)
        try:
            yield
        finally:
            self._local.place = None
            with self._wake:
                self._leave(held)

    def take_shed(self) -> dict[tuple[str, str], int]:
        """Return how many were refused since this was last asked, by network and cause."""
        with self._wake:
            shed, self._shed = self._shed, Counter()
        return dict(shed)

    def _take(self, client: str, *, known: bool, linger: bool = False) -> _Place:
        why = self._refusal(client, known=known)
        if why and linger and self._lingerers < self._lingering:
            why = self._linger(client, known=known)
        if why:
            if len(self._shed) < _MOST_SHED or (client, why) in self._shed:
                self._shed[client, why] += 1
            raise Busy(why, retry_after=_RETRY_AFTER)
        place = _Place(client, known=known, waits=self._places >= self.slots)
        self._places += 1
        self._waiting[client] += place.waits
        return place

    def _refusal(self, client: str, *, known: bool) -> str:
        """Tell why there is no place; an empty text where there is one."""
        waiting = self._places - self.slots
        if waiting < 0:
            return ""
        if waiting >= (self._queue if known else self._queue - self._reserved):
            return "hashing pool full"
        # No one network keeps the others out: a quarter of the queue, and for its known devices the reserved places.
        share = self._share + self._reserved if known else self._share
        return "one network's share of the hashing queue is full" if client and self._waiting[client] >= share else ""

    def _linger(self, client: str, *, known: bool) -> str:
        """Wait a moment for a place to become free."""
        self._lingerers += 1
        try:
            end = time.monotonic() + _LINGER.total_seconds()
            while (why := self._refusal(client, known=known)) and (left := end - time.monotonic()) > 0:
                self._freed.wait(left)
            return why
        finally:
            self._lingerers -= 1

    def _start_hashing(self, place: _Place) -> None:
        """Give its part of the network's share back: it waits no longer."""
        self._waiting[place.client] -= place.waits
        if not self._waiting[place.client]:
            del self._waiting[place.client]
        place.waits = False

    def _leave(self, place: _Place) -> None:
        """Give a place back, once."""
        if not place.left:
            place.left = True
            self._start_hashing(place)
            self._places -= 1
            self._freed.notify()

    @property
    def depth(self) -> tuple[int, int, int]:
        """How many hashes run, how many wait, and how many linger for a place."""
        with self._wake:
            return min(self._places, self.slots), max(0, self._places - self.slots), self._lingerers

    # --- the pool ---------------------------------------------------------------------------------------------------

    def _do(self, work: Callable[[], T], client: str, *, known: bool) -> T:
        with self._wake:
            job = _Job(work, self._place_for(client, known=known))
            self._enter(job)
        result: T = job.result()
        return result

    def _place_for(self, client: str, *, known: bool) -> _Place:
        held = self._local.place
        if held is None or held.left:
            return self._take(client, known=known)
        if held.known and not known:
            # Any cookie may be sent: who has no remembered device has no claim on the places that are kept for them.
            self._leave(held)
            return self._take(client, known=False)
        return held

    def _enter(self, job: _Job) -> None:
        if len(self._threads) < min(self.slots, self._running + len(self._jobs) + 1):
            thread = threading.Thread(target=self._run, name="nightlatch-hash", daemon=True)
            try:
                thread.start()  # before the job is in: what cannot start leaves nobody waiting
            except RuntimeError:
                self._leave(job.place)
                raise
            self._threads.append(thread)
        self._jobs.append(job)
        self._wake.notify()

    def _run(self) -> None:
        if sys.platform == "linux":
            # On Linux this is the thread's own priority; elsewhere it would slow the whole process.
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)
        job = self._next(None)
        while job is not None:
            began = time.perf_counter()
            job.do()
            done, job = job.place, None  # nothing of a password stays with an idle thread
            job = self._next(done, time.perf_counter() - began)

    def _next(self, done: _Place | None, took: float = 0.0) -> _Job | None:
        """Give back the place of the job that is done, and wait for another; None: the pool closes and none is left."""
        with self._wake:
            if done is not None:
                self.hashed += 1
                self.hashing_seconds += took
                self._running -= 1
                self._leave(done)
            while not self._jobs:
                if self._closing:
                    with contextlib.suppress(ValueError):  # one that began while the pool was closing
                        self._threads.remove(threading.current_thread())
                    return None
                self._wake.wait()
            job = self._jobs.popleft()
            self._running += 1
            self._start_hashing(job.place)
            self._freed.notify()
            return job

    def close(self) -> None:
        """End the threads, once what waits is done. The pool may be used again: threads begin anew."""
        with self._wake:
            threads, self._threads = self._threads, []
            self._closing = True
            self._wake.notify_all()
        for each in threads:
            each.join()
        with self._wake:
            self._closing = False

    def __repr__(self) -> str:
        return f"HashingPool({self.profile.name}, slots={self.slots})"


_pools: weakref.WeakSet[HashingPool] = weakref.WeakSet()


def _begin_anew() -> None:
    """A forked child has the pools but not their threads, and their locks as they stood."""
    for pool in list(_pools):
        pool._begin()  # noqa: SLF001 - of this module


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
