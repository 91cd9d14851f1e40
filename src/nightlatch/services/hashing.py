"""The hashing pool: bounded threads, a bounded queue, and a clear no past it.

Password hashing is the one costly thing a stranger can ask for. Here it never has more threads than slots, never more
memory than slots times the profile's, and never holds more request threads than slots, queue and lingering together.
Hash threads run at the lowest scheduling priority, so that everything else stays fast in a sign-in flood. They begin at
first use, and again in a forked child.
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
from collections.abc import Callable, Sequence
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
    verify_password,
)
from nightlatch.primitives.secret import Secret

__all__ = ["HashingPool"]

T = TypeVar("T")

_RESERVED = 2
"""Places in the queue (at most half of it) that only known devices get: a flood of strangers does not keep them out."""
_LEAST_SHARED_QUEUE = 4
"""From this length on, one client network holds at most a quarter of the queue."""
_RETRY_AFTER = timedelta(seconds=2)
_LINGER = timedelta(milliseconds=25)
"""A client that tries again the moment it is refused makes 40 tries a second of what would be a thousand."""


class _Job:
    """One piece of work, and the thread that waits for it."""

    __slots__ = ("_result", "_work", "waits_for")

    def __init__(self, work: Callable[[], Any]) -> None:
        self._work = work
        self._result: Future[Any] = Future()
        self.waits_for: str | None = None
        """The client network whose share of the queue it takes up, while it waits."""

    def do(self) -> None:
        """Do the work; what it raises belongs to the caller."""
        try:
            self._result.set_result(self._work())
        except BaseException as error:  # noqa: BLE001 - the caller raises it
            self._result.set_exception(error)

    def result(self) -> Any:
        """Wait for the work to be done, and return what came of it."""
        return self._result.result()


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
        self._lingering = threading.BoundedSemaphore(lingering) if lingering else None
        self._reserved = min(_RESERVED, queue // 2)
        self._share = queue // 4 if queue >= _LEAST_SHARED_QUEUE else queue
        self._pepper = pepper
        self._decoys = list(decoys) or [decoy_hash(profile)]
        self._decoy_key = decoy_key
        self._begin()
        _pools.add(self)

    def _begin(self) -> None:
        self._wake = threading.Condition()
        self._jobs: deque[_Job] = deque()
        self._running = 0
        self._waiting: Counter[str] = Counter()
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

    # --- the pool ---------------------------------------------------------------------------------------------------

    def _do(self, work: Callable[[], T], client: str, *, known: bool) -> T:
        job = _Job(work)
        self._enter(job, client, known=known)
        result: T = job.result()
        return result

    def _enter(self, job: _Job, client: str, *, known: bool) -> None:
        with self._wake:
            inside = self._running + len(self._jobs)
            if inside >= self.slots:
                self._queue_up(job, client, waiting=inside - self.slots, known=known)
            elif len(self._threads) <= inside:
                thread = threading.Thread(target=self._run, name="nightlatch-hash", daemon=True)
                thread.start()  # before the job is in: what cannot start leaves nobody waiting
                self._threads.append(thread)
            self._jobs.append(job)
            self._wake.notify()

    def see_room(self, client: str, *, known_device: bool = False) -> None:
        """Refuse what would be refused now, after a moment: before anything is looked up or written for it.

        Raises:
            Busy: the pool is full, for this client.
        """
        try:
            self._see_room(client, known=known_device)
        except Busy:
            if not self._linger():
                raise
            self._see_room(client, known=known_device)

    def _see_room(self, client: str, *, known: bool) -> None:
        with self._wake:
            inside = self._running + len(self._jobs)
            if inside >= self.slots:
                self._see_place(client, waiting=inside - self.slots, known=known)

    def _linger(self) -> bool:
        """Wait a moment, where not too many do already."""
        if self._lingering is None or not self._lingering.acquire(blocking=False):
            return False
        try:
            time.sleep(_LINGER.total_seconds())
        finally:
            self._lingering.release()
        return True

    def _queue_up(self, job: _Job, client: str, *, waiting: int, known: bool) -> None:
        """Take a place in the queue.

        Raises:
            Busy: there is none, for this client.
        """
        self._see_place(client, waiting=waiting, known=known)
        job.waits_for = client
        self._waiting[client] += 1

    def _see_place(self, client: str, *, waiting: int, known: bool) -> None:
        room = self._queue if known else self._queue - self._reserved
        if waiting >= room:
            raise Busy("hashing pool full", retry_after=_RETRY_AFTER)
        # No one network keeps the others out: a quarter of the queue, and for its known devices the reserved places.
        share = self._share + self._reserved if known else self._share
        if client and self._waiting[client] >= share:
            raise Busy("one network's share of the hashing queue is full", retry_after=_RETRY_AFTER)

    def _run(self) -> None:
        if sys.platform == "linux":
            # On Linux this is the thread's own priority; elsewhere it would slow the whole process.
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)
        job = self._next(ended=0)
        while job is not None:
            job.do()
            del job  # nothing of a password stays with an idle thread
            job = self._next(ended=1)

    def _next(self, *, ended: int) -> _Job | None:
        """Report the end of a job, and wait for another; None: the pool closes and nothing is left."""
        with self._wake:
            self._running -= ended
            while not self._jobs:
                if self._closing:
                    with contextlib.suppress(ValueError):  # one that began while the pool was closing
                        self._threads.remove(threading.current_thread())
                    return None
                self._wake.wait()
            job = self._jobs.popleft()
            self._running += 1
            if job.waits_for is not None:
                self._waiting[job.waits_for] -= 1
                if not self._waiting[job.waits_for]:
                    del self._waiting[job.waits_for]
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
