"""scrypt (RFC 7914) as Werkzeug, Django, Passlib and Firebase write it. OpenSSL computes it, and lets others run.

Firebase exports what its hashes need apart from them: put it together into one text,
``$firebase-scrypt$ln=<mem_cost>,r=<rounds>,p=1$<salt>$<salt separator>$<signer key>$<password hash>``, all base64.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from nightlatch.primitives.schemes.base import (
    MOST_MEMORY_KIB,
    MOST_WORK_KIB,
    HashUnusable,
    ends_in_padding,
    from_base64,
    random_text,
    to_base64,
)

__all__ = ["ScryptHash", "read"]

_WERKZEUG: Final = re.compile(
    r"scrypt:(\d{1,10}):(\d{1,4}):(\d{1,4})\$([^$]*)\$((?:[0-9a-f]{2})+)", re.ASCII
)  # n, r, p, salt, hash
_DJANGO: Final = re.compile(
    r"scrypt\$(\d{1,10})\$([^$]*)\$(\d{1,4})\$(\d{1,4})\$([A-Za-z0-9+/]+=*)", re.ASCII
)  # n, salt, r, p, hash
_PHC: Final = re.compile(
    r"\$scrypt\$ln=(\d{1,2}),r=(\d{1,4}),p=(\d{1,4})\$([A-Za-z0-9+/]*)\$([A-Za-z0-9+/]+)", re.ASCII
)
_FIREBASE: Final = re.compile(
    r"\$firebase-scrypt\$ln=(\d{1,2}),r=(\d{1,4}),p=(\d{1,4})"
    r"\$([A-Za-z0-9+/]+=*)\$([A-Za-z0-9+/]*=*)\$([A-Za-z0-9+/]+=*)\$([A-Za-z0-9+/]+=*)",
    re.ASCII,
)
_LEAST_CHECKSUM: Final = 16
_MOST_CHECKSUM: Final = 64
_AES_KEY: Final = 32
_SPARE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Costs:
    n: int
    r: int
    p: int

    def __post_init__(self) -> None:
        """Refuse what the function is not defined for, and what would cost absurdly much."""
        defined = self.n > 1 and not self.n & (self.n - 1) and self.r and self.p
        if not defined:
            raise HashUnusable("its scrypt parameters are none")
        if self.memory_kib > MOST_MEMORY_KIB or self.memory_kib * self.p > MOST_WORK_KIB:
            raise HashUnusable("its scrypt asks for too much memory or time")

    @property
    def memory_kib(self) -> int:
        return 128 * self.n * self.r // 1024

    def compute(self, password: bytes, salt: bytes, length: int) -> bytes:
        most = 128 * self.r * (self.n + self.p + 2) + _SPARE
        return hashlib.scrypt(password, salt=salt, n=self.n, r=self.r, p=self.p, maxmem=most, dklen=length)


@dataclass(frozen=True, slots=True, repr=False)
class ScryptHash:
    """A scrypt hash.

    Args:
        costs: n, r and p.
        salt: as it goes in.
        checksum: what is compared.
        like: makes the same text with another checksum.
        signer_key: what Firebase encrypts with the result; None: the result itself is compared.
    """

    costs: _Costs
    salt: bytes
    checksum: bytes
    like: Callable[[bytes], str]
    signer_key: bytes | None = None

    weak = False

    @property
    def scheme(self) -> str:
        """``scrypt`` or ``firebase_scrypt``."""
        return "scrypt" if self.signer_key is None else "firebase_scrypt"

    @property
    def memory_kib(self) -> int:
        """Its memory."""
        return self.costs.memory_kib

    def matches(self, password: bytes) -> bool:
        """Compute and compare."""
        length = len(self.checksum) if self.signer_key is None else _MOST_CHECKSUM
        try:
            computed = self.costs.compute(password, self.salt, length)
        except (ValueError, MemoryError):
            raise HashUnusable("scrypt refuses it") from None
        if self.signer_key is not None:
            # github.com/firebase/scrypt: AES-256-CTR under the first half, counter zero.
            cipher = Cipher(AES(computed[:_AES_KEY]), CTR(bytes(16))).encryptor()
            computed = cipher.update(self.signer_key) + cipher.finalize()
        return hmac.compare_digest(computed, self.checksum) and not ends_in_padding(password)

    def decoy(self) -> str:
        """Return the same form and cost with a salt and a checksum of nothing."""
        return self.like(secrets.token_bytes(len(self.checksum)))


def read(stored: str) -> ScryptHash | None:
    """Read a scrypt hash.

    Raises:
        HashUnusable: it is malformed, cut short, or would cost absurdly much.
    """
    for start, read_form in _FORMS.items():
        if stored.startswith(start):
            return read_form(stored)
    return None


def _werkzeug(stored: str) -> ScryptHash:
    n, r, p, salt, checksum = _parts(_WERKZEUG, stored)

    def like(random: bytes) -> str:
        return f"scrypt:{n}:{r}:{p}${random_text(len(salt))}${random.hex()}"

    return _checked(_costs(n, r, p), salt.encode(), bytes.fromhex(checksum), like)


def _django(stored: str) -> ScryptHash:
    n, salt, r, p, checksum = _parts(_DJANGO, stored)

    def like(random: bytes) -> str:
        return f"scrypt${n}${random_text(len(salt))}${r}${p}${to_base64(random, padded=True)}"

    return _checked(_costs(n, r, p), salt.encode(), from_base64(checksum), like)


def _phc(stored: str) -> ScryptHash:
    ln, r, p, salt, checksum = _parts(_PHC, stored)

    def like(random: bytes) -> str:
        return f"$scrypt$ln={ln},r={r},p={p}${random_text(len(salt))}${to_base64(random)}"

    return _checked(_costs(2 ** int(ln), r, p), from_base64(salt), from_base64(checksum), like)


def _firebase(stored: str) -> ScryptHash:
    ln, r, p, salt, separator, signer, checksum = _parts(_FIREBASE, stored)
    key, wanted = from_base64(signer), from_base64(checksum)
    if not len(key) == len(wanted) == _MOST_CHECKSUM:
        raise HashUnusable("its Firebase signer key and hash do not have 64 bytes each")

    def like(random: bytes) -> str:
        # The key only decides what the result is compared with: a decoy needs none of it.
        parts = (random_text(len(salt) // 4 * 4), separator, to_base64(random), to_base64(secrets.token_bytes(64)))
        return f"$firebase-scrypt$ln={ln},r={r},p={p}${'$'.join(parts)}"

    return ScryptHash(_costs(2 ** int(ln), r, p), from_base64(salt) + from_base64(separator), wanted, like, key)


def _costs(n: str | int, r: str, p: str) -> _Costs:
    return _Costs(int(n), int(r), int(p))


def _parts(pattern: re.Pattern[str], stored: str) -> tuple[str, ...]:
    found = pattern.fullmatch(stored)
    if found is None:
        raise HashUnusable("its scrypt text is malformed")
    return found.groups()


def _checked(costs: _Costs, salt: bytes, checksum: bytes, like: Callable[[bytes], str]) -> ScryptHash:
    if not _LEAST_CHECKSUM <= len(checksum) <= _MOST_CHECKSUM:
        raise HashUnusable("its scrypt checksum is too short or too long")
    return ScryptHash(costs, salt, checksum, like)


_FORMS: Final = {
    "scrypt:": _werkzeug,
    "scrypt$": _django,
    "$scrypt$": _phc,
    "$firebase-scrypt$": _firebase,
}
