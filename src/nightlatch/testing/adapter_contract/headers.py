"""Odd headers: what clients call themselves and ask for is text, or ignored."""

from __future__ import annotations

from nightlatch.testing.adapter_contract.conversation import MIA, Conversation, Talk, conversation

CONVERSATIONS: list[Conversation] = []


@conversation(CONVERSATIONS)
def user_agents(talk: Talk) -> None:
    """Kept short, without control characters, and shown as the text they are (087)."""
    talk.member()
    for agent in ("<script>alert(1)</script>", "a\tb", "x" * 4000, "{{ 7 * 7 }} %s %n", ""):
        browser = talk.signed_in(headers={"user-agent": agent})
        rows = browser.call("GET", "/api/sessions")[1]["sessions"]
        current = next(row for row in rows if row["current"])
        assert len(current["user_agent"] or "") <= 400
        assert "<script>" not in browser.get("/account/devices").body.decode()


@conversation(CONVERSATIONS)
def what_is_ignored(talk: Talk) -> None:
    """Languages, ranges, conditions, other ways to sign in: the answer is the same."""
    browser = talk.member()
    ignored = {
        "accept": "text/html", "accept-language": "de", "accept-encoding": "gzip, br", "range": "bytes=0-1",
        "if-modified-since": "Thu, 01 Jan 2026 12:00:00 GMT", "if-match": '"x"', "te": "trailers",
        "authorization": "Basic bWlhOng=", "cache-control": "only-if-cached", "x-requested-with": "XMLHttpRequest",
        "upgrade-insecure-requests": "1", "sec-websocket-version": "13", "proxy": "http://evil.example",
    }  # fmt: skip
    for name, value in ignored.items():
        assert browser.send("GET", "/api/session", headers={name: value}).status == 200, name


@conversation(CONVERSATIONS, needs={"bytes"})
def beyond_ascii(talk: Talk) -> None:
    """Bytes that are no ASCII are read as Latin-1 (RFC 9110 5.5) and harm nothing, a cookie beside them least."""
    token = talk.member().cookies[talk.cookie]
    browser = talk.signed_in(headers={"user-agent": "caf\xe9 \x80\xff"})
    rows = browser.call("GET", "/api/sessions")[1]["sessions"]
    assert [row["user_agent"] for row in rows if row["current"]] == ["caf\xe9  \xff"]
    for value in ("\x80\xff", "\xe9" * 50):
        cookie = {"cookie": f"{talk.cookie}={value}; {talk.cookie}_visitor={value}; {talk.cookie}_attempt={value}"}
        for path in ("/api/session", "/account", "/sign-in"):
            assert talk.browser().send("GET", path, headers=cookie).status in {200, 303, 401}
    theirs = {"cookie": f"theirs=\xc3\xa9; {talk.cookie}={token}"}
    assert talk.browser().call("GET", "/api/session", **theirs)[1]["user"]["email"] == MIA


@conversation(CONVERSATIONS, needs={"repeated_type"})
def content_type_twice(talk: Talk) -> None:
    """Of two types none is believed."""
    for second in ("application/json", "text/plain"):
        twice = (("content-type", "application/json"), ("content-type", second))
        assert talk.browser().send("POST", "/api/sign-in", b"{}", headers=twice).status == 415
