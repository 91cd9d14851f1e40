"""What a store must give back as it got it, and what it must refuse: part of its contract."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from nightlatch.ports import Store, after, any_of, before
from nightlatch.primitives.ids import derived_id, uuid7
from nightlatch.records import Attempt, Authenticator, Identifier, Lease, OutboxMessage, Session, User
from nightlatch.testing.rows import NOW, a_session, a_user, an_attempt, an_identifier

__all__ = ["StoreValues"]

NAUGHTY = (
    "", " ", "mia ", "'; DROP TABLE nightlatch_user; --", '"\'`\\', "%s %(x)s :x ? {0}", "line\nline\r\n\ttab",
    "🦉👩‍👩‍👧‍👦", "\U00020000\U0010fffd", "e\u0301 \u00e9", "\u202eright to left", "\ufffe\uffff\x01\x7f", "null", "{}",
)  # fmt: skip
NAIVE = datetime(2026, 1, 1)  # noqa: DTZ001 - what is refused
ELSEWHERE = NOW.astimezone(timezone(timedelta(hours=1)))


class StoreValues:
    """The laws of ``ports.Store`` about values; `StoreContract` includes them."""

    def test_what_is_inserted_is_found_again_as_it_was(self, store: Store) -> None:
        """Every kind of field comes back equal, microseconds of .000000 included."""
        user = a_user(username="Mia 🦉", roles=("admin", "b"), name="'; DROP TABLE--", epoch=2**62)
        session = a_session(user, last_seen_at=NOW + timedelta(microseconds=1), username="Mia 🦉")
        store.insert(user)
        store.insert(session)
        assert store.get(User, user.id) == user
        assert store.find(Session, {"selector": session.selector}) == [session]
        assert store.get(User, uuid4()) is None

    def test_naughty_texts_come_back_as_they_were(self, store: Store) -> None:
        """Quotes, placeholders, line ends, four-byte characters, nothing at all; found by themselves alone."""
        for text in NAUGHTY:
            store.insert(a_user(external_id=text, roles=(text,)))
        for text in NAUGHTY:
            (found,) = store.find(User, {"external_id": text})
            assert (found.external_id, found.roles) == (text, (text,))

    def test_lists_are_found_by_all_they_hold(self, store: Store) -> None:
        """A guard may match roles: the same ones in the same order, nothing less and nothing more."""
        none, one, both = a_user(roles=()), a_user(roles=("admin",)), a_user(roles=("admin", "editor é"))
        for user in (none, one, both):
            store.insert(user)
            assert store.update(User, {"id": user.id, "roles": user.roles}, {"epoch": 2}) == 1
        assert store.find(User, {"roles": ()}) == [msgspec.structs.replace(none, epoch=2)]
        assert store.update(User, {"id": both.id, "roles": ("admin",)}, {"epoch": 3}) == 0
        assert store.update(User, {"id": both.id, "roles": ("editor é", "admin")}, {"epoch": 3}) == 0

    def test_bytes_come_back_as_they_were(self, store: Store) -> None:
        """Every byte, none at all, and many."""
        usual: dict[str, Any] = {"channel": "email", "template": "t", "recipient_hash": b"\x00" * 32, "created_at": NOW}
        for body in (bytes(range(256)), b"", b"'\\\x00%s" * 50_000, None):
            message = OutboxMessage(id=uuid7(NOW), sealed_body=body, due_at=None, **usual)
            store.insert(message)
            assert store.get(OutboxMessage, message.id) == message

    def test_numbers_and_times_come_back_as_they_were(self, store: Store) -> None:
        """All of 64 bits; microseconds, also where they are .000000; years far off."""
        numbers = (0, -1, 2**63 - 1, -(2**63))
        times = [NOW + timedelta(microseconds=each) for each in (0, 1, 999_999, 100_000)]
        times += [datetime(1970, 1, 1, tzinfo=UTC), datetime(9998, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)]
        for number in numbers:
            store.insert(a_user(epoch=number))
            assert [user.epoch for user in store.find(User, {"epoch": number})] == [number]
        for time in times:
            store.insert(a_user(updated_at=time))
            found = store.find(User, {"updated_at": time}, order_by="-created_at")
            assert {(user.updated_at, user.updated_at.utcoffset()) for user in found} == {(time, timedelta(0))}

    def test_every_id_that_is_derived_from_a_text_can_be_kept(self, store: Store) -> None:
        """Of UUIDv8 as well as of UUIDv7: what finds a counter by its key must never fail for one key in so many."""
        ids = tuple(derived_id(b"key", str(turn)) for turn in range(500))
        with store.transaction():
            for each in ids:
                store.insert(Lease(id=each, holder_id=each, expires_at=NOW))
        assert {row.id for row in store.find(Lease, {"holder_id": any_of(ids)})} == set(ids)

    @pytest.mark.parametrize(
        "where",
        [
            {},
            {"no_such_field": 1},
            {"name": "a\x00b"},
            {"name": "\ud800"},
            {"name": 1},
            {"name": before(1)},
            {"epoch": True},
            {"epoch": any_of((1, "1"))},
            {"id": "not an id"},
            {"created_at": NAIVE},
            {"created_at": ELSEWHERE},
            {"created_at": after(NAIVE)},
        ],
    )
    def test_an_unfit_condition_is_an_error(self, store: Store, where: dict[str, Any]) -> None:
        """Empty, unknown, a NUL, another type, a time that is not UTC: ValueError from every verb."""
        user = a_user(name="kept")
        store.insert(user)
        with pytest.raises(ValueError, match=r".+"):
            store.find(User, where)
        with pytest.raises(ValueError, match=r".+"):
            store.update(User, where, {"name": "x"})
        with pytest.raises(ValueError, match=r".+"):
            store.delete(User, where)
        assert store.get(User, user.id) == user

    def test_what_no_store_can_keep_is_refused(self, store: Store) -> None:
        """Also what only some cannot: a long text that SQLite would keep, a NUL, a time of another zone."""
        user = a_user()
        store.insert(user)
        unfit: dict[str, list[Any]] = {
            "name": ["a\x00b", "\udcff", "x" * 256, 1],
            "epoch": [2**63, -(2**63) - 1, True, None],
            "roles": [("\udcff",), [1], None],
            "updated_at": [NAIVE, ELSEWHERE, None],
        }
        for name, values in unfit.items():
            for each in values:
                with pytest.raises(ValueError, match=name) as refusal:
                    store.insert(a_user(**{name: each}))
                assert not isinstance(refusal.value, UnicodeError), "it would carry the value"
                with pytest.raises(ValueError, match=name):
                    store.update(User, {"id": user.id}, {name: each})
        with pytest.raises(ValueError, match="id"):
            store.get(User, "not an id")
        assert store.find(User, {"name": "x" * 256}) == []

    def test_text_is_compared_by_code_points(self, store: Store) -> None:
        """No collation makes two keys one."""
        user = a_user()
        store.insert(user)
        for key in ("mia", "MIA", "mía", "mia ", "mi\N{LATIN SMALL LETTER DOTLESS I}a"):
            store.insert(an_identifier(user, key))
        assert [each.key for each in store.find(Identifier, {"key": "mia"})] == ["mia"]

    def test_json_columns_change(self, store: Store) -> None:
        """Tuples and structs are replaced whole."""
        attempt = an_attempt()
        store.insert(attempt)
        evidence = a_session(a_user()).evidence
        store.update(Attempt, {"id": attempt.id}, {"evidence": evidence, "sequence": ("password", "totp")})
        assert store.get(Attempt, attempt.id) == msgspec.structs.replace(
            attempt, evidence=evidence, sequence=("password", "totp")
        )

    def test_every_field_of_the_widest_rows(self, store: Store) -> None:
        """A row with every field set, and one with none that may be left out."""
        user = a_user()
        store.insert(user)
        plain = Authenticator(id=uuid7(NOW), user_id=user.id, kind="totp", created_at=NOW)
        store.insert(plain)
        full = msgspec.structs.replace(
            plain, id=uuid7(NOW), name="Phone", lookup="x" * 512, password_hash="$argon2id$" + "x" * 500,
            must_change=True, stands_alone=False, sealed_secret=b"s", public_key=b"p" * 1000,
            counter=7, failures=1, retry_at=NOW, details="{}", confirmed_at=NOW, last_used_at=NOW,
        )  # fmt: skip
        store.insert(full)
        assert store.find(Authenticator, {"user_id": user.id}, order_by="counter") == [plain, full]
        assert store.find(Authenticator, {"must_change": True, "stands_alone": False}) == [full]
