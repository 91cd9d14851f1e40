"""Statements: compiled by SQLAlchemy once for each shape, then run as they are on the driver.

Compiling, and the layers between a statement and its cursor, cost more than a look-up by index. So a statement is
compiled once for each (verb, record, fields of the condition, fields of the change), and kept with what turns values
into the driver's and rows into records.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from nightlatch.ports import Changes, Where, after, any_of, before, plus
from nightlatch.records import Record
from nightlatch.storage.codec import columns, columns_of
from nightlatch.storage.sql.tables import table_of

__all__ = ["Prepared", "Statements"]

Binder = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A statement, ready to run.

    Args:
        sql: in the driver's own parameter style.
        order: names of the parameters in the order of the placeholders; None where the driver takes them by name.
        binders: for each parameter, what makes it the driver's.
        fixed: values of the parameters that the compiler added itself (SQLite's ``OFFSET 0``).
    """

    sql: str
    order: tuple[str, ...] | None
    binders: Mapping[str, Binder | None]
    fixed: Mapping[str, Any]

    def arguments(self, values: Mapping[str, Any]) -> Any:
        """Return the parameters as the driver takes them."""
        binders = self.binders
        if self.order is not None:
            return [values[name] if (bind := binders[name]) is None else bind(values[name]) for name in self.order]
        return {name: values[name] if bind is None else bind(values[name]) for name, bind in binders.items()}


class Statements:
    """The statements of one dialect.

    Args:
        dialect: whose words and types.
    """

    def __init__(self, dialect: sa.Dialect) -> None:
        self._dialect = dialect
        self._prepared: dict[Any, Prepared] = {}
        self._decoders: dict[type[Record], Callable[[Sequence[Any]], Any]] = {}

    # --- the verbs --------------------------------------------------------------------------------------------------

    def insert(self, record: Record) -> tuple[Prepared, dict[str, Any]]:
        """Return the statement that adds a row, and its values."""
        kind = type(record)
        key = ("insert", kind)
        prepared = self._prepared.get(key)
        if prepared is None:
            table = table_of(kind)
            values = {name: sa.bindparam(f"v_{name}", type_=table.c[name].type) for name in columns(kind)}
            prepared = self._prepare(key, kind, sa.insert(table).values(values))
        return prepared, {f"v_{name}": getattr(record, name) for name in columns(kind)}

    def insert_many(self, records: Sequence[Record]) -> tuple[Prepared, list[Any]]:
        """Return the statement that adds a row, and the parameters for each of the records, which are of one kind."""
        prepared, _ = self.insert(records[0])
        values = columns_of(records)
        names = prepared.order if prepared.order is not None else tuple(prepared.binders)
        rows = zip(*(_bound(values[name[2:]], prepared.binders[name]) for name in names), strict=True)
        return prepared, list(rows) if prepared.order is not None else [dict(zip(names, row)) for row in rows]  # noqa: B905

    def find(
        self, kind: type[Record], where: Where, order_by: str | None, limit: int | None
    ) -> tuple[Prepared, dict[str, Any]]:
        """Return the statement that selects rows, and its values."""
        key = ("find", kind, _shape(where), order_by, limit is None)
        prepared = self._prepared.get(key)
        if prepared is None:
            table = table_of(kind)
            statement = sa.select(*(table.c[name] for name in columns(kind))).where(self._condition(table, where))
            if order_by:
                statement = statement.order_by(self._order(table.c[order_by.removeprefix("-")], order_by[0] == "-"))
            if limit is not None:
                statement = statement.limit(sa.bindparam("p_limit", type_=sa.Integer()))
            prepared = self._prepare(key, kind, statement)
        values = {**prepared.fixed, **_values(where)}
        if limit is not None:
            values["p_limit"] = limit
        return prepared, values

    def update(self, kind: type[Record], where: Where, changes: Changes) -> tuple[Prepared, dict[str, Any]]:
        """Return the statement that changes rows, and its values."""
        shape = tuple((name, isinstance(value, plus)) for name, value in changes.items())
        key = ("update", kind, _shape(where), shape)
        prepared = self._prepared.get(key)
        if prepared is None:
            table = table_of(kind)
            new: dict[str, Any] = {}
            for name, value in changes.items():
                bound = sa.bindparam(f"v_{name}", type_=table.c[name].type)
                new[name] = table.c[name] + bound if isinstance(value, plus) else bound
            prepared = self._prepare(key, kind, sa.update(table).where(self._condition(table, where)).values(new))
        values = {f"v_{name}": value.amount if isinstance(value, plus) else value for name, value in changes.items()}
        return prepared, values | _values(where)

    def delete(self, kind: type[Record], where: Where) -> tuple[Prepared, dict[str, Any]]:
        """Return the statement that deletes rows, and its values."""
        key = ("delete", kind, _shape(where))
        prepared = self._prepared.get(key)
        if prepared is None:
            table = table_of(kind)
            prepared = self._prepare(key, kind, sa.delete(table).where(self._condition(table, where)))
        return prepared, _values(where)

    def decoder(self, kind: type[Record]) -> Callable[[Sequence[Any]], Any]:
        """Return what turns a row, in the order of the record's fields, into the record."""
        decoder = self._decoders.get(kind)
        if decoder is None:
            decoder = self._decoders[kind] = _decoder(kind, self._dialect)
        return decoder

    # --- building ---------------------------------------------------------------------------------------------------

    def _order(self, column: Any, downwards: bool) -> Any:  # noqa: FBT001
        ordered = column.desc() if downwards else column.asc()
        if column.nullable and self._dialect.name == "postgresql":
            # NULLs come first upwards, as SQLite and MariaDB have them.
            return ordered.nulls_last() if downwards else ordered.nulls_first()
        return ordered

    def _condition(self, table: sa.Table, where: Where) -> Any:
        return sa.and_(*(self._clause(table.c[name], name, value) for name, value in where.items()))

    def _clause(self, column: Any, name: str, value: Any) -> Any:
        match value:
            case None:
                return column.is_(None)
            case before():
                return column < sa.bindparam(f"w_{name}", type_=column.type)
            case after():
                return column > sa.bindparam(f"w_{name}", type_=column.type)
            case any_of(values):
                if not values:
                    return sa.false()
                places = range(_places(values))
                bound = [sa.bindparam(f"w_{name}_{number}", type_=column.type) for number in places]
                return column.in_(bound)
            case _:
                return column == sa.bindparam(f"w_{name}", type_=column.type)

    def _prepare(self, key: Any, kind: type[Record], statement: Any) -> Prepared:
        compiled: Any = statement.compile(dialect=self._dialect)
        encoders = {name: column.encode for name, column in columns(kind).items()}
        binders = {
            name: _binder(bound.type, encoders.get(_field(name)), self._dialect)
            for name, bound in compiled.binds.items()
        }
        order = tuple(compiled.positiontup) if compiled.positional else None
        fixed = {name: bound.value for name, bound in compiled.binds.items() if bound.value is not None}
        prepared = self._prepared[key] = Prepared(str(compiled), order, binders, fixed)
        return prepared


def _field(parameter: str) -> str:
    name = parameter[2:]
    head, _, tail = name.rpartition("_")
    return head if tail.isdigit() and parameter.startswith("w_") and head else name


def _shape(where: Where) -> tuple[Any, ...]:
    return tuple(
        (name, _places(value.values))
        if isinstance(value, any_of)
        else (name, None if value is None else type(value) if isinstance(value, before | after) else "=")
        for name, value in where.items()
    )


def _places(values: Sequence[Any]) -> int:
    # Powers of two, the last value repeated: few statements are kept, however many lengths are asked for.
    return 1 << (len(values) - 1).bit_length() if values else 0


def _values(where: Where) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in where.items():
        if isinstance(value, any_of):
            for number in range(_places(value.values)):
                values[f"w_{name}_{number}"] = value.values[min(number, len(value.values) - 1)]
        elif isinstance(value, before | after):
            values[f"w_{name}"] = value.value
        elif value is not None:
            values[f"w_{name}"] = value
    return values


def _binder(type_: Any, encode: Binder | None, dialect: sa.Dialect) -> Binder | None:
    bind = type_.dialect_impl(dialect).bind_processor(dialect)
    if encode is None or bind is None:
        only: Binder | None = encode or bind
        if only is None:
            return None
        return lambda value: None if value is None else only(value)
    return lambda value: None if value is None else bind(encode(value))


def _bound(values: Sequence[Any], bind: Binder | None) -> Sequence[Any]:
    """Make a column's values the driver's; in most columns (times, roles) few are different, and each is made once."""
    if bind is None:
        return values
    if type(values[0]) is UUID:
        return list(map(bind, values))
    done = {value: bind(value) for value in set(values)}
    return [done[value] for value in values]


def _decoder(kind: type[Record], dialect: sa.Dialect) -> Callable[[Sequence[Any]], Any]:
    table = table_of(kind)
    names = tuple(columns(kind))
    turns: list[tuple[int, Binder]] = []
    for position, (name, column) in enumerate(columns(kind).items()):
        result = table.c[name].type.dialect_impl(dialect).result_processor(dialect, None)
        turns.extend((position, turn) for turn in (result, column.decode) if turn is not None)

    def decode(row: Sequence[Any]) -> Any:
        values = list(row)
        for position, turn in turns:
            value = values[position]
            if value is not None:
                values[position] = turn(value)
        return kind(**dict(zip(names, values, strict=True)))

    return decode
