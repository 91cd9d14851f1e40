"""bcrypt, bare and over SHA-256, as crypt, PHP, Django and Passlib write it.

bcrypt sees 72 bytes and no NUL. What it cannot represent does not match: a longer password would match by its beginning
alone. The forms over SHA-256 represent everything.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import bcrypt

from nightlatch.primitives.schemes.base import HashUnusable

__all__ = ["BcryptHash", "read"]

_BARE: Final = re.compile(r"\$2[abxy]?\$(\d\d)\$([./A-Za-z0-9]{22})([./A-Za-z0-9]{31})", re.ASCII)
_PASSLIB: Final = re.compile(
    r"\$bcrypt-sha256\$(?:v=2,t=(2b),r=|(2[ab]),)(\d{1,2})\$([./A-Za-z0-9]{22})\$([./A-Za-z0-9]{31})", re.ASCII
)
_LIMIT: Final = 72
_ALPHABET: Final = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_SALT_LENGTH: Final = 22
_DIGEST_LENGTH: Final = 31
_LEAST_ROUNDS: Final = 4
_MOST_ROUNDS: Final = 16
_WEAK_BELOW: Final = 10  # ASVS appendix C


@dataclass(frozen=True, slots=True, repr=False)
class BcryptHash:
    """A bcrypt hash.

    Args:
        scheme: ``bcrypt`` or ``bcrypt_sha256``.
        rounds: the logarithm of its cost.
        text: in crypt's form, as the library takes it.
        head: what stands before salt and digest in the form it is stored in.
        between: what stands between them there.
        prepare: what is hashed in the password's place; None: it cannot be represented.
    """

    scheme: str
    rounds: int
    text: str
    head: str
    between: str
    prepare: Callable[[bytes], bytes | None]

    memory_kib = 4

    @property
    def weak(self) -> bool:
        """Whether its cost is below what is asked of it today."""
        return self.rounds < _WEAK_BELOW

    def matches(self, password: bytes) -> bool:
        """Compute and compare; the binding lets other threads run meanwhile."""
        prepared = self.prepare(password)
        # What cannot be represented costs the same.
        computed = password.replace(b"\x00", b"")[:_LIMIT] if prepared is None else prepared
        try:
            matches = bcrypt.checkpw(computed, self.text.encode("ascii"))
        except ValueError:
            raise HashUnusable("bcrypt refuses it") from None
        return matches and prepared is not None

    def decoy(self) -> str:
        """Return the same head with a salt and a digest of nothing."""
        salt = bcrypt.gensalt(_LEAST_ROUNDS).decode("ascii")[-_SALT_LENGTH:]
        digest = "".join(secrets.choice(_ALPHABET) for _ in range(_DIGEST_LENGTH))
        return f"{self.head}{salt}{self.between}{digest}"


def read(stored: str) -> BcryptHash | None:
    """Read a bcrypt hash.

    Raises:
        HashUnusable: it is malformed, or would cost absurdly much.
    """
    if stored.startswith("bcrypt_sha256$"):  # Django: hexadecimal SHA-256 first
        return _bare(stored, "bcrypt_sha256$", "bcrypt_sha256", lambda it: hashlib.sha256(it).hexdigest().encode())
    if stored.startswith("bcrypt$"):  # Django names the scheme first
        return _bare(stored, "bcrypt$", "bcrypt", _as_it_is)
    if stored.startswith("$2$"):
        # The first version went round the password without its NUL (Passlib, bcrypt: "2").
        return _bare(stored, "", "bcrypt", lambda it: (it * _LIMIT)[:_LIMIT] if _as_it_is(it) is not None else None)
    if stored.startswith("$2"):
        return _bare(stored, "", "bcrypt", _as_it_is)
    if stored.startswith("$bcrypt-sha256$"):
        return _passlib(stored)
    return None


def _as_it_is(password: bytes) -> bytes | None:
    return password if len(password) <= _LIMIT and b"\x00" not in password else None


def _bare(stored: str, prefix: str, scheme: str, prepare: Callable[[bytes], bytes | None]) -> BcryptHash:
    text = stored.removeprefix(prefix)
    found = _BARE.fullmatch(text)
    if found is None:
        raise HashUnusable("its bcrypt text is malformed")
    rounds, salt, digest = _within(found.group(1)), found.group(2), found.group(3)
    ident = "2a" if text.startswith("$2$") else text.split("$")[1]
    head = f"{prefix}{text[: -_SALT_LENGTH - _DIGEST_LENGTH]}"
    return BcryptHash(scheme, rounds, f"${ident}${rounds:02}${salt}{digest}", head, "", prepare)


def _passlib(stored: str) -> BcryptHash:
    found = _PASSLIB.fullmatch(stored)
    if found is None:
        raise HashUnusable("its bcrypt text is malformed")
    second, first, cost, salt, digest = found.groups()
    rounds = _within(cost)

    def prepare(password: bytes) -> bytes:
        # Version 2 keys the digest with the salt; version 1 did not.
        keyed = hmac.digest(salt.encode(), password, "sha256") if second else hashlib.sha256(password).digest()
        return base64.b64encode(keyed)

    head = stored[: -_SALT_LENGTH - 1 - _DIGEST_LENGTH]
    return BcryptHash("bcrypt_sha256", rounds, f"${second or first}${rounds:02}${salt}{digest}", head, "$", prepare)


def _within(cost: str) -> int:
    rounds = int(cost)
    if not _LEAST_ROUNDS <= rounds <= _MOST_ROUNDS:
        raise HashUnusable(f"its bcrypt cost is not between {_LEAST_ROUNDS} and {_MOST_ROUNDS}")
    return rounds
