"""What the libpass extra computes: sha512-crypt, phpass, and the older schemes of Passlib (which it goes on with).

Most are recognised by how they begin. Those that look alike (13 letters, 32 hexadecimal digits) are written with their
name in front: ``$passlib$hex_md5$5f4dcc3b...``. Left out are what is no hash (plain text, what can be undone), what
needs the user's name, and what takes several passwords for one (LM, MySQL before 4.1, SQL Server 2000).

These are loops of Python. Other threads get their turns, every few milliseconds, but not the processor meanwhile: what
one verification may cost is bounded to about a second.
"""

from __future__ import annotations

import re
import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any, Final

from nightlatch.primitives.schemes.base import MOST_MEMORY_KIB, MOST_WORK_KIB, HashUnusable

__all__ = ["LibpassHash", "read"]

_SHA2_ROUNDS: Final = 2_000_000
_PBKDF2_ITERATIONS: Final = 5_000_000

_MOST_ROUNDS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "sha512_crypt": _SHA2_ROUNDS,
        "sha256_crypt": _SHA2_ROUNDS,
        "sha1_crypt": _SHA2_ROUNDS,
        "fshp": _SHA2_ROUNDS,
        "phpass": 21,  # a logarithm
        "scrypt": 20,  # a logarithm; memory is looked at as well
        "sun_md5_crypt": 200_000,
        "bsdi_crypt": 100_000,
        "scram": _PBKDF2_ITERATIONS,
        "cta_pbkdf2_sha1": _PBKDF2_ITERATIONS,
        "dlitz_pbkdf2_sha1": _PBKDF2_ITERATIONS,
        "grub_pbkdf2_sha512": _PBKDF2_ITERATIONS,
    }
)
_FIXED_COST: Final = (
    "apr_md5_crypt", "atlassian_pbkdf2_sha1", "bigcrypt", "crypt16", "des_crypt", "django_des_crypt",
    "django_salted_md5", "django_salted_sha1", "hex_md4", "hex_md5", "hex_sha1", "hex_sha256", "hex_sha512",
    "ldap_md5", "ldap_salted_md5", "ldap_salted_sha1", "ldap_salted_sha256", "ldap_salted_sha512", "ldap_sha1",
    "md5_crypt", "mssql2005", "mysql41", "nthash", "oracle11",
)  # fmt: skip
_STRONG: Final = ("sha512_crypt", "sha256_crypt", "scrypt", "grub_pbkdf2_sha512", "cta_pbkdf2_sha1",
                  "dlitz_pbkdf2_sha1", "atlassian_pbkdf2_sha1", "scram")  # fmt: skip
_BEGINNINGS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "$6$": ("sha512_crypt",), "$5$": ("sha256_crypt",), "$P$": ("phpass",), "$H$": ("phpass",),
        "$1$": ("md5_crypt",), "$apr1$": ("apr_md5_crypt",), "$sha1$": ("sha1_crypt",), "$md5": ("sun_md5_crypt",),
        "$7$": ("scrypt",), "sha1$": ("django_salted_sha1",), "md5$": ("django_salted_md5",),
        "crypt$": ("django_des_crypt",), "{MD5}": ("ldap_md5",), "{SMD5}": ("ldap_salted_md5",),
        "{SHA}": ("ldap_sha1",), "{SSHA}": ("ldap_salted_sha1",), "{SSHA256}": ("ldap_salted_sha256",),
        "{SSHA512}": ("ldap_salted_sha512",), "{PKCS5S2}": ("atlassian_pbkdf2_sha1",), "{FSHP": ("fshp",),
        "$p5k2$": ("cta_pbkdf2_sha1", "dlitz_pbkdf2_sha1"), "grub.pbkdf2.sha512.": ("grub_pbkdf2_sha512",),
        "$scram$": ("scram",), "_": ("bsdi_crypt",), "0x0100": ("mssql2005",), "*": ("mysql41",), "S:": ("oracle11",),
    }
)  # fmt: skip
_NAMED: Final = re.compile(r"\$passlib\$([a-z0-9_]{1,40})\$(.+)", re.ASCII)
_INSTALLED: Final = find_spec("passlib") is not None


@dataclass(frozen=True, slots=True, repr=False)
class LibpassHash:
    """A hash that libpass computes.

    Args:
        scheme: Passlib's name of it.
        text: the hash.
        handler: libpass's class for it.
        prefix: what stands before the text as it is stored.
        memory_kib: what it takes of memory.
    """

    scheme: str
    text: str
    handler: Any
    prefix: str = ""
    memory_kib: int = 0

    @property
    def weak(self) -> bool:
        """Whether MD5, SHA-1, DES or one pass of anything is all there is (ASVS 11.4.1)."""
        return self.scheme not in _STRONG

    def matches(self, password: bytes) -> bool:
        """Compute and compare."""
        longest = self.handler.truncate_size
        representable = longest is None or len(password) <= longest
        try:
            # What cannot be represented costs the same; a NUL ends a text in C, and nothing here.
            matches = self.handler.verify(password.replace(b"\x00", b""), self.text)
        except ValueError:
            raise HashUnusable(f"libpass refuses it as {self.scheme}") from None
        return bool(matches) and representable and b"\x00" not in password

    def decoy(self) -> str:
        """Return a text of the same scheme and cost whose salt and checksum are of nothing."""
        parsed = _parsed(self.scheme, self.handler, self.text)
        if getattr(parsed, "salt", None):
            parsed.salt = _random_like(parsed.salt, self.handler.salt_chars)
        parsed.checksum = _random_like(parsed.checksum, self.handler.checksum_chars)
        return self.prefix + str(parsed.to_string())


def read(stored: str) -> LibpassHash | None:
    """Read a hash that libpass computes.

    Raises:
        HashUnusable: it is malformed, would cost absurdly much, or the extra is not installed.
    """
    named = _NAMED.fullmatch(stored)
    if named is not None:
        scheme, text = named.groups()
        if scheme not in _MOST_ROUNDS and scheme not in _FIXED_COST:
            raise HashUnusable(f"{scheme} is no scheme that is verified here")
        return _read(scheme, text, stored[: -len(text)])
    for beginning, schemes in _BEGINNINGS.items():
        if stored.startswith(beginning):
            return _read_first(schemes, stored)
    return None


def _read_first(schemes: tuple[str, ...], text: str) -> LibpassHash:
    for scheme in schemes[:-1]:
        try:
            return _read(scheme, text, "")
        except HashUnusable:
            continue
    return _read(schemes[-1], text, "")


def _read(scheme: str, text: str, prefix: str) -> LibpassHash:
    if not _INSTALLED:
        raise HashUnusable(f"{scheme} needs the extra nightlatch[libpass]")
    from passlib.registry import get_crypt_handler

    handler = get_crypt_handler(scheme)
    parsed = _parsed(scheme, handler, text)
    return LibpassHash(scheme, text, handler, prefix, _within(scheme, parsed))


def _parsed(scheme: str, handler: Any, text: str) -> Any:
    try:
        parsed = handler.from_string(text)
    except Exception:  # noqa: BLE001 - what other people's parsers raise on what is malformed: ten kinds and counting
        raise HashUnusable(f"its {scheme} text is malformed") from None
    if not parsed.checksum:
        raise HashUnusable(f"its {scheme} text has no checksum")
    return parsed


def _within(scheme: str, parsed: Any) -> int:
    """Return the memory it takes, once its costs are found to be within bounds."""
    too_much = HashUnusable(f"its {scheme} asks for too much memory or time")
    if scheme in _MOST_ROUNDS and parsed.rounds > _MOST_ROUNDS[scheme]:
        raise too_much
    if scheme != "scrypt":
        return 0
    memory_kib = int(128 * 2**parsed.rounds * parsed.block_size // 1024)
    if memory_kib > MOST_MEMORY_KIB or memory_kib * parsed.parallelism > MOST_WORK_KIB:
        raise too_much
    return memory_kib


def _random_like(value: Any, letters: str | None) -> Any:
    """Return a random value of the same type and length."""
    if isinstance(value, bytes):
        return secrets.token_bytes(len(value))
    if isinstance(value, dict):  # SCRAM has one for each hash function
        return {name: _random_like(each, letters) for name, each in value.items()}
    letters = letters or string.ascii_letters
    # The last letter of base64 holds fewer bits; the first letter of every alphabet stands for none.
    return "".join(secrets.choice(letters) for _ in value[:-1]) + letters[0]
