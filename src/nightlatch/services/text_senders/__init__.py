"""Handing text messages over. The law of this folder: one file for each provider, and none keeps anything.

Whatever a sender raises means *not sent, try again*, until the code has expired; `ports.Undeliverable` means *never*.
"""

from __future__ import annotations

from pathlib import Path

from nightlatch.errors import ConfigurationError
from nightlatch.ports import Clock, TextSender
from nightlatch.primitives.secret import Secret
from nightlatch.services.text_senders.local import ConsoleTextSender, FileTextSender, MemoryTextSender
from nightlatch.services.text_senders.sns import SnsSender
from nightlatch.services.text_senders.twilio import TwilioSender
from nightlatch.services.text_senders.webhook import WebhookSender
from nightlatch.settings import Settings
from nightlatch.settings_sms import Sms

__all__ = ["text_sender_from"]

_SHORTEST_KEY = 32


def text_sender_from(settings: Settings, clock: Clock) -> TextSender | None:
    """Build the sender that settings name; None where texts are switched off.

    Raises:
        ConfigurationError: none is named, or one that is for development only, or it lacks something.
    """
    sms = settings.sms
    if not sms.enabled:
        return None
    if settings.development and sms.transport in {None, "file", "console", "memory"}:
        return _local(sms)
    match sms.transport:
        case "twilio":
            return TwilioSender(
                account=_needed(sms, "account"),
                token=_secret(sms),
                sender=_needed(sms, "sender"),
                url=sms.url or "https://api.twilio.com",
                timeout=sms.timeout,
            )
        case "sns":
            return SnsSender(
                key_id=_needed(sms, "account"),
                secret_key=_secret(sms),
                session_token=sms.session_token,
                region=_needed(sms, "region"),
                sender=sms.sender,
                url=sms.url,
                timeout=sms.timeout,
                clock=clock,
            )
        case "webhook":
            key = _secret(sms)
            if len(key.reveal()) < _SHORTEST_KEY:
                raise ConfigurationError("sms.secret signs texts: at least 256 bits, as 32 characters or more")
            return WebhookSender(url=_needed(sms, "url"), key=key, timeout=sms.timeout, clock=clock)
        case _:
            raise ConfigurationError(
                "sms is enabled and no text leaves this service: set sms.transport to 'twilio', 'sns' or 'webhook'"
                " ('file', 'console' and 'memory' are for development)"
            )


def _local(sms: Sms) -> TextSender:
    if sms.transport == "file":
        return FileTextSender(Path(_needed(sms, "directory")))
    return MemoryTextSender() if sms.transport == "memory" else ConsoleTextSender()


def _needed(sms: Sms, name: str) -> str:
    value: str | None = getattr(sms, name)
    if not value:
        raise ConfigurationError(f"sms.transport {sms.transport!r} needs sms.{name}")
    return value


def _secret(sms: Sms) -> Secret:
    if sms.secret is None or not sms.secret.reveal():
        raise ConfigurationError(f"sms.transport {sms.transport!r} needs sms.secret")
    return sms.secret
