"""Where an unsafe request comes from: `Sec-Fetch-Site`, else `Origin`; and whom settings let read answers."""

from __future__ import annotations

from nightlatch.testing.adapter_contract.conversation import MIA, SECRET, Conversation, Talk, conversation
from nightlatch.testing.browser import header

CONVERSATIONS: list[Conversation] = []

OWN = "http://localhost:8000"
FRIEND = "https://shop.example.com"
FROM: tuple[tuple[tuple[tuple[str, str], ...], bool], ...] = (
    ((), True),
    ((("sec-fetch-site", "same-origin"),), True),
    ((("sec-fetch-site", "none"),), True),
    ((("sec-fetch-site", "same-site"),), False),
    ((("sec-fetch-site", "cross-site"),), False),
    ((("sec-fetch-site", "Same-Origin"),), False),
    ((("sec-fetch-site", ""),), False),
    ((("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")), False),
    ((("sec-fetch-site", "cross-site"), ("origin", OWN)), False),
    ((("sec-fetch-site", "same-origin"), ("origin", "https://evil.example")), True),
    ((("origin", OWN),), True),
    ((("origin", "http://localhost"),), False),
    ((("origin", "https://localhost:8000"),), False),
    ((("origin", f"{OWN}.evil.example"),), False),
    ((("origin", f"{OWN}/"),), False),
    ((("origin", "null"),), False),
    ((("origin", ""),), False),
    ((("origin", OWN), ("origin", OWN)), False),
    ((("origin", OWN), ("origin", "https://evil.example")), False),
    ((("origin", f"{OWN}, {OWN}"),), False),
)  # fmt: skip


@conversation(CONVERSATIONS)
def unsafe_requests(talk: Talk) -> None:
    """019: with each of them, sign-in, sign-out and a change: done, or refused before anything is read."""
    browser = talk.member()
    kind = ("content-type", "application/json")
    for headers, own in FROM:
        called = browser.send("PATCH", "/api/account", b'{"name": "Mia"}', headers=(kind, *headers))
        assert called.status == (200 if own else 403), headers
        if not own:
            for method, path in (
                ("POST", "/api/sign-in"),
                ("DELETE", "/api/session"),
                ("PUT", "/api/account/password"),
            ):
                refused = browser.send(method, path, b"no json", headers=(kind, *headers))
                assert (refused.status, header(refused, "set-cookie")) == (403, None)


@conversation(CONVERSATIONS)
def reading_is_no_act(talk: Talk) -> None:
    """A link from elsewhere finds its user signed in."""
    browser = talk.member()
    for headers, _ in FROM:
        assert browser.send("GET", "/api/session", headers=headers).status == 200


@conversation(CONVERSATIONS)
def nobody_else_may_read(talk: Talk) -> None:
    """Without `allowed_origins` no answer says that another origin may, not even to a preflight."""
    browser = talk.member()
    asked = {
        "origin": FRIEND,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type",
    }
    for method in ("OPTIONS", "GET", "POST"):
        answered = browser.send(method, "/api/session", headers=asked)
        assert not [name for name, _ in answered.headers if name.lower().startswith("access-control-")]


@conversation(CONVERSATIONS, allowed_origins=[FRIEND])
def a_friend_may(talk: Talk) -> None:
    """Exactly that origin, with cookies; told in preflights, answers and refusals."""
    browser = talk.member()
    sent = {"origin": FRIEND, "sec-fetch-site": "cross-site"}
    preflight = browser.send("OPTIONS", "/api/sign-in", headers={**sent, "access-control-request-method": "POST"})
    assert (preflight.status, header(preflight, "access-control-allow-methods")) == (204, "OPTIONS, POST")
    for method, path, status in (("GET", "/api/session", 200), ("GET", "/nothing", 404), ("POST", "/api/sign-in", 415)):
        answered = browser.send(method, path, headers=sent)
        assert answered.status == status
        assert header(answered, "access-control-allow-origin") == FRIEND
        assert header(answered, "access-control-allow-credentials") == "true"
    proof = {"identifier": MIA, "password": SECRET}
    assert browser.call("POST", "/api/sign-in", proof, origin=FRIEND, sec_fetch_site="cross-site")[0] == 200
    for other in ("https://shop.example.com.evil.example", "http://shop.example.com", f"{FRIEND}/", "null"):
        refused = browser.send("POST", "/api/sign-in", headers={"origin": other, "sec-fetch-site": "cross-site"})
        assert (refused.status, header(refused, "access-control-allow-origin")) == (403, None)
