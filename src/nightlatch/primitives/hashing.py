"""Password hashes: Argon2id made, Argon2 and bcrypt verified (RFC 9106; ASVS 11.4.2; NIST SP 800-63B-4 3.1.1.2).

A stored hash is a PHC string, or ``$nlp$<key id>`` and a PHC string where a pepper was mixed in first; Django's
spellings (``argon2$argon2id$...``, ``bcrypt$$2b$...``) are read too. A malformed one is a mismatch and never another
error. Text is NFC at set and at verify, and nothing else: no trimming, no folding. (Where what is typed is not NFC, a
hash without our pepper is also tried with the text as it stands: whoever imported it may not have normalised. That
accepts the very bytes that were set, no others, and the hash is replaced.)
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
from argon2 import Parameters, extract_parameters
from argon2.exceptions import Argon2Error, InvalidHash, VerifyMismatchError
from argon2.low_level import Type, hash_secret, verify_secret

from nightlatch.errors import ConfigurationError
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
    "verify_password",
]

_SALT_LENGTH: Final = 16
_HASH_LENGTH: Final = 32
_PEPPERED: Final = re.compile(r"\$nlp\$([0-9a-f]{8})(\$.+)", re.DOTALL)
_ARGON2: Final = re.compile(
    r"(\$argon2(?:id|i|d)(?:\$v=\d{1,4})?\$m=\d{1,9},t=\d{1,9},p=\d{1,9})\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+", re.ASCII
)
_BCRYPT: Final = re.compile(r"(\$2[aby]\$(\d\d)\$)[./A-Za-z0-9]{53}", re.ASCII)
_ARGON2_VERSIONS: Final = (16, 18, 19)
"""1.0, what the binding calls a hash that names none, and 1.3: the library computes no other."""
_BCRYPT_LIMIT: Final = 72
_BCRYPT_DIGEST_LENGTH: Final = 31
_BCRYPT_ALPHABET: Final = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_MOST_MEMORY_KIB: Final = 1024 * 1024
_MOST_WORK_KIB: Final = 4 * _MOST_MEMORY_KIB
_MOST_LANES: Final = 64
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


class HashUnusable(PasswordMismatch):
    """Nothing could be computed: the stored text is malformed, of no supported scheme, or absurdly costly."""


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
        stored: what `hash_password` made, or a foreign Argon2 or bcrypt hash.
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
    return f"$argon2id$v=19${costs}${_base64(salt)}${_base64(digest)}"


def decoy_like(stored: str) -> str:
    """Return a hash of the scheme and cost of a stored one that nothing matches: decoys follow the mix of the store.

    Args:
        stored: an Argon2 or bcrypt hash, peppered or not.

    Raises:
        HashUnusable: it is neither.
    """
    peppered = _PEPPERED.fullmatch(stored)
    inner = _without_prefix(peppered.group(2) if peppered else stored)
    if argon2 := _ARGON2.fullmatch(inner):
        parameters = _parameters(inner)
        salt, digest = secrets.token_bytes(parameters.salt_len), secrets.token_bytes(parameters.hash_len)
        return f"{argon2.group(1)}${_base64(salt)}${_base64(digest)}"
    if found := _BCRYPT.fullmatch(inner):
        letters = "".join(secrets.choice(_BCRYPT_ALPHABET) for _ in range(_BCRYPT_DIGEST_LENGTH))
        return found.group(1) + bcrypt.gensalt(4).decode("ascii")[7:] + letters
    raise HashUnusable("not a hash that is supported")


def _verify(password: bytes, stored: str, profile: Argon2Profile) -> bool:
    """Return whether the scheme and its parameters are the ones in force."""
    stored = _without_prefix(stored)
    if stored.startswith("$argon2"):
        return _verify_argon2(password, stored, profile)
    _verify_bcrypt(password, stored)
    return False


def _verify_argon2(password: bytes, stored: str, profile: Argon2Profile) -> bool:
    parameters = _parameters(stored)
    try:
        verify_secret(stored.encode("ascii"), password, parameters.type)
    except VerifyMismatchError:
        raise PasswordMismatch("argon2") from None
    except (Argon2Error, ValueError) as error:
        raise HashUnusable(type(error).__name__) from None
    wanted = (Type.ID, 19, profile.memory_kib, profile.time_cost, profile.parallelism)
    found = (parameters.type, parameters.version, parameters.memory_cost, parameters.time_cost, parameters.parallelism)
    return found == wanted


def _parameters(stored: str) -> Parameters:
    """Read what an Argon2 hash will cost, before anything is paid.

    Raises:
        HashUnusable: it is malformed, or would cost absurdly much (a damaged row must not hold a slot for hours).
    """
    if _ARGON2.fullmatch(stored) is None:
        raise HashUnusable("not an Argon2 hash")
    try:
        parameters = extract_parameters(stored)
    except (InvalidHash, ValueError, TypeError, KeyError) as error:
        raise HashUnusable(type(error).__name__) from None
    if (
        parameters.version not in _ARGON2_VERSIONS
        or parameters.memory_cost > _MOST_MEMORY_KIB
        or parameters.memory_cost * parameters.time_cost > _MOST_WORK_KIB
        or parameters.parallelism > _MOST_LANES
    ):
        raise HashUnusable("stored hash asks for too much work")
    return parameters


def _verify_bcrypt(password: bytes, stored: str) -> None:
    match = _BCRYPT.fullmatch(stored)
    if match is None or int(match.group(2)) > _MOST_BCRYPT_ROUNDS:
        raise HashUnusable("not a hash that is supported")
    # bcrypt sees 72 bytes and no NUL. A longer password would match by its beginning alone and then be kept whole by
    # the rehash, wrong ending and all: what the scheme cannot represent does not match. The same work is done first.
    representable = len(password) <= _BCRYPT_LIMIT and b"\x00" not in password
    try:
        matches = bcrypt.checkpw(password.replace(b"\x00", b"")[:_BCRYPT_LIMIT], stored.encode("ascii"))
    except ValueError:
        raise HashUnusable("bcrypt refuses it") from None
    if not (matches and representable):
        raise PasswordMismatch("bcrypt")


def _without_prefix(stored: str) -> str:
    """Take Django's name of the scheme off (``argon2$argon2id$...``, ``bcrypt$$2b$...``)."""
    if stored.startswith("argon2$"):
        return stored.removeprefix("argon2")
    return stored.removeprefix("bcrypt$")


def _bytes(password: Secret) -> bytes:
    # NFC (PRECIS OpaqueString, NIST 3.1.1.2). Lone surrogates never get here: bodies refuse them.
    return unicodedata.normalize("NFC", password.reveal()).encode("utf-8", "surrogatepass")


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii").rstrip("=")
