"""The section ``breaches``: where passwords that others have lost are looked up."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

from nightlatch.errors import ConfigurationError
from nightlatch.primitives.origins import is_loopback
from nightlatch.section import Section

__all__ = ["Breaches"]

_LONGEST_WAIT = timedelta(seconds=5)


class Breaches(Section, frozen=True, kw_only=True):
    """Lists of leaked passwords. Asked when a password is set, and when it signs in.

    Raises:
        ConfigurationError: the service's address or the wait cannot be used.
    """

    file: str | None = None
    """A list that ``nightlatch breachlist build`` wrote. It may be replaced while the service runs."""
    range_url: str | None = None
    """A service that is asked by k-anonymity: ``https://api.pwnedpasswords.com/range/``. It learns the first 20 bits of
    a hash, and that somebody here typed it. None: nobody outside is asked."""
    timeout: timedelta = timedelta(seconds=1)
    """How long its answer is waited for. Past it the password passes, and the service is left alone for a minute."""

    def __post_init__(self) -> None:
        """Refuse an address that would tell others what was typed, and waits that hold up every sign-in."""
        if self.range_url is not None:
            parts = urlsplit(self.range_url)
            plain = parts.scheme == "http" and is_loopback(parts.hostname or "")
            if not (parts.hostname and (parts.scheme == "https" or plain)) or parts.query or parts.fragment:
                raise ConfigurationError(
                    "breaches.range_url must be https, such as https://api.pwnedpasswords.com/range/"
                )
        if not timedelta(0) < self.timeout <= _LONGEST_WAIT:
            raise ConfigurationError(f"breaches.timeout must be more than nothing and at most {_LONGEST_WAIT}")
