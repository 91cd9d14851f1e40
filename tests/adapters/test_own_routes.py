"""How doors like this one were opened elsewhere, tried on the own routes of an application in each framework."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from django_project import MIA, SECRET, Site, wsgi
from fastapi_shop import FastShop
from flask_shop import Shop
from nightlatch.auth import Nightlatch
from nightlatch.http.cookies import Cookies
from nightlatch.testing import sites
from nightlatch.testing.browser import Browser, header

LEO = "leo@example.org"
METHODS = ("POST", "PUT", "PATCH", "DELETE")


@dataclass
class Host:
    """An application with two accounts and routes of its own.

    ``/order`` tells whether anybody is signed in, ``/hello`` greets whoever is, and nobody else.
    """

    site: sites.Site
    core: Nightlatch

    @property
    def cookie(self) -> str:
        """The name of the session's cookie."""
        return Cookies(self.core.settings).session

    def browser(self, **cookies: str) -> Browser:
        """Return a browser."""
        return Browser(site=self.site, mount="", cookies=cookies)

    def signed_in(self, identifier: str = MIA, **cookies: str) -> Browser:
        """Sign somebody in by JSON, in a browser that has these cookies."""
        browser = self.browser(**cookies)
        assert browser.call("POST", "/auth/api/sign-in", {"identifier": identifier, "password": SECRET})[0] == 200
        return browser

    def knows(self, *cookies: str) -> bool:
        """Tell whether Cookie headers, exactly as given, sign somebody in."""
        sent = (("accept", "application/json"), *(("cookie", each) for each in cookies))
        ordered = self.browser().send("GET", "/order", headers=sent)
        greeted = self.browser().send("GET", "/hello", headers=sent)
        known = b'"signed_in":true' in ordered.body.replace(b" ", b"")
        assert (ordered.status, greeted.status in {302, 303, 401}) == (200, not known)
        return known


def in_flask(request: pytest.FixtureRequest) -> Host:
    """Return Flask's shop."""
    shop: Shop = request.getfixturevalue("shop")
    for email in (MIA, LEO):
        shop.sign_up(shop.app.test_client(), email=email)
    return Host(sites.WsgiSite(shop.app), shop.extension.core)


def in_fastapi(request: pytest.FixtureRequest) -> Host:
    """Return FastAPI's shop."""
    shop: FastShop = request.getfixturevalue("fast_shop")
    for email in (MIA, LEO):
        shop.sign_up(shop.new_client(), email=email)
    return Host(sites.AsgiSite(shop.app), shop.extension.core)


def in_django(request: pytest.FixtureRequest) -> Host:
    """Return Django's project."""
    site: Site = request.getfixturevalue("site")
    for name in ("mia", "leo"):
        site.member(name)
    return Host(wsgi(), site.core)


@pytest.fixture(params=[in_flask, in_fastapi, in_django], ids=["flask", "fastapi", "django"])
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    """Open an application in each framework."""
    opens: Callable[[pytest.FixtureRequest], Host] = request.param
    host = opens(request)
    yield host
    host.site.close()


FROM = [
    ({"sec-fetch-site": "same-origin"}, True),
    ({"sec-fetch-site": "none"}, True),
    ({"sec-fetch-site": "same-site"}, False),
    ({"sec-fetch-site": "cross-site"}, False),
    ({"sec-fetch-site": "cross-site", "origin": "http://localhost"}, False),
    ({"sec-fetch-site": "nonsense"}, False),
    ({"origin": "http://localhost"}, True),
    ({"origin": "http://localhost:81"}, False),
    ({"origin": "https://localhost"}, False),
    ({"origin": "http://localhost.evil.example"}, False),
    ({"origin": "http://evil.example"}, False),
    ({"origin": "null"}, False),
    ({}, True),
]


def test_019_the_cookie_does_not_count_across_origins(host: Host) -> None:
    """The own routes are held to our rule: an unsafe request from elsewhere is nobody's. Reading is no act."""
    browser = host.signed_in()
    for headers, counts in FROM:
        for method in METHODS:
            answered = browser.send(method, "/order", headers=headers)
            assert (b"true" in answered.body) == counts, (method, headers)
        assert b"true" in browser.send("GET", "/order", headers=headers).body, headers


MALFORMED = [
    "", "x", "nls_", "nls_" + "a" * 80, "nlr_" + "a" * 80, "\x80\xff", "=", '"', "a; {name}=b", "9" * 20_000,
    "nls_" + "\xb2" * 22 + "_" + "a" * 43 + "_" + "b" * 6,
]  # fmt: skip


def test_066_malformed_cookies_are_nobody(host: Host) -> None:
    """Anonymous, never in, never a fault: on the application's routes and on ours."""
    for value in MALFORMED:
        cookie = f"{host.cookie}={value.replace('{name}', host.cookie)}"
        assert not host.knows(cookie), value
        assert host.browser().send("GET", "/auth/api/session", headers={"cookie": cookie}).status == 401, value


@given(text=st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\x00"), max_size=200))
@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_066_any_cookie_header_is_nobody(host: Host, text: str) -> None:
    """Whatever the bytes."""
    assert not host.knows(text)
    assert not host.knows(f"{host.cookie}={text}")


def test_039_a_changed_token_is_nobody(host: Host) -> None:
    """Flipped, cut, extended, another case, another kind, sent twice: refused. As it is: accepted."""
    token = host.signed_in().cookies[host.cookie]
    as_it_is = f"{host.cookie}={token}"
    assert host.knows(f"a=b; {as_it_is}; c")
    flipped = [token[:at] + ("x" if token[at] != "x" else "y") + token[at + 1 :] for at in range(0, len(token), 7)]
    for changed in (*flipped, token[:-1], token + "a", token.swapcase(), token.replace("nls_", "nla_")):
        assert not host.knows(f"{host.cookie}={changed}"), changed
    assert not host.knows(f"{as_it_is}; {as_it_is}")
    assert not host.knows(as_it_is, as_it_is)


def test_061_no_session_is_carried_over_a_sign_in(host: Host) -> None:
    """A cookie planted before sign-in, made up or of somebody else's session, is never the one signed in."""
    thief = host.signed_in(LEO)
    for planted in (thief.cookies[host.cookie], "nls_" + "a" * 80):
        victim = host.signed_in(**{host.cookie: planted})
        assert victim.cookies[host.cookie] != planted
        assert victim.call("GET", "/auth/api/session")[1]["user"]["email"] == MIA
    # The session that the browser came with has ended (ASVS 7.2.4): planting it cost the thief his own.
    assert b"true" not in thief.get("/order").body


def test_063_suspension_is_seen_at_once(host: Host) -> None:
    """By the next request to the application's own routes."""
    browser = host.signed_in()
    assert browser.get("/hello").status == 200
    host.core.operator.suspend(host.core.operator.find_user(MIA).id)
    assert b"true" not in browser.get("/order").body
    assert browser.get("/hello").status in {302, 303, 401}


def test_068_no_answer_shows_a_token(host: Host) -> None:
    """The session's token travels in Set-Cookie, and nowhere else."""
    browser = host.signed_in()
    token = browser.cookies[host.cookie]
    for path in ("/hello", "/order", "/auth/api/session", "/auth/api/sessions", "/auth/account", "/auth/sign-in"):
        answered = browser.get(path)
        assert answered.status in {200, 303}
        assert token.encode() not in answered.body
        assert token not in str(answered.headers)


def test_036_our_walls_do_not_lead_astray(host: Host) -> None:
    """Neither a forwarded header nor an address of somebody else's steers where people are led."""
    headers = {"accept": "text/html", "x-forwarded-host": "evil.example", "x-forwarded-prefix": "/evil"}
    led = host.browser().send("GET", "/vault", headers=headers)
    assert led.status == 303
    assert header(led, "location") == "http://localhost/auth/sign-in?return_to=/vault"
