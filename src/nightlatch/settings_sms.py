"""Settings of codes by text message."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from nightlatch.primitives.secret import Secret
from nightlatch.section import Budget, Section

__all__ = ["Sms"]


class Sms(Section, frozen=True, kw_only=True):
    """Codes by text message (docs/text-messages.md). Off until switched on, and never the only second factor."""

    enabled: bool = False
    """Whether users may add a phone. Switched off again, phones that are there are not asked for, and count for
    nothing."""
    countries: tuple[str, ...] = ()
    """Where texts may go, ISO 3166-1 alpha-2 (``DE``). A number without ``+`` is read as one of the first."""
    transport: Literal["twilio", "sns", "webhook", "file", "console", "memory"] | None = None
    """None: the console in development, refused elsewhere."""
    url: str | None = None
    """For ``webhook`` where texts are posted to. For the others where their API is; None: the provider's own."""
    timeout: timedelta = timedelta(seconds=10)
    sender: str | None = None
    """A number, a sender's name, or for ``twilio`` a messaging service (``MG...``)."""
    account: str | None = None
    """For ``twilio`` the account SID; for ``sns`` the access key's id."""
    secret: Secret | None = None
    """For ``twilio`` the auth token; for ``sns`` the secret access key; for ``webhook`` the signing key."""
    session_token: Secret | None = None
    """For ``sns``, where the access key is a temporary one."""
    region: str | None = None
    """For ``sns``: ``eu-central-1``."""
    directory: str | None = None
    """For ``file``: each text is a file here."""

    per_number: Budget = Budget(limit=10, per=timedelta(days=1))
    per_user: Budget = Budget(limit=10, per=timedelta(days=1))
    per_prefix: Budget = Budget(limit=100, per=timedelta(hours=1))
    everywhere: Budget = Budget(limit=1000, per=timedelta(hours=1))
    prefix_digits: int = 3
    """How many digits after the calling code make a prefix: ``+49151``."""
    watched_for: timedelta = timedelta(hours=1)
    watched_after: int = 20
    """So many codes to a prefix within `watched_for`, and the breaker looks how many of them were used."""
    least_used_percent: int = 20
    """Fewer than this, and the prefix gets no more until the hour is over."""
