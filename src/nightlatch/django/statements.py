"""Statements for Django's connections: written once for each shape, then run as they are.

The ORM would compile each anew, which costs more than a look-up by index. What is written here is what the six verbs
need and nothing else: one table, conditions joined by AND, no LIKE.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

from nightlatch.django.fields import utc_text
from nightlatch.django.schema import database_of
from nightlatch.ports import Changes, Where, after, any_of, before, plus
from nightlatch.records import Record
from nightlatch.storage.codec import Column, columns, table_name
from nightlatch.storage.steps import Database

__all__ = ["Dialect", "Statement", "dialect_of"]

Turn = Callable[[Any], Any]
_Shape = tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement, ready to run.

    Args:
        sql: with ``%s`` for each parameter.
        binders: for each parameter, what makes it the driver's; None where it is taken as it is.
    """

    sql: str
    binders: tuple[Turn | None, ...]

    def arguments(self, values: Sequence[Any]) -> list[Any]:
        """Return the parameters as the driver takes them."""
        return [
            value if bind is None or value is None else bind(value)
            for bind, value in zip(self.binders, values, strict=True)
        ]


def dialect_of(connection: Any) -> Dialect:
    """Return how to speak to a Django connection's database."""
    return _dialect(database_of(connection), bool(connection.features.has_native_uuid_field))


@cache
def _dialect(database: Database, native_uuid: bool) -> Dialect:  # noqa: FBT001
    return Dialect(database, native_uuid=native_uuid)


class Dialect:
    """How one database writes what the verbs need, and keeps what the records hold.

    Args:
        database: which.
        native_uuid: whether it has a type for UUIDs; otherwise they are 32 hexadecimal digits.
    """

    def __init__(self, database: Database, *, native_uuid: bool) -> None:
        self._database = database
        self._maria = database in {"mariadb", "mysql"}
        self._quote = "`" if self._maria else '"'
        self._native_uuid = native_uuid
        self._kept: dict[Any, Statement] = {}
        self._decoders: dict[type[Record], Turn] = {}

    # --- the verbs --------------------------------------------------------------------------------------------------

    def insert(self, record: Record) -> tuple[Statement, list[Any]]:
        """Return the statement that adds a row, and its values."""
        kind = type(record)
        known = columns(kind)
        statement = self._kept.get(("insert", kind))
        if statement is None:
            names, places = ", ".join(map(self._name, known)), ", ".join(map(self._place, known.values()))
            sql = f"INSERT INTO {self._table(kind)} ({names}) VALUES ({places})"  # noqa: S608
            binders = tuple(map(self._binder, known.values()))
            statement = self._kept["insert", kind] = Statement(sql, binders)
        return statement, [getattr(record, name) for name in known]

    def find(
        self, kind: type[Record], where: Where, order_by: str | None, limit: int | None
    ) -> tuple[Statement, list[Any]]:
        """Return the statement that selects rows, and its values."""
        shape = _shape(where)
        key = ("find", kind, shape, order_by, limit is None)
        statement = self._kept.get(key)
        if statement is None:
            names = ", ".join(map(self._selected, columns(kind).values()))
            condition, binders = self._condition(kind, shape)
            sql = f"SELECT {names} FROM {self._table(kind)} WHERE {condition}"  # noqa: S608
            if order_by:
                sql += self._order(columns(kind)[order_by.removeprefix("-")], downwards=order_by[0] == "-")
            if limit is not None:
                sql, binders = f"{sql} LIMIT %s", (*binders, None)
            statement = self._kept[key] = Statement(sql, binders)
        values = _values(where)
        return statement, values if limit is None else [*values, limit]

    def update(self, kind: type[Record], where: Where, changes: Changes) -> tuple[Statement, list[Any]]:
        """Return the statement that changes rows, and its values."""
        shape = _shape(where)
        key = ("update", kind, shape, tuple((name, isinstance(value, plus)) for name, value in changes.items()))
        statement = self._kept.get(key)
        if statement is None:
            known = columns(kind)
            new = ", ".join(self._change(known[name], value) for name, value in changes.items())
            condition, binders = self._condition(kind, shape)
            sql = f"UPDATE {self._table(kind)} SET {new} WHERE {condition}"  # noqa: S608
            statement = self._kept[key] = Statement(sql, (*(self._binder(known[name]) for name in changes), *binders))
        values = [value.amount if isinstance(value, plus) else value for value in changes.values()]
        return statement, values + _values(where)

    def delete(self, kind: type[Record], where: Where) -> tuple[Statement, list[Any]]:
        """Return the statement that deletes rows, and its values."""
        shape = _shape(where)
        statement = self._kept.get(("delete", kind, shape))
        if statement is None:
            condition, binders = self._condition(kind, shape)
            sql = f"DELETE FROM {self._table(kind)} WHERE {condition}"  # noqa: S608
            statement = self._kept["delete", kind, shape] = Statement(sql, binders)
        return statement, _values(where)

    def decoder(self, kind: type[Record]) -> Turn:
        """Return what turns a row, in the order of the record's fields, into the record."""
        decoder = self._decoders.get(kind)
        if decoder is None:
            decoder = self._decoders[kind] = self._make_decoder(kind)
        return decoder

    # --- words ------------------------------------------------------------------------------------------------------

    def _name(self, name: str) -> str:
        return f"{self._quote}{name}{self._quote}"

    def _table(self, kind: type[Record]) -> str:
        return self._name(table_name(kind))

    def _place(self, column: Column) -> str:
        # MariaDB would take the bytes of a literal for text, and warn where they are none.
        return "UNHEX(%s)" if self._maria and column.kind == "bytes" else "%s"

    def _selected(self, column: Column) -> str:
        if column.kind == "time" and self._database == "postgresql":
            # Whatever zone the project has set for the connection, or none.
            return f"{self._name(column.name)} AT TIME ZONE 'UTC'"
        return self._name(column.name)

    def _order(self, column: Column, *, downwards: bool) -> str:
        words = f" ORDER BY {self._name(column.name)} {'DESC' if downwards else 'ASC'}"
        if column.nullable and self._database == "postgresql":
            # NULLs come first upwards, as SQLite and MariaDB have them.
            words += " NULLS LAST" if downwards else " NULLS FIRST"
        return words

    def _change(self, column: Column, value: Any) -> str:
        name = self._name(column.name)
        return f"{name} = {name} + %s" if isinstance(value, plus) else f"{name} = {self._place(column)}"

    def _condition(self, kind: type[Record], shape: _Shape) -> tuple[str, tuple[Turn | None, ...]]:
        clauses: list[str] = []
        binders: list[Turn | None] = []
        for name, how in shape:
            column = columns(kind)[name]
            quoted, place = self._name(name), self._place(column)
            if how is None:
                clauses.append(f"{quoted} IS NULL")
            elif how == 0:
                clauses.append("1 = 0")
            elif isinstance(how, int):
                clauses.append(f"{quoted} IN ({', '.join([place] * how)})")
                binders += [self._binder(column)] * how
            else:
                clauses.append(f"{quoted} {how} {place}")
                binders.append(self._binder(column))
        return " AND ".join(clauses), tuple(binders)

    # --- values -----------------------------------------------------------------------------------------------------

    def _binder(self, column: Column) -> Turn | None:
        match column.kind:
            case "uuid" if self._database == "postgresql":
                return None
            case "uuid":
                return str if self._native_uuid else _hex
            case "time" if self._database != "postgresql":
                return utc_text
            case "bytes" if self._maria:
                return bytes.hex
            case _:
                return column.encode

    def _unbinder(self, column: Column) -> Turn | None:
        match column.kind:
            case "uuid":
                return _uuid
            case "time":
                return _utc
            case "bool":
                return bool
            case "bytes":
                return bytes
            case _:
                return column.decode

    def _make_decoder(self, kind: type[Record]) -> Turn:
        names = tuple(columns(kind))
        turns = [
            (position, turn)
            for position, column in enumerate(columns(kind).values())
            if (turn := self._unbinder(column)) is not None
        ]

        def decode(row: Sequence[Any]) -> Any:
            values = list(row)
            for position, turn in turns:
                value = values[position]
                if value is not None:
                    values[position] = turn(value)
            return kind(**dict(zip(names, values, strict=True)))

        return decode


def _hex(value: UUID) -> str:
    return value.hex


def _uuid(value: Any) -> UUID:
    return value if isinstance(value, UUID) else UUID(value)


def _utc(value: Any) -> datetime:
    # A driver's text, or what Django's converter made of it: UTC without its zone, as it is kept.
    parsed: datetime = datetime.fromisoformat(value) if isinstance(value, str) else value
    return parsed.replace(tzinfo=UTC)


def _shape(where: Where) -> _Shape:
    return tuple((name, _how(value)) for name, value in where.items())


def _how(value: Any) -> str | int | None:
    if value is None:
        return None
    if isinstance(value, any_of):
        # Powers of two, the last value repeated: few statements are kept, however many lengths are asked for.
        return 1 << (len(value.values) - 1).bit_length() if value.values else 0
    if isinstance(value, before):
        return "<"
    return ">" if isinstance(value, after) else "="


def _values(where: Where) -> list[Any]:
    values: list[Any] = []
    for value in where.values():
        if isinstance(value, any_of):
            places = _how(value)
            assert isinstance(places, int)
            values += value.values
            values += value.values[-1:] * (places - len(value.values))
        elif isinstance(value, before | after):
            values.append(value.value)
        elif value is not None:
            values.append(value)
    return values
