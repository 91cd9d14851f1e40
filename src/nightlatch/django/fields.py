"""Model fields that store as the tables of ``storage/`` do, where Django's own would store otherwise."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db import models
from django.utils import timezone

from nightlatch.storage.codec import Column

__all__ = [
    "BytesField",
    "CodePointCharField",
    "CodePointTextField",
    "JsonTextField",
    "ShownIdentifierField",
    "UtcTimeField",
    "utc_text",
]


def utc_text(value: datetime) -> str:
    """Return a time as SQLite and MariaDB keep it: UTC without its zone, always six digits, so that texts sort."""
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


class UtcTimeField(models.DateTimeField):
    """An aware UTC time with six digits on every database, whatever ``USE_TZ`` and ``TIME_ZONE`` say."""

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:  # noqa: FBT001, FBT002 - Django's signature
        """Return UTC, without its zone where the database has none."""
        if not prepared:
            value = self.get_prep_value(value)
        if value is None or hasattr(value, "resolve_expression"):
            return value
        if timezone.is_naive(value):
            value = timezone.make_aware(value, timezone.get_default_timezone())
        return value.astimezone(UTC) if connection.vendor == "postgresql" else utc_text(value)

    def select_format(self, compiler: Any, sql: str, params: Any) -> tuple[str, Any]:
        """Read UTC from PostgreSQL too, whose driver would give a project's own zone."""
        if compiler.connection.vendor == "postgresql":
            return f"({sql}) AT TIME ZONE 'UTC'", params
        return sql, params

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        """Give back UTC: what the database keeps is UTC, whichever zone Django put on it."""
        del expression, connection
        return None if value is None else value.replace(tzinfo=UTC)


class _CodePoints:
    """Text that compares by code points: no collation makes two names one, and none pads (``'mia' = 'mia '``)."""

    def db_parameters(self, connection: Any) -> Any:
        """Name the collation that the database calls binary."""
        parameters = super().db_parameters(connection)  # type: ignore[misc]
        if connection.vendor == "postgresql":
            parameters["collation"] = "C"
        elif connection.vendor == "mysql":
            parameters["collation"] = "utf8mb4_nopad_bin" if connection.mysql_is_mariadb else "utf8mb4_0900_bin"
        return parameters


class CodePointCharField(_CodePoints, models.CharField):
    """Text of at most so many characters."""


class ShownIdentifierField(CodePointCharField):
    """A user's address or name as shown: no two users have the same, though no constraint of this table says so.

    It is a copy from an `Identifier`, whose kind and key are unique, so Django's checks and forms may rely on it.
    """

    @property
    def unique(self) -> bool:
        """Say so."""
        return True


class CodePointTextField(_CodePoints, models.TextField):
    """Text of any length."""


class JsonTextField(CodePointTextField):
    """A tuple or a struct of a record, as compact JSON text.

    Args:
        shape: the record's column, which knows the value's type. Historical models have none: they see the text.
    """

    def __init__(self, *args: Any, shape: Column | None = None, **options: Any) -> None:
        self.shape = shape
        super().__init__(*args, **options)

    def to_python(self, value: Any) -> Any:
        """Return the record's value."""
        if isinstance(value, str) and self.shape is not None and self.shape.decode is not None:
            return self.shape.decode(value)
        return value

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        """Return the record's value."""
        del expression, connection
        return self.to_python(value)

    def get_prep_value(self, value: Any) -> Any:
        """Return the text."""
        if value is None or isinstance(value, str) or hasattr(value, "resolve_expression"):
            return value
        if self.shape is None or self.shape.encode is None:
            raise ValueError(f"{self.name} is text here")
        return self.shape.encode(value)

    def value_to_string(self, obj: Any) -> str:
        """Return the text, for serialisers."""
        return str(self.get_prep_value(self.value_from_object(obj)))


class BytesField(models.BinaryField):
    """Bytes: at most ``max_length`` of them, or as many as come."""

    def db_type(self, connection: Any) -> str | None:
        """Return a type that MariaDB can index, where there is a length."""
        if connection.vendor == "mysql" and self.max_length is not None:
            return f"varbinary({self.max_length})"
        return super().db_type(connection)  # type: ignore[no-any-return]
