"""Ids: by time, or by what a row is about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import RFC_4122

from hypothesis import given
from hypothesis import strategies as st

from nightlatch.primitives.ids import derived_id, uuid7

NOW = datetime(2026, 11, 24, 12, 0, 0, 123456, tzinfo=UTC)


def test_a_uuid7_says_what_it_is_and_when() -> None:
    """RFC 9562 5.7: 48 bits of milliseconds, version 7, variant 10."""
    made = uuid7(NOW)
    assert made.version == 7
    assert made.variant == RFC_4122
    assert made.int >> 80 == int(NOW.timestamp() * 1000)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)), st.integers(min_value=1, max_value=10**9))  # noqa: DTZ001
def test_a_later_one_sorts_later(moment: datetime, microseconds: int) -> None:
    """Within a millisecond too, as text and as bytes."""
    first = moment.replace(tzinfo=UTC)
    one, other = uuid7(first), uuid7(first + timedelta(microseconds=microseconds))
    assert one.bytes < other.bytes
    assert str(one) < str(other)


def test_the_same_moment_never_gives_the_same_id() -> None:
    """62 random bits."""
    assert len({uuid7(NOW) for _ in range(1000)}) == 1000


@given(st.text(max_size=30), st.text(max_size=30))
def test_a_derived_id_is_the_same_for_the_same_text_and_key_alone(one: str, other: str) -> None:
    """RFC 9562 5.8: version 8."""
    made = derived_id(b"key", one)
    assert made.version == 8
    assert made.variant == RFC_4122
    assert made == derived_id(b"key", one) != derived_id(b"another", one)
    assert (made == derived_id(b"key", other)) == (one == other)


def test_no_derived_id_is_one_that_mariadb_refuses() -> None:
    """Its UUID column errs in one of 64: those whose variant is followed by six zeros."""
    assert min(derived_id(b"key", str(turn)).bytes[8] for turn in range(2000)) == 0x81
