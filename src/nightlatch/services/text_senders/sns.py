"""Texts by Amazon SNS (API 2010-03-31: Publish with a phone number)."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

from nightlatch.ports import Clock, Text
from nightlatch.primitives.secret import Secret
from nightlatch.services.text_senders.posting import post, secure_url
from nightlatch.services.text_senders.sigv4 import signed_headers

__all__ = ["SnsSender"]

_TYPE = "application/x-www-form-urlencoded; charset=utf-8"


class SnsSender:
    """Hand texts to Amazon SNS, as transactional ones.

    Args:
        key_id: of an access key that may ``sns:Publish``, and nothing else.
        secret_key: its secret.
        session_token: of a temporary access key.
        region: ``eu-central-1``.
        sender: a sender's name, where the country takes one.
        url: where the API is; None: the region's.
        timeout: for each wait.
        clock: tells the time: a signature is good for some minutes.
    """

    def __init__(
        self,
        *,
        key_id: str,
        secret_key: Secret,
        region: str,
        clock: Clock,
        timeout: timedelta,
        session_token: Secret | None = None,
        sender: str | None = None,
        url: str | None = None,
    ) -> None:
        self._url = secure_url(url or f"https://sns.{region}.amazonaws.com").rstrip("/") + "/"
        self._key_id = key_id
        self._secret_key = secret_key
        self._session_token = session_token
        self._region = region
        self._sender = sender
        self._timeout = timeout
        self._clock = clock

    def send(self, text: Text) -> None:
        """Hand a text over.

        Raises:
            Undeliverable: Amazon refuses it for good.
            NotTaken, OSError: not this time.
        """
        attributes = {"AWS.SNS.SMS.SMSType": "Transactional"}
        if self._sender:
            attributes["AWS.SNS.SMS.SenderID"] = self._sender
        fields = {"Action": "Publish", "Version": "2010-03-31", "PhoneNumber": text.to, "Message": text.text}
        for at, (name, value) in enumerate(attributes.items(), start=1):
            entry = f"MessageAttributes.entry.{at}"
            fields |= {
                f"{entry}.Name": name,
                f"{entry}.Value.DataType": "String",
                f"{entry}.Value.StringValue": value,
            }
        body = urlencode(fields).encode()
        headers = signed_headers(
            self._url,
            body,
            {"Content-Type": _TYPE},
            key_id=self._key_id,
            secret_key=self._secret_key,
            session_token=self._session_token,
            region=self._region,
            service="sns",
            at=self._clock.now(),
        )
        post(self._url, body, headers, timeout=self._timeout)
