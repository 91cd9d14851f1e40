"""Counters beside the store, and the rule for when they are out of reach.

The rule (docs/decisions/0014-counters-in-redis.md): what cannot be counted there is counted in the store, never let
through. One refused or silent answer sends every request to the store for a while; then one request asks again, and
once it is answered all count there again. So an outage can grant a budget once more, and nothing beyond.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol, TypeVar
from uuid import UUID

from nightlatch.errors import ConfigurationError, StoreUnavailable

__all__ = ["Counters", "SharedCounters"]

T = TypeVar("T")

log = logging.getLogger("nightlatch.throttle")


class Counters(Protocol):
    """Takes and returns units, each atomically; `storage.redis_counters.RedisCounters` is one."""

    def take(self, counter_id: UUID, limit: int, now: datetime, ends_at: datetime) -> tuple[datetime, bool]:
        """Take one unit; return when the window ends, and whether one was left."""
        ...

    def give_back(self, counter_id: UUID, ends_at: datetime) -> None:
        """Return one unit to the window that ends then."""
        ...

    def look(self, counter_id: UUID) -> list[tuple[int, datetime]]:
        """Return what was taken in the last window and when it ends, if there is one."""
        ...


class SharedCounters:
    """Ask counters that may be out of reach, and not again for a while once they are.

    Args:
        open_them: connects; called at first use, and again until it succeeds.
        retry_after: how long to leave them alone.
        seconds: a clock that only goes forward.
    """

    def __init__(
        self, open_them: Callable[[], Counters], retry_after: timedelta, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._open_them = open_them
        self._counters: Counters | None = None
        self._retry_after = retry_after.total_seconds()
        self._seconds = seconds
        self._lock = threading.Lock()
        self._lost_until: float | None = None

    @property
    def lost(self) -> bool:
        """Whether they were out of reach when last asked."""
        return self._lost_until is not None

    def take(self, counter_id: UUID, limit: int, now: datetime, ends_at: datetime) -> tuple[datetime, bool]:
        """Take one unit.

        Raises:
            StoreUnavailable: they are out of reach, or were a moment ago.
        """
        return self._ask(lambda counters: counters.take(counter_id, limit, now, ends_at))

    def give_back(self, counter_id: UUID, ends_at: datetime) -> None:
        """Return one unit.

        Raises:
            StoreUnavailable: they are out of reach, or were a moment ago.
        """
        self._ask(lambda counters: counters.give_back(counter_id, ends_at))

    def look(self, counter_id: UUID) -> list[tuple[int, datetime]]:
        """Return what was taken in the last window and when it ends, if there is one.

        Raises:
            StoreUnavailable: they are out of reach, or were a moment ago.
        """
        return self._ask(lambda counters: counters.look(counter_id))

    def _ask(self, question: Callable[[Counters], T]) -> T:
        self._see_whether_to_ask()
        try:
            if self._counters is None:
                self._counters = self._open_them()
            answer = question(self._counters)
        except (StoreUnavailable, ConfigurationError) as error:
            self._lose(error.reason)
            raise StoreUnavailable(error.reason) from None
        self._find()
        return answer

    def _see_whether_to_ask(self) -> None:
        if not self.lost:
            return
        with self._lock:
            until, now = self._lost_until, self._seconds()
            if until is None:
                return
            if now < until:
                raise StoreUnavailable("out of reach a moment ago")
            # One asks; the others go on with the store meanwhile.
            self._lost_until = now + self._retry_after

    def _lose(self, why: str) -> None:
        with self._lock:
            if self._lost_until is None:
                log.error("Redis is out of reach (%s): the store counts until it is back", why)
            self._lost_until = self._seconds() + self._retry_after

    def _find(self) -> None:
        if not self.lost:
            return
        with self._lock:
            if self._lost_until is not None:
                log.warning("Redis is back")
            self._lost_until = None
