"""Forms carry a token bound to the session, or before sign-in to the browser (NIST SP 800-63B-4 5.1)."""

from __future__ import annotations

import re

from nightlatch.testing.adapter_contract.conversation import LEO, MIA, SECRET, Conversation, Talk, conversation
from nightlatch.testing.browser import Browser, header

CONVERSATIONS: list[Conversation] = []

FORMS = ("/sign-in", "/sign-up", "/verify", "/set-password", "/invitation")
MEMBERS_FORMS = ("/reauthenticate", "/sign-out", "/account", "/account/security", "/account/devices")


def token_of(browser: Browser, path: str) -> str:
    """Return the token in a page."""
    found: str = re.findall(r'name="csrf_token" value="(\w+)"', browser.get(path).body.decode())[0]
    return found


@conversation(CONVERSATIONS)
def before_sign_in(talk: Talk) -> None:
    """Without, with nonsense, with another browser's: refused, whatever else is right."""
    talk.member()
    browser, other = talk.browser(), talk.browser()
    proof = {"identifier": MIA, "password": SECRET}
    assert talk.browser().post("/sign-in", **proof).status == 403
    theirs = token_of(other, "/sign-in")
    visitor = header(browser.get("/sign-in"), "set-cookie") or ""
    assert visitor.startswith(f"{talk.cookie}_visitor=")
    assert visitor.endswith("; Path=/; HttpOnly; SameSite=Lax")  # it ends with the browser
    for path in FORMS:
        for token in ("", "nonsense", theirs, theirs[:-1], "é"):
            assert browser.post(path, csrf_token=token).status == 403, path
    assert browser.post("/sign-in", csrf_token=token_of(browser, "/sign-in"), **proof).status == 303


@conversation(CONVERSATIONS)
def signed_in(talk: Talk) -> None:
    """A token from before the sign-in, another's, or from before the last rotation: refused, and nothing done."""
    browser, leo = talk.browser(), talk.member(LEO)
    before = token_of(browser, "/sign-in")
    talk.member()
    browser.fill_in("/sign-in", identifier=MIA, password=SECRET)
    own = token_of(browser, "/account")
    for path in MEMBERS_FORMS:
        for token in ("", before, token_of(leo, "/account")):
            assert browser.post(path, csrf_token=token).status == 403, path
    browser.fill_in("/reauthenticate", password=SECRET)
    assert browser.post("/sign-out", csrf_token=own).status == 403
    assert browser.get("/account").status == 200
    assert browser.fill_in("/account", "/sign-out").status == 303
    assert browser.post("/sign-out", csrf_token=own).status == 303  # nobody: led to sign in


@conversation(CONVERSATIONS)
def from_elsewhere(talk: Talk) -> None:
    """With the right token, but sent by another site's page: refused."""
    browser = talk.member()
    token = token_of(browser, "/account")
    kind = {"content-type": "application/x-www-form-urlencoded"}
    for where in ({"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "http://evil.example"}):
        sent = browser.send("POST", "/sign-out", f"csrf_token={token}".encode(), headers={**kind, **where})
        assert sent.status == 403
    assert browser.call("GET", "/api/session")[0] == 200


@conversation(CONVERSATIONS)
def ill_formed(talk: Talk) -> None:
    """Twice, unknown, not percent-encoded, NUL, too long, another type: told on a page."""
    browser = talk.browser()
    kind = {"content-type": "application/x-www-form-urlencoded"}
    bodies = [
        (b"identifier=a&identifier=b", 400), (b"identifier=%ff", 400), (b"identifier=%00", 400), (b"\xff=\xff", 400),
        (b"unknown=1", 422), (b"=&=&=", 400), (b"", 403), (b"&&&", 403), (b"identifier=" + b"a" * 20_000, 413),
    ]  # fmt: skip
    for body, status in bodies:
        told = browser.send("POST", "/sign-in", body, headers=kind)
        assert (told.status, header(told, "content-type")) == (status, "text/html; charset=utf-8"), body[:40]
    for other in ("multipart/form-data; boundary=x", "application/json", "text/plain", ""):
        assert browser.send("POST", "/sign-in", b"{}", headers={"content-type": other}).status == 415
