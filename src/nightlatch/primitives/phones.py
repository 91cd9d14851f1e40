"""Telephone numbers that a code may be sent to: E.164, of a person, on the ground (adversary 82).

The ranges come from `phonenumbers`, the tables that Google keeps of every country's numbering plan. Only what may be a
mobile number passes. What earns somebody money for each text (premium, shared cost, personal numbers) or costs dozens
of times as much (satellite, international networks) is refused before anything is sent. So are lines that prove no
device: NIST SP 800-63B-4 3.1.3.1 counts no voice over IP.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nightlatch.errors import InvalidInput

__all__ = ["Phone", "masked", "parse_phone", "prefix_of"]

_LONGEST = 40
_WORLDWIDE = "001"
"""Not a country: satellite (+870, +881), international networks (+882, +883), premium (+979)."""


@dataclass(frozen=True, slots=True)
class Phone:
    """A number that may get a text.

    Args:
        number: E.164, with its ``+``.
        country: ISO 3166-1 alpha-2.
    """

    number: str
    country: str


def parse_phone(text: str, countries: Sequence[str]) -> Phone:
    """Read a telephone number (ITU-T E.164).

    Args:
        text: as typed; digits of any script, spaces and punctuation as people write them.
        countries: where texts may go, ISO 3166-1 alpha-2. A number without ``+`` is read as one of the first.

    Returns:
        the number.

    Raises:
        InvalidInput: it is none, or none that may get a text. The message says which.
    """
    import phonenumbers
    from phonenumbers import PhoneNumberFormat, PhoneNumberType

    if len(text) > _LONGEST:
        raise _refused("unparsable", "Please type a phone number, such as +49 151 23456789.")
    try:
        parsed = phonenumbers.parse(text, countries[0] if countries else None)
    except phonenumbers.NumberParseException:
        raise _refused("unparsable", "Please type a phone number with its country, such as +49 151 23456789.") from None
    if parsed.extension or not phonenumbers.is_valid_number(parsed):
        raise _refused("unallocated", "There is no such number. Please look at the digits again.")
    country = phonenumbers.region_code_for_number(parsed) or _WORLDWIDE
    kind = phonenumbers.number_type(parsed)
    if country == _WORLDWIDE:
        raise _refused("satellite or international network", "Numbers of satellite networks cannot get a code.")
    if kind not in {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE}:
        raise _refused(f"type {kind}", "That is no mobile number. Please type the number of a mobile phone.")
    if country not in countries:
        raise _refused(f"country {country}", "No texts are sent to numbers of that country here. Please use an app.")
    number = phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
    return Phone(number=number, country=country)


def prefix_of(number: str, digits: int) -> str:
    """Return the calling code of a number and so many digits after it: by these networks are told apart, and paid.

    Args:
        number: E.164.
        digits: how many after the calling code.
    """
    import phonenumbers

    calling_code = str(phonenumbers.parse(number).country_code)
    return number[: 1 + len(calling_code) + digits]


def masked(number: str) -> str:
    """Return what is shown of a number to somebody who proved a first factor: its last two digits."""
    return f"•••• {number[-2:]}"


def _refused(reason: str, message: str) -> InvalidInput:
    return InvalidInput(f"number refused: {reason}", fields={"number": message})
