"""How often an authenticator may be tried: counted before anything is verified (NIST SP 800-63B-4 3.2.2)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from nightlatch.authenticators.base import Subject
from nightlatch.ports import Clock, Store, after, before, plus
from nightlatch.primitives.ids import uuid7
from nightlatch.records import Authenticator

__all__ = ["MOST_FAILURES", "Counted", "Tries"]

MOST_FAILURES = 100
"""NIST SP 800-63B-4 3.2.2: at most 100 consecutive failures, then the authenticator is refused."""

_EVER = datetime(1970, 1, 1, tzinfo=UTC)
_FREE_FAILURES = 10
_FIRST_DELAY = timedelta(seconds=30)
_LAST_DELAY = timedelta(hours=1)


class Tries:
    """Count the tries of one kind of authenticator, over all attempts. Several of one kind count together.

    Args:
        store: where the counts are.
        clock: tells the time.
        kind: the authenticator's.
    """

    def __init__(self, store: Store, clock: Clock, kind: str) -> None:
        self._store = store
        self._clock = clock
        self._kind = kind

    def count(self, subject: Subject) -> bool:
        """Count a try from an unknown device; a known one has a budget of its own (adversary 81).

        A try that is refused whatever it is (within a delay, or after a hundred failures) is no guess, and not counted:
        the delays spread a hundred guesses over days, however many tries are made meanwhile.
        """
        if subject.device is not None:
            return True
        now, failures = self._clock.now(), self._failures(subject)
        changes: dict[str, object] = {"failures": plus(1)}
        most = _FREE_FAILURES
        if failures >= _FREE_FAILURES:
            # Set with the count, before anything is verified: of parallel guesses one gets through.
            wait = _FIRST_DELAY * 2 ** min(failures - _FREE_FAILURES, 20)
            changes["retry_at"] = now + min(wait, _LAST_DELAY)
            most = MOST_FAILURES
        # No delay, or one that is over: at most one of the two matches. For a stranger the same statements are run, on
        # rows that are not there.
        guard = {**self._rows(subject, now), "failures": before(most)}
        over = (None, before(now))
        counted = sum(self._store.update(Authenticator, {**guard, "retry_at": each}, changes) for each in over)
        return counted >= max(1, len(self._bound(subject)))  # of several, the one that may be tried least decides

    def uncount(self, subject: Subject) -> None:
        """Take a try back that was counted, and the delay that came with it."""
        if subject.device is not None:
            return
        changes: dict[str, object] = {"failures": plus(-1)}
        bound = self._bound(subject)
        if self._failures(subject) >= _FREE_FAILURES:
            changes["retry_at"] = bound[0].retry_at
        guard = {**self._rows(subject, self._clock.now()), "failures": after(0)}
        self._store.update(Authenticator, guard, changes)

    def are_used_up(self, subject: Subject) -> bool:
        """Tell whether the try that was just counted, and failed, was the last one."""
        return bool(self._bound(subject)) and subject.device is None and self._failures(subject) + 1 >= MOST_FAILURES

    def end(self, subject: Subject) -> None:
        """End the run of failures, in the transaction that is open."""
        changes = {"failures": 0, "retry_at": None}
        self._store.update(Authenticator, self._rows(subject, self._clock.now()), changes)

    def _bound(self, subject: Subject) -> list[Authenticator]:
        return [each for each in subject.bound if each.kind == self._kind and each.confirmed_at is not None]

    def _failures(self, subject: Subject) -> int:
        return max((each.failures for each in self._bound(subject)), default=0)

    def _rows(self, subject: Subject, now: datetime) -> dict[str, object]:
        # What is not confirmed yet is nobody's to guess at.
        return {
            "user_id": subject.user.id if subject.user else uuid7(now),
            "kind": self._kind,
            "confirmed_at": after(_EVER),
        }


class Counted:
    """What authenticators share whose tries are counted: `Method` asks them, `Tries` answers."""

    _tries: Tries

    def count_try(self, subject: Subject) -> bool:
        """Count a try before it is verified, over all attempts of the user; False where it may not be believed."""
        return self._tries.count(subject)

    def uncount(self, subject: Subject) -> None:
        """Take a try back that was counted: nothing was looked at."""
        self._tries.uncount(subject)

    def is_used_up(self, subject: Subject) -> bool:
        """Tell whether the try that was just counted, and failed, was the last one."""
        return self._tries.are_used_up(subject)
