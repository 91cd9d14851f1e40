"""What every store is held to: subclass `StoreContract` and give it a ``store`` fixture.

class TestMine(StoreContract):
    @pytest.fixture
    def store(self):
        ...
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from nightlatch.errors import Conflict, TransactionOpen
from nightlatch.ports import Store, after, any_of, before, plus
from nightlatch.primitives.ids import uuid7
from nightlatch.records import Attempt, Evidence, Identifier, Record, Session, ThrottleCounter, User

__all__ = ["StoreContract", "a_session", "a_user"]

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
THREADS = 16


def a_user(**fields: Any) -> User:
    """Return a user to insert."""
    return User(**{"id": uuid7(NOW), "created_at": NOW, "updated_at": NOW, **fields})


def a_session(user: User, **fields: Any) -> Session:
    """Return a session to insert."""
    evidence = Evidence(
        authenticator="password", authenticator_id=uuid4(), factors=("knowledge",), amr=("pwd",), verified_at=NOW
    )
    usual: dict[str, Any] = {
        "id": uuid7(NOW),
        "selector": uuid4().hex,
        "secret_hash": b"\x00\xff" * 16,
        "user_id": user.id,
        "epoch": 1,
        "aal": 1,
        "amr": ("pwd",),
        "evidence": (evidence,),
        "authenticated_at": NOW,
        "created_at": NOW,
        "last_seen_at": NOW,
        "expires_at": NOW + timedelta(days=1),
    }
    return Session(**{**usual, **fields})


def an_identifier(user: User, key: str, **fields: Any) -> Identifier:
    """Return an identifier to insert."""
    usual = {"id": uuid7(NOW), "user_id": user.id, "kind": "email", "value": key, "proven_at": NOW, "created_at": NOW}
    return Identifier(**{**usual, "key": key, **fields})


def all_at_once(act: Callable[[int], Any]) -> list[Any]:
    """Run an act in sixteen threads and return what each gave or raised."""

    def run(number: int) -> Any:
        try:
            return act(number)
        except Conflict as conflict:
            return conflict

    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(run, range(THREADS)))


class StoreContract:
    """The laws of ``ports.Store``, as tests."""

    def test_what_is_inserted_is_found_again_as_it_was(self, store: Store) -> None:
        """Every kind of field comes back equal, microseconds of .000000 included."""
        user = a_user(username="Mia 🦉", roles=("admin", "b"), name="'; DROP TABLE--", epoch=2**62)
        session = a_session(user, last_seen_at=NOW + timedelta(microseconds=1), username="Mia 🦉")
        store.insert(user)
        store.insert(session)
        assert store.get(User, user.id) == user
        assert store.find(Session, {"selector": session.selector}) == [session]
        assert store.get(User, uuid4()) is None

    @pytest.mark.parametrize(
        "where",
        [{}, {"no_such_field": 1}, {"name": "a\x00b"}, {"created_at": datetime(2026, 1, 1)}],  # noqa: DTZ001
    )
    def test_an_unfit_condition_is_an_error(self, store: Store, where: dict[str, Any]) -> None:
        """Empty, unknown, a NUL, a time without its zone: ValueError from every verb."""
        with pytest.raises(ValueError, match=r".+"):
            store.find(User, where)
        with pytest.raises(ValueError, match=r".+"):
            store.update(User, where, {"name": "x"})
        with pytest.raises(ValueError, match=r".+"):
            store.delete(User, where)

    def test_what_no_store_can_keep_is_refused(self, store: Store) -> None:
        """A NUL, an integer beyond 64 bits, a time without its zone."""
        for fields in ({"name": "a\x00b"}, {"epoch": 2**63}, {"created_at": datetime(2026, 1, 1)}):  # noqa: DTZ001
            with pytest.raises(ValueError, match=r".+"):
                store.insert(a_user(**fields))

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

    def test_counts_are_matched_rows(self, store: Store) -> None:
        """Changing a value to itself still counts."""
        user = a_user(name="same")
        store.insert(user)
        assert store.update(User, {"id": user.id}, {"name": "same"}) == 1
        assert store.update(User, {"id": uuid4()}, {"name": "same"}) == 0
        assert store.delete(User, {"id": user.id}) == 1
        assert store.delete(User, {"id": user.id}) == 0

    def test_text_is_compared_by_code_points(self, store: Store) -> None:
        """No collation makes two keys one."""
        user = a_user()
        store.insert(user)
        for key in ("mia", "MIA", "mía", "mia ", "mi\N{LATIN SMALL LETTER DOTLESS I}a"):
            store.insert(an_identifier(user, key))
        assert [each.key for each in store.find(Identifier, {"key": "mia"})] == ["mia"]

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

    def test_a_conflict_leaves_the_transaction_usable(self, store: Store) -> None:
        """What came before and after it is kept."""
        first, second = a_user(external_id="1"), a_user(external_id="2")
        with store.transaction():
            store.insert(first)
            with pytest.raises(Conflict):
                store.insert(a_user(external_id="1"))
            store.insert(second)
        assert store.get(User, first.id) == first
        assert store.get(User, second.id) == second

    def test_a_reference_to_nothing_is_a_conflict(self, store: Store) -> None:
        """A session of nobody is not written."""
        with pytest.raises(Conflict):
            store.insert(a_session(a_user()))

    def test_deleting_deletes_what_refers_to_it(self, store: Store) -> None:
        """A user's identifiers and sessions go with the user; another's stay."""
        gone, stays = a_user(), a_user()
        for user in (gone, stays):
            store.insert(user)
            store.insert(a_session(user))
            store.insert(an_identifier(user, str(user.id)))
        store.delete(User, {"id": gone.id})
        assert store.find(Session, {"user_id": gone.id}) == []
        assert store.find(Identifier, {"user_id": gone.id}) == []
        assert len(store.find(Session, {"user_id": stays.id})) == 1

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

    def test_a_transaction_of_its_own_is_refused_inside_another(self, store: Store) -> None:
        """And goes through outside."""
        with store.transaction(), pytest.raises(TransactionOpen), store.transaction(own=True):
            pass
        with store.transaction(own=True):
            store.insert(a_user())

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

    def test_changes_name_what_is_there(self, store: Store) -> None:
        """An unknown field, a changed id, plus on a text: ValueError."""
        for changes in ({"nothing": 1}, {"id": uuid4()}, {"name": plus(1)}, {}):
            with pytest.raises(ValueError, match=r".+"):
                store.update(User, {"epoch": 1}, changes)

    def test_json_columns_change(self, store: Store) -> None:
        """Tuples and structs are replaced whole."""
        attempt = Attempt(
            id=uuid7(NOW), selector="s", secret_hash=b"h" * 32, purpose="sign_in", created_at=NOW, expires_at=NOW
        )
        store.insert(attempt)
        evidence = a_session(a_user()).evidence
        store.update(Attempt, {"id": attempt.id}, {"evidence": evidence, "sequence": ("password", "totp")})
        assert store.get(Attempt, attempt.id) == msgspec.structs.replace(
            attempt, evidence=evidence, sequence=("password", "totp")
        )
