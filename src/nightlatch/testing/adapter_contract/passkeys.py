"""A passkey: made by who is signed in, asked for after the password, by JSON."""

from __future__ import annotations

from typing import Any

from nightlatch.testing.adapter_contract.conversation import MIA, SECRET, Conversation, Talk, conversation
from nightlatch.testing.browser import Browser
from nightlatch.testing.passkey import Passkey

CONVERSATIONS: list[Conversation] = []


@conversation(CONVERSATIONS)
def made_and_asked_for(talk: Talk) -> None:
    """Made, then proven; a replay and a made-up credential are refused; named and removed."""
    browser = talk.member()
    passkey = Passkey(origin="http://localhost:8000")
    status, proposal = browser.call("POST", "/api/authenticators/passkey", {"name": "my phone"})
    assert status == 200, proposal
    credential = passkey.register(proposal["options"])
    confirmation = {"id": proposal["id"], "credential": credential}
    status, bound = browser.call("POST", "/api/authenticators/passkey/confirm", confirmation)
    assert (status, len(bound["recovery_codes"])) == (200, 10)
    assert browser.call("POST", "/api/authenticators/passkey/confirm", confirmation)[1]["code"] == "reauthenticate"

    other = talk.browser()
    _, more = other.call("POST", "/api/sign-in", {"identifier": MIA, "password": SECRET})
    assert more["authenticators"] == ["passkey", "recovery_code"]
    begin = {"attempt": more["attempt"], "authenticator": "passkey"}
    for wrong in ({}, {"id": 1}, passkey.sign(_asked(other, begin)) | {"rawId": "AAAA"}):
        status, problem = other.call("POST", "/api/attempt/answer", {**begin, "credential": wrong})
        assert (status, problem["code"]) == (401, "invalid_credentials")
    proof = passkey.sign(_asked(other, begin))
    status, done = other.call("POST", "/api/attempt/answer", {**begin, "credential": proof})
    assert (status, done["session"]["aal"]) == (200, 2)
    _, more = other.call("POST", "/api/sign-in", {"identifier": MIA, "password": SECRET})
    replay = {"attempt": more["attempt"], "authenticator": "passkey", "credential": proof}
    assert other.call("POST", "/api/attempt/answer", replay)[0] == 401

    path = f"/api/authenticators/{bound['authenticator']['id']}"
    assert browser.call("PATCH", path, {"name": "old phone"})[1]["name"] == "old phone"


def _asked(browser: Browser, begin: dict[str, str]) -> dict[str, Any]:
    status, more = browser.call("POST", "/api/attempt/begin", begin)
    assert status == 200, more
    options: dict[str, Any] = more["options"]
    return options
