"""One daemon thread a process for what need not be awaited: the outbox, last-seen times, sweeps.

It begins with the first message, or with a request once a poll is due; never at import; again after a fork.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta

from nightlatch.errors import StoreError

__all__ = ["Background"]

log = logging.getLogger("nightlatch.background")

_SWEEP_EVERY = timedelta(minutes=5)


class Background:
    """Run chores in a thread of its own.

    Args:
        chores: called at every poll, and at once after `wake`.
        sweeps: called every five minutes.
        poll: how long to sleep between.
        enabled: False under a test runner, where `run_once` is called instead.
    """

    def __init__(
        self,
        chores: Sequence[Callable[[], object]],
        sweeps: Sequence[Callable[[], object]],
        *,
        poll: timedelta,
        enabled: bool,
    ) -> None:
        self._chores = tuple(chores)
        self._sweeps = tuple(sweeps)
        self._poll = poll
        self._enabled = enabled
        self._lock = threading.Lock()
        self._woken = threading.Event()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._pid = 0

    def wake(self) -> None:
        """See that there is a thread, and that it looks soon. Costs next to nothing when there is one."""
        if not self._enabled or self._ending.is_set():
            return
        if self._thread is None or self._pid != os.getpid():
            self._start()
        self._woken.set()

    def _start(self) -> None:
        with self._lock:
            if self._thread is not None and self._pid == os.getpid():
                return
            # A forked child has the object but not the thread: it gets events of its own as well.
            self._woken, self._ending, self._pid = threading.Event(), threading.Event(), os.getpid()
            self._thread = threading.Thread(target=self._run, name="nightlatch-background", daemon=True)
            self._thread.start()

    def run_once(self) -> None:
        """Do every chore and every sweep once, in this thread."""
        for each in (*self._chores, *self._sweeps):
            self._do(each)

    def stop(self, timeout: timedelta = timedelta(seconds=5)) -> None:
        """End the thread after the chore it is at."""
        self._ending.set()
        self._woken.set()
        thread = self._thread
        if thread is not None and self._pid == os.getpid() and thread is not threading.current_thread():
            thread.join(timeout.total_seconds())
        self._thread = None

    def _run(self) -> None:
        polls_to_sweep = 0
        woken, ending = self._woken, self._ending
        while not ending.is_set():
            woken.wait(self._poll.total_seconds())
            if ending.is_set():
                return
            woken.clear()
            for each in self._chores:
                self._do(each)
            if polls_to_sweep <= 0:
                polls_to_sweep = int(_SWEEP_EVERY / self._poll)
                for each in self._sweeps:
                    self._do(each)
            polls_to_sweep -= 1

    def _do(self, chore: Callable[[], object]) -> None:
        try:
            chore()
        except StoreError as error:
            log.warning("background work waits for the store: %s", type(error).__name__)
        except Exception:
            # The thread outlives a chore's fault; the fault is the operator's to see.
            log.exception("background work failed")
