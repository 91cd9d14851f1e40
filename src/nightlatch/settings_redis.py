"""The section ``redis``: a Redis or Valkey that keeps the throttle's counters for several nodes."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

from nightlatch.errors import ConfigurationError
from nightlatch.primitives.secret import Secret
from nightlatch.section import Section

__all__ = ["Redis"]

_SCHEMES = {f"{server}{form}" for server in ("redis", "valkey") for form in ("", "s", "+unix", "+sentinel", "+cluster")}


class Redis(Section, frozen=True, kw_only=True):
    """Where the throttle counts, in place of the store (docs/decisions/0012-counters-in-redis.md).

    Raises:
        ConfigurationError: the address is none.
    """

    url: Secret | None = None
    """``redis://``, ``rediss://`` (TLS), ``redis+unix://``, ``redis+sentinel://``, ``redis+cluster://``, or the same
    with ``valkey``. None: counters are in the store. It may hold a password, so it is never shown."""
    timeout: timedelta = timedelta(milliseconds=200)
    """For connecting, and for an answer. Past it the store counts."""
    retry_after: timedelta = timedelta(seconds=5)
    """How long the store counts before Redis is asked again."""

    def __post_init__(self) -> None:
        """Refuse what is no shared Redis: counters in one process's memory would be a budget for each process."""
        if self.url is not None and _scheme(self.url.reveal()) not in _SCHEMES:
            raise ConfigurationError("redis.url is no address of a Redis or Valkey: write redis://host:6379/0")


def _scheme(url: str) -> str:
    try:
        return urlsplit(url).scheme
    except ValueError:  # brackets that do not match
        return ""
