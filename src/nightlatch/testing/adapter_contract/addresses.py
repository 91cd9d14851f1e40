"""Addresses: changed by both mailboxes, waiting without the old one, stopped, frozen; several; JSON and pages."""

from __future__ import annotations

from typing import Any

from nightlatch.testing.adapter_contract.conversation import MIA, SECRET, Conversation, Talk, conversation
from nightlatch.testing.browser import Browser, header

CONVERSATIONS: list[Conversation] = []

HOME = "mia@home.example"
HERE = "http://localhost:8000/auth/account"


def _proven(talk: Talk, browser: Browser, **more: Any) -> dict[str, Any]:
    """Begin a change, prove the new address, and return the step that waits."""
    status, begun = browser.call("POST", "/api/account/email", {"email": HOME, **more})
    assert (status, begun["authenticators"]) == (202, ["email_code"])
    proof = {"attempt": begun["attempt"], "authenticator": "email_code", "code": talk.code(HOME)}
    status, step = browser.call("POST", "/api/attempt/answer", proof)
    assert (status, step["purpose"], step["authenticators"]) == (200, "change_email", ["email_code"])
    talk.later(seconds=1)
    return {"attempt": step["attempt"], "authenticator": "email_code"}


@conversation(CONVERSATIONS)
def by_both_mailboxes(talk: Talk) -> None:
    """A code from the new one, one from the old one; the session goes on and shows it."""
    browser = talk.member()
    step = _proven(talk, browser)
    _, account = browser.call("GET", "/api/account")
    assert account["pending_email"] == {"email": HOME, "keep_old": False, "changes_at": "2026-01-08T12:00:01Z"}
    assert browser.call("POST", "/api/attempt/answer", {**step, "code": "00000000"})[0] == 401
    status, done = browser.call("POST", "/api/attempt/answer", {**step, "code": talk.code(MIA)})
    assert (status, done["status"], done["session"], done["user"]["email"]) == (200, "complete", None, HOME)
    assert browser.call("GET", "/api/session")[1]["user"]["email"] == HOME
    for identifier, expected in ((MIA, 401), (HOME, 200)):
        proof = {"identifier": identifier, "password": SECRET}
        assert talk.browser().call("POST", "/api/sign-in", proof)[0] == expected


@conversation(CONVERSATIONS)
def only_by_its_session(talk: Talk) -> None:
    """Who holds the attempt without the session that began it goes on with nothing; an old proof begins nothing."""
    browser, other = talk.member(), talk.signed_in()
    _, begun = browser.call("POST", "/api/account/email", {"email": HOME})
    proof = {"attempt": begun["attempt"], "authenticator": "email_code", "code": talk.code(HOME)}
    for each in (other, talk.browser()):
        assert each.call("POST", "/api/attempt/answer", proof)[0] == 401
    again = {"attempt": begun["attempt"], "authenticator": "email_code"}
    assert browser.call("POST", "/api/attempt/begin", again)[0] == 200
    assert browser.call("POST", "/api/attempt/answer", proof)[0] == 200
    talk.later(minutes=11)
    status, problem = browser.call("POST", "/api/account/email", {"email": HOME})
    assert (status, problem["code"]) == (403, "reauthenticate")
    assert header(browser.get("/account/email"), "location") == (
        "http://localhost:8000/auth/reauthenticate?return_to=/auth/account/email"
    )


@conversation(CONVERSATIONS)
def waiting_and_dropped(talk: Talk) -> None:
    """Without the old mailbox it waits; its owner drops it; there is then none to drop."""
    browser = talk.member()
    _proven(talk, browser)
    assert browser.call("DELETE", "/api/account/email")[0] == 204
    assert browser.call("DELETE", "/api/account/email")[0] == 404
    assert browser.call("GET", "/api/account")[1]["pending_email"] is None


@conversation(CONVERSATIONS)
def waiting_and_stopped(talk: Talk) -> None:
    """From the old address, by a button behind a link: everybody is signed out, and the address stays."""
    browser, owner = talk.member(), talk.browser()
    _proven(talk, browser)
    link = talk.link(MIA)
    assert "Stop the change" in owner.get(f"/stop?link={link}").body.decode()
    assert owner.send("HEAD", f"/stop?link={link}").status == 200
    assert browser.call("GET", "/api/account")[1]["pending_email"]["email"] == HOME
    led = owner.fill_in(f"/stop?link={link}")
    assert "The change is stopped" in owner.get((header(led, "location") or "").partition("/auth")[2]).body.decode()
    assert browser.call("GET", "/api/session")[0] == 401
    assert owner.get(f"/stop?link={link}").status == 410


@conversation(CONVERSATIONS)
def frozen_afterwards(talk: Talk) -> None:
    """The old address can only freeze, whatever was changed since, and it is told nothing."""
    browser, owner = talk.member(), talk.browser()
    step = _proven(talk, browser)
    browser.call("POST", "/api/attempt/answer", {**step, "code": talk.code(MIA)})
    told = talk.mail(MIA)
    assert HOME not in told.text + told.html
    link = talk.link(MIA)
    assert "Freeze the account" in owner.get(f"/stop?link={link}").body.decode()
    assert owner.call("POST", "/api/stop", {"link": link}) == (200, {"stopped": "freeze"})
    assert browser.call("GET", "/api/session")[0] == 401
    assert browser.call("POST", "/api/sign-in", {"identifier": HOME, "password": SECRET})[0] == 401
    assert owner.call("POST", "/api/stop", {"link": link})[0] == 410


@conversation(CONVERSATIONS)
def several(talk: Talk) -> None:
    """One more, made primary, the first removed; the primary one stays, and others' are not to be named."""
    browser = talk.member()
    step = _proven(talk, browser, keep_old=True)
    browser.call("POST", "/api/attempt/answer", {**step, "code": talk.code(MIA)})
    first, second = browser.call("GET", "/api/account")[1]["identifiers"]
    assert [(each["value"], each["primary"]) for each in (first, second)] == [(MIA, True), (HOME, False)]
    status, problem = browser.call("DELETE", f"/api/account/emails/{first['id']}")
    assert (status, problem["code"]) == (422, "invalid_input")
    assert browser.call("PATCH", f"/api/account/emails/{second['id']}", {"primary": False})[0] == 422
    assert browser.call("PATCH", f"/api/account/emails/{second['id']}", {"primary": True})[0] == 204
    assert browser.call("GET", "/api/session")[1]["user"]["email"] == HOME
    assert browser.call("DELETE", f"/api/account/emails/{first['id']}")[0] == 204
    for unknown in (first["id"], "nonsense"):
        assert browser.call("DELETE", f"/api/account/emails/{unknown}")[0] == 404
        assert browser.call("PATCH", f"/api/account/emails/{unknown}", {"primary": True})[0] == 404
    assert "removed" in talk.mail(MIA).subject


@conversation(CONVERSATIONS)
def by_the_pages(talk: Talk) -> None:
    """Add one, make it primary, remove the other; then begin another change and drop it."""
    browser = talk.member()
    assert browser.get("/account/email/code").status == 410
    assert browser.fill_in("/account/email", email="mia").status == 422
    led = browser.fill_in("/account/email", email=HOME, keep_old="1")
    assert header(led, "location") == f"{HERE}/email/code"
    assert browser.fill_in("/account/email/code", again="1").status == 303
    assert browser.fill_in("/account/email/code", code="0000 0000").status == 422
    assert browser.fill_in("/account/email/code", code=talk.code(HOME)).status == 303
    assert f"We sent another code to {MIA}" in browser.get("/account/email/code").body.decode()
    assert "A change waits" in browser.get("/account/emails").body.decode()
    talk.later(seconds=1)
    led = browser.fill_in("/account/email/code", code=talk.code(MIA))
    assert header(led, "location") == f"{HERE}/emails"
    assert "Your new address counts from now on." in browser.get("/account/emails").body.decode()
    first, second = (each["id"] for each in browser.call("GET", "/api/account")[1]["identifiers"])
    assert browser.fill_in("/account/emails", act="remove", id=first).status == 422
    assert browser.fill_in("/account/emails", act="prefer", id=second).status == 303
    assert browser.fill_in("/account/emails", act="remove", id=first).status == 303
    assert browser.fill_in("/account/emails", act="remove", id=first).status == 404
    assert browser.fill_in("/account/emails", act="nothing", id=second).status == 404
    browser.fill_in("/account/email", email="mia@work.example")
    browser.fill_in("/account/email/code", code=talk.code("mia@work.example"))
    assert browser.fill_in("/account/emails", act="drop").status == 303
    assert "A change waits" not in browser.get("/account/emails").body.decode()
