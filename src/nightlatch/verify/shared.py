"""HS256: tokens of an installation that shares a secret with one application, and with nobody else.

Whoever can verify such a token can make one. So these keys come from configuration alone, never from a JWK set, and a
verifier has either these or published ones: what one kind of key verifies no other kind is ever asked about (RFC 8725
3.1; adversary 70).
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import jwt

from nightlatch.verify.encoding import b64url
from nightlatch.verify.errors import InvalidToken
from nightlatch.verify.keys import header_segment

__all__ = ["SharedKey", "SharedSecrets"]

_ALGORITHM: Final = "HS256"
_LEAST_BYTES: Final = 32
_LEAST_DIFFERENT: Final = 8


class SharedKey:
    """A secret that signs and verifies by HMAC-SHA-256 and nothing else. Its ``repr`` shows nothing of it.

    Args:
        secret: random text of at least 32 bytes (RFC 7518 3.2).

    Raises:
        ValueError: it is shorter, or plainly not random.
    """

    __slots__ = ("_algorithm", "_secret", "header", "kid")

    def __init__(self, secret: str) -> None:
        material = secret.encode()
        if len(material) < _LEAST_BYTES or len(set(material)) < _LEAST_DIFFERENT:
            raise ValueError("a shared secret is random text of at least 32 characters")
        self._secret = material
        self._algorithm: Any = jwt.get_algorithm_by_name(_ALGORITHM)
        self.kid = b64url(hmac.digest(material, b"nightlatch HS256 key id", hashlib.sha256)[:16]).decode()
        self.header = header_segment(self.kid, _ALGORITHM)

    def sign(self, claims: Mapping[str, Any]) -> str:
        """Sign an access token."""
        payload = b64url(json.dumps(claims, separators=(",", ":"), ensure_ascii=False).encode())
        message = self.header + b"." + payload
        return (message + b"." + b64url(self._algorithm.sign(message, self._secret))).decode()

    def verify(self, message: bytes, signature: bytes) -> None:
        """Verify a signature, in constant time.

        Raises:
            InvalidToken: it is not this secret's, of this message.
        """
        if not self._algorithm.verify(message, self._secret, signature):
            raise InvalidToken("wrong signature")

    def __repr__(self) -> str:
        return f"SharedKey({self.kid!r})"


class SharedSecrets:
    """The keys of a `Verifier` that shares secrets with its issuer, in place of published ones.

        Verifier(issuer=..., audience=..., keys=SharedSecrets([os.environ["TOKEN_SECRET"]]))

    Args:
        secrets: every one verifies; the first is what the issuer signs with.

    Raises:
        ValueError: there is none, or one is not random text of at least 32 characters.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        if isinstance(secrets, str) or not secrets:
            raise ValueError("shared secrets are a list of at least one")
        keys = [SharedKey(each) for each in secrets]
        self.signing = keys[0]
        self._by_header = {key.header: key for key in keys}

    @property
    def in_hand(self) -> Mapping[bytes, SharedKey]:
        """The keys, by the header of their tokens."""
        return self._by_header

    def newer(self) -> Mapping[bytes, SharedKey]:
        """Return the same: what is not here is nowhere."""
        return self._by_header

    def __repr__(self) -> str:
        return f"SharedSecrets({len(self._by_header)})"
