"""Mailed links, codes and invitations through every way in: looked at, used twice, used late, used by somebody else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import pytest

from browsing import Browser, header
from house import House
from nightlatch.errors import InvalidInput
from nightlatch.storage.memory import MemoryStore
from nightlatch.testing.sites import Site
from outstanding import LEO, MIA, NEW, SECRET, Person

WORK = "mia@work.example"


@pytest.fixture
def house() -> Iterator[House]:
    """Return a house on a store in memory: what is told here is about the web."""
    made = House(MemoryStore())
    yield made
    made.auth.close()


@pytest.fixture
def site(house: House, open_site: Callable[[House], Site]) -> Iterator[Site]:
    """Open it to the web."""
    opened = open_site(house)
    yield opened
    opened.close()


def test_016_an_address_is_taken_away_and_none_is_promoted(house: House, site: Site) -> None:
    """The primary one stays until another, proven one, is preferred; the one taken away is told, and leads nowhere."""
    mia = Person(house, site)

    def ids() -> dict[str, Any]:
        return {each["value"]: each for each in mia.browser.call("GET", "/api/account")[1]["identifiers"]}

    assert mia.browser.call("DELETE", f"/api/account/emails/{ids()[MIA]['id']}")[0] == 422
    step = mia.done("/api/account/email", email=WORK, keep_old=True)
    assert set(ids()) == {MIA}, "an address that is not proven is none"
    step = mia.answer(step, "email_code", code=house.code(WORK).reveal())
    mia.answer(step, "email_code", code=house.code(MIA).reveal())
    assert {value: each["primary"] for value, each in ids().items()} == {MIA: True, WORK: False}
    assert mia.browser.call("PATCH", f"/api/account/emails/{ids()[WORK]['id']}", {"primary": True})[0] == 204
    house.mails.clear()
    assert mia.browser.call("DELETE", f"/api/account/emails/{ids()[MIA]['id']}")[0] == 204
    assert {value: each["primary"] for value, each in ids().items()} == {WORK: True}
    house.deliver()
    assert MIA in {mail.to for mail in house.mails}
    assert mia.stranger().call("POST", "/api/sign-in", {"identifier": MIA, "password": SECRET})[0] == 401
    assert mia.stranger().call("POST", "/api/sign-in", {"identifier": WORK, "password": SECRET})[0] == 200


def test_017_035_an_invitation_is_for_its_link_once_and_in_time(house: House, site: Site) -> None:
    """Who claims the invited address gets nothing of it; the link works once, and not after its time."""
    thief = Browser(site, peer="198.51.100.9")
    link = house.auth.invitations.invite(email=MIA, roles=("admin",))
    assert link is not None
    assert thief.call("POST", "/api/sign-up", {"email": MIA, "password": SECRET})[0] == 202
    assert thief.call("POST", "/api/attempt/link", {"link": link.reveal()})[0] == 410
    guest = Browser(site)
    guest.get(f"/invitation?link={link.reveal()}")
    done = guest.fill_in(f"/invitation?link={link.reveal()}", new_password=NEW)
    assert done.status == 303
    assert guest.call("GET", "/api/session")[1]["user"]["roles"] == ["admin"]
    again = Browser(site)
    assert again.get(f"/invitation?link={link.reveal()}").status == 410

    late = house.auth.invitations.invite(email=LEO)
    assert late is not None
    opened = Browser(site)
    page = opened.get(f"/invitation?link={late.reveal()}")
    token = page.body.decode().partition('csrf_token" value="')[2].partition('"')[0]
    house.clock.advance(hours=25)
    assert opened.post("/invitation", csrf_token=token, link=late.reveal(), new_password=NEW).status == 410
    with pytest.raises(InvalidInput):
        house.auth.invitations.invite(email=MIA)


@pytest.mark.parametrize("order", ["page then call", "call then page"])
def test_038_the_page_and_the_call_count_the_same_tries(house: House, site: Site, order: str) -> None:
    """Five wrong codes by one of them, and the right one is refused by the other."""
    browser = Browser(site)
    assert browser.fill_in("/sign-up", email=MIA).status == 303
    attempt = browser.cookies["session_attempt"]
    right = house.code(MIA).reveal()

    def by_page(code: str) -> int:
        return browser.fill_in("/verify", code=code).status

    def by_call(code: str) -> int:
        body = {"attempt": attempt, "authenticator": "email_code", "code": code}
        return browser.call("POST", "/api/attempt/answer", body)[0]

    first, second = (by_page, by_call) if order == "page then call" else (by_call, by_page)
    assert {first("12345678") for _ in range(5)} <= {401, 422}
    assert second(right) in {401, 422}


@pytest.mark.parametrize("what", ["sign-up", "recovery", "invitation", "stop"])
def test_041_looking_at_a_link_uses_nothing_up(house: House, site: Site, what: str) -> None:
    """HEAD, GET, a preview's headers, ten times over, with no form's token: it still works for who presses it."""
    mia = Person(house, site)
    page = "/verify"
    if what == "sign-up":
        mia.done("/api/sign-up", mia.stranger(), email=LEO)
        link = house.link(LEO).reveal()
    elif what == "recovery":
        mia.done("/api/recover", mia.stranger(), identifier=MIA)
        link = house.link(MIA).reveal()
    elif what == "invitation":
        invited = house.auth.invitations.invite(email=LEO)
        assert invited is not None
        page, link = "/invitation", invited.reveal()
    else:
        assert mia.browser.call("POST", "/api/account/close", {})[0] == 202
        page, link = "/stop", house.link(MIA).reveal()
    scanner = Browser(site, peer="198.51.100.9")
    for headers in ({"sec-purpose": "prefetch"}, {"purpose": "preview"}, {"user-agent": "GoogleImageProxy"}, {}):
        for method in ("HEAD", "GET"):
            response = scanner.send(method, f"{page}?link={link}", headers={"sec-fetch-site": "none", **headers})
            assert response.status == 200
            assert not any(value.startswith("session=") for name, value in response.headers if "cookie" in name.lower())
    for method in ("POST", "PUT", "DELETE"):
        assert scanner.send(method, f"{page}?link={link}", headers={"sec-fetch-site": "cross-site"}).status >= 400
    assert scanner.call("GET", "/api/session")[0] == 401
    opened = Browser(site, peer="203.0.113.9")
    fields = {"new_password": NEW} if what == "invitation" else {}
    pressed = opened.fill_in(f"{page}?link={link}", **fields)
    assert pressed.status in {200, 303}
    assert opened.get(f"{page}?link={link}").status == 410


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example", "/\\evil.example", "https://evil.example", "///evil.example", "/%09/evil.example", "\\\\evil",
        "javascript:alert(1)", "http://localhost:8000@evil.example/", "http://localhost:8000.evil.example/", "evil",
        "/x\r\nSet-Cookie: a=b", "http:evil.example", "https:/evil.example", "//localhost:8000/..//evil.example",
    ],
)  # fmt: skip
def test_086_a_sign_in_leads_nowhere_else(house: House, site: Site, target: str) -> None:
    """By the page's address, by its form, and by the call: an address of ours, or the usual one."""
    mia = Person(house, site)
    other = mia.stranger()
    done = other.call("POST", "/api/sign-in", {"identifier": MIA, "password": SECRET, "return_to": target})[1]
    led = mia.stranger().fill_in("/sign-in", identifier=MIA, password=SECRET, return_to=target)
    opened = mia.browser.get(f"/sign-in?return_to={quote(target)}")
    places = [done["return_to"], *(header(each, "location") for each in (led, opened))]
    for place in places:
        parts = urlsplit(urljoin("http://localhost:8000/", place or "/"))
        assert (parts.scheme, parts.netloc) == ("http", "localhost:8000"), place
        assert not set(place or "") & set("\r\n\t\\")
