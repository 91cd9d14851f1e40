"""What a store that can insert many at once is held to: the laws of `Store.insert`, for all of them together.

class TestMine(StoreContract, InsertsManyContract): ...
"""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

import pytest

from nightlatch.errors import Conflict
from nightlatch.ports import InsertsMany, Store, after
from nightlatch.records import Identifier, Record, Session, User
from nightlatch.testing.rows import a_session, a_user, an_identifier

__all__ = ["InsertsManyContract"]


class _Store(Store, InsertsMany, Protocol):
    """A store of both."""


class InsertsManyContract:
    """The laws of ``ports.InsertsMany``, as tests."""

    def test_many_rows_come_back_as_they_were(self, store: _Store) -> None:
        """Of several kinds, with and without values, equal ones and unequal ones, and none at all."""
        users = [
            a_user(name=None if number % 3 else f"u{number}", epoch=number, roles=("a", "b") if number % 2 else ())
            for number in range(300)
        ]
        rows: list[Record] = [
            *users,
            *(an_identifier(user, str(user.id)) for user in users),
            *(a_session(user) for user in users),
        ]
        store.insert_many(rows)
        store.insert_many([])
        for row in rows:
            assert store.get(type(row), row.id) == row

    def test_many_are_all_or_none(self, store: _Store) -> None:
        """A clash with what is there, a clash among themselves, a reference to nothing, a value that cannot be kept."""
        there = a_user(external_id="1")
        store.insert(there)
        before = _ids(store)
        good = [a_user() for _ in range(3)]
        for bad in ([a_user(external_id="1")], [there], [a_user(external_id="2"), a_user(external_id="2")]):
            with pytest.raises(Conflict):
                store.insert_many([*good, *bad, a_user()])
            assert _ids(store) == before
        with pytest.raises(Conflict):
            store.insert_many([*good, a_session(a_user())])
        with pytest.raises(ValueError, match="NUL"):
            store.insert_many([*good, a_user(name="a\x00b")])
        assert _ids(store) == before
        assert store.find(Session, {"epoch": 1}) == []

    def test_a_conflict_among_many_leaves_the_transaction_usable(self, store: _Store) -> None:
        """What came before and after it is kept."""
        first, second = a_user(external_id="1"), a_user(external_id="2")
        with store.transaction():
            store.insert(first)
            with pytest.raises(Conflict):
                store.insert_many([a_user(), a_user(external_id="1")])
            store.insert_many([second, an_identifier(second, "2@example.org")])
        assert _ids(store) == {first.id, second.id}
        assert len(store.find(Identifier, {"user_id": second.id})) == 1

    def test_many_are_undone_with_their_transaction(self, store: _Store) -> None:
        """However many there are."""
        with pytest.raises(KeyError), store.transaction():
            store.insert_many([a_user() for _ in range(50)])
            raise KeyError
        assert _ids(store) == set()


def _ids(store: Store) -> set[UUID]:
    return {user.id for user in store.find(User, {"epoch": after(-1)})}
