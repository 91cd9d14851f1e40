"""Confirming that it is you: as much as was asked for, or what to bind first, and back to where that was."""

from __future__ import annotations

from nightlatch.testing.adapter_contract.conversation import SECRET, Conversation, Talk, conversation
from nightlatch.testing.authenticator_app import AuthenticatorApp
from nightlatch.testing.browser import header

CONVERSATIONS: list[Conversation] = []


@conversation(CONVERSATIONS)
def by_json(talk: Talk) -> None:
    """Nothing that is bound reaches what is asked: it is told what to bind, and what is bound is then enough."""
    browser = talk.member()
    status, begun = browser.call("POST", "/api/reauthenticate", {"aal": 2})
    assert (status, begun["authenticators"]) == (202, ["password"])
    assert "totp" in begun["enrol"]
    proof = {"attempt": begun["attempt"], "authenticator": "password", "password": SECRET}
    status, done = browser.call("POST", "/api/attempt/answer", proof)
    assert (status, done["status"], done["session"]["aal"]) == (200, "complete", 1)
    _, proposal = browser.call("POST", "/api/authenticators/totp", {})
    app = AuthenticatorApp(proposal["secret"], talk.premises.clock)
    code = {"id": proposal["id"], "code": app.code().reveal()}
    assert browser.call("POST", "/api/authenticators/totp/confirm", code)[0] == 200
    talk.later(minutes=1)
    status, begun = browser.call("POST", "/api/reauthenticate", {"aal": 2})
    assert (status, begun["enrol"]) == (202, [])
    proof["attempt"] = begun["attempt"]
    status, more = browser.call("POST", "/api/attempt/answer", proof)
    assert more["authenticators"] == ["totp", "recovery_code"]
    proof = {"attempt": more["attempt"], "authenticator": "totp", "code": app.code().reveal()}
    status, done = browser.call("POST", "/api/attempt/answer", proof)
    assert (status, done["status"], done["session"]["aal"]) == (200, "complete", 2)
    status, refused = browser.call("POST", "/api/reauthenticate", {"aal": 3})
    assert (status, refused["code"]) == (422, "invalid_input")


@conversation(CONVERSATIONS)
def by_pages(talk: Talk) -> None:
    """The page asks for the password; who has nothing more is led to add it, and from there back."""
    browser = talk.member()
    wanted = "/reauthenticate?aal=2&phishing_resistant=true&return_to=/books"
    assert browser.fill_in("/reauthenticate?return_to=/books", password=SECRET.upper()).status == 401
    led = browser.fill_in("/reauthenticate?return_to=/books", password=SECRET)
    assert header(led, "location") == "http://localhost:8000/books"
    page = browser.get(wanted).body.decode()
    assert 'name="phishing_resistant" value="true"' in page
    led = browser.fill_in("/reauthenticate?aal=2&return_to=/books", password=SECRET, aal="2")
    assert header(led, "location") == "http://localhost:8000/auth/account/security?return_to=/books"
    shown = browser.get("/account/security?return_to=/books").body.decode()
    assert "one more way to prove that it is you" in shown
    assert 'href="/books"' in shown
    begun = browser.fill_in("/account/app?return_to=/books")
    assert (header(begun, "location") or "").endswith("&return_to=/books")
    evil = browser.get("/account/security?return_to=https://evil.example/").body.decode()
    assert "evil" not in evil
