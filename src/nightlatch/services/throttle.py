"""Budgets for guesses and for traffic, spent before anything is verified.

A budget is keyed only by what the client sent or is (normalised identifier, network, device), known or unknown alike,
so that its refusal tells nothing about accounts. Spending is one guarded update: 200 parallel guesses never exceed
the budget (adversary 75). The count commits before the flow's own transaction opens and survives its rollback.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from nightlatch.errors import Conflict, StoreUnavailable, Throttled
from nightlatch.ports import Clock, Store, after, before, plus
from nightlatch.primitives.ids import derived_id
from nightlatch.primitives.keyring import Keyring
from nightlatch.records import ThrottleCounter
from nightlatch.services.shared_counters import SharedCounters
from nightlatch.settings import Budget

__all__ = ["Charge", "Spent", "Throttle"]

_TURNS = 5
"""How often to look again when others change the same counter at the same moment."""


@dataclass(frozen=True, slots=True)
class Charge:
    """One use of one budget.

    Args:
        budget: how much there is.
        key: what it is kept for, including the act: ``sign_in:identifier:mia@example.org``.
    """

    budget: Budget
    key: str


@dataclass(frozen=True, slots=True)
class Spent:
    """What a request has spent, so that exactly this can be given back."""

    counters: tuple[tuple[UUID, datetime], ...]
    shared: bool = False
    """Whether they are in the shared counters; else in the store."""


class Throttle:
    """Spend budgets and give them back.

    Args:
        store: where the counters are.
        clock: tells the time.
        keyring: keys the counters' ids: the table holds no addresses.
        shared: counters beside the store, which are asked first.
    """

    def __init__(self, store: Store, clock: Clock, keyring: Keyring, shared: SharedCounters | None = None) -> None:
        self._shared = shared
        self._store = store
        self._clock = clock
        self._id_key = keyring.mac("throttle", "counter ids")
        self._counting = threading.Lock()
        self._refusals: Counter[str] = Counter()

    def spend(self, charges: Sequence[Charge], *, within: Callable[[], None] | None = None) -> Spent:
        """Spend one unit of each budget, in a transaction of its own.

        Args:
            charges: what to spend; the first that is used up refuses.
            within: counts of an authenticator's own, written in the same transaction once every budget granted.

        A refusal spends nothing beyond what was spent before it: those units stay spent, so that a client that is
        refused by one budget cannot probe the others for free.

        Raises:
            Throttled: a budget is used up; `retry_after` says when its window ends.
        """
        spent = self._take_shared(charges)
        if spent is None:
            return self._spend_stored(charges, within)
        if within is not None:
            try:
                with self._store.transaction(own=True):
                    within()
            except BaseException:
                self.give_back(spent)
                raise
        return spent

    def _take_shared(self, charges: Sequence[Charge]) -> Spent | None:
        """Spend in the shared counters; None where there are none, or they are out of reach.

        What was counted there before they were lost stays spent there: an outage makes nothing cheaper.
        """
        if self._shared is None:
            return None
        now = self._clock.now()
        taken: list[tuple[UUID, datetime]] = []
        for charge in charges:
            counter_id = derived_id(self._id_key, charge.key)
            try:
                ends_at, granted = self._shared.take(counter_id, charge.budget.limit, now, now + charge.budget.per)
            except StoreUnavailable:
                return None
            if not granted:
                raise self._refusal(charge, ends_at, now)
            taken.append((counter_id, ends_at))
        return Spent(tuple(taken), shared=True)

    def _spend_stored(self, charges: Sequence[Charge], within: Callable[[], None] | None) -> Spent:
        now = self._clock.now()
        spent: list[tuple[UUID, datetime]] = []
        refused: datetime | None = None
        with self._store.transaction(own=True):
            for charge in charges:
                counter_id = derived_id(self._id_key, charge.key)
                ends_at, granted = self._take(counter_id, charge.budget, now)
                if not granted:
                    refused = ends_at
                    break
                spent.append((counter_id, ends_at))
            if refused is None and within is not None:
                within()
        if refused is not None:
            # Raised outside: the counts of this transaction stay.
            raise self._refusal(charge, refused, now)
        return Spent(tuple(spent))

    @property
    def refusals(self) -> dict[str, int]:
        """How often this process refused, by the act that a key begins with: nothing that tells of a person."""
        with self._counting:
            return dict(self._refusals)

    @property
    def fallen_back(self) -> bool:
        """Whether the store counts because the shared counters are out of reach."""
        return self._shared is not None and self._shared.lost

    def _refusal(self, charge: Charge, ends_at: datetime, now: datetime) -> Throttled:
        with self._counting:
            self._refusals[charge.key.partition(":")[0]] += 1
        return Throttled("budget spent", retry_after=max(ends_at - now, timedelta(seconds=1)))

    def used_up_until(self, charge: Charge) -> datetime | None:
        """Tell until when a budget is used up; None where it is not. Looking costs nothing of it."""
        counter_id = derived_id(self._id_key, charge.key)
        row = self._store.get(ThrottleCounter, counter_id)
        windows = [(row.count, row.expires_at)] if row is not None else []
        if self._shared is not None:
            with suppress(StoreUnavailable):
                windows += self._shared.look(counter_id)
        now = self._clock.now()
        return max((ends for count, ends in windows if ends > now and count >= charge.budget.limit), default=None)

    def _take(self, counter_id: UUID, budget: Budget, now: datetime) -> tuple[datetime, bool]:
        for _ in range(_TURNS):
            counted = self._store.update(
                ThrottleCounter,
                {"id": counter_id, "expires_at": after(now), "count": before(budget.limit)},
                {"count": plus(1)},
            )
            row = self._store.get(ThrottleCounter, counter_id)
            if counted and row is not None:
                return row.expires_at, True
            if row is not None and row.expires_at > now and row.count >= budget.limit:
                return row.expires_at, False
            if row is None or row.expires_at <= now:
                ends_at = now + budget.per
                if self._begin_window(counter_id, row, ends_at):
                    return ends_at, True
        return now, False  # others were quicker every time: fail closed

    def _begin_window(self, counter_id: UUID, old: ThrottleCounter | None, ends_at: datetime) -> bool:
        """Begin a window with one unit spent; False where another process began it first."""
        if old is not None:
            guard = {"id": counter_id, "expires_at": old.expires_at}
            return bool(self._store.update(ThrottleCounter, guard, {"count": 1, "expires_at": ends_at}))
        try:
            self._store.insert(ThrottleCounter(id=counter_id, count=1, expires_at=ends_at))
        except Conflict:
            return False
        return True

    def give_back(self, spent: Spent) -> None:
        """Return exactly what a request spent, nothing more (adversary 77), and only to the window it came from."""
        if spent.shared and self._shared is not None:
            with suppress(StoreUnavailable):  # not returned: the stricter of the two
                for counter_id, ends_at in spent.counters:
                    self._shared.give_back(counter_id, ends_at)
            return
        with self._store.transaction():
            for counter_id, ends_at in spent.counters:
                self._store.update(
                    ThrottleCounter, {"id": counter_id, "expires_at": ends_at, "count": after(0)}, {"count": plus(-1)}
                )

    def count(self, key: str, life: timedelta) -> None:
        """Count in the store something that is only looked at, in a transaction of its own.

        Args:
            key: what is counted, its window included.
            life: how long the count is kept.
        """
        self._spend_stored([Charge(Budget(limit=2**31 - 1, per=life), key)], None)

    def counted(self, key: str) -> int:
        """Return how much was counted under a key."""
        row = self._store.get(ThrottleCounter, derived_id(self._id_key, key))
        return row.count if row is not None and row.expires_at > self._clock.now() else 0

    def sweep(self, limit: int = 500) -> int:
        """Delete counters whose window has ended."""
        now = self._clock.now()
        old = self._store.find(ThrottleCounter, {"expires_at": before(now)}, order_by="expires_at", limit=limit)
        return sum(self._store.delete(ThrottleCounter, {"id": each.id, "expires_at": each.expires_at}) for each in old)
