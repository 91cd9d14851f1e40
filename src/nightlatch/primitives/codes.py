"""Short codes that people type."""

from __future__ import annotations

import secrets
import unicodedata

from nightlatch.primitives.secret import Secret

__all__ = ["MalformedCode", "new_code", "normalise_code"]

_LONGEST = 40


class MalformedCode(Exception):
    """What was typed is no code."""


def new_code(digits: int) -> Secret:
    """Make a code of so many digits, each as likely as any other (ASVS 6.5.4), leading zeros kept."""
    return Secret(f"{secrets.randbelow(10**digits):0{digits}d}")


def normalise_code(typed: Secret) -> Secret:
    """Return the digits of what was typed: spaces and dashes fall away, digits of any script count.

    Raises:
        MalformedCode: there is something else in it, or nothing, or far too much.
    """
    text = typed.reveal()
    if len(text) > _LONGEST:
        raise MalformedCode("too long")
    digits = []
    for character in text:
        if character.isspace() or unicodedata.category(character) == "Pd":
            continue
        value = unicodedata.decimal(character, None)
        if value is None:
            raise MalformedCode("not a digit")
        digits.append(str(value))
    if not digits:
        raise MalformedCode("empty")
    return Secret("".join(digits))
