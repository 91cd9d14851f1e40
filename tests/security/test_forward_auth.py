"""What people try at forward authentication: codes, redirects, headers, paths, other sites' pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from browsing import header
from forwarding import HOME, SETTINGS, SHOP, WIKI, Visitor, signed_in
from house import House
from nightlatch.http.app import HttpApp
from nightlatch.primitives.request_paths import AmbiguousPath, plain_path
from nightlatch.records import Event, OneTimeSecret
from nightlatch.settings import Forward, ForwardRule


@pytest.fixture
def house() -> Iterator[House]:
    """A house with two applications behind a proxy. What stores differ in is told in tests/forward."""
    house = House(**SETTINGS)
    yield house
    house.auth.close()


@pytest.fixture
def app(house: House) -> HttpApp:
    """Its web layer."""
    return HttpApp(house.auth)


@pytest.fixture
def visitor(house: House, app: HttpApp) -> Visitor:
    """A member who is signed in at the house."""
    return signed_in(house, app)


def code_for(visitor: Visitor, site: str = WIKI, to: str = "/") -> str:
    """Go half the way: return the path below ``/forward`` by which the code arrives at the site."""
    begun = visitor.ask(site, path=f"/forward/begin?to={to}")
    left = visitor.home.get((header(begun, "location") or "").removeprefix(f"{HOME}/auth"))
    arrival = header(left, "location") or ""
    assert arrival.startswith(f"{site}/.nightlatch/return?code=nll_")
    return "/forward" + arrival.removeprefix(f"{site}/.nightlatch")


def refused(visitor: Visitor, site: str, path: str) -> None:
    """See that a code is worth nothing here."""
    answered = visitor.ask(site, path=path)
    assert (header(answered, "location") or "").startswith(f"{HOME}/auth/forward/again")
    assert "session_forward" not in visitor.hosts[site].cookies
    assert visitor.ask(site, "/orders").status == 401


# --- codes ------------------------------------------------------------------------------------------------------------


def test_018_another_browsers_code_is_refused_and_spent(visitor: Visitor, app: HttpApp, house: House) -> None:
    """Sign-in forgery: somebody's own code in another's browser; the state cookie there was set by nobody else."""
    arrival = code_for(visitor)
    victim = Visitor(app)
    refused(victim, WIKI, arrival)
    victim.ask(WIKI, path="/forward/begin?to=/")
    refused(victim, WIKI, arrival)
    refused(visitor, WIKI, arrival)
    (event,) = house.store.find(Event, {"action": "forward_session_created"})
    assert event.outcome == "refused"


def test_019_a_state_that_is_missing_or_not_ours(visitor: Visitor) -> None:
    """Without the cookie that `begin` sets no code is worth anything, whatever stands in its place."""
    for state in (None, "", "x", "x" * 43, "x" * 5000):
        arrival = code_for(visitor)
        if state is None:
            del visitor.hosts[WIKI].cookies["session_forward_state"]
        else:
            visitor.hosts[WIKI].cookies["session_forward_state"] = state
        refused(visitor, WIKI, arrival)
    for state in ("", "x", "x" * 44, "../" * 14 + "x"):
        left = visitor.home.get(f"/forward/leave?site={quote(WIKI, safe='')}&state={quote(state)}&to=/")
        assert left.status == 404


def test_027_a_code_is_good_once(visitor: Visitor, house: House) -> None:
    """A replay gives nobody a session, in the browser that had it neither."""
    arrival = code_for(visitor)
    assert visitor.ask(WIKI, path=arrival).status == 303
    assert visitor.ask(WIKI).status == 200
    del visitor.hosts[WIKI].cookies["session_forward"]
    refused(visitor, WIKI, arrival)
    assert all(each.used_at for each in house.store.find(OneTimeSecret, {"purpose": "forward"}))


def test_035_a_code_lives_for_a_minute(visitor: Visitor, house: House) -> None:
    """Not longer."""
    arrival = code_for(visitor)
    house.clock.advance(seconds=60)
    refused(visitor, WIKI, arrival)


def test_another_hosts_code_is_refused(visitor: Visitor) -> None:
    """What was made for one application another cannot redeem, and it is spent by the try."""
    arrival = code_for(visitor, WIKI)
    shops = code_for(visitor, SHOP, "/orders")
    visitor.hosts[SHOP].cookies["session_forward_state"] = visitor.hosts[WIKI].cookies["session_forward_state"]
    refused(visitor, SHOP, arrival)
    assert visitor.ask(WIKI, path=shops).status == 303
    assert "session_forward" not in visitor.hosts[WIKI].cookies


def test_030_no_other_link_is_such_a_code(visitor: Visitor, house: House) -> None:
    """A mailed link is none, nor is a code a mailed link: the purpose is in the row."""
    visitor.home.fill_in("/recover", identifier="mia@example.org")
    visitor.ask(WIKI, path="/forward/begin?to=/")
    refused(visitor, WIKI, f"/forward/return?code={house.link().reveal()}&to=/")
    code = parse_qs(urlsplit(code_for(visitor)).query)["code"][0]
    assert visitor.home.call("POST", "/api/attempt/link", {"link": code})[0] == 410


# --- redirects --------------------------------------------------------------------------------------------------------

ELSEWHERE = (
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "https://evil.example/",
    "/%5Cevil.example",
    "/\t/evil.example",
    "/..//evil.example",
    ".evil.example",
    "@evil.example",
    ":80@evil.example/",
    "javascript:alert(1)",
    "/a\r\nSet-Cookie: x=y",
)


@pytest.mark.parametrize("to", ELSEWHERE)
def test_086_nobody_is_led_elsewhere(visitor: Visitor, to: str) -> None:
    """At no step of the way: not by the target, and not by a site that is none of ours."""
    asked = quote(to, safe="")
    for answered in (
        visitor.ask(WIKI, path=f"/forward/begin?to={asked}"),
        visitor.home.get(f"/forward/leave?site={quote(WIKI, safe='')}&state={'x' * 43}&to={asked}"),
        visitor.home.get(f"/forward/again?site={quote(WIKI, safe='')}&to={asked}"),
        visitor.ask(WIKI, path=code_for(visitor).replace("&to=%2F", f"&to={asked}")),
    ):
        assert answered.status == 403
        assert header(answered, "location") is None


@pytest.mark.parametrize(
    "site", ["https://evil.example", f"{WIKI}.evil.example", f"{WIKI}@evil.example", "", HOME, f"{WIKI}/", "null"]
)
def test_086_a_code_goes_to_sites_of_ours_alone(visitor: Visitor, site: str) -> None:
    """Exactly as settings have them."""
    for page in ("leave", "again"):
        left = visitor.home.get(f"/forward/{page}?site={quote(site, safe='')}&state={'x' * 43}&to=/")
        assert left.status == 404


# --- who may ask ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("peer", ["192.0.2.7", "10.0.0.3", None])
def test_074_only_a_trusted_proxy_asks(visitor: Visitor, peer: str | None) -> None:
    """What anybody else says of host, path and method is not looked at, a session or none."""
    visitor.arrive(WIKI)
    assert visitor.ask(WIKI).status == 200
    visitor.hosts[WIKI].peer = peer
    assert visitor.ask(WIKI).status == 403
    for path in ("/forward/begin?to=/", "/forward/return?code=x&to=/"):
        assert visitor.ask(WIKI, path=path).status == 403


def test_074_nothing_is_trusted_by_default(make_house: Callable[..., House]) -> None:
    """Rules without a trusted proxy let nobody through."""
    house = make_house(forward=Forward(rules=(ForwardRule(site=WIKI),)))
    assert Visitor(HttpApp(house.auth), via="127.0.0.1").ask(WIKI).status == 403


@pytest.mark.parametrize("name", ["x-forwarded-host", "x-forwarded-proto", "x-forwarded-method", "x-forwarded-uri"])
def test_a_header_that_is_missing_or_there_twice(visitor: Visitor, name: str) -> None:
    """Of two one may be the client's; of none nothing follows."""
    visitor.arrive(WIKI)
    host = urlsplit(WIKI).netloc
    full = [
        ("x-forwarded-proto", "http"),
        ("x-forwarded-host", host),
        ("x-forwarded-method", "GET"),
        ("x-forwarded-uri", "/"),
    ]
    browser = visitor.hosts[WIKI]
    full.append(("cookie", f"session_forward={browser.cookies['session_forward']}"))
    assert browser.send("GET", "/forward", headers=tuple(full)).status == 200
    assert browser.send("GET", "/forward", headers=tuple(each for each in full if each[0] != name)).status == 403
    assert browser.send("GET", "/forward", headers=(*full, (name, dict(full)[name]))).status == 403


def test_cookies_of_no_worth(visitor: Visitor) -> None:
    """Cut, changed, of another kind, sent twice: nobody, and never a fault (039, 066)."""
    visitor.arrive(WIKI)
    browser = visitor.hosts[WIKI]
    good = browser.cookies["session_forward"]
    for bad in (good[:-1], good + "0", good.replace("nlf_", "nls_"), good[:4] + "z" * 22 + good[26:], "", "nlf_"):
        browser.cookies["session_forward"] = bad
        assert visitor.ask(WIKI).status == 401, bad
    browser.cookies["session_forward"] = f"{good}; session_forward={good}"
    assert visitor.ask(WIKI).status == 401


# --- paths ------------------------------------------------------------------------------------------------------------

AMBIGUOUS = (
    "/public/../admin", "/public/..", "/./admin", "/public/%2e%2e/admin", "/%2E/admin", "/a%2fadmin", "/a%2Fadmin",
    "//admin", "/public//admin", "/public\\..\\admin", "/a%5c..%5cadmin", "/public/..;/admin", "/admin;x",
    "/admin%3bx", "/%2561dmin", "/a%00", "/a%0a", "/a%7f", "/a%", "/a%2", "/a%zz", "/%C0%AE%C0%AE/admin", "/%ff",
    "/\uff0e\uff0e/admin",
    "/%EF%BC%8E%EF%BC%8E/admin", "/a%EF%BC%8Fadmin", "/a b", "/a\x01", "/a#b", "admin", "", "*", "http://x/admin", "/ä",
)  # fmt: skip


@pytest.mark.parametrize("target", AMBIGUOUS)
def test_079_a_path_that_can_be_read_in_two_ways_is_none(visitor: Visitor, target: str) -> None:
    """Dots, slashes and backslashes in whatever dress, control characters, parameters, double encoding."""
    visitor.arrive(WIKI)
    assert visitor.ask(WIKI, target).status == 403


@pytest.mark.parametrize(
    "target",
    ["/admin", "/admin/", "/admin/x?y", "/ADMIN", "/%61dmin", "/admin.json", "/Admin/x", "/%EF%BD%81dmin", "/admın"],
)
def test_079_another_spelling_of_a_path_meets_its_rule(visitor: Visitor, target: str) -> None:
    """Applications that do not tell letters apart are not a way round."""
    visitor.arrive(WIKI)
    assert visitor.ask(WIKI, "/elsewhere/admin").status == 200
    assert visitor.ask(WIKI, target).status == 403


@pytest.mark.parametrize(
    "target", ["/", "/a/b.c/d-e_f~g", "/.nightlatch/x", "/caf%C3%A9/%20x", "/a?b=../c&d=%2e%2e//;\\"]
)
def test_a_plain_path_passes(visitor: Visitor, target: str) -> None:
    """What only stands in the query is the application's own affair."""
    visitor.arrive(WIKI)
    assert visitor.ask(WIKI, target).status == 200


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=30))
def test_what_is_taken_for_plain_reads_the_same_again(text: str) -> None:
    """Decoding once more, or tidying, changes nothing that a rule goes by."""
    try:
        plain = plain_path("/" + text)
    except AmbiguousPath:
        return
    assert "%" not in plain
    assert "//" not in plain
    assert "\\" not in plain
    assert not {".", ".."} & set(plain.split("/"))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=40), st.text(max_size=12), st.text(max_size=30))
def test_066_no_input_is_a_fault(visitor: Visitor, target: str, method: str, host: str) -> None:
    """Whatever stands in the headers: 200, 401 or 403, which a proxy understands."""
    told = visitor.ask(WIKI, target, method=method, x_forwarded_host=host)
    assert told.status == 403
    assert visitor.ask(WIKI, "/" + target).status in {401, 403}


# --- other sites' pages -----------------------------------------------------------------------------------------------


def test_csrf_is_stopped_at_the_proxy(visitor: Visitor) -> None:
    """An unsafe request, or a WebSocket, of another site's page does not reach the application: `same-site` neither."""
    visitor.arrive(WIKI)
    foreign = {"sec_fetch_site": "cross-site"}, {"sec_fetch_site": "same-site"}, {"origin": SHOP}, {"origin": "null"}
    for says in foreign:
        told = visitor.ask(WIKI, "/page", method="POST", **says)
        assert told.status == 403
        assert b"cross_site" in told.body
        assert visitor.ask(WIKI, "/page", sec_websocket_key="dGhlIHNhbXBsZSBub25jZQ==", **says).status == 403
    assert visitor.ask(WIKI, "/page", sec_fetch_site="cross-site").status == 200
    for says in ({"sec_fetch_site": "same-origin"}, {"origin": WIKI}, {}):
        assert visitor.ask(WIKI, "/page", method="POST", **says).status == 200
        assert visitor.ask(WIKI, "/page", sec_websocket_key="dGhlIHNhbXBsZSBub25jZQ==", **says).status == 200


def test_what_the_client_calls_itself_is_not_looked_at(visitor: Visitor) -> None:
    """`Remote-*` of the client change nothing of what is answered, nor does an access token of the house."""
    visitor.arrive(WIKI)
    mine = header(visitor.ask(WIKI), "remote-user")
    told = visitor.ask(WIKI, remote_user="admin", remote_groups="admin", remote_email="x", remote_assertion="x")
    assert [value for name, value in told.headers if name == "Remote-User"] == [mine]
    assert header(told, "remote-groups") == ""
    token = visitor.home.call("POST", "/api/token/refresh", {})[1]["access_token"]
    del visitor.hosts[WIKI].cookies["session_forward"]
    assert visitor.ask(WIKI, authorization=f"Bearer {token}").status == 401
