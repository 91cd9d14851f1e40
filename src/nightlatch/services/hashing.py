"""The hashing pool: bounded threads, a bounded queue, and a clear no past it.

Password hashing is the one costly thing a stranger can ask for. Here it never has more threads than slots, never more
memory than slots times the profile's, and never holds more request threads than slots and queue together. Hash threads
run at the lowest scheduling priority, so that everything else stays fast in a sign-in flood.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import queue
import sys
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import timedelta
from typing import TypeVar

from nightlatch.errors import Busy
from nightlatch.primitives.hashing import (
    Argon2Profile,
    PasswordMismatch,
    Pepper,
    Verified,
    decoy_hash,
    hash_password,
    verify_password,
)
from nightlatch.primitives.secret import Secret

__all__ = ["HashingPool"]

T = TypeVar("T")

_RESERVED = 2
"""Places in the queue that only known devices get: a flood of strangers does not keep them out."""


class HashingPool:
    """Hash and verify passwords, within bounds.

    Args:
        profile: parameters of new hashes.
        slots: hashes at once; None: one for each processor.
        queue: how many more may wait.
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
        pepper: Pepper | None = None,
        decoys: Sequence[str] = (),
        decoy_key: bytes = b"",
    ) -> None:
        self.profile = profile
        self.slots = slots or os.cpu_count() or 1
        self._room = self.slots + queue
        self._share = max(1, queue // 4) + self.slots
        self._pepper = pepper
        self._decoys = list(decoys)
        self._decoy_key = decoy_key
        self._begin()

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._inside = 0
        self._by_client: Counter[str] = Counter()
        self._threads: list[threading.Thread] = []
        self._pid = os.getpid()

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
        return self._do(
            lambda: verify_password(password, stored, self.profile, self._pepper), client, known=known_device
        )

    def verify_decoy(
        self, identifier_key: str, password: Secret, *, client: str = "", known_device: bool = False
    ) -> None:
        """Do the work of a verification for an identifier that nobody has.

        Raises:
            Busy: the pool is full, as for anybody.
        """

        def work() -> None:
            with contextlib.suppress(PasswordMismatch):
                verify_password(password, self._decoy(identifier_key), self.profile, self._pepper)

        self._do(work, client, known=known_device)

    def _decoy(self, identifier_key: str) -> str:
        if not self._decoys:
            self._decoys = [decoy_hash(self.profile)]
        pick = hmac.digest(self._decoy_key, identifier_key.encode("utf-8", "surrogatepass"), hashlib.sha256)
        return self._decoys[int.from_bytes(pick[:8], "big") % len(self._decoys)]

    # --- the pool ---------------------------------------------------------------------------------------------------

    def _do(self, work: Callable[[], T], client: str, *, known: bool) -> T:
        if self._pid != os.getpid():
            self._begin()  # a forked child has the object but not the threads
        self._enter(client, known=known)
        done: Future[T] = Future()

        def job() -> None:
            try:
                done.set_result(work())
            except BaseException as error:  # noqa: BLE001 - it belongs to the caller, who raises it
                done.set_exception(error)

        try:
            self._jobs.put(job)
            return done.result()
        finally:
            self._leave(client)

    def _enter(self, client: str, *, known: bool) -> None:
        with self._lock:
            room = self._room if known else max(self.slots, self._room - _RESERVED)
            if self._inside >= room:
                raise Busy("hashing pool full", retry_after=timedelta(seconds=2))
            if client and not known and self._by_client[client] >= self._share and self._inside >= self.slots:
                # No one network holds more than a quarter of the queue.
                raise Busy("one network's share of the hashing pool is full", retry_after=timedelta(seconds=2))
            self._inside += 1
            self._by_client[client] += 1
            if len(self._threads) < self.slots and self._inside > len(self._threads):
                thread = threading.Thread(target=self._run, name="nightlatch-hash", daemon=True)
                self._threads.append(thread)
                thread.start()

    def _leave(self, client: str) -> None:
        with self._lock:
            self._inside -= 1
            self._by_client[client] -= 1
            if not self._by_client[client]:
                del self._by_client[client]

    def _run(self) -> None:
        if sys.platform == "linux":
            # On Linux this is the thread's own priority; elsewhere it would slow the whole process.
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)
        jobs = self._jobs
        while (job := jobs.get()) is not None:
            job()

    def close(self) -> None:
        """End the threads, once what waits is done."""
        with self._lock:
            threads, self._threads = self._threads, []
        for _ in threads:
            self._jobs.put(None)
        if self._pid == os.getpid():
            for each in threads:
                each.join(timeout=5)

    def __repr__(self) -> str:
        return f"HashingPool({self.profile.name}, slots={self.slots})"
