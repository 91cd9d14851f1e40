"""Signing keys and the access tokens that they sign (RFC 9068). Verifying is `nightlatch.verify`'s."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from nightlatch.verify.encoding import b64url
from nightlatch.verify.keys import TYPE, PublicKey, header_segment

__all__ = ["PrivateKey"]

_RSA_BITS: Final = 3072
"""128 bits of strength (NIST SP 800-57 part 1, table 2; ASVS 11.2.3)."""

_MEMBERS: Final = {"EdDSA": ("crv", "kty", "x"), "ES256": ("crv", "kty", "x", "y"), "RS256": ("e", "kty", "n")}
_TYPES: Final = {
    "EdDSA": ed25519.Ed25519PrivateKey,
    "ES256": ec.EllipticCurvePrivateKey,
    "RS256": rsa.RSAPrivateKey,
}


class PrivateKey:
    """A key that signs by one algorithm and no other (RFC 8725 3.1). Its ``repr`` shows nothing of it.

    Args:
        algorithm: ``EdDSA``, ``ES256`` or ``RS256``.
        key: of the type that the algorithm takes.

    Raises:
        ValueError: the key is of another type.
    """

    __slots__ = ("_algorithm", "_key", "algorithm", "kid", "public", "public_jwk")

    def __init__(self, algorithm: str, key: Any) -> None:
        kinds: dict[str, Any] = _TYPES
        if algorithm not in kinds or not isinstance(key, kinds[algorithm]):
            raise ValueError(f"not a key for {algorithm}")
        self.algorithm = algorithm
        self._key: Any = key
        public = self._key.public_key()
        self._algorithm: Any = jwt.get_algorithm_by_name(algorithm)
        bare = self._algorithm.to_jwk(public, as_dict=True)
        members = {name: bare[name] for name in _MEMBERS[algorithm]}
        # RFC 7638 3: the name says what the key is, and no two keys share one.
        canonical = json.dumps(members, sort_keys=True, separators=(",", ":")).encode()
        self.kid = b64url(hashlib.sha256(canonical).digest()).decode()
        self.public_jwk = {**members, "alg": algorithm, "kid": self.kid, "use": "sig"}
        self.public = PublicKey(self.kid, algorithm, public)

    @classmethod
    def generate(cls, algorithm: str) -> PrivateKey:
        """Make a new key."""
        match algorithm:
            case "EdDSA":
                return cls(algorithm, ed25519.Ed25519PrivateKey.generate())
            case "ES256":
                return cls(algorithm, ec.generate_private_key(ec.SECP256R1()))
            case _:
                return cls(algorithm, rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS))

    @classmethod
    def from_der(cls, algorithm: str, der: bytes) -> PrivateKey:
        """Read a key as `to_der` wrote it.

        Raises:
            ValueError: it is none, or one for another algorithm.
        """
        return cls(algorithm, load_der_private_key(der, password=None))

    def to_der(self) -> bytes:
        """Return the key as PKCS #8, to be sealed and never written in clear."""
        der: bytes = self._key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        return der

    def sign(self, claims: Mapping[str, Any], typ: str = TYPE) -> str:
        """Sign a token: an access token, unless another type is named.

        Args:
            claims: as RFC 9068 2.2 has them; what they mean is the caller's.
            typ: what keeps tokens of one purpose from being taken for another's (RFC 8725 3.11).

        Returns:
            the token in compact form.
        """
        payload = b64url(json.dumps(claims, separators=(",", ":"), ensure_ascii=False).encode())
        message = header_segment(self.kid, self.algorithm, typ) + b"." + payload
        signature: bytes = self._algorithm.sign(message, self._key)
        return (message + b"." + b64url(signature)).decode()

    def __repr__(self) -> str:
        return f"PrivateKey({self.kid!r}, {self.algorithm!r})"
