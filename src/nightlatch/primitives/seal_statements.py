"""What a seal says and signs, as text that other programs can read and verify with nothing but Ed25519 and SHA-256."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from nightlatch.primitives.keyring import Keyring
from nightlatch.records import Seal

__all__ = ["FIRST", "SealKeys", "line_of", "next_hash", "signature_holds", "statement"]

FIRST = bytes(32)
"""What stands for the seal before the first."""


def statement(seal: Seal) -> bytes:
    """Return what is signed: one fact a line, the kind of statement first, so that it is good for nothing else."""
    lines = (
        "nightlatch audit seal 1",
        str(seal.number),
        str(seal.size),
        seal.root_hash.hex(),
        seal.previous_hash.hex(),
        seal.newest_at.isoformat(),
        seal.created_at.isoformat(),
    )
    return "".join(f"{line}\n" for line in lines).encode()


def next_hash(seal: Seal) -> bytes:
    """Return what the next seal says of this one: the hash of its statement and signature."""
    return hashlib.sha256(statement(seal) + seal.signature).digest()


def line_of(seal: Seal) -> str:
    """Return what goes out to logs, files and webhooks: JSON, with all that it takes to verify the signature."""
    facts: dict[str, Any] = {
        "seal": seal.number,
        "size": seal.size,
        "root": seal.root_hash.hex(),
        "previous": seal.previous_hash.hex(),
        "newest_at": seal.newest_at.isoformat(),
        "created_at": seal.created_at.isoformat(),
        "key": seal.public_key.hex(),
        "signature": seal.signature.hex(),
    }
    return json.dumps(facts, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class SealKeys:
    """The keys that sign seals, each derived from a secret key for this alone.

    Args:
        keyring: holds the secret keys.
    """

    keyring: Keyring

    def _private(self) -> list[Ed25519PrivateKey]:
        # An HMAC under a key of its own purpose is as good as 32 random bytes, which is what RFC 8032 5.1.5 asks for.
        return [Ed25519PrivateKey.from_private_bytes(seed) for seed in self.keyring.macs("audit seals", "Ed25519")]

    def public(self) -> list[bytes]:
        """Return the public keys of this installation, the one that signs now first."""
        return [key.public_key().public_bytes_raw() for key in self._private()]

    def sign(self, text: bytes) -> bytes:
        """Sign a statement that names `public`'s first."""
        return self._private()[0].sign(text)


def signature_holds(seal: Seal) -> bool:
    """Tell whether a seal's signature is by the key that it names, over what it says."""
    try:
        Ed25519PublicKey.from_public_bytes(seal.public_key).verify(seal.signature, statement(seal))
    except (InvalidSignature, ValueError):
        return False
    return True
