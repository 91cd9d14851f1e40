"""Opaque tokens: ``nl<kind>_<selector>_<secret>_<checksum>``.

Base62 parts of fixed lengths (base64url has ``_`` in it). The selector finds the row; the secret proves possession and
is stored only as a hash; the checksum lets secret scanners and typos be told at a glance. The kind is part of what is
hashed: no token of one kind is ever good for another (adversary 30).
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID
from zlib import crc32

__all__ = [
    "Kind",
    "MalformedToken",
    "OpaqueToken",
    "derived",
    "issue",
    "named",
    "parse",
    "secret_hash",
    "uuid_of",
    "verify",
    "with_new_secret",
]

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SELECTOR_LENGTH: Final = 22
"""131 random bits."""
_SECRET_LENGTH: Final = 43
"""256 random bits."""
_CHECKSUM_LENGTH: Final = 6


class Kind(StrEnum):
    """What a token is for."""

    SESSION = "s"
    REFRESH = "r"
    ATTEMPT = "a"
    API_KEY = "k"
    DEVICE = "d"
    LINK = "l"
    FORWARD = "f"


class MalformedToken(Exception):
    """Not a token of this kind, or not the one whose hash is stored."""


class OpaqueToken(NamedTuple):
    """A token, taken apart. Its ``repr`` shows nothing of the secret."""

    kind: Kind
    selector: str
    secret: str

    def text(self) -> str:
        """Return the token as it travels."""
        body = f"nl{self.kind}_{self.selector}_{self.secret}"
        return f"{body}_{_checksum(body)}"

    def __repr__(self) -> str:
        return f"OpaqueToken(kind={self.kind!r}, selector={self.selector!r})"


_PATTERNS: Final = {
    kind: re.compile(
        rf"nl{kind}_([0-9A-Za-z]{{{_SELECTOR_LENGTH}}})_([0-9A-Za-z]{{{_SECRET_LENGTH}}})_([0-9A-Za-z]{{{_CHECKSUM_LENGTH}}})",
        re.ASCII,
    )
    for kind in Kind
}


def issue(kind: Kind) -> OpaqueToken:
    """Make a new token from the operating system's randomness (ASVS 11.5.1)."""
    return OpaqueToken(kind, _random(_SELECTOR_LENGTH), _random(_SECRET_LENGTH))


def with_new_secret(token: OpaqueToken) -> OpaqueToken:
    """Keep kind and selector, so that the row is found as before, under a new secret."""
    return OpaqueToken(token.kind, token.selector, _random(_SECRET_LENGTH))


def derived(token: OpaqueToken, mac: bytes) -> OpaqueToken:
    """Keep kind and selector, under the secret that a MAC of 256 bits gives: the same one each time it is asked for."""
    return OpaqueToken(token.kind, token.selector, _base62(int.from_bytes(mac, "big"), _SECRET_LENGTH))


def named(kind: Kind, name: UUID, mac: bytes) -> OpaqueToken:
    """Make the token whose selector says an id, and whose secret is a MAC of 256 bits: nothing of it need be stored."""
    return derived(OpaqueToken(kind, _base62(name.int, _SELECTOR_LENGTH), ""), mac)


def uuid_of(token: OpaqueToken) -> UUID:
    """Return the id that a token's selector says.

    Raises:
        MalformedToken: it says none.
    """
    number = 0
    for each in token.selector:
        number = number * 62 + _ALPHABET.index(each)
    try:
        return UUID(int=number)
    except ValueError:
        raise MalformedToken("no id") from None


def parse(kind: Kind, text: str) -> OpaqueToken:
    """Take a token apart.

    Args:
        kind: the only kind that is accepted.
        text: as it was sent.

    Raises:
        MalformedToken: anything but exactly such a token: flipped, cut, extended, of another kind (adversary 39).
    """
    match = _PATTERNS[kind].fullmatch(text)
    if match is None:
        raise MalformedToken("not of the form")
    selector, secret, checksum = match.groups()
    if checksum != _checksum(text[: -_CHECKSUM_LENGTH - 1]):
        raise MalformedToken("checksum")
    return OpaqueToken(kind, selector, secret)


def secret_hash(token: OpaqueToken) -> bytes:
    """Return what is stored: SHA-256 over kind and secret. Fast is right here: the secret has 256 random bits."""
    return hashlib.sha256(f"nightlatch {token.kind} {token.secret}".encode()).digest()


def verify(token: OpaqueToken, stored_hash: bytes) -> None:
    """Compare a token with what is stored, in constant time (ASVS 11.2.4).

    Raises:
        MalformedToken: it is another one's secret.
    """
    if not hmac.compare_digest(secret_hash(token), stored_hash):
        raise MalformedToken("wrong secret")


def _random(length: int) -> str:
    return _base62(secrets.randbelow(62**length), length)


def _checksum(body: str) -> str:
    return _base62(crc32(body.encode()), _CHECKSUM_LENGTH)


def _base62(value: int, length: int) -> str:
    digits = []
    for _ in range(length):
        value, rest = divmod(value, 62)
        digits.append(_ALPHABET[rest])
    return "".join(reversed(digits))
