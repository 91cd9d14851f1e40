"""Argon2 (RFC 9106), every variant and version, as PHC strings: ours, argon2-cffi's, Passlib's, pwdlib's, Django's."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import Final

from argon2 import Parameters, extract_parameters
from argon2.exceptions import Argon2Error, InvalidHash, VerifyMismatchError
from argon2.low_level import verify_secret

from nightlatch.primitives.schemes.base import MOST_MEMORY_KIB, MOST_WORK_KIB, HashUnusable, to_base64

__all__ = ["Argon2Hash", "read"]

_ARGON2: Final = re.compile(
    r"(\$argon2(?:id|i|d)(?:\$v=\d{1,4})?\$m=\d{1,9},t=\d{1,9},p=\d{1,9})\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+", re.ASCII
)
_VERSIONS: Final = (16, 18, 19)
"""1.0, what the binding calls a hash that names none, and 1.3: the library computes no other."""
_MOST_LANES: Final = 64


@dataclass(frozen=True, slots=True, repr=False)
class Argon2Hash:
    """An Argon2 hash.

    Args:
        text: the PHC string.
        head: its part up to the salt.
        parameters: what it says.
    """

    text: str
    head: str
    parameters: Parameters

    weak = False

    @property
    def scheme(self) -> str:
        """``argon2id``, ``argon2i`` or ``argon2d``."""
        return f"argon2{self.parameters.type.name.lower()}"

    @property
    def memory_kib(self) -> int:
        """Its memory."""
        return self.parameters.memory_cost

    def matches(self, password: bytes) -> bool:
        """Compute and compare; the binding lets other threads run meanwhile."""
        try:
            return verify_secret(self.text.encode("ascii"), password, self.parameters.type)
        except VerifyMismatchError:
            return False
        except (Argon2Error, ValueError) as error:
            raise HashUnusable(f"Argon2 refuses it: {type(error).__name__}") from None

    def decoy(self) -> str:
        """Return the same head with a salt and a digest of nothing."""
        salt, digest = (secrets.token_bytes(each) for each in (self.parameters.salt_len, self.parameters.hash_len))
        return f"{self.head}${to_base64(salt)}${to_base64(digest)}"


def read(stored: str) -> Argon2Hash | None:
    """Read an Argon2 hash, and what it will cost, before anything is paid.

    Raises:
        HashUnusable: it is malformed, or would cost absurdly much (a damaged row must not hold a slot for hours).
    """
    text = stored.removeprefix("argon2") if stored.startswith("argon2$") else stored  # Django names the scheme first
    if not text.startswith("$argon2"):
        return None
    found = _ARGON2.fullmatch(text)
    if found is None:
        raise HashUnusable("its Argon2 text is malformed")
    try:
        parameters = extract_parameters(text)
    except (InvalidHash, ValueError, TypeError, KeyError):
        raise HashUnusable("its Argon2 text is malformed") from None
    if (
        parameters.version not in _VERSIONS
        or parameters.memory_cost > MOST_MEMORY_KIB
        or parameters.memory_cost * parameters.time_cost > MOST_WORK_KIB
        or parameters.parallelism > _MOST_LANES
    ):
        raise HashUnusable("its Argon2 asks for too much memory or time")
    return Argon2Hash(text, found.group(1), parameters)
