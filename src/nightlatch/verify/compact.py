"""One access token, from its text to what it says. Pure: keys, time and names come in as arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from nightlatch.verify.claims import AccessToken, read_claims
from nightlatch.verify.encoding import b64url_bytes, json_object
from nightlatch.verify.errors import InvalidToken
from nightlatch.verify.keys import Key

__all__ = ["LONGEST", "UnknownKey", "header_of", "signed_claims", "verify_compact"]

LONGEST: Final = 8192
"""Bytes of a token. What is longer is not looked at (RFC 8725 2.7; CVE-2025-61920 was a header of 500 MB)."""

_LONGEST_HEADER: Final = 256


class UnknownKey(InvalidToken):
    """No key in hand has tokens with this header; newer ones may."""


def header_of(text: str) -> bytes:
    """Return a token's first segment, by which its key is found.

    Raises:
        InvalidToken: no token has such a text.
    """
    if len(text) > LONGEST or not text.isascii():
        raise InvalidToken("too long, or not ASCII")
    head, dot, _ = text.partition(".")
    if not dot or not 0 < len(head) <= _LONGEST_HEADER:
        raise InvalidToken("not of the form")
    return head.encode()


def verify_compact(
    text: str, keys: Mapping[bytes, Key], *, issuer: str, audience: str, now: float, leeway: float
) -> AccessToken:
    """Verify a token in compact form: first the header, then the signature, then the claims (RFC 8725 3.3).

    Args:
        text: as it was sent.
        keys: by the header of their tokens (`nightlatch.verify.keys.keys_by_header`).
        issuer: the only one accepted.
        audience: one that must be among those the token is for.
        now: seconds since 1970.
        leeway: seconds by which clocks may differ.

    Returns:
        the token.

    Raises:
        UnknownKey: no key has tokens with this header.
        InvalidToken: it is not good.
    """
    return read_claims(signed_claims(text, keys), issuer=issuer, audience=audience, now=now, leeway=leeway)


def signed_claims(text: str, keys: Mapping[bytes, Key]) -> dict[str, Any]:
    """Return what a token says that one of these keys has signed. Nothing of it is validated yet.

    Raises:
        UnknownKey, InvalidToken: as `verify_compact`.
    """
    header = header_of(text)
    key = keys.get(header)
    if key is None:
        raise UnknownKey("a header that no key's tokens have")

    message, _, signature = text.encode().rpartition(b".")
    payload = message[len(header) + 1 :]
    if not payload or b"." in payload:
        raise InvalidToken("not three parts")
    key.verify(message, b64url_bytes(signature))
    return json_object(b64url_bytes(payload))
