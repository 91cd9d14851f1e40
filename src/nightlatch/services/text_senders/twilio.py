"""Texts by Twilio (Programmable Messaging, API 2010-04-01: Create a Message resource)."""

from __future__ import annotations

import base64
from datetime import timedelta
from urllib.parse import quote, urlencode

from nightlatch.ports import Text
from nightlatch.primitives.secret import Secret
from nightlatch.services.text_senders.posting import post, secure_url

__all__ = ["TwilioSender"]


class TwilioSender:
    """Hand texts to Twilio.

    Args:
        account: the account SID (``AC...``).
        token: its auth token.
        sender: a number, a sender's name, or a messaging service (``MG...``).
        url: where the API is.
        timeout: for each wait.
    """

    def __init__(
        self, *, account: str, token: Secret, sender: str, url: str = "https://api.twilio.com", timeout: timedelta
    ) -> None:
        self._url = f"{secure_url(url).rstrip('/')}/2010-04-01/Accounts/{quote(account, safe='')}/Messages.json"
        self._account = account
        self._token = token
        self._sender = sender
        self._timeout = timeout

    def send(self, text: Text) -> None:
        """Hand a text over.

        Raises:
            Undeliverable: Twilio refuses it for good: a number it does not serve, wrong credentials.
            NotTaken, OSError: not this time.
        """
        by = "MessagingServiceSid" if self._sender.startswith("MG") else "From"
        body = urlencode({"To": text.to, by: self._sender, "Body": text.text}).encode()
        credentials = base64.b64encode(f"{self._account}:{self._token.reveal()}".encode()).decode()
        headers = {
            "Authorization": f"Basic {credentials}",
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        }
        post(self._url, body, headers, timeout=self._timeout)
