"""Reading bodies: one strict rule for every framework (ASVS 1.5.3, 2.2.1).

Whatever a framework's own parser would let through (duplicate members, unknown fields, other types, other encodings)
is refused here before a handler sees it.
"""

from __future__ import annotations

import json
from typing import Any, TypeVar
from urllib.parse import unquote_to_bytes
from uuid import UUID

import msgspec

from nightlatch.errors import InvalidInput, NotFound
from nightlatch.http.messages import Request
from nightlatch.http.problems import MalformedRequest, TooLarge, UnsupportedMediaType
from nightlatch.primitives.secret import Secret

__all__ = ["LIMIT", "id_of", "json_in_form", "query_of", "read_form", "read_json"]

T = TypeVar("T", bound=msgspec.Struct)

LIMIT = 16_384
"""Bytes: the longest password in the longest encoding, and room."""

_DEEPEST = 8


def read_json(request: Request, kind: type[T], limit: int = LIMIT) -> T:
    """Read a JSON body into a struct.

    Raises:
        UnsupportedMediaType: it is not ``application/json`` (ASVS 3.5.2: no simple cross-site request can say so).
        TooLarge: it is longer than the limit.
        MalformedRequest: it is no JSON, has a member twice, or text that cannot be stored.
        InvalidInput: a field is missing, unknown, or of another type.
    """
    media_type, _, parameters = (request.header("content-type") or "").partition(";")
    if media_type.strip().lower() != "application/json" or parameters.strip().lower() not in {"", "charset=utf-8"}:
        raise UnsupportedMediaType("not application/json")
    return _convert(_loaded(_read(request, limit)), kind)


def json_in_form(text: str | None) -> Any:
    """Read what a page's script wrote into a field of its form; None where it wrote nothing.

    Raises:
        MalformedRequest: it is no JSON, has a member twice, or text that cannot be stored.
    """
    return None if text is None else _loaded(text.encode())


def read_form(request: Request, kind: type[T], limit: int = LIMIT) -> T:
    """Read a form body into a struct whose fields are texts.

    Raises:
        UnsupportedMediaType, TooLarge, MalformedRequest, InvalidInput: as `read_json`.
    """
    media_type = (request.header("content-type") or "").partition(";")[0].strip().lower()
    if media_type != "application/x-www-form-urlencoded":
        raise UnsupportedMediaType("not a form", message="Send this as a form.")
    try:
        fields = _pairs(_read(request, limit).decode("ascii"))
    except UnicodeDecodeError:
        raise MalformedRequest("form is not percent-encoded") from None
    _validate_text(fields, 1)
    # An empty field of a form is one that was left out.
    return _convert({name: value for name, value in fields.items() if value}, kind)


def query_of(request: Request, *allowed: str) -> dict[str, str]:
    """Read the query; a name that is not allowed is ignored, one that comes twice is refused.

    Raises:
        MalformedRequest: an allowed name comes twice, or the query is not percent-encoded UTF-8.
    """
    if not request.query:
        return {}
    if len(request.query) > LIMIT:
        raise MalformedRequest("query too long")
    fields: dict[str, str] = {}
    for pair in request.query.split("&"):
        name, _, value = pair.partition("=")
        if name in allowed:
            if name in fields:
                raise MalformedRequest("parameter twice")
            fields[name] = _decoded(value)
    _validate_text(fields, 1)
    return fields


def _read(request: Request, limit: int) -> bytes:
    declared = request.header("content-length")
    if declared is not None and declared.isdecimal() and int(declared[:12]) > limit:
        raise TooLarge("declared length")
    raw = request.read(limit)
    if len(raw) > limit:
        raise TooLarge("length")
    return raw


def _loaded(raw: bytes) -> Any:
    try:
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=_members, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise MalformedRequest("not JSON", message="The body is not valid JSON.") from None
    _validate_text(value, _DEEPEST)
    return value


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member twice")  # RFC 8259 4: what it would mean is anybody's guess
    return members


def _no_constant(name: str) -> Any:
    raise ValueError(name)  # NaN and Infinity are no JSON


def _pairs(text: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    for pair in text.split("&"):
        if not pair:
            continue
        name, _, value = pair.partition("=")
        name = _decoded(name)
        if name in fields:
            raise MalformedRequest("field twice")
        fields[name] = _decoded(value)
    return fields


def _decoded(text: str) -> str:
    try:
        return unquote_to_bytes(text.replace("+", " ")).decode("utf-8")
    except (UnicodeDecodeError, UnicodeEncodeError):
        raise MalformedRequest("not percent-encoded UTF-8") from None


def _validate_text(value: Any, depth: int) -> None:
    """Refuse NUL, lone surrogates and deep nesting, wherever they are."""
    if isinstance(value, str):
        if "\x00" in value or any("\ud800" <= each <= "\udfff" for each in value):
            raise MalformedRequest("NUL or lone surrogate", message="There is a character in it that is no text.")
        return
    if isinstance(value, dict | list):
        if depth == 0:
            raise MalformedRequest("nested too deeply")
        parts = (*value.keys(), *value.values()) if isinstance(value, dict) else value
        for each in parts:
            _validate_text(each, depth - 1)


def _convert(value: Any, kind: type[T]) -> T:
    try:
        return msgspec.convert(value, kind, dec_hook=_hook)
    except msgspec.ValidationError as error:
        raise _invalid(str(error)) from None


def _hook(kind: type, value: Any) -> Any:
    if kind is Secret:
        if isinstance(value, str):
            return Secret(value)
        # The value itself is never quoted: it may be what should have been secret.
        raise ValueError("Expected `str`")
    raise NotImplementedError(kind)


def _invalid(text: str) -> InvalidInput:
    """Turn msgspec's words (which quote names, never values) into an error of the field."""
    what, _, where = text.partition(" - at `$")
    field = where.strip("`.").partition("[")[0].partition(".")[0]
    if not field and "`" in what:
        field = what.split("`")[1] if what.startswith(("Object missing", "Object contains unknown")) else ""
    message = {
        "Object missing": "This is needed.",
        "Object contains unknown": "There is no such field here.",
    }.get(" ".join(what.split()[: 3 if "unknown" in what else 2]), "This is not of the right form.")
    return InvalidInput(text, fields={field: message} if field else {})


def id_of(text: str | None) -> UUID:
    """Return an id from a path or a form.

    Raises:
        NotFound: it is none: nothing has it.
    """
    found = uuid_of(text or "")
    if found is None:
        raise NotFound("no id")
    return found


def uuid_of(text: str) -> UUID | None:
    """Return an id from a path, or None where it is none."""
    try:
        return UUID(text) if len(text) == 36 else None  # noqa: PLR2004 - the one form we write
    except ValueError:
        return None
