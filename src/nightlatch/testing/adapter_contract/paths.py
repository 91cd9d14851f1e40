"""Exactly the path, or nothing; and odd queries."""

from __future__ import annotations

from nightlatch.testing.adapter_contract.conversation import MIA, SECRET, Conversation, Talk, conversation
from nightlatch.testing.browser import header

CONVERSATIONS: list[Conversation] = []

ODD = (
    "//api/sign-in", "/api//sign-in", "/api/./sign-in", "/api/sign-in/", "/API/sign-in", "/api/sign-in;x",
    "/api/../api/sign-in", "/api/sign-in%00", "/%00", "/api/sign-in%20", "/api/sign-in%0a", "/api/sign%2din%2f",
    "/api/%ff", "/api/%c3%28", "/api/sign-in%", "/api/sign-in%zz", "/api/%e2%80%ae", "/api\\sign-in",
    "/api/sign-in%3fx", "/api/sign-in%23", "/%2e%2e/auth/api/sign-in", "/..;/api/sign-in", "/" + "a" * 4000,
    "/" + "a/" * 500,
)  # fmt: skip


@conversation(CONVERSATIONS)
def odd_paths_are_no_way_round(talk: Talk) -> None:
    """079: not by slashes, dots, case, NUL, what is no UTF-8, or what is encoded twice."""
    browser = talk.member()
    for path in ODD:
        for method, body in (("GET", None), ("POST", {"identifier": MIA, "password": SECRET})):
            status, problem = browser.call(method, path, body)
            assert (status, problem["code"]) == (404, "not_found"), path


@conversation(CONVERSATIONS)
def encoded_paths(talk: Talk) -> None:
    """A path is decoded once (RFC 3986 2.4): what it says is what counts, never how it is spelt."""
    browser = talk.member()
    for path in ("/api/%73ession", "/api%2Fsession", "/%61%70%69/session"):
        assert browser.call("GET", path)[0] == 200
    assert browser.call("GET", "/api%252Fsession")[0] == 404
    for odd in ("%ff", "%00", "a%2fb", "..", "%2e%2e", "é".encode().hex()):
        assert browser.call("DELETE", f"/api/sessions/{odd}")[0] in {404, 405}, odd


@conversation(CONVERSATIONS)
def queries(talk: Talk) -> None:
    """Unknown names are ignored; a known one twice, or what is no text, is refused on a page."""
    browser = talk.browser()
    taken = {
        "return_to=/books": True, "return_to=%2Fbooks%3Fa%3Db%26c": True, "return_to=/a+b": False, "x=1&y=2": False,
        "return_to=": False, "return_to": False, "": False, "?": False, "&&&": False, "return_to=//evil.example": False,
        "return_to=https://evil.example/": False, "return_to=/%5Cevil": False, "return_to=%2509": False,
        "return_to=http://localhost:8000/books": True, "%72eturn_to=/books": False, "return_to=/caf%C3%A9": True,
        "RETURN_TO=/books": False, "return_to=/a=b?c": True, "return_to=/" + "a" * 3000: False,
    }  # fmt: skip
    for query, kept in taken.items():
        shown = browser.get(f"/sign-in?{query}")
        assert shown.status == 200, query
        assert ('name="return_to"' in shown.body.decode()) == kept, query
    refused = (
        "return_to=/a&return_to=/b",
        "return_to=%ff",
        "return_to=%00",
        "return_to=%ed%a0%80",
        "x=" + "a" * 17_000,
    )
    for query in refused:
        told = browser.get(f"/sign-in?{query}")
        assert (told.status, header(told, "content-type")) == (400, "text/html; charset=utf-8"), query[:40]
    assert browser.call("GET", "/api/session?session=x&%00=%ff")[0] == 401


@conversation(CONVERSATIONS, allowed_redirects=["https://shop.example.com"])
def where_sign_in_leads(talk: Talk) -> None:
    """086: parsed, matched, written anew; what is not ours leads home."""
    browser = talk.member()
    home, shop = "http://localhost:8000/", "https://shop.example.com"
    leads = {
        "/books": f"{home}books", "/caf%C3%A9": f"{home}caf%C3%A9", shop: f"{shop}/", f"{shop}/a?b=c": f"{shop}/a?b=c",
        "//evil.example": home, "///evil.example": home, "/%5Cevil.example": home, "%5C%5Cevil": home,
        "https:evil.example": home, "javascript:x": home, "http://localhost:8000@evil.example/": home,
        f"{shop}@evil.example": home, f"{shop}.evil.example": home, "https://u:p@shop.example.com/": home,
        "/a%0d%0aSet-Cookie: x=y".replace(" ", "%20"): home, "/%09/evil.example": home, "evil": home, "https://[": home,
    }  # fmt: skip
    for target, expected in leads.items():
        led = browser.get(f"/sign-in?return_to={target}")
        assert led.status == 303
        assert (header(led, "location") or "").startswith(expected), target
        assert expected != home or header(led, "location") == home, target
