"""From records to columns and back: every store goes by the same rules.

A column's kind follows from the field's type. Tuples and structs become compact JSON text; times are aware UTC on both
sides; text holds no NUL (PostgreSQL cannot store one, so no store takes one).
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin
from uuid import UUID

import msgspec

from nightlatch.ports import Changes, Where, after, any_of, before, plus
from nightlatch.records import Record

__all__ = ["Column", "columns", "validate_changes", "validate_record", "validate_where"]

Kind = Literal["uuid", "text", "int", "bool", "bytes", "time", "json"]

_PLAIN: dict[type, Kind] = {UUID: "uuid", str: "text", int: "int", bool: "bool", bytes: "bytes", datetime: "time"}
_MOST_INT = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Column:
    """A field as a store sees it.

    Args:
        name: of the field and the column.
        kind: what is stored.
        nullable: whether None is.
        encode: record value to stored value; None where they are the same.
        decode: stored value to record value; None where they are the same.
    """

    name: str
    kind: Kind
    nullable: bool
    encode: Callable[[Any], Any] | None
    decode: Callable[[Any], Any] | None


@cache
def columns(kind: type[Record]) -> dict[str, Column]:
    """Return the columns of a record, in the order of its fields."""
    hints = typing.get_type_hints(kind)
    return {name: _column(name, hints[name]) for name in kind.__struct_fields__}


def _column(name: str, hint: Any) -> Column:
    nullable = False
    if get_origin(hint) in (Union, types.UnionType):
        nullable = type(None) in get_args(hint)
        (hint,) = (each for each in get_args(hint) if each is not type(None))
    if get_origin(hint) is Literal:
        hint = type(get_args(hint)[0])
    if hint in _PLAIN:
        return Column(name, _PLAIN[hint], nullable, None, None)
    decoder = msgspec.json.Decoder(hint)
    encoder = msgspec.json.Encoder()
    return Column(name, "json", nullable, lambda value: encoder.encode(value).decode(), decoder.decode)


def validate_record(record: Record) -> None:
    """Refuse a record that not every store can keep.

    Raises:
        ValueError: a time without its zone, a NUL in a text, an integer beyond 64 bits.
    """
    for column in columns(type(record)).values():
        _validate(column, getattr(record, column.name))


def validate_where(kind: type[Record], where: Where) -> None:
    """Refuse a condition that says nothing or names what is not there.

    Raises:
        ValueError: it is empty, names an unknown field, or holds a value that cannot be stored.
    """
    if not where:
        # A guarded write without its guard would change every row: never meant.
        raise ValueError("an empty condition")
    known = columns(kind)
    for name, value in where.items():
        if name not in known:
            raise ValueError(f"{kind.__name__} has no field {name!r}")
        if isinstance(value, before | after):
            _validate(known[name], value.value)
        elif isinstance(value, any_of):
            for each in value.values:
                _validate(known[name], each)
        elif value is not None:
            _validate(known[name], value)


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
        else:
            _validate(known[name], value)


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
    if column.kind == "json":
        return
    fits: bool = isinstance(value, _EXPECTED[column.kind])
    if not fits:
        raise ValueError(f"{column.name} is no {column.kind}")
    if column.kind == "time" and value.utcoffset() is None:
        raise ValueError(f"{column.name} has no time zone")
    if column.kind == "text" and "\x00" in value:
        raise ValueError(f"{column.name} holds a NUL")
    if column.kind == "int" and not -_MOST_INT <= value <= _MOST_INT:
        raise ValueError(f"{column.name} is beyond 64 bits")
