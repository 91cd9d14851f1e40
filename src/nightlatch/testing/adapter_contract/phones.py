"""A phone that gets codes by text: bound, asked for, used, removed; by JSON and by the pages."""

from __future__ import annotations

import html
import re
from typing import Any

from nightlatch.services.text_senders.local import MemoryTextSender
from nightlatch.testing.adapter_contract.conversation import MIA, SECRET, Conversation, Talk, conversation
from nightlatch.testing.browser import header

CONVERSATIONS: list[Conversation] = []

PHONE = "+4915123456789"
_TEXTS: dict[str, Any] = {"enabled": True, "countries": ["DE"], "transport": "memory"}
_CODE = re.compile(r"^@localhost #(\d+)$")


def _texted(talk: Talk) -> str:
    """Return the code of the newest text, as a phone fills it in on its own site alone."""
    talk.core.background.run_once()
    sender = talk.core.outbox.text_sender
    assert isinstance(sender, MemoryTextSender)
    found = _CODE.match(sender.messages[-1].text.rpartition("\n")[2])
    assert found
    return found[1]


@conversation(CONVERSATIONS, needs={"core"}, sms=_TEXTS, development=True)
def bound_asked_for_and_removed(talk: Talk) -> None:
    """Bound with recovery codes; asked for after the password and nowhere else; its number is never shown whole."""
    browser = talk.member()
    for number in ("", "abc", "+49 900 1234567", "+1 202 555 0123"):
        assert browser.call("POST", "/api/authenticators/sms_code", {"number": number})[0] == 422, number
    status, proposal = browser.call("POST", "/api/authenticators/sms_code", {"number": "0151 23456789"})
    assert (status, proposal["number"]) == (200, PHONE)
    code = _texted(talk)
    wrong = {"id": proposal["id"], "code": "000000" if code != "000000" else "111111"}
    assert browser.call("POST", "/api/authenticators/sms_code/confirm", wrong)[1]["code"] == "invalid_code"
    confirmation = {"id": proposal["id"], "code": code}
    status, bound = browser.call("POST", "/api/authenticators/sms_code/confirm", confirmation)
    assert (status, bound["session"]["aal"], len(bound["recovery_codes"])) == (200, 2, 10)

    other = talk.browser()
    _, more = other.call("POST", "/api/sign-in", {"identifier": MIA})
    early = {"attempt": more["attempt"], "authenticator": "sms_code"}
    assert other.call("POST", "/api/attempt/begin", early)[0] == 422
    _, more = other.call("POST", "/api/sign-in", {"identifier": MIA, "password": SECRET})
    assert more["authenticators"] == ["sms_code", "recovery_code"]
    assert "23456" not in str(more["phones"])
    asked = {"attempt": more["attempt"], "authenticator": "sms_code"}
    assert other.call("POST", "/api/attempt/begin", asked)[0] == 200
    proof = {**asked, "code": _texted(talk)}
    status, done = other.call("POST", "/api/attempt/answer", proof)
    assert (status, done["session"]["aal"]) == (200, 2)
    assert other.call("POST", "/api/attempt/answer", proof)[1]["code"] == "attempt_invalid"
    assert browser.call("DELETE", f"/api/authenticators/{bound['authenticator']['id']}")[0] == 200


@conversation(CONVERSATIONS, needs={"core"}, sms=_TEXTS, development=True)
def by_the_pages(talk: Talk) -> None:
    """Added in the security page, used after the password, renamed, removed."""
    browser = talk.member()
    assert browser.fill_in("/account/phone", number="+1 202 555 0123").status == 422
    begun = browser.fill_in("/account/phone", number="0151 23456789", name="my phone")
    where = (header(begun, "location") or "").rpartition("/auth")[2]
    assert "+4915123456789" in html.unescape(browser.get(where).body.decode())
    refused = browser.fill_in(where, "/account/phone/confirm", id=where.partition("id=")[2], code="")
    assert refused.status == 422
    kept = browser.fill_in(where, "/account/phone/confirm", id=where.partition("id=")[2], code=_texted(talk))
    assert (kept.status, b"recovery codes" in kept.body) == (200, True)
    assert "my phone" in browser.get("/account/security").body.decode()

    other = talk.browser()
    assert header(other.fill_in("/sign-in", identifier=MIA, password=SECRET), "location") == _at("/prove")
    assert b"Text me a code" in other.get("/prove").body
    assert header(other.fill_in("/prove", "/prove/text"), "location") == _at("/prove?with=sms_code")
    wrong = other.fill_in("/prove?with=sms_code", "/prove", authenticator="sms_code", code="")
    assert wrong.status == 422
    done = other.fill_in("/prove?with=sms_code", "/prove", authenticator="sms_code", code=_texted(talk))
    assert header(done, "location") == "http://localhost:8000/"


@conversation(CONVERSATIONS, needs={"core"}, sms=_TEXTS, development=True, policy={"by_role": {"editor": {"aal": 2}}})
def policy_leads_to_one(talk: Talk) -> None:
    """Who needs a second factor and has none adds a phone on the way in."""
    talk.member()
    talk.core.operator.set_roles(talk.core.operator.find_user(MIA).id, ("editor",))
    browser = talk.browser()
    browser.fill_in("/sign-in?return_to=/books", identifier=MIA, password=SECRET)
    browser.fill_in("/verify", code=talk.code())
    assert b"A phone that gets codes" in browser.get("/enrol").body
    begun = browser.fill_in("/enrol", "/enrol/phone", number="0151 23456789")
    where = (header(begun, "location") or "").rpartition("/auth")[2]
    kept = browser.fill_in(where, "/enrol/phone/confirm", id=where.partition("id=")[2], code=_texted(talk))
    assert (kept.status, b'href="http://localhost:8000/books"' in kept.body) == (200, True)


def _at(path: str) -> str:
    return f"http://localhost:8000/auth{path}"
