"""The tables ``nightlatch_<record>``, derived from the records."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql

from nightlatch.records import RECORDS, Record
from nightlatch.storage.codec import Column, columns, table_name
from nightlatch.storage.steps import DERIVED

__all__ = ["CodePointText", "UtcTime", "blob", "metadata", "table_of"]

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcTime(sa.types.TypeDecorator[datetime]):
    """An aware UTC time with six digits on every database."""

    impl = sa.DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """Return the type that keeps microseconds and, where there is one, the zone."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(sa.DateTime(timezone=True))
        if dialect.name in {"mysql", "mariadb"}:
            return dialect.type_descriptor(mysql.DATETIME(fsp=6))
        return dialect.type_descriptor(sa.DateTime())

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Store UTC; without its zone where the database has none."""
        if value is None:
            return None
        value = value.astimezone(UTC)
        return value if dialect.name == "postgresql" else value.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Give back UTC."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class CodePointText(sa.types.TypeDecorator[str]):
    """Text that compares by code points on every database: no collation makes two names one.

    That takes a collation without padding: under ``utf8mb4_bin``, ``'mia' = 'mia '``.

    Args:
        length: most characters; None: as many as come.
    """

    impl = sa.Text
    cache_ok = True

    def __init__(self, length: int | None = None) -> None:
        super().__init__()
        self.length = length

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """Return the type with the collation that the database calls binary."""
        length = self.length
        if dialect.name == "postgresql":
            return postgresql.VARCHAR(length, collation="C") if length else postgresql.TEXT(collation="C")
        if dialect.name in {"mysql", "mariadb"}:
            # MariaDB behind a mysql:// address is known only once connected, which it is when tables are made.
            collation = "utf8mb4_nopad_bin" if getattr(dialect, "is_mariadb", False) else "utf8mb4_0900_bin"
            return mysql.VARCHAR(length, collation=collation) if length else mysql.LONGTEXT(collation=collation)
        return sa.String(length) if length else sa.Text()


def blob(length: int | None = None) -> sa.types.TypeEngine[bytes]:
    """Return a type for bytes: at most so many, or as many as come."""
    maria = mysql.VARBINARY(length) if length else mysql.LONGBLOB()
    return sa.LargeBinary(length).with_variant(maria, "mysql", "mariadb")


def _type(column: Column) -> sa.types.TypeEngine[Any]:
    match column.kind:
        case "uuid":
            return sa.Uuid()
        case "int":
            return sa.BigInteger()
        case "bool":
            return sa.Boolean()
        case "time":
            return UtcTime()
        case "bytes":
            return blob(column.length)
        case _:
            return CodePointText(column.length)


def _table(kind: type[Record]) -> sa.Table:
    parts: list[Any] = []
    for column in columns(kind).values():
        reference = kind.references.get(column.name)
        foreign = [sa.ForeignKey(f"{table_name(reference)}.id", ondelete="CASCADE")] if reference else []
        parts.append(
            sa.Column(column.name, _type(column), *foreign, nullable=column.nullable, primary_key=column.name == "id")
        )
    parts += [
        sa.Column(name, sa.Boolean(), sa.Computed(sql, persisted=True)) for name, sql in DERIVED.get(kind, {}).items()
    ]
    parts += [sa.UniqueConstraint(*fields) for fields in kind.unique]
    table = sa.Table(table_name(kind), metadata, *parts)
    for fields in kind.indexes:
        sa.Index(None, *(table.c[field] for field in fields))
    return table


_TABLES = {kind: _table(kind) for kind in RECORDS}


@cache
def table_of(kind: type[Record]) -> sa.Table:
    """Return the table of a record."""
    return _TABLES[kind]
