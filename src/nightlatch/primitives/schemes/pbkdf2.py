"""PBKDF2 (RFC 8018) as Django, Werkzeug and Passlib write it. OpenSSL computes it, and lets other threads run."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from nightlatch.primitives.schemes.base import HashUnusable, ends_in_padding, from_base64, random_text, to_base64

__all__ = ["Pbkdf2Hash", "read"]

_MOST_ITERATIONS: Final = 5_000_000
_WEAK_BELOW: Final = 10_000
_DIGESTS: Final = ("sha1", "sha224", "sha256", "sha384", "sha512")


@dataclass(frozen=True, slots=True)
class _Form:
    """How somebody writes it.

    Args:
        template: with ``{digest}``, ``{iterations}``, ``{salt}`` and ``{checksum}``.
        pattern: of the same.
        salt: from its text to its bytes.
        decode: from the checksum's text to its bytes.
        encode: and back.
    """

    template: str
    pattern: re.Pattern[str]
    salt: Callable[[str], bytes]
    decode: Callable[[str], bytes]
    encode: Callable[[bytes], str]


@dataclass(frozen=True, slots=True, repr=False)
class Pbkdf2Hash:
    """A PBKDF2 hash.

    Args:
        form: how it is written.
        digest: hashlib's name of the hash function below it.
        iterations: how often.
        salt: its text, as stored.
        checksum: what is compared.
    """

    form: _Form
    digest: str
    iterations: int
    salt: str
    checksum: bytes

    memory_kib = 0

    @property
    def scheme(self) -> str:
        """``pbkdf2_sha256`` and the like."""
        return f"pbkdf2_{self.digest}"

    @property
    def weak(self) -> bool:
        """Whether its iterations are below what was ever advised."""
        return self.iterations < _WEAK_BELOW

    def matches(self, password: bytes) -> bool:
        """Compute and compare."""
        computed = hashlib.pbkdf2_hmac(self.digest, password, self.form.salt(self.salt), self.iterations)
        return hmac.compare_digest(computed, self.checksum) and not ends_in_padding(password)

    def decoy(self) -> str:
        """Return the same form and cost with a salt and a checksum of nothing."""
        return self.form.template.format(
            digest=self.digest,
            iterations=self.iterations,
            salt=random_text(len(self.salt)),
            checksum=self.form.encode(secrets.token_bytes(len(self.checksum))),
        )


def read(stored: str) -> Pbkdf2Hash | None:
    """Read a PBKDF2 hash.

    Raises:
        HashUnusable: it is malformed, cut short, or would cost absurdly much.
    """
    if not stored.startswith(("pbkdf2_", "pbkdf2:", "$pbkdf2")):
        return None
    for form in _FORMS:
        found = form.pattern.fullmatch(stored)
        if found is not None:
            return _checked(form, found)
    raise HashUnusable("its PBKDF2 text is malformed")


def _checked(form: _Form, found: re.Match[str]) -> Pbkdf2Hash:
    digest = (found["digest"] or "sha1").lstrip("-")
    if digest not in _DIGESTS:
        raise HashUnusable("its PBKDF2 stands on a hash function that is not known here")
    iterations = int(found["iterations"])
    if not 1 <= iterations <= _MOST_ITERATIONS:
        raise HashUnusable(f"its PBKDF2 iterations are not between 1 and {_MOST_ITERATIONS}")
    checksum = form.decode(found["checksum"])
    form.salt(found["salt"])
    if len(checksum) != hashlib.new(digest, usedforsecurity=False).digest_size:
        # A shorter one would be easier to match, a longer one multiplies the work.
        raise HashUnusable("its PBKDF2 checksum has another length than its hash function gives")
    return Pbkdf2Hash(form, digest, iterations, found["salt"], checksum)


def _from_ab64(text: str) -> bytes:
    """Decode Passlib's base64, which has a dot where others have a plus."""
    return from_base64(text.replace(".", "+"))


_FORMS: Final = (
    _Form(
        template="pbkdf2_{digest}${iterations}${salt}${checksum}",
        pattern=re.compile(
            r"pbkdf2_(?P<digest>sha\d+)\$(?P<iterations>\d{1,9})\$(?P<salt>[^$]*)\$(?P<checksum>[A-Za-z0-9+/]+=*)",
            re.ASCII,
        ),
        salt=str.encode,
        decode=from_base64,
        encode=lambda raw: to_base64(raw, padded=True),
    ),  # Django
    _Form(
        template="pbkdf2:{digest}:{iterations}${salt}${checksum}",
        pattern=re.compile(
            r"pbkdf2:(?P<digest>sha\d+):(?P<iterations>\d{1,9})\$(?P<salt>[^$]*)\$(?P<checksum>(?:[0-9a-f]{2})+)",
            re.ASCII,
        ),
        salt=str.encode,
        decode=bytes.fromhex,
        encode=bytes.hex,
    ),  # Werkzeug
    _Form(
        template="$pbkdf2-{digest}${iterations}${salt}${checksum}",
        pattern=re.compile(
            r"\$pbkdf2(?P<digest>-sha1|-sha256|-sha512|)\$(?P<iterations>[1-9]\d{0,8})"
            r"\$(?P<salt>[./A-Za-z0-9]*)\$(?P<checksum>[./A-Za-z0-9]+)",
            re.ASCII,
        ),
        salt=_from_ab64,
        decode=_from_ab64,
        encode=lambda raw: to_base64(raw).replace("+", "."),
    ),  # Passlib
)
