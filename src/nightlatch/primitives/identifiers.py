"""What users are found by: e-mail addresses and user names, normalised before anything is compared (adversary 15, 76).

An e-mail key is NFC and lower case with the domain in its ASCII form. Folding the local part means that two mailboxes
which differ in case only cannot both have an account: so be it, since nobody runs such mailboxes and look-alikes are
what attackers use. Mail always goes to the value that was *stored* when it was proven, never to what was typed.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from nightlatch.errors import InvalidInput
from nightlatch.primitives.confusables import skeleton

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["RESERVED_USERNAMES", "Email", "Username", "normalise_email", "normalise_username"]

_LONGEST_EMAIL = 254
_SHORTEST_USERNAME = 2
_LONGEST_USERNAME = 64

RESERVED_USERNAMES = frozenset(
    [
        "abuse",
        "admin",
        "administration",
        "administrator",
        "anonymous",
        "billing",
        "contact",
        "daemon",
        "everyone",
        "guest",
        "help",
        "helpdesk",
        "hostmaster",
        "info",
        "mailer-daemon",
        "me",
        "moderator",
        "moderators",
        "no-reply",
        "nobody",
        "noc",
        "noreply",
        "null",
        "official",
        "operator",
        "owner",
        "postmaster",
        "root",
        "security",
        "service",
        "staff",
        "superuser",
        "support",
        "sysadmin",
        "system",
        "team",
        "undefined",
        "user",
        "webmaster",
        "www",
    ]
)
"""Names that speak for the service, and what looks like them."""


@dataclass(frozen=True, slots=True)
class Email:
    """An address: as written, and as compared."""

    value: str
    key: str


@dataclass(frozen=True, slots=True)
class Username:
    """A user name: as written, and as compared."""

    value: str
    key: str


def normalise_email(text: str) -> Email:
    """Read an e-mail address (RFC 5321, RFC 6531; IDN by IDNA 2008).

    Args:
        text: as typed.

    Returns:
        the address and its key.

    Raises:
        InvalidInput: it is none.
    """
    refusal = InvalidInput(fields={"email": "Please type an e-mail address, such as mia@example.org."})
    if len(text) > _LONGEST_EMAIL * 2:
        raise refusal  # before any work on Unicode: a megabyte of marks costs nothing
    text = text.strip(" \t")
    from email_validator import EmailNotValidError, validate_email

    try:
        found = validate_email(text, check_deliverability=False, test_environment=True, strict=True)
    except EmailNotValidError:
        raise refusal from None
    if any(unicodedata.category(each).startswith("C") for each in found.normalized):
        raise refusal  # ASVS 1.3.11: nothing that could end a header line
    local = unicodedata.normalize("NFC", found.local_part)
    domain = (found.ascii_domain or found.domain).lower()
    if len(f"{local}@{domain}") > _LONGEST_EMAIL:
        raise refusal
    key = unicodedata.normalize("NFC", local.lower())
    return Email(value=f"{local}@{domain}", key=f"{key}@{domain}")


def normalise_username(text: str, *, reserved: bool = True) -> Username:
    """Read a user name (PRECIS UsernameCaseMapped, RFC 8265 3.3).

    Args:
        text: as typed.
        reserved: whether names that speak for the service are refused; False for looking somebody up.

    Returns:
        the name and its key.

    Raises:
        InvalidInput: it cannot be one, or is reserved, or looks like one that is.
    """
    if not (_SHORTEST_USERNAME <= len(text) <= _LONGEST_USERNAME):
        raise _username(f"A user name has {_SHORTEST_USERNAME} to {_LONGEST_USERNAME} characters.")
    try:
        key = _profile()(text)
    except UnicodeEncodeError:
        raise _username("Please use letters, digits and . _ - only.") from None
    if not (_SHORTEST_USERNAME <= len(key) <= _LONGEST_USERNAME):  # composing and case mapping change the length
        raise _username(f"A user name has {_SHORTEST_USERNAME} to {_LONGEST_USERNAME} characters.")
    if "@" in key or any(each.isspace() for each in key):
        # An address has an @ and a user name never does: what is typed to sign in is never ambiguous.
        raise _username("A user name has no @ and no spaces.")
    if reserved and skeleton(key) in _reserved_skeletons():
        raise _username("That user name is kept for the service. Please choose another.")
    return Username(value=unicodedata.normalize("NFC", text), key=key)


def _username(message: str) -> InvalidInput:
    return InvalidInput(fields={"username": message})


@cache
def _profile() -> Callable[[str], str]:
    from precis_i18n import get_profile

    profile: Any = get_profile("UsernameCaseMapped")
    enforce: Callable[[str], str] = profile.enforce
    return enforce


@cache
def _reserved_skeletons() -> frozenset[str]:
    return frozenset(skeleton(name) for name in RESERVED_USERNAMES)
