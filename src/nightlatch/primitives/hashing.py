"""Password hashes: Argon2id made, Argon2 and bcrypt verified (RFC 9106; ASVS 11.4.2; NIST SP 800-63B-4 3.1.1.2).

A stored hash is a PHC string, or ``$nlp$<key id>`` and a PHC string where a pepper was mixed in first. A malformed one
is a mismatch and never another error. Text is NFC at set and at verify, and nothing else: no trimming, no folding.
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

import bcrypt
from argon2 import extract_parameters
from argon2.exceptions import Argon2Error, InvalidHash
from argon2.low_level import Type, hash_secret, verify_secret

from nightlatch.errors import ConfigurationError
from nightlatch.primitives.secret import Secret

__all__ = [
    "PROFILES",
    "Argon2Profile",
    "PasswordMismatch",
    "Pepper",
    "Verified",
    "decoy_hash",
    "hash_password",
    "verify_password",
]

_SALT_LENGTH: Final = 16
_HASH_LENGTH: Final = 32
_PEPPERED: Final = re.compile(r"\$nlp\$([0-9a-f]{8})(\$.+)", re.DOTALL)
_BCRYPT: Final = re.compile(r"\$2[abxy]\$(\d\d)\$[./A-Za-z0-9]{53}", re.ASCII)
_BCRYPT_LIMIT: Final = 72
_MOST_MEMORY_KIB: Final = 1024 * 1024
_MOST_BCRYPT_ROUNDS: Final = 16


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


class PasswordMismatch(Exception):
    """This password is not the one that was hashed."""


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

    def mix(self, password: bytes, key_id: str) -> bytes:
        """Return what is hashed in the password's place.

        Raises:
            PasswordMismatch: the key is not known (any more).
        """
        key = self._keys.get(key_id)
        if key is None:
            raise PasswordMismatch("unknown pepper key")
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
        stored: what `hash_password` made, or a foreign Argon2 or bcrypt hash.
        profile: the parameters in force.
        pepper: the pepper in force.

    Returns:
        proof, and whether to hash anew.

    Raises:
        PasswordMismatch: it is another password, or the stored text is malformed, or would cost absurdly much.
    """
    prepared, key_id = _bytes(password), None
    peppered = _PEPPERED.fullmatch(stored)
    if peppered:
        key_id, stored = peppered.groups()
        if pepper is None:
            raise PasswordMismatch("hash has a pepper, settings have none")
        prepared = pepper.mix(prepared, key_id)
    if stored.startswith("$argon2"):
        current = _verify_argon2(prepared, stored, profile)
    else:
        _verify_bcrypt(prepared, stored)
        current = False
    return Verified(needs_rehash=not current or key_id != (pepper.current if pepper else None))


def decoy_hash(profile: Argon2Profile) -> str:
    """Return a hash of the same cost that nothing matches, for identifiers that nobody has."""
    return hash_password(Secret(secrets.token_hex(32)), profile)


def _verify_argon2(password: bytes, stored: str, profile: Argon2Profile) -> bool:
    try:
        parameters = extract_parameters(stored)
        if parameters.memory_cost > _MOST_MEMORY_KIB:
            raise PasswordMismatch("stored hash asks for too much memory")
        verify_secret(stored.encode("ascii"), password, parameters.type)
    except (Argon2Error, InvalidHash, ValueError) as error:
        raise PasswordMismatch(type(error).__name__) from None
    wanted = (Type.ID, profile.memory_kib, profile.time_cost, profile.parallelism)
    return (parameters.type, parameters.memory_cost, parameters.time_cost, parameters.parallelism) == wanted


def _verify_bcrypt(password: bytes, stored: str) -> None:
    match = _BCRYPT.fullmatch(stored)
    if match is None or int(match.group(1)) > _MOST_BCRYPT_ROUNDS:
        raise PasswordMismatch("not a hash that is supported")
    if b"\x00" in password:
        raise PasswordMismatch("bcrypt hashes no NUL")
    # bcrypt looks at 72 bytes. Whoever made the hash cut the password there, so verifying cuts likewise; the hash is
    # replaced by Argon2id, which sees it whole, in the same sign-in.
    try:
        matches = bcrypt.checkpw(password[:_BCRYPT_LIMIT], stored.encode("ascii"))
    except ValueError:
        matches = False
    if not matches:
        raise PasswordMismatch("bcrypt")


def _bytes(password: Secret) -> bytes:
    # NFC (PRECIS OpaqueString, NIST 3.1.1.2). Lone surrogates never get here: bodies refuse them.
    return unicodedata.normalize("NFC", password.reveal()).encode("utf-8", "surrogatepass")
