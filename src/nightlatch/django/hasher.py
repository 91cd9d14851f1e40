"""Our entry in ``PASSWORD_HASHERS``, for projects that keep a user model of their own.

A password column then holds ``nightlatch$<id>``: the password lies in our table, and whoever asks Django about it asks
the gate, throttled and counted. What project code writes there, ``nightlatch$new$...``, is adopted when it is saved or
next seen.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.hashers import BasePasswordHasher

from nightlatch.django.installation import core
from nightlatch.django.transactions import outside_transactions
from nightlatch.errors import InvalidCredentials, NotFound
from nightlatch.primitives.hashing import PasswordMismatch
from nightlatch.primitives.secret import Secret
from nightlatch.services.client import NOBODY

__all__ = ["NightlatchPasswordHasher", "hash_in", "marker"]

_PREFIX = "nightlatch$"
_NEW = f"{_PREFIX}new$"


def marker(user_id: UUID) -> str:
    """Return what stands in the project's column where the password lies in our table."""
    return f"{_PREFIX}{user_id}"


def hash_in(column: str | None) -> str | None:
    """Return the hash that a column holds, as the core verifies it; None where nobody could sign in with it."""
    if not column or column.startswith("!"):
        return None
    return column.removeprefix(_NEW)


class NightlatchPasswordHasher(BasePasswordHasher):
    """Answer for the project's password column, through the gate's throttle and the hashing pool."""

    algorithm = "nightlatch"

    def encode(self, password: str, salt: str) -> str:
        """Hash a new password in the pool; the salt is the core's own.

        Raises:
            Busy: the pool is full.
        """
        del salt
        return _NEW + core().hashing.hash(Secret(password))

    def verify(self, password: str, encoded: str) -> bool:
        """Tell whether a password is the one.

        Raises:
            Throttled: too many tries.
            Busy: the pool is full; nothing was verified.
        """
        if encoded.startswith(_NEW):
            try:
                core().hashing.verify(Secret(password), encoded.removeprefix(_NEW))
            except PasswordMismatch:
                return False
            return True
        try:
            with outside_transactions("check_password()"):
                core().provision.verify_password(NOBODY, UUID(encoded.removeprefix(_PREFIX)), Secret(password))
        except (ValueError, NotFound, InvalidCredentials):
            return False
        return True

    def safe_summary(self, encoded: str) -> dict[str, Any]:
        """Return what an administrator may see."""
        return {"algorithm": self.algorithm, "kept by": "Nightlatch" if not encoded.startswith(_NEW) else "this row"}

    def must_update(self, encoded: str) -> bool:
        """Say that nothing is to be hashed anew: the core does that by itself."""
        del encoded
        return False

    def harden_runtime(self, password: str, encoded: str) -> None:
        """Do nothing: `verify` has cost the same for every cause."""
        del password, encoded
