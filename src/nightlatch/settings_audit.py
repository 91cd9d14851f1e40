"""The section ``audit``: how the audit log proves itself, how long it is kept, and who is told of what happens."""

from __future__ import annotations

import base64
import binascii
from datetime import timedelta
from urllib.parse import urlsplit

from nightlatch.errors import ConfigurationError
from nightlatch.primitives.origins import is_loopback
from nightlatch.primitives.secret import Secret
from nightlatch.section import Section

__all__ = ["Audit", "Webhook"]

_PREFIX = "whsec_"
_LEAST_BYTES = 24
"""The least that Standard Webhooks allows."""


class Webhook(Section, frozen=True, kw_only=True):
    """Who is told of events by a signed POST (docs/webhooks.md).

    Raises:
        ConfigurationError: the address is none that secrets may go to, or a secret could be guessed.
    """

    url: str
    secrets: tuple[Secret, ...]
    """``whsec_`` and at least 24 random bytes in base64. Each signs, so that one can be replaced by another."""
    actions: tuple[str, ...] = ()
    """Such as ``authn_login_fail``; ``audit_seal`` for the roots. None: all of them."""
    allow_private_addresses: bool = False
    """Lets the address be one of this machine or of a private network, and by http if it is this machine."""

    def __post_init__(self) -> None:
        """Refuse what could not be used safely."""
        parts = urlsplit(self.url)
        plain = parts.scheme == "http" and self.allow_private_addresses and is_loopback(parts.hostname or "")
        if not parts.hostname or parts.username is not None or parts.fragment or not (plain or parts.scheme == "https"):
            raise ConfigurationError(f"audit.webhooks.url must be an https address, not {self.url!r}")
        if not self.url.isascii() or not self.url.isprintable() or " " in self.url:
            raise ConfigurationError("audit.webhooks.url must be plain ASCII")
        if not self.keys:
            raise ConfigurationError("audit.webhooks.secrets is empty: write at least one whsec_...")

    @property
    def keys(self) -> tuple[bytes, ...]:
        """The bytes of the secrets."""
        return tuple(_bytes_of(each) for each in self.secrets)


class Audit(Section, frozen=True, kw_only=True):
    """How the audit log proves itself, how long it is kept, and who is told of what happens (docs/audit.md)."""

    seal_every: timedelta = timedelta(seconds=5)
    """How long an event may wait before a signed root covers it."""
    roots_file: str | None = None
    """Each root is appended here as well. On another machine's disk it proves what was there when it was written."""
    keep: timedelta | None = None
    """How long events are kept; None: for good. Roots stay in any case."""
    webhooks: tuple[Webhook, ...] = ()


def _bytes_of(secret: Secret) -> bytes:
    text = secret.reveal()
    try:
        found = base64.b64decode(text.removeprefix(_PREFIX), validate=True) if text.startswith(_PREFIX) else b""
    except binascii.Error:
        found = b""
    if len(found) < _LEAST_BYTES:
        raise ConfigurationError(
            f"a secret in audit.webhooks is not {_PREFIX} and base64 of at least {_LEAST_BYTES} random bytes; make one"
            ' with: echo "whsec_$(head -c 32 /dev/urandom | base64)"'
        )
    return found
