"""From the event loop to a thread and back: the only way that synchronous work is done here.

The threads are our own: those of the framework (40, for `def` routes) can neither be taken by us nor be taken from us.
There are two lanes. What acts (sign-ins among it) has one of its own, and at most half of that lane can be held by
running and waiting hashes, so that whoever is to be refused is refused at once; looking who is signed in has the other,
which no number of sign-ins can fill.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import anyio
from anyio.lowlevel import RunVar
from anyio.to_thread import run_sync

from nightlatch.services.hashing import HashingPool

__all__ = ["Threads"]

T = TypeVar("T")

_LOOKING = 16
_ACTING_AT_LEAST = 16


class Threads:
    """Do synchronous work in threads, so many at once. Building it starts none.

    The context is copied. What has begun is never abandoned: when its client leaves or its task is cancelled, it is
    waited for, since a flow begun is to be ended.
    """

    def __init__(self) -> None:
        # Of each event loop its own: a test client brings a new one for each request.
        self._looking: RunVar[anyio.CapacityLimiter] = RunVar("nightlatch looking")
        self._acting: RunVar[anyio.CapacityLimiter] = RunVar("nightlatch acting")
        self.acting = _ACTING_AT_LEAST
        """How many may act at once; see `make_room`."""

    def make_room(self, hashing: HashingPool) -> None:
        """Let twice as many act as can be held by hashes, running or waiting."""
        self.acting = max(_ACTING_AT_LEAST, 2 * hashing.most_held)

    async def look(self, work: Callable[[], T]) -> T:
        """Do what reads."""
        return await self._run(work, self._looking, _LOOKING)

    async def act(self, work: Callable[[], T]) -> T:
        """Do what may hash a password, write, or wait for others who do."""
        return await self._run(work, self._acting, self.acting)

    async def _run(self, work: Callable[[], T], lane: RunVar[anyio.CapacityLimiter], most: int) -> T:
        limiter = lane.get(None)
        if limiter is None:
            limiter = anyio.CapacityLimiter(most)
            lane.set(limiter)
        if limiter.total_tokens != most:
            limiter.total_tokens = most
        return await run_sync(work, limiter=limiter, abandon_on_cancel=False)
