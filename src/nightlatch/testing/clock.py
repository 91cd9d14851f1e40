"""A clock that stands still until it is moved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

__all__ = ["Clock"]


class Clock:
    """Show the time that a test wants.

    Args:
        now: the time to begin at, aware.
    """

    def __init__(self, now: datetime = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)) -> None:
        self.time = now

    def now(self) -> datetime:
        """Return the time it shows."""
        return self.time

    def advance(self, **by: float) -> None:
        """Move on, in the words of `timedelta`: ``clock.advance(minutes=11)``."""
        self.time += timedelta(**by)
