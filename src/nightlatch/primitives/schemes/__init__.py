"""Stored hashes, whoever made them: one file for each scheme, all of one shape (`base.StoredHash`).

A hash is *read* before it is computed: what is malformed, and what would cost absurdly much memory or time, is
`HashUnusable` before anything is paid. An import refuses such a hash with the reason; at sign-in it is a mismatch.
Everything here is pure. New hashes are made in `primitives.hashing`, by Argon2id alone.
"""

from __future__ import annotations

import re
from typing import Final

from nightlatch.primitives.schemes import argon2, bcrypt, libpass, pbkdf2, scrypt
from nightlatch.primitives.schemes.base import HashUnusable, PasswordMismatch, StoredHash

__all__ = ["LONGEST", "HashUnusable", "PasswordMismatch", "StoredHash", "read_hash"]

LONGEST: Final = 512
"""Characters of a stored hash, as every store has room for."""

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_READERS: Final = (argon2.read, bcrypt.read, pbkdf2.read, scrypt.read, libpass.read)
_OTHER_NAMES: Final = (
    # LDAP's (RFC 2307) and BSD's names of what is read without them.
    (re.compile(r"\{CRYPT\}(?=[./A-Za-z0-9]{13}$)"), "$passlib$des_crypt$"),
    (re.compile(r"\{CRYPT\}"), ""),
    (re.compile(r"\{PBKDF2(-SHA256|-SHA512|)\}"), lambda found: f"$pbkdf2{found[1].lower()}$"),
    (re.compile(r"\$3\$\$"), "$passlib$nthash$"),
)


def read_hash(stored: str) -> StoredHash:
    """Read a stored hash, without a pepper's prefix.

    Args:
        stored: a hash in any form that this folder knows.

    Returns:
        what can be computed, within bounds.

    Raises:
        HashUnusable: it cannot; the reason is fit to be shown to an operator and holds nothing of the hash.
    """
    if len(stored) > LONGEST:
        raise HashUnusable(f"it is longer than {LONGEST} characters")
    # Django's and Werkzeug's salts are any text; lone surrogates are none.
    if not stored.isascii() and (not stored.startswith(("pbkdf2", "scrypt")) or _SURROGATE.search(stored)):
        raise HashUnusable("it is not plain text")
    for pattern, instead in _OTHER_NAMES:
        if pattern.match(stored):
            stored = pattern.sub(instead, stored, count=1)
            break
    for read in _READERS:
        found = read(stored)
        if found is not None:
            return found
    raise HashUnusable("it is of no scheme that is known here")
