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

__all__ = ["Answering"]

_QUIET = 0.2
"""Seconds without a request: one whose head has just been read is still on its way to us."""


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

    def leave_when_told(self) -> None:
        """End this process once it is told to stop and nothing is being answered. Call it in the main thread."""
        told, tell = os.pipe()
        os.set_blocking(tell, False)
        # Written to by the interpreter itself, whoever sets the handlers afterwards.
        signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
        threading.Thread(target=self._wait, args=(told,), name="nightlatch-stop", daemon=True).start()

    def _wait(self, told: int) -> None:
        os.read(told, 1)
        told_at = time.monotonic()
        while self._running or time.monotonic() - max(self._ended_at, told_at) < _QUIET:
            time.sleep(_QUIET / 4)
        os._exit(0)
