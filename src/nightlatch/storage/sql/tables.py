"""The tables ``nightlatch_<record>``, derived from the records."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql

from nightlatch.records import RECORDS, Record
from nightlatch.storage.codec import Column, columns

__all__ = ["LENGTHS", "UtcTime", "binary_text", "metadata", "table_of"]

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

LENGTHS = {
    "status": 16, "kind": 32, "channel": 16, "purpose": 32, "step": 16, "deliver": 16, "outcome": 16, "action": 64,
    "template": 64, "tool": 16, "selector": 32, "link_selector": 32, "ip": 64, "user_agent": 400, "request_id": 64,
    "value": 320, "key": 320, "email": 320, "destination_key": 320, "identifier_key": 320, "identifier_kind": 32,
    "username": 128, "name": 255, "external_id": 255, "lookup": 512, "password_hash": 512, "reason": 255,
    "last_error": 255, "return_to": 2000,
}  # fmt: skip
"""Lengths of text columns, in characters; those not named here are unbounded text."""


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


def binary_text(length: int | None) -> sa.types.TypeEngine[str]:
    """Return a text type that compares by code points on every database: no collation makes two names one."""
    base: sa.types.TypeEngine[str] = sa.String(length) if length else sa.Text()
    maria = mysql.VARCHAR(length, collation="utf8mb4_bin") if length else mysql.LONGTEXT(collation="utf8mb4_bin")
    postgres = postgresql.VARCHAR(length, collation="C") if length else postgresql.TEXT(collation="C")
    return base.with_variant(maria, "mysql", "mariadb").with_variant(postgres, "postgresql")


def _type(column: Column) -> sa.types.TypeEngine[Any]:  # noqa: PLR0911 - a table
    match column.kind:
        case "uuid":
            return sa.Uuid()
        case "int":
            return sa.BigInteger()
        case "bool":
            return sa.Boolean()
        case "time":
            return UtcTime()
        case "bytes" if column.name.endswith("_hash") or column.name == "mac":
            return sa.LargeBinary(32).with_variant(mysql.VARBINARY(32), "mysql", "mariadb")
        case "bytes":
            return sa.LargeBinary().with_variant(mysql.LONGBLOB(), "mysql", "mariadb")
        case _:
            return binary_text(LENGTHS.get(column.name))


def _name(kind: type[Record]) -> str:
    return "nightlatch_" + re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()


def _table(kind: type[Record]) -> sa.Table:
    parts: list[Any] = []
    for column in columns(kind).values():
        reference = kind.references.get(column.name)
        foreign = [sa.ForeignKey(f"{_name(reference)}.id", ondelete="CASCADE")] if reference else []
        parts.append(
            sa.Column(column.name, _type(column), *foreign, nullable=column.nullable, primary_key=column.name == "id")
        )
    parts += [sa.UniqueConstraint(*fields) for fields in kind.unique]
    table = sa.Table(_name(kind), metadata, *parts)
    for fields in kind.indexes:
        sa.Index(None, *(table.c[field] for field in fields))
    return table


_TABLES = {kind: _table(kind) for kind in RECORDS}


@cache
def table_of(kind: type[Record]) -> sa.Table:
    """Return the table of a record."""
    return _TABLES[kind]
