"""One row of an import: from whatever stands in a file to an account that may be written, or the reason why not.

Reasons are shown and kept: they name fields and never hold what stands in them, least of all a hash.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from nightlatch.errors import InvalidInput
from nightlatch.flows.names import clean_name, valid_role
from nightlatch.primitives.hashing import HashUnusable
from nightlatch.primitives.identifiers import normalise_email, normalise_username
from nightlatch.primitives.schemes import StoredHash
from nightlatch.services.users import Claim
from nightlatch.settings import Settings

__all__ = ["FIELDS", "Reader", "RowRefused", "Wanted"]

_LONGEST_EXTERNAL_ID = 255
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)
_NO_PASSWORD = "!"  # noqa: S105 - how Django's unusable passwords begin
_BOOLEANS = {"true": True, "t": True, "yes": True, "1": True, "false": False, "f": False, "no": False, "0": False}


class RowRefused(Exception):
    """This row is not imported; the text says why."""


class _Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: UUID | None = None
    email: str | None = None
    email_verified: bool | None = None
    username: str | None = None
    name: str | None = None
    roles: tuple[str, ...] | None = None
    status: Literal["active", "suspended"] | None = None
    external_id: str | None = None
    created_at: str | None = None
    password_hash: str | None = None
    must_change_password: bool | None = None
    password_stands_alone: bool | None = None


FIELDS = _Row.__struct_fields__
"""What a row may have."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Wanted:
    """An account as a row asks for it; None where the row does not say.

    Args:
        claims: the identifiers that count as proven.
        notes: what of the row is left out, and why.
        stored: the hash as it was read.
    """

    id: UUID | None
    claims: tuple[Claim, ...]
    name: str | None
    roles: tuple[str, ...] | None
    status: Literal["active", "suspended"] | None
    external_id: str | None
    created_at: datetime | None
    password_hash: str | None
    stored: StoredHash | None
    must_change: bool
    stands_alone: bool
    notes: tuple[str, ...]


class Reader:
    """Read rows, as an installation's settings have it.

    Args:
        settings: which identifiers there are.
        read_hash: reads a stored hash, or refuses it.
        trust_addresses: whether an address counts as proven where its row does not say.
    """

    def __init__(
        self, settings: Settings, read_hash: Callable[[str], StoredHash], *, trust_addresses: bool = False
    ) -> None:
        self._settings = settings
        self._read_hash = read_hash
        self._trust_addresses = trust_addresses

    def read(self, fields: Mapping[str, Any], now: datetime) -> Wanted:
        """Read a row.

        Args:
            fields: by name, as JSON or CSV has them; empty text and null are absent.
            now: nobody was created after it.

        Raises:
            RowRefused: why it cannot be imported.
        """
        row = _typed(fields)
        try:
            claims, notes = self._claims(row)
            name = clean_name(row.name)
            roles = None if row.roles is None else tuple(sorted({valid_role(role) for role in row.roles}))
        except InvalidInput as error:
            raise RowRefused(f"its {next(iter(error.fields))} is not valid here") from None
        stored = self._hash(row.password_hash)
        if row.password_hash is not None and stored is None:
            notes.append("no password: its hash says that none matches")
        return Wanted(
            id=row.id,
            claims=tuple(claims),
            name=name,
            roles=roles,
            status=row.status,
            external_id=_external_id(row.external_id),
            created_at=_time(row.created_at, now),
            password_hash=row.password_hash if stored else None,
            stored=stored,
            must_change=bool(row.must_change_password),
            stands_alone=row.password_stands_alone is not False,
            notes=tuple(notes),
        )

    def _claims(self, row: _Row) -> tuple[list[Claim], list[str]]:
        claims, notes = [], []
        if row.username is not None:
            if self._settings.asks_username:
                username = normalise_username(row.username, reserved=False)
                claims.append(Claim("username", username.value, username.key))
            else:
                notes.append("user name left out: settings.identifiers has none")
        if row.email is not None:
            if not self._settings.asks_email:
                notes.append("address left out: settings.identifiers has none")
            elif row.email_verified or (row.email_verified is None and self._trust_addresses):
                email = normalise_email(row.email)
                claims.append(Claim("email", email.value, email.key))
            else:
                # Pre-hijacking (adversary 15): who never proved it must not hold the account of who will.
                notes.append("address left out: it is not verified")
        if claims or (row.id is not None and row.email is None):
            return claims, notes  # an account without a name, as it was exported, has its id
        if "address left out: it is not verified" in notes:
            raise RowRefused("its address is not verified and nothing else identifies it")
        raise RowRefused("nothing identifies it: no email and no username that settings.identifiers has")

    def _hash(self, text: str | None) -> StoredHash | None:
        if text is None or text.startswith(_NO_PASSWORD):
            return None
        try:
            return self._read_hash(text)
        except HashUnusable as error:
            raise RowRefused(f"its password hash cannot be verified: {error}") from None


def _typed(fields: Mapping[str, Any]) -> _Row:
    given = {name: value for name, value in fields.items() if value is not None and value != ""}
    for name in given:
        if name not in FIELDS:
            raise RowRefused("it has a field that is not known here")
    for name in ("email_verified", "must_change_password", "password_stands_alone"):
        if name in given:
            given[name] = _BOOLEANS.get(str(given[name]).lower(), given[name])
    for name in ("external_id", "username", "name"):
        if type(given.get(name)) is int:  # a key, as SQL has it
            given[name] = str(given[name])
    if isinstance(given.get("roles"), str):
        given["roles"] = given["roles"].replace(",", " ").split()
    try:
        return msgspec.convert(given, _Row)
    except msgspec.ValidationError as error:
        raise RowRefused(_at(error)) from None


def _at(error: msgspec.ValidationError) -> str:
    # msgspec names the place and the type, but quotes a value that is not one of a few.
    _, found, place = str(error).rpartition("$.")
    return f"its {place.strip('`').partition('[')[0]} is not of the type that is asked for" if found else "it is no row"


def _external_id(text: str | None) -> str | None:
    if text is not None and (len(text) > _LONGEST_EXTERNAL_ID or not text.isprintable()):
        raise RowRefused(f"its external_id is longer than {_LONGEST_EXTERNAL_ID} characters, or cannot be printed")
    return text


def _time(text: str | None, now: datetime) -> datetime | None:
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
        time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise RowRefused("its created_at is no time as ISO 8601 writes it") from None
    if not _FIRST <= time <= now:
        raise RowRefused("its created_at is before 1970, or yet to come")
    return time
