"""Mailed links: opening one never acts; pressed where it began, elsewhere, twice, too late."""

from __future__ import annotations

from nightlatch.testing.adapter_contract.conversation import LEO, MIA, SECRET, Conversation, Talk, conversation
from nightlatch.testing.browser import header

CONVERSATIONS: list[Conversation] = []


@conversation(CONVERSATIONS)
def opening_never_acts(talk: Talk) -> None:
    """041: GET and HEAD any number of times; then the button, where it began."""
    browser, scanner = talk.browser(), talk.browser()
    browser.fill_in("/sign-up", email=MIA)
    link = talk.link()
    for _ in range(2):
        assert scanner.get(f"/verify?link={link}").status == 200
        assert scanner.send("HEAD", f"/verify?link={link}").status == 200
    shown = browser.get(f"/verify?link={link}")
    assert f"Confirm {MIA}" in shown.body.decode()
    assert browser.post("/verify", link=link).status == 403
    assert browser.fill_in(f"/verify?link={link}").status == 303
    assert browser.fill_in("/set-password", new_password=SECRET).status == 303
    assert [each.get(f"/verify?link={link}").status for each in (browser, scanner)] == [410, 410]


@conversation(CONVERSATIONS)
def pressed_elsewhere(talk: Talk) -> None:
    """It goes on there with nothing of what was typed where it began, which stays unproven."""
    attacker, owner = talk.browser(), talk.browser()
    _, begun = attacker.call("POST", "/api/sign-up", {"email": MIA, "password": "the attacker's own sentence"})
    link = talk.link()
    assert owner.fill_in(f"/verify?link={link}").status == 303
    assert owner.fill_in("/set-password", new_password=SECRET).status == 303
    assert owner.get("/account").status == 200
    assert attacker.call("POST", "/api/attempt/link", {"link": link, "attempt": begun["attempt"]})[0] == 410
    proof = {"identifier": MIA, "password": "the attacker's own sentence"}
    assert attacker.call("POST", "/api/sign-in", proof)[0] == 401


@conversation(CONVERSATIONS)
def by_json(talk: Talk) -> None:
    """With its own attempt it is proof enough; alone it begins afresh."""
    browser = talk.browser()
    _, begun = browser.call("POST", "/api/sign-up", {"email": MIA, "password": SECRET})
    own = {"link": talk.link(), "attempt": begun["attempt"]}
    status, done = browser.call("POST", "/api/attempt/link", own)
    assert (status, done["status"]) == (200, "complete")
    assert browser.call("POST", "/api/attempt/link", own)[0] == 410
    browser.call("POST", "/api/sign-up", {"email": LEO})
    status, more = talk.browser().call("POST", "/api/attempt/link", {"link": talk.link(LEO)})
    assert (status, more["set"], more["purpose"]) == (200, ["password"], "sign_up")


@conversation(CONVERSATIONS)
def what_is_no_link(talk: Talk) -> None:
    """Nonsense, another kind of token, an old one: over, in the form that was asked for."""
    browser = talk.member()
    token = browser.cookies[talk.cookie]
    for link in ("", "nll_nonsense", token, "%00", "%ff", "nll_" + "a" * 5000, "a&link=b"):
        for path in ("/verify", "/invitation"):
            shown = browser.get(f"{path}?link={link}")
            assert shown.status in {400, 410}, (path, link)
            assert header(shown, "content-type") == "text/html; charset=utf-8"
    assert browser.call("POST", "/api/attempt/link", {"link": token})[0] == 410
    browser.call("POST", "/api/sign-up", {"email": LEO})
    link = talk.link(LEO)
    talk.later(minutes=61)
    assert browser.get(f"/verify?link={link}").status == 410


@conversation(CONVERSATIONS)
def who_is_signed_in_there(talk: Talk) -> None:
    """Nobody becomes another unawares: the page tells who is signed in."""
    browser = talk.member()
    browser.call("POST", "/api/sign-up", {"email": LEO})
    shown = browser.get(f"/verify?link={talk.link(LEO)}").body.decode()
    assert f"You are signed in here as <strong>{MIA}</strong>" in shown
