"""What sixteen threads may do to a store at once: part of its contract."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from nightlatch.errors import Conflict, StoreUnavailable
from nightlatch.ports import Store, plus
from nightlatch.primitives.ids import uuid7
from nightlatch.records import Record, Session, ThrottleCounter, User
from nightlatch.testing.rows import NOW, a_session, a_user

__all__ = ["StoreRaces"]

THREADS = 16


def all_at_once(act: Callable[[int], Any]) -> list[Any]:
    """Run an act in sixteen threads and return what each gave or raised."""

    def run(number: int) -> Any:
        try:
            return act(number)
        except Conflict as conflict:
            return conflict

    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(run, range(THREADS)))


class StoreRaces:
    """The laws of ``ports.Store`` under load; `StoreContract` includes them."""

    def test_one_of_many_guarded_updates_wins(self, store: Store) -> None:
        """Sixteen threads redeem one thing: exactly one row count is 1."""
        user = a_user()
        store.insert(user)
        won = all_at_once(
            lambda number: store.update(User, {"id": user.id, "name": None}, {"name": f"winner {number}"})
        )
        assert sorted(won) == [0] * (THREADS - 1) + [1]

    def test_one_of_many_guarded_updates_wins_inside_transactions(self, store: Store) -> None:
        """The same where each look and write share a transaction."""
        user = a_user()
        store.insert(user)

        def redeem(number: int) -> int:
            with store.transaction():
                store.get(User, user.id)
                return store.update(User, {"id": user.id, "name": None}, {"name": f"winner {number}"})

        assert sorted(all_at_once(redeem)) == [0] * (THREADS - 1) + [1]

    def test_plus_loses_nothing(self, store: Store) -> None:
        """Counting in the database: sixteen times ten is a hundred and sixty."""
        counter = ThrottleCounter(id=uuid7(NOW), count=0, expires_at=NOW)
        store.insert(counter)

        def count(_: int) -> None:
            for _turn in range(10):
                store.update(ThrottleCounter, {"id": counter.id}, {"count": plus(1)})

        all_at_once(count)
        counted = store.get(ThrottleCounter, counter.id)
        assert counted is not None
        assert counted.count == THREADS * 10

    def test_one_of_many_inserts_wins(self, store: Store) -> None:
        """One unique key from sixteen threads: one row, fifteen conflicts."""
        results = all_at_once(lambda _: store.insert(a_user(external_id="the one")))
        assert sum(isinstance(each, Conflict) for each in results) == THREADS - 1
        assert len(store.find(User, {"external_id": "the one"})) == 1

    def test_threads_do_not_share_transactions(self, store: Store) -> None:
        """What one thread has not committed another's rollback does not touch."""

        def write(number: int) -> Record | None:
            user = a_user(external_id=str(number))
            try:
                with store.transaction():
                    store.insert(user)
                    if number % 2:
                        raise RuntimeError
            except RuntimeError:
                return None
            return user

        kept = [user for user in all_at_once(write) if user is not None]
        assert {each.external_id for each in store.find(User, {"epoch": 1})} == {each.external_id for each in kept}

    def test_one_of_many_deletes_wins(self, store: Store) -> None:
        """Sixteen threads take one thing away: exactly one row count is 1."""
        user = a_user()
        store.insert(user)
        assert sorted(all_at_once(lambda _: store.delete(User, {"id": user.id}))) == [0] * (THREADS - 1) + [1]

    def test_nothing_is_left_of_a_user_deleted_meanwhile(self, store: Store) -> None:
        """Fifteen sessions begin while their user is deleted: each is refused, or goes with the user."""
        user = a_user()
        store.insert(user)

        def act(number: int) -> None:
            if number == THREADS // 2:
                store.delete(User, {"id": user.id})
            else:
                store.insert(a_session(user))

        all_at_once(act)
        assert store.get(User, user.id) is None
        assert store.find(Session, {"user_id": user.id}) == []

    def test_what_moves_between_rows_is_never_lost(self, store: Store) -> None:
        """Transactions that meet in opposite orders: each happens as a whole, or not at all."""
        left, right = (ThrottleCounter(id=uuid7(NOW), count=0, expires_at=NOW) for _ in range(2))
        store.insert(left)
        store.insert(right)

        def move(number: int) -> int:
            one, other = (left, right) if number % 2 else (right, left)
            amount = number + 1
            try:
                with store.transaction():
                    store.update(ThrottleCounter, {"id": one.id}, {"count": plus(amount)})
                    store.update(ThrottleCounter, {"id": other.id}, {"count": plus(-amount)})
            except StoreUnavailable:
                return 0  # a database may end one of two that wait for each other
            return amount if number % 2 else -amount

        moved = sum(all_at_once(move))
        counts = [found.count for each in (left, right) if (found := store.get(ThrottleCounter, each.id))]
        assert counts == [moved, -moved]

    def test_what_is_not_committed_is_not_seen(self, store: Store) -> None:
        """Another thread sees all of a transaction or nothing of it."""
        user = a_user()
        with ThreadPoolExecutor(1) as other:
            with pytest.raises(RuntimeError), store.transaction():
                store.insert(user)
                seen = other.submit(store.get, User, user.id)
                raise RuntimeError
            assert seen.result() is None
