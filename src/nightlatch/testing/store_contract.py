"""What every store is held to: subclass `StoreContract` and give it a ``store`` fixture.

class TestMine(StoreContract):
    @pytest.fixture
    def store(self):
        ...
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from nightlatch.errors import Conflict, TransactionOpen
from nightlatch.ports import Store, after, any_of, before, plus
from nightlatch.primitives.ids import uuid7
from nightlatch.records import Attempt, Identifier, Session, ThrottleCounter, TokenFamily, User
from nightlatch.testing.rows import NOW, a_session, a_token_family, a_user, an_attempt, an_identifier
from nightlatch.testing.store_races import StoreRaces
from nightlatch.testing.store_values import StoreValues

__all__ = ["StoreContract"]


class StoreContract(StoreValues, StoreRaces):
    """The laws of ``ports.Store``, as tests."""

    def test_conditions(self, store: Store) -> None:
        """Before and after are strict and never match NULL; None matches NULL; any_of of nothing matches nothing."""
        users = [a_user(epoch=number, name=None if number % 2 else f"u{number}") for number in range(4)]
        for user in users:
            store.insert(user)

        def epochs(where: dict[str, Any]) -> list[int]:
            return [user.epoch for user in store.find(User, where, order_by="epoch")]

        assert epochs({"epoch": before(2)}) == [0, 1]
        assert epochs({"epoch": after(2)}) == [3]
        assert epochs({"epoch": any_of((1, 3, 7))}) == [1, 3]
        assert epochs({"epoch": any_of(())}) == []
        assert epochs({"name": None}) == [1, 3]
        assert epochs({"name": None, "epoch": after(1)}) == [3]
        assert epochs({"created_at": before(NOW)}) == []
        assert epochs({"created_at": before(NOW + timedelta(microseconds=1))}) == [0, 1, 2, 3]

    def test_order_and_limit(self, store: Store) -> None:
        """Upwards, downwards, and so many."""
        for number in (2, 0, 1):
            store.insert(a_user(epoch=number))
        found = store.find(User, {"epoch": after(-1)}, order_by="-epoch", limit=2)
        assert [user.epoch for user in found] == [2, 1]

    def test_order_of_nulls_and_texts(self, store: Store) -> None:
        """None comes first upwards and last downwards; text goes by its code points."""
        for name in ("b", None, "B", "é", "a", "Z"):
            store.insert(a_user(name=name))
        upwards = [None, "B", "Z", "a", "b", "é"]
        assert [user.name for user in store.find(User, {"epoch": 1}, order_by="name")] == upwards
        assert [user.name for user in store.find(User, {"epoch": 1}, order_by="-name")] == upwards[::-1]

    def test_limits(self, store: Store) -> None:
        """Nothing, all, and none below nothing; an order by what is not there is an error."""
        store.insert(a_user())
        assert store.find(User, {"epoch": 1}, limit=0) == []
        assert len(store.find(User, {"epoch": 1}, limit=10)) == 1
        for unfit in ({"limit": -1}, {"order_by": "nothing"}, {"order_by": ""}, {"order_by": "epoch desc"}):
            with pytest.raises(ValueError, match=r".+"):
                store.find(User, {"epoch": 1}, **unfit)

    def test_any_of_many(self, store: Store) -> None:
        """Many values, of every kind that is compared; what repeats counts once."""
        users = [a_user(external_id=str(number)) for number in range(5)]
        for user in users:
            store.insert(user)
        many = tuple(str(number) for number in range(1, 800))
        assert len(store.find(User, {"external_id": any_of(many)})) == 4
        assert len(store.find(User, {"id": any_of(tuple(user.id for user in users[:3]))})) == 3
        assert len(store.find(User, {"created_at": any_of((NOW, NOW))})) == 5
        assert store.update(User, {"external_id": any_of(("0", "0"))}, {"name": "x"}) == 1
        assert store.delete(User, {"external_id": any_of(many)}) == 4
        assert store.delete(User, {"external_id": any_of(())}) == 0

    def test_plus(self, store: Store) -> None:
        """Up and down, beside other changes; NULL plus one is NULL."""
        user, none = a_user(), ThrottleCounter(id=uuid7(NOW), count=5, expires_at=NOW)
        store.insert(user)
        store.insert(none)
        assert store.update(User, {"id": user.id, "epoch": 1}, {"epoch": plus(2), "name": "x"}) == 1
        assert store.update(User, {"id": user.id, "epoch": 1}, {"epoch": plus(2)}) == 0
        assert store.update(ThrottleCounter, {"count": after(4)}, {"count": plus(-7)}) == 1
        found, counter = store.get(User, user.id), store.get(ThrottleCounter, none.id)
        assert found is not None
        assert counter is not None
        assert (found.epoch, found.name, counter.count) == (3, "x", -2)
        store.insert(an_attempt(epoch=None))
        assert store.update(Attempt, {"epoch": None}, {"epoch": plus(1)}) == 1
        assert len(store.find(Attempt, {"epoch": None})) == 1

    def test_counts_are_matched_rows(self, store: Store) -> None:
        """Changing a value to itself still counts."""
        user = a_user(name="same")
        store.insert(user)
        assert store.update(User, {"id": user.id}, {"name": "same"}) == 1
        assert store.update(User, {"id": uuid4()}, {"name": "same"}) == 0
        assert store.delete(User, {"id": user.id}) == 1
        assert store.delete(User, {"id": user.id}) == 0

    def test_uniqueness(self, store: Store) -> None:
        """A clash is a Conflict, on insert and on update; rows with a None never clash."""
        first, second = a_user(external_id="1"), a_user(external_id="2")
        for user in (first, second, a_user(), a_user()):
            store.insert(user)
        with pytest.raises(Conflict):
            store.insert(first)
        with pytest.raises(Conflict):
            store.insert(a_user(external_id="1"))
        with pytest.raises(Conflict):
            store.update(User, {"id": second.id}, {"external_id": "1"})
        unchanged = store.get(User, second.id)
        assert unchanged is not None
        assert unchanged.external_id == "2"

    def test_a_conflicting_update_changes_no_row(self, store: Store) -> None:
        """Of several rows that matched none is changed where one may not be."""
        users = [a_user(name="two") for _ in range(2)]
        for user in users:
            store.insert(user)
        with pytest.raises(Conflict):
            store.update(User, {"name": "two"}, {"external_id": "the same"})
        assert store.find(User, {"external_id": "the same"}) == []

    def test_a_conflict_leaves_the_transaction_usable(self, store: Store) -> None:
        """What came before and after it is kept, whichever verb and rule it was."""
        first, second = a_user(external_id="1"), a_user(external_id="2")
        with store.transaction():
            store.insert(first)
            with pytest.raises(Conflict):
                store.insert(a_user(external_id="1"))
            with pytest.raises(Conflict):
                store.insert(a_session(a_user()))
            store.insert(second)
            with pytest.raises(Conflict):
                store.update(User, {"id": second.id}, {"external_id": "1"})
            with pytest.raises(Conflict), store.transaction():
                store.insert(a_user(name="inner"))
                store.insert(first)
            assert store.update(User, {"id": second.id}, {"name": "still here"}) == 1
        assert store.get(User, first.id) == first
        assert store.get(User, second.id) == msgspec.structs.replace(second, name="still here")
        assert store.find(User, {"name": "inner"}) == []

    def test_a_reference_to_nothing_is_a_conflict(self, store: Store) -> None:
        """A session of nobody is not written, nor made one."""
        user = a_user()
        session = a_session(user)
        with pytest.raises(Conflict):
            store.insert(session)
        store.insert(user)
        store.insert(session)
        with pytest.raises(Conflict):
            store.update(Session, {"id": session.id}, {"user_id": uuid4()})
        assert store.get(Session, session.id) == session

    def test_deleting_deletes_what_refers_to_it(self, store: Store) -> None:
        """A user's identifiers, sessions and their token families go with the user; another's stay."""
        gone, stays = a_user(), a_user()
        for user in (gone, stays):
            session = a_session(user)
            store.insert(user)
            store.insert(session)
            store.insert(a_token_family(session))
            store.insert(an_identifier(user, str(user.id)))
        with pytest.raises(RuntimeError), store.transaction():
            assert store.delete(User, {"id": gone.id}) == 1
            assert store.find(TokenFamily, {"user_id": gone.id}) == []
            raise RuntimeError
        for user, left in ((gone, 1), (stays, 1)):
            assert [len(store.find(kind, {"user_id": user.id})) for kind in (Session, TokenFamily, Identifier)] == [
                left
            ] * 3
        assert store.delete(User, {"id": gone.id}) == 1
        for user, left in ((gone, 0), (stays, 1)):
            assert [len(store.find(kind, {"user_id": user.id})) for kind in (Session, TokenFamily, Identifier)] == [
                left
            ] * 3

    def test_an_exception_undoes_a_transaction(self, store: Store) -> None:
        """All of it: inserts, updates, deletes."""
        kept, gone = a_user(name="before"), a_user()
        store.insert(kept)
        store.insert(gone)
        with pytest.raises(RuntimeError), store.transaction():
            store.insert(a_user(epoch=99))
            store.update(User, {"id": kept.id}, {"name": "after"})
            store.delete(User, {"id": gone.id})
            raise RuntimeError
        assert store.get(User, kept.id) == kept
        assert store.get(User, gone.id) == gone
        assert store.find(User, {"epoch": 99}) == []

    def test_nested_transactions_are_savepoints(self, store: Store) -> None:
        """An inner exception undoes the inner one only; an outer one undoes both."""
        outer, inner = a_user(), a_user()
        with store.transaction():
            store.insert(outer)
            with pytest.raises(RuntimeError), store.transaction():
                store.insert(inner)
                raise RuntimeError
            assert store.get(User, inner.id) is None
        assert store.get(User, outer.id) == outer
        with pytest.raises(RuntimeError), store.transaction():
            with store.transaction():
                store.insert(inner)
            raise RuntimeError
        assert store.get(User, inner.id) is None

    def test_a_transaction_is_undone_however_it_is_left(self, store: Store) -> None:
        """An interrupt too undoes it; afterwards the thread is free again."""
        user = a_user()
        with pytest.raises(KeyboardInterrupt), store.transaction(), store.transaction(), store.transaction():
            store.insert(user)
            raise KeyboardInterrupt
        assert store.get(User, user.id) is None
        with store.transaction(own=True):
            store.insert(user)
        assert store.get(User, user.id) == user

    def test_savepoints_side_by_side(self, store: Store) -> None:
        """Each stands or falls by itself, at any depth."""
        kept, undone = [a_user() for _ in range(3)], [a_user() for _ in range(3)]
        with store.transaction():
            for good, bad in zip(kept, undone, strict=True):
                with store.transaction():
                    store.insert(good)
                    with pytest.raises(RuntimeError), store.transaction():
                        with store.transaction():
                            store.insert(bad)
                        store.delete(User, {"id": good.id})
                        raise RuntimeError
        assert [store.get(User, user.id) for user in kept] == kept
        assert [store.get(User, user.id) for user in undone] == [None] * 3

    def test_a_transaction_of_its_own_is_refused_inside_another(self, store: Store) -> None:
        """And goes through outside; the refusal undoes nothing."""
        user = a_user()
        with store.transaction():
            store.insert(user)
            with pytest.raises(TransactionOpen), store.transaction(own=True):
                pass
            with store.transaction(), pytest.raises(TransactionOpen), store.transaction(own=True):
                pass
        assert store.get(User, user.id) == user
        with store.transaction(own=True):
            store.insert(a_user())

    def test_changes_name_what_is_there(self, store: Store) -> None:
        """An unknown field, a changed id, plus on a text: ValueError."""
        for changes in ({"nothing": 1}, {"id": uuid4()}, {"name": plus(1)}, {}):
            with pytest.raises(ValueError, match=r".+"):
                store.update(User, {"epoch": 1}, changes)


def _rows_of(store: Store, user: User) -> list[int]:
    return [len(store.find(kind, {"user_id": user.id})) for kind in (Session, TokenFamily, Identifier)]
