"""Leaving as soon as what has begun is answered.

Told to stop, Granian lets a worker finish, but it cannot tell a request from a connection that is kept open and idle:
one browser tab would hold each stop until the worker is killed. We know how many requests are being answered.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from types import TracebackType

__all__ = ["Answering", "hear_from_the_fork"]

_QUIET = 0.6
"""Seconds without a request: one whose head has just been read is still on its way to us."""


_told: int | None = None
"""In a worker: a pipe that has something to read once the process was told to stop."""


def hear_from_the_fork() -> None:
    """Let every worker that is forked from here notice that it is told to stop, from its first moment on.

    Until its own handlers stand a worker has those of its parent, which do nothing there: a stop that came while it
    was starting would be lost, and the server would wait for the worker until it is killed.
    """
    os.register_at_fork(after_in_child=_hear)


def _hear() -> None:
    global _told
    _told, tell = os.pipe()
    os.set_blocking(tell, False)
    # Written to by the interpreter itself, whoever sets the handlers afterwards.
    signal.set_wakeup_fd(tell, warn_on_full_buffer=False)


class Answering:
    """Count the requests that are being answered: ``with answering: ...``."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running = 0
        self._ended_at = 0.0

    def __enter__(self) -> None:
        """Begin one."""
        with self._lock:
            self._running += 1

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End one."""
        with self._lock:
            self._running -= 1
            self._ended_at = time.monotonic()

    @property
    def running(self) -> int:
        """How many there are."""
        return self._running

    def leave_when_told(self) -> None:
        """End this process once it is told to stop and nothing is being answered. Call it in the main thread."""
        if _told is None:  # not forked: it is served by another command than ours
            _hear()
        threading.Thread(target=self._wait, name="nightlatch-stop", daemon=True).start()

    def _wait(self) -> None:
        assert _told is not None
        os.read(_told, 1)
        told_at = time.monotonic()
        while self._running or time.monotonic() - max(self._ended_at, told_at) < _QUIET:
            time.sleep(_QUIET / 4)
        os._exit(0)
