"""Signing in by JSON, confirming that it is still you, and what too many tries lead to."""

from __future__ import annotations

import json

from nightlatch.testing.adapter_contract.conversation import LEO, MIA, SECRET, Conversation, Talk, conversation
from nightlatch.testing.browser import header

CONVERSATIONS: list[Conversation] = []


@conversation(CONVERSATIONS)
def with_a_password(talk: Talk) -> None:
    """200 and two cookies, each with the attributes that it must have."""
    talk.member()
    browser = talk.browser()
    body = json.dumps({"identifier": "MIA@Example.org", "password": SECRET, "return_to": "/books"}).encode()
    response = browser.send("POST", "/api/sign-in", body, headers={"content-type": "application/json"})
    assert response.status == 200
    assert json.loads(response.body)["return_to"] == "/books"
    cookies = [value for name, value in response.headers if name.lower() == "set-cookie"]
    rules = "; Path=/; HttpOnly; SameSite=Lax"
    assert [each.partition("=")[0] for each in cookies] == [talk.cookie, f"{talk.cookie}_device"]
    assert cookies[0].startswith(f"{talk.cookie}=nls_")
    assert cookies[0].endswith(f"{rules}; Max-Age=2592000")
    assert cookies[1].endswith(f"{rules}; Max-Age=34560000")
    assert b"nls_" not in response.body
    assert browser.call("GET", "/api/session")[0] == 200


@conversation(CONVERSATIONS)
def who_is_unknown(talk: Talk) -> None:
    """Known, unknown, no address at all: one and the same refusal."""
    talk.member()
    problems = []
    for identifier in (MIA, LEO, "nobody", "@", "\u202e"):
        status, problem = talk.browser().call(
            "POST", "/api/sign-in", {"identifier": identifier, "password": "wrong wrong wrong"}
        )
        assert status == 401
        problems.append({name: value for name, value in problem.items() if name != "request_id"})
    assert problems == [problems[0]] * 5
    assert problems[0]["code"] == "invalid_credentials"


@conversation(CONVERSATIONS)
def step_by_step(talk: Talk) -> None:
    """The identifier first, then the password: the attempt's secret changes with every accepted answer."""
    talk.member()
    browser = talk.browser()
    for identifier in (MIA, LEO):
        status, more = browser.call("POST", "/api/sign-in", {"identifier": identifier})
        assert (status, more["status"], more["authenticators"]) == (200, "more", ["password", "passkey"])
        answer = {"attempt": more["attempt"], "authenticator": "password", "password": "wrong wrong wrong"}
        assert browser.call("POST", "/api/attempt/answer", answer)[0] == 401
    _, more = browser.call("POST", "/api/sign-in", {"identifier": MIA})
    answer = {"attempt": more["attempt"], "authenticator": "password", "password": SECRET}
    assert browser.call("POST", "/api/attempt/answer", answer)[1]["status"] == "complete"
    status, problem = browser.call("POST", "/api/attempt/answer", answer)
    assert (status, problem["code"]) == (410, "attempt_invalid")


@conversation(CONVERSATIONS)
def again(talk: Talk) -> None:
    """The session that a browser came with has ended (ASVS 7.2.4)."""
    browser = talk.member()
    before = dict(browser.cookies)
    assert browser.call("POST", "/api/sign-in", {"identifier": MIA, "password": SECRET})[0] == 200
    assert talk.browser(cookies=before).call("GET", "/api/session")[0] == 401
    assert len(browser.call("GET", "/api/sessions")[1]["sessions"]) == 1


@conversation(CONVERSATIONS)
def too_often(talk: Talk) -> None:
    """429 with Retry-After and no word of whether the password was right; later it is taken again."""
    talk.member()
    stranger = talk.browser()
    body = json.dumps({"identifier": MIA, "password": "wrong wrong wrong"}).encode()
    kind = {"content-type": "application/json"}
    statuses = [stranger.send("POST", "/api/sign-in", body, headers=kind).status for _ in range(10)]
    assert statuses == [401] * 10
    refused = stranger.send("POST", "/api/sign-in", body.replace(b"wrong wrong wrong", SECRET.encode()), headers=kind)
    assert (refused.status, header(refused, "retry-after")) == (429, "900")
    assert header(refused, "content-type") == "application/problem+json"
    assert stranger.fill_in("/sign-in", identifier=MIA, password=SECRET).status == 429
    talk.later(minutes=16)
    assert stranger.call("POST", "/api/sign-in", {"identifier": MIA, "password": SECRET})[0] == 200


@conversation(CONVERSATIONS)
def reauthenticate(talk: Talk) -> None:
    """The same person again: a new token, a newer proof; another session's attempt is worth nothing here."""
    browser, other = talk.member(), talk.signed_in()
    first = browser.call("GET", "/api/session")[1]["session"]["authenticated_at"]
    talk.later(hours=1)
    status, begun = browser.call("POST", "/api/reauthenticate", {"return_to": "/vault"})
    assert (status, begun["authenticators"]) == (202, ["password"])
    answer = {"attempt": begun["attempt"], "authenticator": "password", "password": SECRET}
    assert other.call("POST", "/api/attempt/answer", answer)[0] == 410
    before = browser.cookies[talk.cookie]
    status, done = browser.call("POST", "/api/attempt/answer", answer)
    assert (status, done["return_to"]) == (200, "/vault")
    assert browser.cookies[talk.cookie] != before
    assert browser.call("GET", "/api/session")[1]["session"]["authenticated_at"] > first
    assert talk.browser().call("POST", "/api/reauthenticate", {})[0] == 401
