"""Applications elsewhere are told of events: signed, after the commit, and only where it was meant to go."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from house import ELSEWHERE, WRONG, House
from nightlatch.errors import ConfigurationError, InvalidCredentials
from nightlatch.primitives.secret import Secret
from nightlatch.primitives.webhook_signatures import signatures
from nightlatch.records import OutboxMessage
from nightlatch.settings import Audit, settings_from
from nightlatch.settings_audit import Webhook
from receiver import Receiver

OLD, NEW = ("whsec_" + base64.b64encode(bytes([each]) * 32).decode() for each in (1, 2))


def hook(receiver: Receiver, **changed: Any) -> Webhook:
    """Return what tells the receiver."""
    usual = {"url": receiver.url, "secrets": (Secret(OLD),), "allow_private_addresses": True}
    return Webhook(**{**usual, **changed})


def test_signatures_are_those_of_standard_webhooks() -> None:
    """The vector that the specification's libraries are tested with; a second key adds a second signature."""
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    said = signatures((key,), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert said == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert signatures((key, b"another"), "id", 1, b"").count("v1,") == 2


def test_a_receiver_is_told_and_can_verify_it(make_house: Callable[..., House], receiver: Receiver) -> None:
    """Id, time and signature are there, under every secret in turn; what was delivered is erased here."""
    house = make_house(audit=Audit(webhooks=(hook(receiver, secrets=(Secret(NEW), Secret(OLD))),)))
    mia = house.member()
    assert receiver.got == []
    assert house.auth.webhooks.run_once() == len(house.auth.audit_trail.search(limit=1000))
    headers, body = next((headers, body) for headers, body in receiver.got if b'"user_created"' in body)
    told = json.loads(body)
    assert (told["type"], told["data"]["user_id"], told["data"]["ip"]) == (
        "user_created",
        str(mia.user.id),
        "192.0.2.7",
    )
    keys = tuple(base64.b64decode(each.removeprefix("whsec_")) for each in (NEW, OLD))
    assert headers["webhook-signature"] == signatures(
        keys, headers["webhook-id"], int(headers["webhook-timestamp"]), body
    )
    rows = house.store.find(OutboxMessage, {"channel": "webhook"})
    assert {(row.sealed_body, row.due_at) for row in rows} == {(None, None)}
    assert house.auth.webhooks.run_once() == 0


def test_only_what_was_asked_for_and_only_what_was_committed(
    make_house: Callable[..., House], receiver: Receiver
) -> None:
    """Actions narrow it; a refusal is told though its act was rolled back; a root is told as `audit_seal`."""
    house = make_house(audit=Audit(webhooks=(hook(receiver, actions=("authn_login_fail", "audit_seal")),)))
    house.member()
    with pytest.raises(InvalidCredentials):
        house.sign_in(ELSEWHERE, password=WRONG)
    with pytest.raises(RuntimeError), house.auth.store.transaction():
        house.auth.invitations.invite(email="noa@example.org")
        raise RuntimeError
    house.auth.seals.run_once()
    house.auth.webhooks.run_once()
    told = [json.loads(body) for _, body in receiver.got]
    assert [each["type"] for each in told] == ["authn_login_fail", "audit_seal"]
    assert told[0]["data"]["reason"] == "wrong password"
    assert told[1]["data"]["seal"] == 1


def test_a_receiver_that_is_down_keeps_nothing_waiting(make_house: Callable[..., House], receiver: Receiver) -> None:
    """After one failure it rests, and longer each time; mail goes out meanwhile; later all arrives, ids unchanged."""
    house = make_house(audit=Audit(webhooks=(hook(receiver),)))
    receiver.status = 503
    house.member()
    house.sign_in()
    waiting = len(house.store.find(OutboxMessage, {"channel": "webhook"}))
    assert waiting > 1
    assert house.auth.webhooks.run_once() == 0
    assert house.auth.webhooks.run_once() == 0
    assert len(receiver.got) == 1
    assert {each.name for each in house.auth.health.troubles()} == set()
    receiver.status = 200
    house.clock.advance(minutes=1)
    assert house.auth.webhooks.run_once() == waiting
    ids = [headers["webhook-id"] for headers, _ in receiver.got]
    assert ids.count(ids[0]) == 2
    assert len(set(ids)) == waiting
    assert len(house.mails) == 1  # the code that the sign-up waited for


def test_what_nobody_takes_is_given_up(make_house: Callable[..., House], receiver: Receiver) -> None:
    """After two days; so is what waits for a receiver that is configured no longer."""
    house = make_house(audit=Audit(webhooks=(hook(receiver),)))
    receiver.status = 500
    house.member()
    house.auth.webhooks.run_once()
    house.clock.advance(days=3)
    house.auth.webhooks.sweep()
    assert house.auth.webhooks.run_once() == 0
    rows = house.store.find(OutboxMessage, {"channel": "webhook"})
    assert {(row.due_at, row.sealed_body, row.delivered_at) for row in rows} == {(None, None, None)}


def test_settings_refuse_what_would_tell_the_wrong_people() -> None:
    """Plain http, user names in the address, secrets that could be guessed; and nothing secret is in what they say."""
    good = {"url": "https://hooks.example.com/audit", "secrets": [OLD]}
    values: dict[str, Any] = {
        "base_url": "http://localhost:8000",
        "secret_keys": ["correct-battery-horse-staple-4711-x"],
    }
    built = settings_from({**values, "audit": {"webhooks": [good], "keep": "P90D"}})
    assert (built.audit.webhooks[0].keys, built.audit.keep) == ((bytes([1]) * 32,), timedelta(days=90))
    assert OLD not in repr(built)
    bad: list[dict[str, Any]] = [
        {"url": "http://hooks.example.com/"},
        {"url": "http://127.0.0.1/"},
        {"url": "http://hooks.example.com/", "allow_private_addresses": True},
        {"url": "https://me:secret@hooks.example.com/"},
        {"url": "https://hooks.example.com/#here"},
        {"url": "https://hooks.example.com/a b"},
        {"url": "ftp://hooks.example.com/"},
        {"secrets": []},
        {"secrets": ["whsec_c2hvcnQ="]},
        {"secrets": [OLD.removeprefix("whsec_")]},
        {"secrets": ["whsec_not base64 at all, though it is long enough"]},
    ]
    for each in bad:
        with pytest.raises(ConfigurationError) as refused:
            settings_from({**values, "audit": {"webhooks": [{**good, **each}]}})
        assert OLD not in str(refused.value), each
