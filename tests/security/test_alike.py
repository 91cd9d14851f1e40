"""Answers, pages, cookies and mails that must not tell who has an account (adversary 84): compared byte by byte."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping

import pytest

from browsing import Browser
from house import House
from nightlatch.http.messages import Response
from nightlatch.records import Authenticator
from nightlatch.storage.memory import MemoryStore
from nightlatch.testing.sites import Site
from outstanding import Person

NEW = "an entirely different sentence"

PEOPLE = ("unknown", "known", "with an app", "suspended", "closing", "without a password", "to change the password")
"""Whose address is typed. All are of one length, so that nothing else differs."""


def _address(who: str) -> str:
    return f"{PEOPLE.index(who)}@example.org"


@pytest.fixture
def place(open_site: Callable[[House], Site]) -> Iterator[tuple[House, Site]]:
    """Return a house where everybody but the unknown one lives."""
    house = House(MemoryStore())
    site = open_site(house)
    for who in PEOPLE[1:]:
        person = Person(house, site, app=who == "with an app", email=_address(who))
        user = house.auth.operator.find_user(person.email)
        if who == "suspended":
            house.auth.operator.suspend(user.id)
        if who == "closing":
            person.confirm()
            assert person.browser.call("POST", "/api/account/close", {})[0] == 202
        if who == "without a password":
            house.store.delete(Authenticator, {"user_id": user.id, "kind": "password"})
        if who == "to change the password":
            house.store.update(Authenticator, {"user_id": user.id, "kind": "password"}, {"must_change": True})
    house.deliver()
    house.mails.clear()
    house.clock.advance(days=1)
    yield house, site
    site.close()
    house.auth.close()


_RANDOM = re.compile(
    r"nl[a-z]_\w+|\b[0-9a-f]{64}\b|\b[0-9a-f]{32}\b|[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"
)


def told(response: Response, address: str) -> tuple[int, list[tuple[str, str]], str]:
    """Return all that an answer tells, with what is random, or was typed, taken out."""

    def plain(text: str) -> str:
        return _RANDOM.sub(lambda found: f"<{len(found.group())}>", text).replace(address, "<address>")

    headers = sorted((name.lower(), plain(value)) for name, value in response.headers)
    return response.status, headers, plain(response.body.decode())


def _json(browser: Browser, path: str, body: Mapping[str, str]) -> Response:
    headers = {"content-type": "application/json", "sec-fetch-site": "same-origin"}
    return browser.send("POST", path, json.dumps(body).encode(), headers=headers)


def _sign_in(browser: Browser, address: str) -> list[Response]:
    """A wrong password; none at all, then a wrong one, and a code where none was asked for."""
    first = _json(browser, "/api/sign-in", {"identifier": address, "password": "wrong wrong wrong"})
    begun = _json(browser, "/api/sign-in", {"identifier": address})
    attempt = json.loads(begun.body)["attempt"]
    wrong = {"attempt": attempt, "authenticator": "password", "password": "wrong wrong wrong"}
    codes = [
        _json(browser, "/api/attempt/answer", {"attempt": attempt, "authenticator": kind, "code": "123456"})
        for kind in ("totp", "recovery_code", "email_code")
    ]
    begin = _json(browser, "/api/attempt/begin", {"attempt": attempt, "authenticator": "email_code"})
    return [first, begun, _json(browser, "/api/attempt/answer", wrong), *codes, begin]


def _sign_up(browser: Browser, address: str) -> list[Response]:
    """With and without a password; then a wrong code, another code, and a password before its time."""
    without = _json(browser, "/api/sign-up", {"email": address})
    begun = _json(browser, "/api/sign-up", {"email": address, "password": "correct horse battery staple"})
    return [without, begun, *_guessed(browser, json.loads(begun.body)["attempt"])]


def _recover(browser: Browser, address: str) -> list[Response]:
    begun = _json(browser, "/api/recover", {"identifier": address})
    return [begun, *_guessed(browser, json.loads(begun.body)["attempt"])]


def _guessed(browser: Browser, attempt: str) -> list[Response]:
    return [
        _json(browser, "/api/attempt/answer", {"attempt": attempt, "authenticator": "email_code", "code": "12345678"}),
        _json(browser, "/api/attempt/begin", {"attempt": attempt, "authenticator": "email_code"}),
        _json(browser, "/api/attempt/answer", {"attempt": attempt, "authenticator": "totp", "code": "123456"}),
        _json(browser, "/api/attempt/answer", {"attempt": attempt, "new_password": NEW}),
    ]


def _pages(browser: Browser, address: str) -> list[Response]:
    """The same by the pages, as a browser goes through them."""
    return [
        browser.fill_in("/sign-in", identifier=address, password="wrong wrong wrong"),
        browser.fill_in("/sign-up", email=address),
        browser.get("/verify"),
        browser.fill_in("/verify", code="12345678"),
        browser.fill_in("/verify", again="1"),
        browser.fill_in("/recover", identifier=address),
        browser.get("/verify"),
        browser.fill_in("/verify", code="12345678"),
        browser.get("/prove"),
        browser.get("/set-password"),
    ]


@pytest.mark.parametrize("way", [_sign_in, _sign_up, _recover, _pages])
def test_084_nothing_answered_tells_who_has_an_account(
    place: tuple[House, Site], way: Callable[[Browser, str], list[Response]]
) -> None:
    """Status, headers, cookies and bodies of each step are the same for everybody, whatever became of them."""
    _, site = place
    seen = {}
    for turn, who in enumerate(PEOPLE):
        browser = Browser(site, peer=f"198.51.{turn}.9")
        address = _address(who)
        seen[who] = [told(response, address) for response in way(browser, address)]
        seen[who].append((0, sorted((name, str(len(value))) for name, value in browser.cookies.items()), ""))
    for who in PEOPLE[1:]:
        for step, (theirs, nobodys) in enumerate(zip(seen[who], seen["unknown"], strict=True)):
            assert theirs == nobodys, (who, step)


def test_084_what_is_mailed_tells_only_its_reader(place: tuple[House, Site]) -> None:
    """Who has no account gets no mail of a recovery; who has one is told of a sign-up in his own mailbox alone."""
    house, site = place
    for turn, who in enumerate(PEOPLE):
        _json(Browser(site, peer=f"198.51.{turn}.9"), "/api/recover", {"identifier": _address(who)})
    house.deliver()
    told_of = {mail.to for mail in house.mails}
    assert told_of == {_address(who) for who in PEOPLE} - {_address(who) for who in ("unknown", "suspended", "closing")}
    house.mails.clear()
    for turn, who in enumerate(PEOPLE):
        _json(Browser(site, peer=f"203.0.{turn}.9"), "/api/sign-up", {"email": _address(who)})
    house.deliver()
    assert sorted(mail.to for mail in house.mails) == sorted(_address(who) for who in PEOPLE)
