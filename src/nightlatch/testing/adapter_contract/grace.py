"""Time to get ready for what policy asks: sign-in goes on and says until when; pages lead to what is to be bound."""

from __future__ import annotations

from nightlatch.testing.adapter_contract.conversation import MIA, SECRET, Conversation, Talk, conversation
from nightlatch.testing.authenticator_app import AuthenticatorApp
from nightlatch.testing.browser import header

CONVERSATIONS: list[Conversation] = []

_SOON = {"everyone": {"aal": 2, "grace": 14 * 86400}}


@conversation(CONVERSATIONS, policy=_SOON)
def by_json(talk: Talk) -> None:
    """The session says until when; what is bound before makes it one like others."""
    browser = talk.member()
    session = browser.call("GET", "/api/session")[1]["session"]
    assert session["aal"] == 1
    assert session["enrol_by"] == session["expires_at"]
    _, proposal = browser.call("POST", "/api/authenticators/totp", {})
    app = AuthenticatorApp(proposal["secret"], talk.premises.clock)
    code = {"id": proposal["id"], "code": app.code().reveal()}
    bound = browser.call("POST", "/api/authenticators/totp/confirm", code)[1]["session"]
    assert (bound["aal"], bound["enrol_by"]) == (2, None)
    assert bound["expires_at"] > session["expires_at"]


@conversation(CONVERSATIONS, policy=_SOON)
def by_pages(talk: Talk) -> None:
    """The page after a sign-in tells the day, and where to go on; once it has come, enrolment comes first."""
    talk.member()
    browser = talk.browser()
    led = browser.fill_in("/sign-in?return_to=/books", identifier=MIA, password=SECRET)
    assert header(led, "location") == "http://localhost:8000/auth/account/security?return_to=/books"
    told = browser.get("/account/security?return_to=/books").body.decode()
    assert "needs one more way to prove that it is you" in told
    assert '<a class="button" href="/books">Not now</a>' in told
    assert "Add one now" in browser.get("/account").body.decode()
    talk.later(days=14)
    assert header(browser.get("/account"), "location") == "http://localhost:8000/auth/sign-in?return_to=/auth/account"
    led = browser.fill_in("/sign-in?return_to=/books", identifier=MIA, password=SECRET)
    assert header(led, "location") == "http://localhost:8000/auth/enrol", "this browser is known"
