"""Base64url and JSON without latitude: one text for each value, one value for each text."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

from nightlatch.verify.errors import InvalidToken

__all__ = ["b64url", "b64url_bytes", "json_object"]

_PADDING = (b"", None, b"==", b"=")


def b64url(raw: bytes) -> bytes:
    """Encode bytes as RFC 7515 2 has it: URL-safe, without padding."""
    return urlsafe_b64encode(raw).rstrip(b"=")


def b64url_bytes(segment: bytes) -> bytes:
    """Decode a segment that is exactly what its bytes encode to.

    Python's decoder passes over characters outside the alphabet, and any over bits that are left: two texts would
    mean the same token (RFC 8725 3.2; Wycheproof's group of malformed encodings).

    Raises:
        InvalidToken: it is not.
    """
    padding = _PADDING[len(segment) % 4]
    if padding is None:
        raise InvalidToken("base64url of an impossible length")
    try:
        raw = urlsafe_b64decode(segment + padding)
    except ValueError:
        raise InvalidToken("no base64url") from None
    if b64url(raw) != segment:
        raise InvalidToken("base64url that does not encode to itself")
    return raw


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member twice")
    return members


def _no_constant(name: str) -> Any:
    raise ValueError(name)


_DECODER = json.JSONDecoder(object_pairs_hook=_members, parse_constant=_no_constant)


def json_object(raw: bytes) -> dict[str, Any]:
    """Decode a JSON object without duplicate members, NaN or Infinity (RFC 8725 2.7, RFC 7515 4).

    Raises:
        InvalidToken: it is none.
    """
    try:
        value = _DECODER.decode(raw.decode("utf-8"))
    except (ValueError, RecursionError):
        raise InvalidToken("no JSON, or a member twice") from None
    if type(value) is not dict:
        raise InvalidToken("JSON that is no object")
    return value
