"""The JSON API, as conversations."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from browsing import Browser, header
from house import PASSWORD, House
from nightlatch.http.app import HttpApp

MIA = "mia@example.org"
SECRET = PASSWORD.reveal()


@pytest.fixture
def app(house: House) -> HttpApp:
    """Return the web layer of the usual house."""
    return HttpApp(house.auth)


@pytest.fixture
def browser(app: HttpApp) -> Browser:
    """Return a browser without cookies."""
    return Browser(app)


def sign_up(browser: Browser, house: House, email: str = MIA) -> None:
    """Sign up, all the way."""
    status, begun = browser.call("POST", "/api/sign-up", {"email": email, "password": SECRET})
    assert (status, begun["status"], begun["authenticators"]) == (202, "more", ["email_code"])
    status, done = browser.call(
        "POST",
        "/api/attempt/answer",
        {"attempt": begun["attempt"], "authenticator": "email_code", "code": house.code(email).reveal()},
    )
    assert (status, done["status"]) == (200, "complete")


def test_sign_up_in_out(browser: Browser, house: House) -> None:
    """Sign up, be recognised, sign out, sign in: each as the contract has it."""
    sign_up(browser, house)
    status, me = browser.call("GET", "/api/session")
    assert status == 200
    assert me["user"]["email"] == MIA
    assert (me["session"]["aal"], me["session"]["amr"]) == (1, ["email", "pwd"])

    assert browser.call("DELETE", "/api/session")[0] == 204
    status, problem = browser.call("GET", "/api/session")
    assert (status, problem["code"]) == (401, "not_authenticated")

    status, done = browser.call("POST", "/api/sign-in", {"identifier": MIA, "password": SECRET})
    assert (status, done["status"], done["user"]["id"]) == (200, "complete", me["user"]["id"])


def test_the_session_travels_in_its_cookie_only(browser: Browser, house: House) -> None:
    """HttpOnly, Lax, the whole path, no domain; never in a body (ASVS 3.3)."""
    sign_up(browser, house)
    response = browser.send(
        "POST",
        "/api/sign-in",
        f'{{"identifier": "{MIA}", "password": "{SECRET}"}}'.encode(),
        headers={"content-type": "application/json"},
    )
    cookie = next(value for name, value in response.headers if value.startswith("session="))
    for rule in ("Path=/", "HttpOnly", "SameSite=Lax", "Max-Age=2592000"):
        assert rule in cookie
    assert "Domain" not in cookie
    assert "Secure" not in cookie
    assert b"nls_" not in response.body


def test_over_https_the_cookie_has_its_prefix(make_house: Callable[..., House]) -> None:
    """`__Host-Http-` and Secure; a cookie without the prefix is nobody's."""
    house = make_house(identifiers="username")
    from nightlatch.settings import Settings

    settings = Settings(
        base_url="https://app.example.com",
        secret_keys=house.settings.secret_keys,
        hashing=house.settings.hashing,
        identifiers="username",
    )
    from nightlatch import Nightlatch

    auth = Nightlatch(settings, house.store, mailer=house.mailbox, clock=house.clock, background=False)
    browser = Browser(HttpApp(auth))
    status, _ = browser.call("POST", "/api/sign-up", {"username": "mia", "password": SECRET})
    assert status == 200
    assert set(browser.cookies) == {"__Host-Http-session", "__Host-Http-session_device"}
    token = browser.cookies["__Host-Http-session"]
    assert browser.call("GET", "/api/session")[0] == 200
    assert Browser(browser.site, cookies={"session": token}).call("GET", "/api/session")[0] == 401
    response = browser.send("GET", "/api/session")
    assert header(response, "strict-transport-security") == "max-age=63072000; includeSubDomains"
    auth.close()


def test_devices(browser: Browser, app: HttpApp, house: House) -> None:
    """List, revoke one, revoke the others."""
    sign_up(browser, house)
    phone, tablet = Browser(app), Browser(app)
    for each in (phone, tablet):
        assert each.call("POST", "/api/sign-in", {"identifier": MIA, "password": SECRET})[0] == 200
    status, listed = browser.call("GET", "/api/sessions")
    assert status == 200
    assert [row["current"] for row in listed["sessions"]].count(True) == 1
    assert len(listed["sessions"]) == 3
    phone_id = phone.call("GET", "/api/session")[1]["session"]["id"]
    assert browser.call("DELETE", f"/api/sessions/{phone_id}")[0] == 204
    assert browser.call("DELETE", f"/api/sessions/{phone_id}")[0] == 404
    assert phone.call("GET", "/api/session")[0] == 401
    assert browser.call("DELETE", "/api/sessions") == (200, {"revoked": 1})
    assert tablet.call("GET", "/api/session")[0] == 401
    assert browser.call("GET", "/api/session")[0] == 200


def test_account(browser: Browser, house: House) -> None:
    """Look, rename, look at what happened."""
    sign_up(browser, house)
    status, account = browser.call("PATCH", "/api/account", {"name": "  Mia\tB. "})
    assert (status, account["name"]) == (200, "Mia B.")
    assert account["identifiers"][0]["value"] == MIA
    status, events = browser.call("GET", "/api/account/events")
    assert status == 200
    assert "user_created" in {event["action"] for event in events["events"]}
    assert "reason" not in events["events"][0]


def test_change_password(browser: Browser, app: HttpApp, house: House) -> None:
    """The acting browser goes on with a new cookie, the other is out."""
    sign_up(browser, house)
    other = Browser(app)
    other.call("POST", "/api/sign-in", {"identifier": MIA, "password": SECRET})
    before = browser.cookies["session"]
    new = "an entirely different sentence"
    status, problem = browser.call("PUT", "/api/account/password", {"current_password": "wrong", "new_password": new})
    assert (status, problem["code"]) == (401, "invalid_credentials")
    status, problem = browser.call(
        "PUT", "/api/account/password", {"current_password": SECRET, "new_password": "short"}
    )
    assert (status, problem["code"]) == (422, "password_rejected")
    assert "15" in problem["errors"]["new_password"]
    status, _ = browser.call("PUT", "/api/account/password", {"current_password": SECRET, "new_password": new})
    assert status == 200
    assert browser.cookies["session"] != before
    assert browser.call("GET", "/api/session")[0] == 200
    assert other.call("GET", "/api/session")[0] == 401


def test_reauthenticate(browser: Browser, house: House) -> None:
    """An attempt bound to the session; answering it moves `authenticated_at`."""
    sign_up(browser, house)
    first = browser.call("GET", "/api/session")[1]["session"]["authenticated_at"]
    house.clock.advance(hours=1)
    status, begun = browser.call("POST", "/api/reauthenticate", {})
    assert (status, begun["authenticators"]) == (202, ["password"])
    status, done = browser.call(
        "POST",
        "/api/attempt/answer",
        {"attempt": begun["attempt"], "authenticator": "password", "password": SECRET},
    )
    assert (status, done["status"]) == (200, "complete")
    assert browser.call("GET", "/api/session")[1]["session"]["authenticated_at"] > first


def test_the_link(browser: Browser, app: HttpApp, house: House) -> None:
    """Opened elsewhere: a fresh attempt there, that sets the password."""
    browser.call("POST", "/api/sign-up", {"email": MIA, "password": SECRET})
    elsewhere = Browser(app)
    status, more = elsewhere.call("POST", "/api/attempt/link", {"link": house.link().reveal()})
    assert (status, more["set"]) == (200, ["password"])
    status, done = elsewhere.call(
        "POST", "/api/attempt/answer", {"attempt": more["attempt"], "new_password": "an entirely different sentence"}
    )
    assert (status, done["status"]) == (200, "complete")
    status, problem = elsewhere.call("POST", "/api/attempt/link", {"link": "nll_nonsense"})
    assert (status, problem["code"]) == (410, "link_invalid")


def test_throttled_says_when(browser: Browser, house: House) -> None:
    """429 with Retry-After, as a problem document."""
    del house
    for _ in range(10):
        assert browser.call("POST", "/api/sign-in", {"identifier": MIA, "password": "wrong wrong"})[0] == 401
    response = browser.send(
        "POST",
        "/api/sign-in",
        b'{"identifier": "mia@example.org", "password": "x"}',
        headers={"content-type": "application/json"},
    )
    assert response.status == 429
    assert header(response, "content-type") == "application/problem+json"
    assert 0 < int(header(response, "retry-after") or 0) <= 900


def test_signing_in_again_ends_the_session_before(browser: Browser, app: HttpApp, house: House) -> None:
    """One browser, one session: the token it came with is dead (ASVS 7.2.4)."""
    sign_up(browser, house)
    before = browser.cookies["session"]
    assert browser.call("POST", "/api/sign-in", {"identifier": MIA, "password": SECRET})[0] == 200
    assert Browser(app, cookies={"session": before}).call("GET", "/api/session")[0] == 401
    assert len(browser.call("GET", "/api/sessions")[1]["sessions"]) == 1


def test_preflights_of_a_friend_are_answered(make_house: Callable[..., House]) -> None:
    """An origin that settings name may ask first, as browsers do before JSON; nobody else is told anything."""
    house = make_house(allowed_origins=("https://shop.example.com",))
    browser = Browser(HttpApp(house.auth))
    for origin, allowed in (("https://shop.example.com", "https://shop.example.com"), ("https://evil.example", None)):
        asked = {"origin": origin, "access-control-request-method": "POST", "sec-fetch-site": "cross-site"}
        told = browser.send("OPTIONS", "/api/sign-in", headers=asked)
        assert (told.status, header(told, "allow")) == (204, "OPTIONS, POST")
        assert header(told, "access-control-allow-origin") == allowed
        assert header(told, "x-content-type-options") == "nosniff"


def test_a_path_that_lacks_its_last_part_is_not_there(browser: Browser) -> None:
    """404, not a 405 whose `Allow` names the method that was just refused."""
    assert browser.call("DELETE", "/api/sessions/")[0] == 404
    assert browser.call("GET", "/static/")[0] == 404


def test_head_tells_the_length_of_get(browser: Browser) -> None:
    """RFC 9110 8.6: that, or nothing."""
    got, told = browser.get("/sign-in"), browser.send("HEAD", "/sign-in")
    assert (told.body, header(told, "content-length")) == (b"", str(len(got.body)))
