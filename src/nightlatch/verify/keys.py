"""Public keys, each with the one algorithm that it is good for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol

import jwt
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from nightlatch.verify.encoding import b64url, b64url_bytes, json_object
from nightlatch.verify.errors import InvalidToken

__all__ = [
    "ALGORITHMS",
    "ASSERTION",
    "Key",
    "PublicKey",
    "header_segment",
    "keys_by_header",
    "keys_from_jwks",
    "kid_of",
]

ALGORITHMS: Final = ("EdDSA", "ES256", "RS256")
"""What a published key may be for. `none` and shared secrets are not among them, and never can be."""

TYPE: Final = "at+jwt"
"""RFC 9068 2.1. A token of another purpose says something else here, and is none of ours."""

ASSERTION: Final = "forward+jwt"
"""What a proxy hands to the application behind it (`nightlatch.verify.assertion`)."""

_LEAST_RSA_BITS: Final = 2048
_MOST_RSA_BITS: Final = 4096
_MOST_KEYS: Final = 32
_LONGEST_KID: Final = 64
_KINDS: Final = {"EdDSA": ("OKP", "Ed25519"), "ES256": ("EC", "P-256"), "RS256": ("RSA", None)}
_TYPES: Final = {"EdDSA": Ed25519PublicKey, "ES256": EllipticCurvePublicKey, "RS256": RSAPublicKey}


class Key(Protocol):
    """What verifies tokens with one header."""

    def verify(self, message: bytes, signature: bytes) -> None:
        """Accept a signature, or raise `InvalidToken`."""
        ...


class PublicKey:
    """A key that verifies by one algorithm and no other (RFC 8725 3.1).

    Args:
        kid: its name.
        algorithm: one of `ALGORITHMS`.
        key: of the type that the algorithm takes.

    Raises:
        ValueError: the key is of another type, or too weak.
    """

    __slots__ = ("_algorithm", "_key", "algorithm", "kid")

    def __init__(self, kid: str, algorithm: str, key: Any) -> None:
        if algorithm not in ALGORITHMS or not isinstance(key, _TYPES[algorithm]):
            raise ValueError(f"not a key for {algorithm[:16]}")
        if isinstance(key, EllipticCurvePublicKey) and key.curve.name != "secp256r1":
            raise ValueError("ES256 is for P-256")
        if isinstance(key, RSAPublicKey) and not _LEAST_RSA_BITS <= key.key_size <= _MOST_RSA_BITS:
            raise ValueError("an RSA key has 2048 to 4096 bits")
        self.kid = kid
        self.algorithm = algorithm
        self._key = key
        self._algorithm = jwt.get_algorithm_by_name(algorithm)

    def verify(self, message: bytes, signature: bytes) -> None:
        """Verify a signature.

        Raises:
            InvalidToken: it is not this key's, of this message.
        """
        key = self._key
        if isinstance(key, Ed25519PublicKey):
            try:
                key.verify(signature, message)
            except InvalidSignature:
                raise InvalidToken("wrong signature") from None
        elif not self._algorithm.verify(message, key, signature):
            raise InvalidToken("wrong signature")

    def __eq__(self, other: object) -> bool:
        # A renewed set has new objects for the same keys.
        if self is other:
            return True
        return isinstance(other, PublicKey) and (self.kid, self.algorithm, self._key) == (
            other.kid,
            other.algorithm,
            other._key,
        )

    def __hash__(self) -> int:
        return hash((self.kid, self.algorithm))

    def __repr__(self) -> str:
        return f"PublicKey({self.kid!r}, {self.algorithm!r})"


def header_segment(kid: str, algorithm: str, typ: str = TYPE) -> bytes:
    """Return the first segment of every token of one type that a key signs: its header, known to the byte."""
    header = {"alg": algorithm, "kid": kid, "typ": typ}
    return b64url(json.dumps(header, separators=(",", ":")).encode())


def keys_by_header(keys: Iterable[PublicKey], typ: str = TYPE) -> dict[bytes, PublicKey]:
    """Return keys by the header of their tokens of one type. Those of another are unknown to who holds the result."""
    return {header_segment(key.kid, key.algorithm, typ): key for key in keys}


def keys_from_jwks(raw: bytes) -> list[PublicKey]:
    """Read a JWK set (RFC 7517 5). Keys of kinds unknown here are passed over.

    Raises:
        InvalidToken: it is no JWK set, or names two keys alike.
    """
    listed = json_object(raw).get("keys")
    if not isinstance(listed, list) or len(listed) > _MOST_KEYS:
        raise InvalidToken("no JWK set")
    keys = [key for each in listed if (key := _key(each)) is not None]
    if len({key.kid for key in keys}) != len(keys):
        raise InvalidToken("two keys of one name")
    return keys


def _key(jwk: Any) -> PublicKey | None:
    if not isinstance(jwk, Mapping):
        return None
    kid, algorithm = jwk.get("kid"), jwk.get("alg")
    if not isinstance(kid, str) or not 0 < len(kid) <= _LONGEST_KID or not isinstance(algorithm, str):
        return None
    if algorithm not in _KINDS or (jwk.get("kty"), jwk.get("crv")) != _KINDS[algorithm]:
        return None
    if jwk.get("use", "sig") != "sig" or "d" in jwk or "k" in jwk:
        return None  # not for signatures; or a private key, which whoever published it has lost
    try:
        return PublicKey(kid, algorithm, jwt.get_algorithm_by_name(algorithm).from_jwk(dict(jwk)))
    except (jwt.PyJWTError, ValueError, TypeError, KeyError, AttributeError):
        return None


def kid_of(segment: bytes, typ: str = TYPE) -> str:
    """Return the name of the key that a header asks for, where it is a header of ours for any key at all.

    It only tells whether looking for newer keys could help: nothing is verified by what this returns.

    Raises:
        InvalidToken: no token of ours of this type has such a header.
    """
    header = json_object(b64url_bytes(segment))
    kid, algorithm = header.get("kid"), header.get("alg")
    if not isinstance(kid, str) or not 0 < len(kid) <= _LONGEST_KID or algorithm not in ALGORITHMS:
        raise InvalidToken("header of no such token")
    if header_segment(kid, algorithm, typ) != segment:
        raise InvalidToken("header of no such token")
    return kid
