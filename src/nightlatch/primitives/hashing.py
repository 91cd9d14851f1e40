"""Password hashes: Argon2id made, every other scheme verified (RFC 9106; ASVS 11.4.2; NIST SP 800-63B-4 3.1.1.2).

A stored hash is what `primitives.schemes` reads, or ``$nlp$<key id>`` and a PHC string where a pepper was mixed in
first. A malformed one is a mismatch and never another error. Text is NFC at set and at verify, and nothing else: no
trimming, no folding. (Where what is typed is not NFC, a hash without our pepper is also tried with the text as it
stands: whoever imported it may not have normalised. That accepts the very bytes that were set, no others, and the hash
is replaced.)
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from argon2.low_level import Type, hash_secret

from nightlatch.errors import ConfigurationError
from nightlatch.primitives.schemes import HashUnusable, PasswordMismatch, StoredHash, read_hash
from nightlatch.primitives.schemes.argon2 import Argon2Hash
from nightlatch.primitives.schemes.base import to_base64
from nightlatch.primitives.secret import Secret

__all__ = [
    "PROFILES",
    "Argon2Profile",
    "HashUnusable",
    "PasswordMismatch",
    "Pepper",
    "Verified",
    "decoy_hash",
    "decoy_like",
    "hash_password",
    "read_stored",
    "verify_password",
]

_SALT_LENGTH: Final = 16
_HASH_LENGTH: Final = 32
_PEPPERED: Final = re.compile(r"\$nlp\$([0-9a-f]{8})(\$.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Argon2Profile:
    """Parameters of Argon2id.

    Args:
        name: as settings name it.
        memory_kib: memory of one hash.
        time_cost: passes over it.
        parallelism: lanes.
    """

    name: str
    memory_kib: int
    time_cost: int
    parallelism: int


PROFILES: Final[Mapping[str, Argon2Profile]] = MappingProxyType(
    {
        each.name: each
        for each in (
            Argon2Profile("owasp_minimum", 19456, 2, 1),  # ASVS 5 appendix C
            Argon2Profile("rfc9106_low_memory", 65536, 3, 4),  # RFC 9106 4, second choice
            Argon2Profile("cheap_for_tests", 8, 1, 1),
        )
    }
)
"""The named sets of parameters."""


@dataclass(frozen=True, slots=True)
class Verified:
    """A password is the one that was hashed.

    Args:
        needs_rehash: it was hashed by another scheme, profile or pepper than is in force.
    """

    needs_rehash: bool


class Pepper:
    """A keyed step before hashing, whose keys are not in the database (NIST SP 800-63B-4 3.1.1.2).

    Args:
        keys: at least 256 bits each; the first is used for new hashes, every one for old ones.

    Raises:
        ConfigurationError: a key is too short.
    """

    def __init__(self, keys: Sequence[Secret]) -> None:
        self._keys: dict[str, bytes] = {}
        for each in keys:
            material = each.reveal().encode()
            if len(material) < _HASH_LENGTH:
                raise ConfigurationError("a key in hashing.pepper_keys has under 32 characters")
            self._keys[hashlib.sha256(b"nightlatch pepper id" + material).hexdigest()[:8]] = material
        if not self._keys:
            raise ConfigurationError("hashing.pepper_keys is empty")
        self.current = next(iter(self._keys))

    def knows(self, key_id: str) -> bool:
        """Tell whether a key is among those given."""
        return key_id in self._keys

    def mix(self, password: bytes, key_id: str) -> bytes:
        """Return what is hashed in the password's place.

        Raises:
            HashUnusable: the key is not known (any more).
        """
        key = self._keys.get(key_id)
        if key is None:
            raise HashUnusable("unknown pepper key")
        return base64.b64encode(hmac.digest(key, password, hashlib.sha256))

    def __repr__(self) -> str:
        return f"Pepper({len(self._keys)} keys)"


def hash_password(password: Secret, profile: Argon2Profile, pepper: Pepper | None = None) -> str:
    """Hash a password by Argon2id with a random 128-bit salt.

    Args:
        password: as typed.
        profile: the parameters.
        pepper: mixed in first, if there is one.

    Returns:
        what to store.
    """
    prepared, prefix = _bytes(password), ""
    if pepper is not None:
        prepared, prefix = pepper.mix(prepared, pepper.current), f"$nlp${pepper.current}"
    encoded = hash_secret(
        prepared,
        secrets.token_bytes(_SALT_LENGTH),
        time_cost=profile.time_cost,
        memory_cost=profile.memory_kib,
        parallelism=profile.parallelism,
        hash_len=_HASH_LENGTH,
        type=Type.ID,
    )
    return prefix + encoded.decode("ascii")


def verify_password(password: Secret, stored: str, profile: Argon2Profile, pepper: Pepper | None = None) -> Verified:
    """Verify a password against a stored hash of any supported scheme.

    Args:
        password: as typed.
        stored: what `hash_password` made, or a hash of any scheme in `primitives.schemes`.
        profile: the parameters in force.
        pepper: the pepper in force.

    Returns:
        proof, and whether to hash anew.

    Raises:
        PasswordMismatch: it is another password.
        HashUnusable: the stored text is malformed, of no supported scheme, or would cost absurdly much.
    """
    prepared = _bytes(password)
    peppered = _PEPPERED.fullmatch(stored)
    if peppered:
        key_id, inner = peppered.groups()
        if pepper is None:
            raise HashUnusable("hash has a pepper, settings have none")
        current = _verify(pepper.mix(prepared, key_id), inner, profile)
        return Verified(needs_rehash=not current or key_id != pepper.current)
    try:
        current = _verify(prepared, stored, profile)
    except HashUnusable:
        raise
    except PasswordMismatch:
        as_typed = password.reveal().encode("utf-8", "surrogatepass")
        if as_typed == prepared:
            raise
        _verify(as_typed, stored, profile)
        current = False
    return Verified(needs_rehash=not current or pepper is not None)


def decoy_hash(profile: Argon2Profile) -> str:
    """Return a hash of the profile's cost that nothing matches, for identifiers that nobody has.

    Nothing is hashed to make it: a random text of the right length stands where a hash would.
    """
    salt, digest = secrets.token_bytes(_SALT_LENGTH), secrets.token_bytes(_HASH_LENGTH)
    costs = f"m={profile.memory_kib},t={profile.time_cost},p={profile.parallelism}"
    return f"$argon2id$v=19${costs}${to_base64(salt)}${to_base64(digest)}"


def decoy_like(stored: str) -> str:
    """Return a hash of the scheme and cost of a stored one that nothing matches: decoys follow the mix of the store.

    Args:
        stored: a hash, peppered or not.

    Raises:
        HashUnusable: it cannot be verified.
    """
    peppered = _PEPPERED.fullmatch(stored)
    return read_hash(peppered.group(2) if peppered else stored).decoy()


def read_stored(stored: str, pepper: Pepper | None = None) -> StoredHash:
    """Read a stored hash, peppered or not, for what it is and what it costs. Nothing is computed.

    Args:
        stored: the hash.
        pepper: the pepper in force.

    Raises:
        HashUnusable: it cannot be verified; the reason holds nothing of it.
    """
    peppered = _PEPPERED.fullmatch(stored)
    if peppered is None:
        return read_hash(stored)
    if pepper is None or not pepper.knows(peppered.group(1)):
        raise HashUnusable("it was made with a key that is not in hashing.pepper_keys")
    return read_hash(peppered.group(2))


def _verify(password: bytes, stored: str, profile: Argon2Profile) -> bool:
    """Return whether the scheme and its parameters are the ones in force."""
    found = read_hash(stored)
    if not found.matches(password):
        raise PasswordMismatch(found.scheme)
    if not isinstance(found, Argon2Hash):
        return False
    has = found.parameters
    wanted = (Type.ID, 19, profile.memory_kib, profile.time_cost, profile.parallelism)
    return (has.type, has.version, has.memory_cost, has.time_cost, has.parallelism) == wanted


def _bytes(password: Secret) -> bytes:
    # NFC (PRECIS OpaqueString, NIST 3.1.1.2). Lone surrogates never get here: bodies refuse them.
    return unicodedata.normalize("NFC", password.reveal()).encode("utf-8", "surrogatepass")
