"""The time, which never goes back: what has expired stays so."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

__all__ = ["SystemClock"]

log = logging.getLogger("nightlatch.clock")

_TICK = timedelta(microseconds=1)
_NOTABLE = timedelta(seconds=1)
_MOST_HELD = timedelta(hours=2)
"""Past it the machine's clock was wrong before, and is right now: to wait for it would be an outage."""


class SystemClock:
    """Tell the time of this machine (ASVS 6.5.8: the server's time, never the client's).

    Where the machine's clock steps back, the time that was told last is held until it is reached again: a code, a
    delay or a session that has ended does not come to life for an hour. Each call still tells a later moment, so that
    what happens meanwhile stays in order.

    Args:
        wall: reads the machine's clock.
    """

    def __init__(self, wall: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._wall = wall
        self._latest = wall()
        self._told = False

    def now(self) -> datetime:
        """Return the time as an aware UTC datetime."""
        wall, latest = self._wall(), self._latest
        if wall > latest:
            self._latest, self._told = wall, False
            return wall
        if latest - wall > _MOST_HELD:
            log.error("the clock stepped back by %s, which is followed: times in the store may be ahead", latest - wall)
            self._latest = wall
            return wall
        if latest - wall > _NOTABLE and not self._told:
            self._told = True
            log.error("the clock stepped back by %s: time stands still until it has caught up", latest - wall)
        self._latest = max(latest, self._latest) + _TICK
        return self._latest

    @property
    def behind(self) -> timedelta:
        """How far the machine's clock is behind what was told."""
        return max(self._latest - self._wall(), timedelta(0))
