"""Every method at every kind of path: answered, refused with `Allow`, never handed on to anybody else."""

from __future__ import annotations

from nightlatch.testing.adapter_contract.conversation import Conversation, Talk, conversation
from nightlatch.testing.browser import header

CONVERSATIONS: list[Conversation] = []

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "QUERY", "BREW", "A" * 40)
ALLOWED = {
    "/": "GET, HEAD, OPTIONS",
    "/api/session": "DELETE, GET, HEAD, OPTIONS",
    "/api/sign-in": "OPTIONS, POST",
    "/api/account": "DELETE, GET, HEAD, OPTIONS, PATCH",
    "/api/sessions/00000000-0000-7000-8000-000000000000": "DELETE, OPTIONS",
    "/api/openapi.json": "GET, HEAD, OPTIONS",
    "/sign-in": "GET, HEAD, OPTIONS, POST",
    "/sign-out": "GET, HEAD, OPTIONS, POST",
    "/account/activity": "GET, HEAD, OPTIONS",
    "/static/nightlatch.css": "GET, HEAD, OPTIONS",
}


@conversation(CONVERSATIONS)
def what_is_there(talk: Talk) -> None:
    """Where the path is known: 405 says what is allowed, OPTIONS too."""
    browser = talk.browser()
    for path, allowed in ALLOWED.items():
        for method in METHODS:
            answered = browser.send(method, path)
            if method == "OPTIONS":
                assert (answered.status, answered.body) == (204, b"")
            if method not in allowed.split(", "):
                assert answered.status == 405, (method, path)
            if method == "OPTIONS" or answered.status == 405:
                assert header(answered, "allow") == allowed


@conversation(CONVERSATIONS)
def what_is_not_there(talk: Talk) -> None:
    """404 for every method, as a problem document."""
    browser = talk.browser()
    for path in ("/nothing", "/api/nothing", "/nothing/"):
        for method in METHODS:
            answered = browser.send(method, path)
            assert answered.status == 404, (method, path)
            assert header(answered, "content-type") == "application/problem+json"


@conversation(CONVERSATIONS)
def head_is_get_without_the_body(talk: Talk) -> None:
    """The same status and headers."""
    browser = talk.member()
    told = {"content-length", "date", "transfer-encoding", "connection"}
    for path in ("/api/session", "/api/openapi.json", "/account", "/nothing", "/static/logo.svg", "/verify"):
        got, head = browser.send("GET", path), browser.send("HEAD", path)
        assert head.body == b""
        assert head.status == got.status
        assert sorted(pair for pair in head.headers if pair[0].lower() not in told) == sorted(
            pair for pair in got.headers if pair[0].lower() not in told
        )


@conversation(CONVERSATIONS)
def in_lower_case(talk: Talk) -> None:
    """ASGI and Django know upper case alone, so ours are read as that everywhere: by the same rules, no way round."""
    browser = talk.member()
    assert browser.send("get", "/api/session").status == 200
    assert browser.send("delete", "/api/session", headers={"sec-fetch-site": "cross-site"}).status == 403
    assert browser.send("Delete", "/api/session").status == 204


@conversation(CONVERSATIONS, needs={"connect"})
def connect(talk: Talk) -> None:
    """No tunnel: a method like any other that is not allowed (RFC 9110 9.3.6)."""
    browser = talk.member()
    for path, status in (("/api/session", 405), ("/sign-in", 405), ("/nothing", 404)):
        assert browser.send("CONNECT", path).status == status
    assert browser.call("GET", "/api/session")[0] == 200
