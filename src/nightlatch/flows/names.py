"""What people are called and found by, as it stands in a claim."""

from __future__ import annotations

from nightlatch.errors import InvalidInput
from nightlatch.services.attempts import Claims
from nightlatch.services.users import Claim

__all__ = ["clean_name", "identified", "valid_role"]

_LONGEST = 200


def clean_name(name: str | None) -> str | None:
    """Return a display name fit to be shown and mailed.

    Args:
        name: as typed.

    Returns:
        it on one line without control characters (ASVS 1.3.11: nothing to inject headers with); None where nothing
        is left.

    Raises:
        InvalidInput: it has more than 200 characters.
    """
    if name is None:
        return None
    if len(name) > _LONGEST:
        raise InvalidInput(fields={"name": f"Please use at most {_LONGEST} characters."})
    return " ".join("".join(c if c.isprintable() else " " for c in name).split()) or None


def identified(claims: Claims) -> list[Claim]:
    """Return the identifiers that a claim holds, to be written as proven."""
    found = []
    if claims.email and claims.email_key:
        found.append(Claim("email", claims.email, claims.email_key))
    if claims.username and claims.username_key:
        found.append(Claim("username", claims.username, claims.username_key))
    return found


def valid_role(role: str) -> str:
    """Return a role's name.

    Raises:
        InvalidInput: it is not a word of letters, digits, ``-``, ``_``, ``:`` or ``.``, at most 64 long.
    """
    if not (0 < len(role) <= 64 and all(c.isalnum() or c in "-_:." for c in role)):  # noqa: PLR2004
        raise InvalidInput(fields={"role": f"{role!r} is not a role's name."})
    return role
