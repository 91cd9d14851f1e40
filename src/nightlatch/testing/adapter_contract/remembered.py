"""A remembered browser: idle for too long it asks for the password alone, until it is forgotten or its time is over."""

from __future__ import annotations

from typing import Any

from nightlatch.testing.adapter_contract.conversation import MIA, SECRET, Conversation, Talk, conversation
from nightlatch.testing.authenticator_app import AuthenticatorApp
from nightlatch.testing.browser import Browser, header

CONVERSATIONS: list[Conversation] = []

_IDLE = {"preset": "aal2"}


def _with_app(talk: Talk) -> AuthenticatorApp:
    browser = talk.member()
    _, proposal = browser.call("POST", "/api/authenticators/totp", {})
    app = AuthenticatorApp(proposal["secret"], talk.premises.clock)
    code = {"id": proposal["id"], "code": app.code().reveal()}
    assert browser.call("POST", "/api/authenticators/totp/confirm", code)[0] == 200
    talk.later(seconds=60)
    return app


def _password(browser: Browser) -> Any:
    return browser.call("POST", "/api/sign-in", {"identifier": MIA, "password": SECRET})[1]


@conversation(CONVERSATIONS, sessions=_IDLE)
def by_json(talk: Talk) -> None:
    """Asked for with the second factor; then the password is enough, here alone, until the device is signed out."""
    app, browser = _with_app(talk), talk.browser()
    step = _password(browser)
    assert step["may_remember_device"] is True
    proof = {"attempt": step["attempt"], "authenticator": "totp", "code": app.code().reveal()}
    status, done = browser.call("POST", "/api/attempt/answer", {**proof, "remember_device": True})
    assert (status, done["status"]) == (200, "complete")
    ends = done["session"]["expires_at"]
    talk.later(hours=2)
    assert browser.call("GET", "/api/session")[0] == 401, "idle for too long"
    assert _password(talk.browser())["status"] == "more", "another browser"
    again = _password(browser)
    assert again["status"] == "complete"
    assert (again["session"]["aal"], again["session"]["expires_at"]) == (2, ends)
    (row,) = browser.call("GET", "/api/sessions")[1]["sessions"]
    assert (row["current"], row["idle"], row["remembered_until"]) == (True, False, ends)
    assert browser.call("POST", "/api/api-keys", {"name": "a key"})[1]["code"] == "reauthenticate", "not fresh at AAL2"
    talk.later(hours=2)
    other = talk.browser()
    proof = {"attempt": _password(other)["attempt"], "authenticator": "totp", "code": app.code().reveal()}
    assert other.call("POST", "/api/attempt/answer", proof)[0] == 200
    listed = {each["id"]: each for each in other.call("GET", "/api/sessions")[1]["sessions"]}
    held = listed[again["session"]["id"]]
    assert (held["current"], held["idle"], held["remembered_until"]) == (False, True, ends)
    assert other.call("DELETE", f"/api/sessions/{held['id']}")[0] == 204
    assert _password(browser)["status"] == "more", "forgotten"


@conversation(CONVERSATIONS, sessions=_IDLE)
def by_pages(talk: Talk) -> None:
    """A box on the page of the second factor, and a line in the list of devices."""
    app, browser = _with_app(talk), talk.browser()
    led = browser.fill_in("/sign-in", identifier=MIA, password=SECRET)
    assert header(led, "location") == "http://localhost:8000/auth/prove"
    assert "Remember this device for 24 hours" in browser.get("/prove").body.decode()
    refused = browser.fill_in("/prove", authenticator="totp", code="000000", remember_device="1").body.decode()
    assert 'aria-describedby="remember-hint" checked' in refused, "what was ticked stays"
    done = browser.fill_in("/prove", authenticator="totp", code=app.code().reveal(), remember_device="1")
    assert header(done, "location") == "http://localhost:8000/"
    assert "Remembered until" in browser.get("/account/devices").body.decode()
    talk.later(hours=2)
    led = browser.fill_in("/sign-in?return_to=/books", identifier=MIA, password=SECRET)
    assert header(led, "location") == "http://localhost:8000/books"
    talk.later(hours=22)
    led = browser.fill_in("/sign-in", identifier=MIA, password=SECRET)
    assert header(led, "location") == "http://localhost:8000/auth/prove", "a day is over"


@conversation(CONVERSATIONS)
def not_offered(talk: Talk) -> None:
    """Where a session has no idle limit there is nothing to soften: no box, and the wish comes to nothing."""
    app, browser = _with_app(talk), talk.browser()
    step = _password(browser)
    assert step["may_remember_device"] is False
    proof = {"attempt": step["attempt"], "authenticator": "totp", "code": app.code().reveal()}
    assert browser.call("POST", "/api/attempt/answer", {**proof, "remember_device": True})[0] == 200
    assert browser.call("GET", "/api/sessions")[1]["sessions"][0]["remembered_until"] is None
    assert browser.call("DELETE", "/api/session")[0] == 204
    browser.fill_in("/sign-in", identifier=MIA, password=SECRET)
    assert "Remember this device" not in browser.get("/prove").body.decode()
