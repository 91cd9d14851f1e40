"""Signing up by JSON: what is asked, mailed, answered and refused."""

from __future__ import annotations

from nightlatch.testing.adapter_contract.conversation import LEO, MIA, SECRET, Conversation, Talk, conversation

CONVERSATIONS: list[Conversation] = []


@conversation(CONVERSATIONS)
def by_code(talk: Talk) -> None:
    """Address and password, the mailed code, signed in."""
    browser = talk.browser()
    asked = {"email": MIA, "password": SECRET, "name": "Mia", "return_to": "/books?page=2"}
    status, begun = browser.call("POST", "/api/sign-up", asked)
    assert (status, begun["status"], begun["authenticators"]) == (202, "more", ["email_code"])
    assert begun["expires_at"] == "2026-01-01T13:00:00Z"
    wrong = {"attempt": begun["attempt"], "authenticator": "email_code", "code": "00000000"}
    status, problem = browser.call("POST", "/api/attempt/answer", wrong)
    assert (status, problem["code"]) == (401, "invalid_code")
    status, done = browser.call("POST", "/api/attempt/answer", {**wrong, "code": talk.code()})
    assert (status, done["status"], done["return_to"]) == (200, "complete", "/books?page=2")
    assert set(browser.cookies) == {talk.cookie, f"{talk.cookie}_device"}
    status, me = browser.call("GET", "/api/session")
    assert (status, me["user"]["email"], me["session"]["amr"]) == (200, MIA, ["email", "pwd"])


@conversation(CONVERSATIONS)
def another_code(talk: Talk) -> None:
    """A code may be asked for again, so often; the password may be set after proof."""
    browser = talk.browser()
    _, step = browser.call("POST", "/api/sign-up", {"email": MIA})
    for expected in (200, 200, 410):
        talk.later(minutes=1)
        again = {"attempt": step["attempt"], "authenticator": "email_code"}
        status, told = browser.call("POST", "/api/attempt/begin", again)
        assert status == expected
        step = told if status == 200 else step
    proof = {"attempt": step["attempt"], "authenticator": "email_code", "code": talk.code()}
    status, step = browser.call("POST", "/api/attempt/answer", proof)
    assert (status, step["set"]) == (200, ["password"])
    status, problem = browser.call(
        "POST", "/api/attempt/answer", {"attempt": step["attempt"], "new_password": "too short"}
    )
    assert (status, problem["code"]) == (422, "password_rejected")
    chosen = {"attempt": step["attempt"], "new_password": SECRET, "name": "Mia"}
    assert browser.call("POST", "/api/attempt/answer", chosen)[1]["status"] == "complete"
    assert browser.call("POST", "/api/attempt/answer", chosen)[0] == 410


@conversation(CONVERSATIONS)
def an_address_that_has_an_account(talk: Talk) -> None:
    """The same answer, another mail."""
    talk.member()
    stranger = talk.browser()
    answers = [stranger.call("POST", "/api/sign-up", {"email": email, "password": SECRET}) for email in (MIA, LEO)]
    assert [status for status, _ in answers] == [202, 202]
    assert answers[0][1].keys() == answers[1][1].keys()
    assert "already" in talk.mail(MIA).text
    assert "Confirm" in talk.mail(LEO).subject + talk.mail(LEO).text
    guess = {"attempt": answers[0][1]["attempt"], "authenticator": "email_code", "code": "12345678"}
    assert stranger.call("POST", "/api/attempt/answer", guess)[0] == 401


@conversation(CONVERSATIONS)
def too_late(talk: Talk) -> None:
    """An hour on, the attempt and its code are over."""
    browser = talk.browser()
    _, begun = browser.call("POST", "/api/sign-up", {"email": MIA})
    code = talk.code()
    talk.later(minutes=61)
    proof = {"attempt": begun["attempt"], "authenticator": "email_code", "code": code}
    assert browser.call("POST", "/api/attempt/answer", proof)[0] == 410


@conversation(CONVERSATIONS, identifiers="username")
def by_user_name(talk: Talk) -> None:
    """No address asked: there at once; a name that is taken is told."""
    browser = talk.browser()
    status, done = browser.call("POST", "/api/sign-up", {"username": "Mia", "password": SECRET})
    assert (status, done["user"]["username"]) == (200, "Mia")
    other = talk.browser()
    for name, expected in (("mia", (409, "username_taken")), ("admin", (422, "invalid_input"))):
        status, problem = other.call("POST", "/api/sign-up", {"username": name, "password": SECRET})
        assert (status, problem["code"]) == expected
    assert other.call("POST", "/api/sign-up", {"email": MIA, "username": "leo", "password": SECRET})[0] == 422


@conversation(CONVERSATIONS, identifiers="email_and_username")
def by_address_and_user_name(talk: Talk) -> None:
    """A name is asked for after proof where it was not given before."""
    browser = talk.browser()
    _, begun = browser.call("POST", "/api/sign-up", {"email": MIA, "password": SECRET})
    proof = {"attempt": begun["attempt"], "authenticator": "email_code", "code": talk.code()}
    _, step = browser.call("POST", "/api/attempt/answer", proof)
    assert step["set"] == ["username", "password"]
    chosen = {"attempt": step["attempt"], "new_password": SECRET, "username": "mia"}
    assert browser.call("POST", "/api/attempt/answer", chosen)[0] == 200
    assert browser.call("POST", "/api/sign-in", {"identifier": "MIA", "password": SECRET})[0] == 200


@conversation(CONVERSATIONS, sign_up="closed")
def closed(talk: Talk) -> None:
    """Settings say that nobody may."""
    status, problem = talk.browser().call("POST", "/api/sign-up", {"email": MIA})
    assert (status, problem["code"]) == (403, "sign_up_closed")
    assert talk.browser().get("/sign-up").status == 403


@conversation(CONVERSATIONS)
def refused_words(talk: Talk) -> None:
    """Each field at fault is told, in words for a person."""
    browser = talk.browser()
    refused: list[tuple[dict[str, str], str]] = [
        ({}, "email"), ({"email": "mia"}, "email"), ({"email": "mia＠example.org"}, "email"),
        ({"email": MIA, "password": "short"}, "password"), ({"email": MIA, "password": MIA}, "password"),
        ({"email": MIA, "username": "mia"}, "username"), ({"email": MIA, "name": "n" * 400}, "name"),
    ]  # fmt: skip
    for body, field in refused:
        status, problem = browser.call("POST", "/api/sign-up", body)
        assert status == 422, body
        assert list(problem["errors"]), (body, field)
