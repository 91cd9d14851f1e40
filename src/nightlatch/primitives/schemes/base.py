"""What every scheme shares: how it reads, what it may cost, and how a hash that nothing matches is made like it."""

from __future__ import annotations

import base64
import secrets
import string
from typing import Final, Protocol

__all__ = [
    "MOST_MEMORY_KIB",
    "MOST_WORK_KIB",
    "HashUnusable",
    "PasswordMismatch",
    "StoredHash",
    "ends_in_padding",
    "from_base64",
    "random_text",
    "to_base64",
]

MOST_MEMORY_KIB: Final = 1024 * 1024
"""What one hash may take of memory, whoever made it."""
MOST_WORK_KIB: Final = 4 * MOST_MEMORY_KIB
"""How much memory one hash may walk over: a few seconds."""

_LETTERS: Final = string.ascii_letters + string.digits


class PasswordMismatch(Exception):
    """This password is not the one that was hashed."""


class HashUnusable(PasswordMismatch):
    """Nothing could be computed: the stored text is malformed, of no supported scheme, or absurdly costly."""


class StoredHash(Protocol):
    """A stored hash, read and found fit to be computed: it is well formed and its cost is within bounds."""

    @property
    def scheme(self) -> str:
        """What it is called."""
        ...

    @property
    def memory_kib(self) -> int:
        """What computing it takes of memory, beyond a few pages."""
        ...

    @property
    def weak(self) -> bool:
        """Whether guessing it is so cheap that its owners should not be waited for (ASVS 11.4.1, 11.4.2)."""
        ...

    def matches(self, password: bytes) -> bool:
        """Compute the hash of a password and compare, in constant time.

        A password that the scheme cannot represent (longer than it reads, a NUL) does not match: the rehash would keep
        the whole of it, wrong ending and all. It costs the same.

        Raises:
            HashUnusable: the library refuses what was read.
        """
        ...

    def decoy(self) -> str:
        """Return a text of the same scheme and cost that nothing matches."""
        ...


def ends_in_padding(password: bytes) -> bool:
    """Tell whether a password ends as HMAC pads its keys: what PBKDF2 and scrypt cannot tell from one without."""
    return password.endswith(b"\x00")


def to_base64(raw: bytes, *, padded: bool = False) -> str:
    """Encode in base64."""
    text = base64.b64encode(raw).decode("ascii")
    return text if padded else text.rstrip("=")


def from_base64(text: str) -> bytes:
    """Decode base64, padded or not.

    Raises:
        HashUnusable: it is none.
    """
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        raise HashUnusable("its base64 is malformed") from None


def random_text(length: int) -> str:
    """Return random letters and digits, which every scheme takes for a salt."""
    return "".join(secrets.choice(_LETTERS) for _ in range(length))
