"""One's data as a file, a new user name, an account closed, kept after all, erased; by JSON and by the pages."""

from __future__ import annotations

import json

from nightlatch.testing.adapter_contract.conversation import MIA, SECRET, Conversation, Talk, conversation
from nightlatch.testing.browser import header

CONVERSATIONS: list[Conversation] = []


@conversation(CONVERSATIONS)
def export(talk: Talk) -> None:
    """A file with everything but secrets."""
    browser = talk.member()
    status, told = browser.call("GET", "/api/account/export")
    assert (status, told["user"]["email"]) == (200, MIA)
    assert "hash" not in json.dumps(told)
    saved = browser.fill_in("/account/data", act="export")
    assert (saved.status, header(saved, "content-type")) == (200, "application/json")
    assert header(saved, "content-disposition") == 'attachment; filename="account.json"'


@conversation(CONVERSATIONS)
def only_while_the_proof_is_fresh(talk: Talk) -> None:
    """Programs are told to reauthenticate, people are led to the page that asks, and back."""
    browser = talk.member()
    talk.later(minutes=11)
    for method, path in (("GET", "export"), ("POST", "close"), ("DELETE", "")):
        status, problem = browser.call(method, f"/api/account/{path}".rstrip("/"))
        assert (status, problem["code"], problem["max_age"]) == (403, "reauthenticate", 600)
    led = browser.get("/account/data")
    back = "/reauthenticate?return_to=/auth/account/data"
    assert header(led, "location") == f"http://localhost:8000/auth{back}"
    led = browser.fill_in(back, password=SECRET)
    assert header(led, "location") == "http://localhost:8000/auth/account/data"
    assert browser.get("/account/data").status == 200


@conversation(CONVERSATIONS)
def closed_and_kept(talk: Talk) -> None:
    """Out at once, everywhere; the mailed link has a button, and that opens the account again, once."""
    browser, other, scanner = talk.member(), talk.signed_in(), talk.browser()
    status, closed = browser.call("POST", "/api/account/close")
    assert (status, closed["erased_at"]) == (202, "2026-01-31T12:00:02Z")
    assert talk.cookie not in browser.cookies
    assert [each.call("GET", "/api/session")[0] for each in (browser, other)] == [401, 401]
    proof = {"identifier": MIA, "password": SECRET}
    assert browser.call("POST", "/api/sign-in", proof)[0] == 401
    link = talk.link()
    for _ in range(2):
        assert scanner.get(f"/stop?link={link}").status == 200
        assert scanner.send("HEAD", f"/stop?link={link}").status == 200
    assert scanner.post("/stop", link=link).status == 403
    led = browser.fill_in(f"/stop?link={link}")
    assert header(led, "location") == "http://localhost:8000/auth/sign-in?prompt=login"
    assert browser.call("POST", "/api/sign-in", proof)[0] == 200
    assert browser.get(f"/stop?link={link}").status == 410
    assert browser.call("POST", "/api/stop", {"link": link})[0] == 410


@conversation(CONVERSATIONS)
def closed_and_kept_by_json(talk: Talk) -> None:
    """The same call for programs; other kinds of links stop nothing."""
    browser = talk.member()
    browser.call("POST", "/api/recover", {"identifier": MIA})
    for link in (talk.link(), "nll_nonsense", ""):
        assert browser.call("POST", "/api/stop", {"link": link})[0] == 410
        assert browser.get(f"/stop?link={link}").status == 410
    assert browser.get("/stop").status == 410
    browser.call("POST", "/api/account/close")
    assert browser.call("POST", "/api/stop", {"link": talk.link()}) == (200, {"stopped": "close_account"})


@conversation(CONVERSATIONS)
def erased(talk: Talk) -> None:
    """At once and for good; the address is free again."""
    browser = talk.member()
    assert browser.call("DELETE", "/api/account")[0] == 204
    assert browser.call("GET", "/api/session")[0] == 401
    assert "was erased" in talk.mail(MIA).subject
    assert browser.call("POST", "/api/sign-in", {"identifier": MIA, "password": SECRET})[0] == 401
    talk.member()


@conversation(CONVERSATIONS)
def by_the_pages(talk: Talk) -> None:
    """Erasing asks for the address; closing is one button."""
    browser = talk.member()
    assert browser.fill_in("/account/data", act="erase", confirmation="yes").status == 422
    assert browser.fill_in("/account/data", act="nothing").status == 422
    led = browser.fill_in("/account/data", act="close")
    assert header(led, "location") == "http://localhost:8000/auth/sign-in"
    assert "Your account is closed" in browser.get("/sign-in").body.decode()
    browser.call("POST", "/api/stop", {"link": talk.link()})
    browser = talk.signed_in()
    led = browser.fill_in("/account/data", act="erase", confirmation=f" {MIA} ")
    assert header(led, "location") == "http://localhost:8000/auth/sign-in"
    assert browser.get("/account").status == 303


@conversation(CONVERSATIONS, identifiers="email_and_username")
def a_new_user_name(talk: Talk) -> None:
    """By JSON and by the page; taken ones are told."""
    browser, other = talk.browser(), talk.browser()
    for each, address, name in ((browser, MIA, "mia"), (other, "leo@example.org", "leo")):
        _, begun = each.call("POST", "/api/sign-up", {"email": address, "username": name, "password": SECRET})
        proof = {"attempt": begun["attempt"], "authenticator": "email_code", "code": talk.code(address)}
        assert each.call("POST", "/api/attempt/answer", proof)[0] == 200
    refused: list[tuple[dict[str, str | None], int]] = [
        ({"username": "LEO"}, 409), ({"username": "admin"}, 422), ({"username": None}, 422), ({}, 422),
    ]  # fmt: skip
    for body, expected in refused:
        assert browser.call("PATCH", "/api/account", body)[0] == expected
    status, account = browser.call("PATCH", "/api/account", {"username": "Mia_B", "name": "Mia"})
    assert (status, account["username"], account["name"]) == (200, "Mia_B", "Mia")
    assert "user name" in talk.mail(MIA).subject
    assert browser.call("GET", "/api/session")[1]["user"]["username"] == "Mia_B"
    assert browser.fill_in("/account", username="leo").status == 409
    assert browser.fill_in("/account", username="mia2").status == 303
    assert "Your user name is changed." in browser.get("/account").body.decode()
    assert browser.call("POST", "/api/sign-in", {"identifier": "MIA2", "password": SECRET})[0] == 200
