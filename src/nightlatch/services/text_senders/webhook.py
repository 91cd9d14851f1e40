"""Texts by a program of one's own: a signed POST (Standard Webhooks 1.0: id, time and body under HMAC-SHA-256)."""

from __future__ import annotations

import json
from datetime import timedelta

from nightlatch.ports import Clock, Text
from nightlatch.primitives.secret import Secret
from nightlatch.primitives.webhook_signatures import signed_headers
from nightlatch.services.text_senders.posting import post, secure_url

__all__ = ["WebhookSender"]


class WebhookSender:
    """Post texts to a program that sends them on: ``{"to", "text"}``.

    It verifies the signature, drops a time more than five minutes off, and an id that it has seen: a text that was
    taken while the answer got lost is posted again.

    Args:
        url: of the program.
        key: what is signed with; at least 256 bits.
        timeout: for each wait.
        clock: tells the time.
    """

    def __init__(self, *, url: str, key: Secret, clock: Clock, timeout: timedelta) -> None:
        self._url = secure_url(url)
        self._key = key
        self._clock = clock
        self._timeout = timeout

    def send(self, text: Text) -> None:
        """Hand a text over.

        Raises:
            Undeliverable: the program refuses it for good (4xx).
            NotTaken, OSError: not this time.
        """
        body = json.dumps({"to": text.to, "text": text.text}, ensure_ascii=False).encode()
        stamp = int(self._clock.now().timestamp())
        headers = signed_headers([self._key.reveal().encode()], text.message_id, stamp, body)
        post(self._url, body, headers, timeout=self._timeout)
