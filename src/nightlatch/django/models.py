"""The models ``nightlatch.<Record>``, derived from the records: they describe the tables that the ladder makes.

A field that a record gains is a field here. The migrations run the ladder's steps and never what Django would make of
these models (docs/decisions/0007-one-ladder.md). The core writes through `nightlatch.django.store`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

import msgspec
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.expressions import RawSQL

from nightlatch import records
from nightlatch.django.accounts import Account
from nightlatch.django.fields import (
    BytesField,
    CodePointCharField,
    CodePointTextField,
    JsonTextField,
    ShownIdentifierField,
    UtcTimeField,
)
from nightlatch.django.managers import UserManager
from nightlatch.primitives.ids import uuid7
from nightlatch.records import Record
from nightlatch.storage.codec import Column, columns, table_name
from nightlatch.storage.steps import DERIVED

__all__ = [
    "ApiKey",
    "Attempt",
    "Authenticator",
    "Device",
    "Event",
    "Identifier",
    "Lease",
    "OneTimeSecret",
    "OutboxMessage",
    "SchemaStep",
    "Seal",
    "SecretKey",
    "Session",
    "SigningKey",
    "ThrottleCounter",
    "TokenFamily",
    "User",
    "model_of",
    "related_names",
]


def related_names() -> dict[str, str]:
    """Return the names by which groups and permissions know their users: Django's, if those users are ours."""
    if settings.AUTH_USER_MODEL == "nightlatch.User":
        return {"related_name": "user_set", "related_query_name": "user"}
    return {"related_name": "+"}


def new_id() -> UUID:
    """Return an id for a row that project code adds."""
    return uuid7(now())


def now() -> datetime:
    """Return the time, for a row that project code adds: the core brings its own."""
    return datetime.now(UTC)


_FIELDS: dict[str, Any] = {
    "uuid": models.UUIDField,
    "int": models.BigIntegerField,
    "bool": models.BooleanField,
    "time": UtcTimeField,
    "text": CodePointTextField,
}


def _field(kind: type[Record], column: Column, **options: Any) -> models.Field[Any, Any]:
    options |= {"null": column.nullable, "blank": column.nullable}
    reference = kind.references.get(column.name)
    if reference is not None:
        # The database deletes along this reference by itself. Django's CASCADE would delete these rows first,
        # table by table: on MariaDB that waits for rows being inserted, which wait for the user (a deadlock).
        return models.ForeignKey(reference.__name__, models.DO_NOTHING, db_index=False, related_name="+", **options)
    if column.kind == "text" and kind is records.User and column.name in {"username", "email"}:
        return ShownIdentifierField(max_length=column.length, **options)
    match column.kind:
        case "bytes":
            return BytesField(max_length=column.length, **options)
        case "json":
            return JsonTextField(shape=column, **options)
        case "text" if column.length:
            return CodePointCharField(max_length=column.length, **options)
    return _FIELDS[column.kind](**options)


def _name(kind: type[Record], column: str) -> str:
    return column.removesuffix("_id") if column in kind.references else column


def _fields(kind: type[Record]) -> dict[str, models.Field[Any, Any]]:
    options: dict[str, dict[str, Any]] = {"id": {"primary_key": True, "default": new_id, "editable": False}}
    for field in msgspec.structs.fields(kind):
        if isinstance(field.default, tuple):
            options[field.name] = {"default": tuple}
        elif isinstance(field.default, msgspec.Struct):
            options[field.name] = {"default": type(field.default)}
        elif isinstance(field.default, str | int):
            options[field.name] = {"default": field.default}
    made = {_name(kind, name): _field(kind, column, **options.get(name, {})) for name, column in columns(kind).items()}
    for name, sql in DERIVED.get(kind, {}).items():
        expression = RawSQL(sql, ())  # noqa: S611 - ours; the ladder's step 2 says the same
        made[name] = models.GeneratedField(
            expression=expression, output_field=models.BooleanField(), db_persist=True, null=True
        )
    return made


_TITLES = ("action", "email", "username", "kind", "value", "name", "ip")
"""What tells rows apart, for a person; none of it is secret."""


def _title(row: Any) -> str:
    told = [str(getattr(row, name)) for name in _TITLES if getattr(row, name, None)]
    return ", ".join(told) or str(row.pk)


def _model(kind: type[Record], *, abstract: bool = False) -> Any:
    """Return the model of a record: a field for each of the record's, and what it says of them."""
    table = table_name(kind)
    meta: dict[str, Any] = {
        "abstract": abstract,
        "constraints": [
            models.UniqueConstraint(
                fields=[_name(kind, each) for each in fields], name=f"uq_{table}_{'_'.join(fields)}"
            )
            for fields in kind.unique
        ],
        "indexes": [models.Index(fields=[_name(kind, each) for each in fields]) for fields in kind.indexes],
    }
    titled = {} if abstract else {"__str__": _title}
    if not abstract:
        meta["db_table"] = table
    name = f"_{kind.__name__}Fields" if abstract else kind.__name__
    words = {"__module__": __name__, "__doc__": kind.__doc__, "Meta": type("Meta", (), meta)}
    return type(models.Model)(name, (models.Model,), words | titled | _fields(kind))


_UserFields: Any = _model(records.User, abstract=True)


class User(_UserFields, Account, AbstractBaseUser, PermissionsMixin):
    """A person who has an account; usable as ``AUTH_USER_MODEL = "nightlatch.User"``.

    ``is_active`` is computed from ``status``, ``is_staff`` and ``is_superuser`` from ``roles``, by the database: they
    can be filtered by, and cannot disagree with what every other framework sees.
    """

    # Passwords are in `Authenticator`, the last sign-in in `Session` and `Event`.
    password = None
    last_login = None
    groups = models.ManyToManyField("auth.Group", blank=True, db_constraint=False, **related_names())
    user_permissions = models.ManyToManyField("auth.Permission", blank=True, db_constraint=False, **related_names())

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = UserManager()

    class Meta(_UserFields.Meta):
        """One table, whoever reads it."""

        db_table = table_name(records.User)

    def get_username(self) -> str:
        """Return what the user is called: user name, address, or id."""
        return str(self.username or self.email or self.pk)

    def clean(self) -> None:
        """Leave names as they were proven: their normalised form is in `Identifier`."""

    def get_full_name(self) -> str:
        """Return the name, or what stands for it."""
        return str(self.name or self.get_username())

    def get_short_name(self) -> str:
        """Return the same: where to cut a name is not ours to know."""
        return self.get_full_name()


Identifier = _model(records.Identifier)
Authenticator = _model(records.Authenticator)
Attempt = _model(records.Attempt)
OneTimeSecret = _model(records.OneTimeSecret)
Session = _model(records.Session)
TokenFamily = _model(records.TokenFamily)
Device = _model(records.Device)
ThrottleCounter = _model(records.ThrottleCounter)
Event = _model(records.Event)
Seal = _model(records.Seal)
OutboxMessage = _model(records.OutboxMessage)
Lease = _model(records.Lease)
SchemaStep = _model(records.SchemaStep)
SecretKey = _model(records.SecretKey)
SigningKey = _model(records.SigningKey)
ApiKey = _model(records.ApiKey)


def model_of(kind: type[Record]) -> Any:
    """Return the model of a record."""
    return globals()[kind.__name__]
