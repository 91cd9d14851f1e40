"""Senders of text messages, each against a real server on this machine that is spoken to as the provider is."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from nightlatch.errors import ConfigurationError
from nightlatch.ports import Text, TextSender, Undeliverable
from nightlatch.primitives.secret import Secret
from nightlatch.services.text_senders import text_sender_from
from nightlatch.services.text_senders.posting import NotTaken
from nightlatch.services.text_senders.sigv4 import signed_headers
from nightlatch.services.text_senders.sns import SnsSender
from nightlatch.services.text_senders.twilio import TwilioSender
from nightlatch.services.text_senders.webhook import WebhookSender
from nightlatch.settings import Settings, Sms
from nightlatch.testing.clock import Clock
from receiver import Receiver

TEXT = Text(
    to="+4915123456789",
    text="Harbour Books: your code is 123456.\n\n@localhost #123456",
    message_id="01890000-0000-7000-8000-000000000000",
    at=datetime(2026, 1, 1, tzinfo=UTC),
)
KEY = Secret("a signing key of thirty-two bytes or more")
SOON = timedelta(seconds=2)


def _twilio(url: str, sender: str = "+15005550006") -> TwilioSender:
    return TwilioSender(account="ACfeed", token=Secret("a token"), sender=sender, url=url, timeout=SOON)


def _sns(url: str) -> SnsSender:
    return SnsSender(
        key_id="AKIDEXAMPLE",
        secret_key=Secret("a secret access key"),
        region="eu-central-1",
        sender="Harbour",
        url=url,
        timeout=SOON,
        clock=Clock(),
    )


def _webhook(url: str) -> WebhookSender:
    return WebhookSender(url=url, key=KEY, clock=Clock(), timeout=SOON)


def root(receiver: Receiver) -> str:
    """Return where the receiver is."""
    return f"http://127.0.0.1:{receiver.port}"


def test_twilio(receiver: Receiver) -> None:
    """A form under basic authentication; a messaging service is named as such."""
    _twilio(root(receiver)).send(TEXT)
    _twilio(root(receiver), sender="MGcafe").send(TEXT)
    (headers, body), (_, second) = receiver.got
    assert base64.b64decode(headers["authorization"].removeprefix("Basic ")) == b"ACfeed:a token"
    assert headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qs(body.decode()) == {"To": [TEXT.to], "From": ["+15005550006"], "Body": [TEXT.text]}
    assert parse_qs(second.decode())["MessagingServiceSid"] == ["MGcafe"]


def test_sns(receiver: Receiver) -> None:
    """A transactional text, signed; the signature is of this very body and hour."""
    _sns(root(receiver)).send(TEXT)
    [(headers, body)] = receiver.got
    fields = {name: value for name, [value] in parse_qs(body.decode()).items()}
    assert (fields["Action"], fields["PhoneNumber"], fields["Message"]) == ("Publish", TEXT.to, TEXT.text)
    assert {fields["MessageAttributes.entry.1.Value.StringValue"]} == {"Transactional"}
    signed = signed_headers(
        f"{root(receiver)}/",
        body,
        {"Content-Type": headers["content-type"]},
        key_id="AKIDEXAMPLE",
        secret_key=Secret("a secret access key"),
        region="eu-central-1",
        service="sns",
        at=Clock().now(),
    )
    assert headers["authorization"] == signed["Authorization"]


@pytest.mark.parametrize(
    ("method", "signature"),
    [
        ("GET", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    ],
)
def test_a_signature_is_amazons(method: str, signature: str) -> None:
    """The vectors ``get-vanilla`` and ``post-vanilla`` of the AWS Signature Version 4 test suite."""
    headers = signed_headers(
        "https://example.amazonaws.com/",
        b"",
        {},
        key_id="AKIDEXAMPLE",
        secret_key=Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
        region="us-east-1",
        service="service",
        at=datetime(2015, 8, 30, 12, 36, tzinfo=UTC),
        method=method,
    )
    assert headers["Authorization"].endswith(f"Signature={signature}")


def test_webhook(receiver: Receiver) -> None:
    """Whoever has the key finds that id, time and body are what was signed (Standard Webhooks 1.0)."""
    _webhook(receiver.url).send(TEXT)
    [(headers, body)] = receiver.got
    assert json.loads(body) == {"to": TEXT.to, "text": TEXT.text}
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(KEY.reveal().encode(), signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert headers["webhook-id"] == TEXT.message_id


@pytest.mark.parametrize("make", [_twilio, _sns, _webhook])
def test_what_a_provider_answers(make: Any, receiver: Receiver) -> None:
    """Refused for good is told from not now; a redirect takes credentials nowhere; no error quotes a number or key."""
    sender: TextSender = make(root(receiver))
    for status, kind in ((400, Undeliverable), (401, Undeliverable), (429, NotTaken), (500, NotTaken), (503, NotTaken)):
        receiver.status = status
        with pytest.raises(kind) as refused:
            sender.send(TEXT)
        told = repr(refused.value)
        assert not re.search(r"4915123456789|123456|token|secret|signing", told), told
    receiver.status, receiver.location = 302, "http://127.0.0.1:9/elsewhere"
    with pytest.raises(NotTaken):
        sender.send(TEXT)


@pytest.mark.parametrize("make", [_twilio, _sns, _webhook])
def test_a_provider_that_is_not_there_or_says_nothing(make: Any) -> None:
    """Refused connections and silence are *not now*, within the time-out."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(OSError, match="timed out"):
            make(f"http://127.0.0.1:{port}").send(TEXT)
    with pytest.raises(OSError, match="refused"):
        make(f"http://127.0.0.1:{port}").send(TEXT)


@pytest.mark.parametrize("make", [_twilio, _sns, _webhook])
def test_nothing_leaves_in_clear(make: Any) -> None:
    """Plain http is for this machine alone."""
    with pytest.raises(ConfigurationError, match="https"):
        make("http://texts.example")


@pytest.mark.parametrize(
    ("sms", "says"),
    [
        ({}, "no text leaves"),
        ({"transport": "console"}, "no text leaves"),
        ({"transport": "twilio"}, "sms.account"),
        ({"transport": "sns", "account": "AKID"}, "sms.secret"),
        ({"transport": "webhook", "url": "https://texts.example", "secret": Secret("short")}, "256 bits"),
    ],
)
def test_what_is_missing_is_told_at_the_start(sms: dict[str, Any], says: str) -> None:
    """Each sender names what it lacks; those for development are refused elsewhere."""
    settings = Settings(
        base_url="https://books.example",
        secret_keys=(Secret("a secret key for tests, long enough to be one"),),
        sms=Sms(enabled=True, countries=("DE",), **sms),
    )
    with pytest.raises(ConfigurationError, match=re.escape(says)):
        text_sender_from(settings, Clock())


def test_texts_in_files(tmp_path: Path) -> None:
    """In development each text is a file of its owner's alone."""
    settings = Settings(
        base_url="http://localhost:8000",
        secret_keys=(Secret("a secret key for tests, long enough to be one"),),
        development=True,
        sms=Sms(enabled=True, countries=("DE",), transport="file", directory=str(tmp_path / "texts")),
    )
    sender = text_sender_from(settings, Clock())
    assert sender is not None
    sender.send(TEXT)
    [file] = [each for each in (tmp_path / "texts").iterdir() if not each.name.startswith(".")]
    assert json.loads(file.read_text())["to"] == TEXT.to
    assert file.stat().st_mode & 0o077 == 0
