"""From records to columns and back: every store goes by the same rules.

A column's kind follows from the field's type. Tuples and structs become compact JSON text; times are aware UTC on both
sides; text holds no NUL (PostgreSQL cannot store one, so no store takes one), and no more than its column has room for
(PostgreSQL refuses it, MariaDB may cut it, SQLite keeps it: so no store takes it).
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin
from uuid import UUID

import msgspec
from msgspec.structs import astuple

from nightlatch.ports import Changes, Where, after, any_of, before, plus
from nightlatch.records import Record

__all__ = [
    "LENGTHS",
    "Column",
    "columns",
    "columns_of",
    "table_name",
    "validate_changes",
    "validate_find",
    "validate_record",
    "validate_where",
]

Kind = Literal["uuid", "text", "int", "bool", "bytes", "time", "json"]

_PLAIN: dict[type, Kind] = {UUID: "uuid", str: "text", int: "int", bool: "bool", bytes: "bytes", datetime: "time"}
_LEAST_INT, _MOST_INT = -(2**63), 2**63 - 1
_DIGEST = 32
_NO_OFFSET = timedelta(0)

LENGTHS = {
    "status": 16, "kind": 32, "channel": 16, "purpose": 32, "step": 16, "deliver": 16, "outcome": 16, "action": 64,
    "template": 64, "tool": 16, "selector": 32, "link_selector": 32, "ip": 64, "user_agent": 400, "request_id": 64,
    "value": 320, "key": 320, "email": 320, "destination_key": 320, "identifier_key": 320, "identifier_kind": 32,
    "username": 128, "name": 255, "external_id": 255, "lookup": 512, "password_hash": 512, "reason": 255,
    "last_error": 255, "kid": 64, "algorithm": 16,
}  # fmt: skip
"""Lengths of text columns, in characters; those not named here are unbounded text."""


@dataclass(frozen=True, slots=True)
class Column:
    """A field as a store sees it.

    Args:
        name: of the field and the column.
        kind: what is stored.
        nullable: whether None is.
        length: most characters (text) or bytes (digests); None: as many as come.
        encode: record value to stored value; None where they are the same.
        decode: stored value to record value; None where they are the same.
    """

    name: str
    kind: Kind
    nullable: bool
    length: int | None
    encode: Callable[[Any], Any] | None
    decode: Callable[[Any], Any] | None


@cache
def columns(kind: type[Record]) -> dict[str, Column]:
    """Return the columns of a record, in the order of its fields."""
    hints = typing.get_type_hints(kind)
    return {name: _column(name, hints[name]) for name in kind.__struct_fields__}


@cache
def table_name(kind: type[Record]) -> str:
    """Return the name of a record's table."""
    return "nightlatch_" + re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()


def _column(name: str, hint: Any) -> Column:
    nullable = False
    if get_origin(hint) in (Union, types.UnionType):
        nullable = type(None) in get_args(hint)
        (hint,) = (each for each in get_args(hint) if each is not type(None))
    if get_origin(hint) is Literal:
        hint = type(get_args(hint)[0])
    if hint in _PLAIN:
        return Column(name, _PLAIN[hint], nullable, _length(name, _PLAIN[hint]), None, None)
    decoder = msgspec.json.Decoder(hint)
    encoder = msgspec.json.Encoder()
    return Column(name, "json", nullable, None, lambda value: encoder.encode(value).decode(), decoder.decode)


def _length(name: str, kind: Kind) -> int | None:
    if kind == "text":
        return LENGTHS.get(name)
    return _DIGEST if kind == "bytes" and (name.endswith("_hash") or name == "mac") else None


def validate_record(record: Record) -> None:
    """Refuse a record that not every store can keep.

    Raises:
        ValueError: a time that is not UTC, a NUL or half a surrogate pair in a text, a text longer than its column, an
            integer beyond 64 bits, a value of another type. The error names the field and never holds the value.
    """
    for name, column in columns(type(record)).items():
        value = getattr(record, name)
        _validate(column, value)
        _validate_length(column, value)


def columns_of(records: Sequence[Record]) -> dict[str, tuple[Any, ...]]:
    """Turn records of one kind into columns of values that every store can keep.

    Raises:
        ValueError: as `validate_record`.
    """
    found = dict(zip(columns(type(records[0])), zip(*map(astuple, records), strict=True), strict=True))
    for name, column in columns(type(records[0])).items():
        _validate_column(column, found[name])
    return found


def _validate_column(column: Column, values: tuple[Any, ...]) -> None:
    """Validate all values of a column: most columns hold few different ones, and of texts one look tells of all."""
    types = set(map(type, values))
    if column.kind == "text" and types == {str}:
        _validate(column, "".join(values))
        _validate_length(column, max(values, key=len))
        return
    few = values
    if column.kind != "json" and len(types) == 1:  # to Python True is 1, and equal is not the same
        few = values[:1] if column.kind == "uuid" else tuple(set(values))
    for value in few:
        _validate(column, value)
        _validate_length(column, value)


def validate_where(kind: type[Record], where: Where) -> None:
    """Refuse a condition that says nothing or names what is not there.

    A text too long for its column is no error here: it matches nothing.

    Raises:
        ValueError: it is empty, names an unknown field, or holds a value that cannot be stored.
    """
    if not where:
        # A guarded write without its guard would change every row: never meant.
        raise ValueError("an empty condition")
    known = columns(kind)
    for name, value in where.items():
        column = known.get(name)
        if column is None:
            raise ValueError(f"{kind.__name__} has no field {name!r}")
        if isinstance(value, before | after):
            if column.kind not in {"time", "int"}:
                raise ValueError(f"{kind.__name__}.{name} has no before and after")
            _validate(column, value.value)
        elif isinstance(value, any_of):
            for each in value.values:
                _validate(column, each)
        elif value is not None:
            _validate(column, value)


def validate_find(kind: type[Record], where: Where, order_by: str | None, limit: int | None) -> None:
    """Refuse a look-up whose condition, order or limit is unfit.

    Raises:
        ValueError: as for `validate_where`; or the order names an unknown field, or the limit is below nothing.
    """
    validate_where(kind, where)
    if order_by is not None and order_by.removeprefix("-") not in columns(kind):
        raise ValueError(f"{kind.__name__} has no field {order_by!r} to order by")
    if limit is not None and limit < 0:
        raise ValueError("a limit below zero")


def validate_changes(kind: type[Record], changes: Changes) -> None:
    """Refuse changes that name what is not there or cannot be stored.

    Raises:
        ValueError: as said.
    """
    known = columns(kind)
    if not changes:
        raise ValueError("no changes")
    for name, value in changes.items():
        if name not in known or name == "id":
            raise ValueError(f"{kind.__name__} has no field {name!r} that changes")
        if isinstance(value, plus):
            if known[name].kind != "int":
                raise ValueError(f"{kind.__name__}.{name} is no integer")
            _validate(known[name], value.amount)
        else:
            _validate(known[name], value)
            _validate_length(known[name], value)


_EXPECTED: dict[Kind, type[Any]] = {
    "uuid": UUID,
    "text": str,
    "int": int,
    "bool": bool,
    "bytes": bytes,
    "time": datetime,
}


def _validate(column: Column, value: Any) -> None:
    if value is None:
        if not column.nullable:
            raise ValueError(f"{column.name} is never None")
        return
    kind = column.kind
    if kind == "json":
        _validate_json(column, value)
        return
    expected = _EXPECTED[kind]
    # Exactly: to PostgreSQL a boolean is no integer, though to Python it is one.
    if type(value) is not expected and (kind == "int" or not isinstance(value, expected)):
        raise ValueError(f"{column.name} is no {kind}")
    if kind == "time" and value.tzinfo is not UTC and value.utcoffset() != _NO_OFFSET:
        raise ValueError(f"{column.name} is no time in UTC")
    if kind == "text":
        _validate_text(column, value)
    if kind == "int" and not _LEAST_INT <= value <= _MOST_INT:
        raise ValueError(f"{column.name} is beyond 64 bits")


def _validate_text(column: Column, value: str) -> None:
    if "\x00" in value:
        raise ValueError(f"{column.name} holds a NUL")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            # The codec's own error would carry the text, which may be somebody's secret, into logs.
            raise ValueError(f"{column.name} holds half a surrogate pair") from None


def _validate_json(column: Column, value: Any) -> None:
    if column.encode is None or column.decode is None:
        return
    try:
        same: bool = column.decode(column.encode(value)) == value
    except (msgspec.MsgspecError, UnicodeEncodeError, TypeError):
        same = False
    if not same:
        raise ValueError(f"{column.name} does not come back from JSON as it was")


def _validate_length(column: Column, value: Any) -> None:
    if column.length is not None and value is not None and len(value) > column.length:
        raise ValueError(f"{column.name} is longer than {column.length}")
