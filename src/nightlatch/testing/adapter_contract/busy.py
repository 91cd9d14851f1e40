"""More sign-ins than there are places to hash: a clear no at once, and everything else goes on."""

from __future__ import annotations

from nightlatch.testing.adapter_contract.conversation import LEO, MIA, SECRET, Conversation, Talk, conversation
from nightlatch.testing.browser import header

CONVERSATIONS: list[Conversation] = []

_NARROW = {"profile": "cheap_for_tests", "slots": 1, "queue": 0}
_ELSEWHERE = "192.0.2.0/24"


@conversation(CONVERSATIONS, needs={"core"}, hashing=_NARROW)
def a_full_pool(talk: Talk) -> None:
    """503 that says when to come back, for known and unknown alike; nothing is begun, and the next try is good."""
    talk.member()
    tries = (
        ("/api/sign-in", {"identifier": MIA, "password": SECRET}),
        ("/api/sign-in", {"identifier": LEO, "password": SECRET}),
        ("/api/sign-up", {"email": LEO, "password": SECRET}),
    )
    browser = talk.browser()
    with talk.core.hashing.place(_ELSEWHERE):
        for path, body in tries:
            raw = browser.call("POST", path, body)
            assert (raw[0], raw[1]["code"]) == (503, "busy"), path
        assert browser.cookies == {}
    assert browser.call(*("POST", *tries[0]))[0] == 200


@conversation(CONVERSATIONS, needs={"core"}, hashing=_NARROW)
def when_to_come_back(talk: Talk) -> None:
    """Seconds in `Retry-After` (RFC 9110 10.2.3), beside the page's words as beside the document's."""
    with talk.core.hashing.place(_ELSEWHERE):
        told = talk.browser().send(
            "POST",
            "/api/sign-in",
            b'{"identifier": "mia@example.org", "password": "a password"}',
            headers={"content-type": "application/json"},
        )
        shown = talk.browser().fill_in("/sign-in", identifier=MIA, password=SECRET)
    assert (told.status, header(told, "retry-after")) == (503, "2")
    assert (shown.status, header(shown, "retry-after")) == (503, "2")
    assert SECRET not in shown.body.decode()


@conversation(CONVERSATIONS, needs={"core"}, hashing=_NARROW)
def everything_else_goes_on(talk: Talk) -> None:
    """Who is signed in stays so and can leave; what has no password to hash is answered."""
    browser, other = talk.member(), talk.signed_in()
    with talk.core.hashing.place(_ELSEWHERE):
        assert browser.call("GET", "/api/session")[0] == 200
        assert browser.get("/account").status == 200
        assert talk.browser().get("/sign-in").status == 200
        assert talk.browser().call("POST", "/api/sign-up", {"email": LEO})[0] == 202
        wanted = {"current_password": SECRET, "new_password": "an entirely different sentence"}
        assert browser.call("PUT", "/api/account/password", wanted)[0] == 503
        assert other.call("DELETE", "/api/session")[0] == 204
    assert browser.call("PUT", "/api/account/password", wanted)[0] == 200
