"""A proxy asks whether requests may pass to applications that know nothing of Nightlatch."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from browsing import header
from forwarding import HOME, SETTINGS, SHOP, WIKI, Visitor, signed_in
from house import PASSWORD, House
from nightlatch.errors import ConfigurationError
from nightlatch.http.app import HttpApp
from nightlatch.records import Event, Identifier, User
from nightlatch.settings import Forward, ForwardRule, settings_from
from nightlatch.verify import AssertionVerifier, InvalidToken, Verifier
from nightlatch.verify.keys import ASSERTION, keys_by_header, keys_from_jwks

SECRET = PASSWORD.reveal()
HOUR = timedelta(hours=1)


@pytest.fixture
def house(make_house: Callable[..., House]) -> House:
    """A house with two applications behind a proxy."""
    return make_house(**SETTINGS)


@pytest.fixture
def app(house: House) -> HttpApp:
    """Its web layer."""
    return HttpApp(house.auth)


def mia(house: House) -> UUID:
    """Return the member's id."""
    return house.store.find(Identifier, {"key": "mia@example.org"})[0].user_id


class Keys:
    """The keys that the house publishes, for tokens of one type."""

    def __init__(self, app: HttpApp, typ: str) -> None:
        published = Visitor(app).home.send("GET", "/api/jwks.json").body
        self.in_hand = keys_by_header(keys_from_jwks(published), typ)

    def newer(self) -> object:
        """Return the same."""
        return self.in_hand


def verifier(app: HttpApp, house: House, audience: str = "wiki.localhost:8080") -> AssertionVerifier:
    """Return what the application verifies assertions with."""
    return AssertionVerifier(
        issuer=f"{HOME}/auth",
        audience=audience,
        keys=Keys(app, ASSERTION),  # type: ignore[arg-type]
        now=lambda: house.clock.now().timestamp(),
    )


def test_from_a_page_to_the_sign_in_and_back(house: House, app: HttpApp) -> None:
    """Nobody is signed in: 401 with a way; at its end the same page, with a session of that host alone."""
    member = house.member()
    visitor = Visitor(app)
    asked = visitor.ask(WIKI, "/page?show=all&of=%C3%A4")
    assert asked.status == 401
    assert header(asked, "remote-user") is None
    at = visitor.follow(asked)
    assert at.startswith(f"{HOME}/auth/sign-in?return_to=/auth/forward/leave")
    led = visitor.home.fill_in(at.removeprefix(f"{HOME}/auth"), identifier="mia@example.org", password=SECRET)
    assert visitor.follow(led) == f"{WIKI}/page?show=all&of=%C3%A4"
    passed = visitor.ask(WIKI, "/page")
    assert passed.status == 200
    assert header(passed, "remote-user") == str(member.user.id)
    assert header(passed, "remote-email") == "mia@example.org"
    assert header(passed, "remote-groups") == ""
    assert visitor.ask(SHOP, "/orders").status == 401
    (event,) = house.store.find(Event, {"action": "forward_session_created"})
    assert (event.outcome, event.user_id) == ("success", member.user.id)


def test_a_second_application_asks_for_no_password(house: House, app: HttpApp) -> None:
    """Who is signed in here is led there and back at once."""
    visitor = signed_in(house, app)
    assert visitor.arrive(WIKI, "/a") == f"{WIKI}/a"
    assert visitor.arrive(SHOP, "/orders/7") == f"{SHOP}/orders/7"
    assert visitor.ask(SHOP, "/orders/7").status == 200


def test_the_cookies_are_the_hosts_own(house: House, app: HttpApp) -> None:
    """Never a `Domain`; one host's is worth nothing at the other, nor at the house, nor the house's there."""
    visitor = signed_in(house, app)
    visitor.arrive(WIKI)
    visitor.arrive(SHOP, "/orders")
    names = {site: set(browser.cookies) for site, browser in visitor.hosts.items()}
    assert names == {site: {"session_forward", "session_forward_state"} for site in (WIKI, SHOP)}
    here = visitor.home.cookies["session"]
    there = visitor.hosts[WIKI].cookies["session_forward"]
    for stolen in (there, here):
        visitor.hosts[SHOP].cookies["session_forward"] = stolen
        assert visitor.ask(SHOP, "/orders").status == 401
    other = Visitor(app)
    other.home.cookies["session"] = there
    assert other.home.call("GET", "/api/session")[0] == 401


def test_over_https_they_are_bound_to_the_host_by_name(make_house: Callable[..., House]) -> None:
    """`__Host-` names, which no neighbour on the domain can plant, `Secure`, `HttpOnly`, without `Domain`."""
    site = "https://wiki.example.com"
    forward = Forward(rules=(ForwardRule(site=site),))
    house = make_house(base_url="https://id.example.com", trusted_proxies=("10.0.0.2",), forward=forward)
    visitor = Visitor(HttpApp(house.auth))
    visitor.hosts[site] = visitor.hosts[WIKI]
    begun = visitor.ask(site, path="/forward/begin?to=/")
    cookie = header(begun, "set-cookie") or ""
    assert cookie.startswith("__Host-Http-session_forward_state=")
    assert {"Path=/", "HttpOnly", "SameSite=Lax", "Secure"} < {each.strip() for each in cookie.split(";")}
    assert "domain" not in cookie.lower()
    shown = visitor.home.get("/sign-in")
    assert f"form-action 'self' {site};" in (header(shown, "content-security-policy") or "")


@pytest.mark.parametrize("end", ["sign out", "suspend", "sign out everywhere", "expire", "new secret"])
def test_it_ends_with_the_session_it_is_derived_from(house: House, app: HttpApp, end: str) -> None:
    """At once, at every application; and a code that was under way is worth nothing."""
    visitor = signed_in(house, app)
    visitor.arrive(WIKI)
    assert visitor.ask(WIKI).status == 200
    begun = visitor.ask(SHOP, path="/forward/begin?to=/orders")
    left = visitor.home.get((header(begun, "location") or "").removeprefix(f"{HOME}/auth"))
    user_id = mia(house)
    if end == "sign out":
        assert visitor.home.call("DELETE", "/api/session")[0] in {200, 204}
    elif end == "suspend":
        house.auth.operator.suspend(user_id)
    elif end == "sign out everywhere":
        other = Visitor(app)
        other.sign_in()
        assert other.home.call("DELETE", "/api/sessions")[0] in {200, 204}
    elif end == "expire":
        house.clock.advance(days=31)
    else:
        assert visitor.home.fill_in("/reauthenticate", password=SECRET).status == 303
    assert house.store.get(User, user_id) is not None
    assert visitor.ask(WIKI).status == 401
    if end != "new secret":
        assert visitor.follow(left).startswith(f"{HOME}/auth/forward/again")
        assert visitor.ask(SHOP, "/orders").status == 401


def test_every_rule_that_matches_is_to_be_met(house: House, app: HttpApp) -> None:
    """Roles are 403, missing assurance 401 with a way; a rule for one method asks for more at that method alone."""
    visitor = signed_in(house, app)
    visitor.arrive(WIKI)
    visitor.arrive(SHOP, "/orders")
    assert visitor.ask(WIKI, "/admin/users").status == 403
    assert visitor.ask(SHOP, "/orders/7", method="POST").status == 200
    refused = visitor.ask(SHOP, "/orders/7", method="DELETE")
    assert refused.status == 401
    assert b'"code":"reauthenticate"' in refused.body
    assert header(refused, "location") is None
    house.auth.operator.set_roles(mia(house), ("admin", "bücher"))
    passed = visitor.ask(WIKI, "/admin/users")
    assert passed.status == 200
    assert header(passed, "remote-groups") == "admin,b%C3%BCcher"
    assert header(visitor.ask(WIKI), "remote-user") == header(passed, "remote-user")


def test_a_step_up_on_the_way(make_house: Callable[..., House]) -> None:
    """A rule asks for a fresh proof: the way leads over it, and comes back to the very page."""
    rules = (ForwardRule(site=WIKI), ForwardRule(site=WIKI, path="/keys", max_age=HOUR))
    house = make_house(trusted_proxies=("10.0.0.2",), forward=Forward(rules=rules))
    visitor = signed_in(house, HttpApp(house.auth))
    visitor.arrive(WIKI)
    house.clock.advance(hours=2)
    assert visitor.ask(WIKI).status == 200
    at = visitor.arrive(WIKI, "/keys?of=mia")
    assert at.startswith(f"{HOME}/auth/reauthenticate?return_to=/auth/forward/leave")
    led = visitor.home.fill_in(at.removeprefix(f"{HOME}/auth"), password=SECRET)
    assert visitor.follow(led) == f"{WIKI}/keys?of=mia"
    assert visitor.ask(WIKI, "/keys?of=mia").status == 200


def test_what_no_rule_names_is_refused(house: House, app: HttpApp) -> None:
    """Default deny: other hosts, other ports, other schemes, other paths; and nothing works where there is no rule."""
    visitor = signed_in(house, app)
    visitor.arrive(SHOP, "/orders")
    assert visitor.ask(SHOP, "/").status == 403
    assert visitor.ask(SHOP, "/ordersandmore").status == 403
    for host in ("shop.localhost", "shop.localhost:80", "evil.localhost:8080", "shop.localhost:8080.", "", "a@b"):
        assert visitor.ask(SHOP, "/orders", x_forwarded_host=host).status == 403, host
    assert visitor.ask(SHOP, "/orders", x_forwarded_proto="https").status == 403
    assert visitor.ask(SHOP, "/orders", x_forwarded_host="SHOP.localhost:8080").status == 200
    assert visitor.ask(SHOP, "/orders", x_forwarded_method="get").status == 403


def test_a_proxy_that_follows_nothing_itself_asks_for_a_redirect(app: HttpApp) -> None:
    """Traefik and Caddy hand our refusal to the browser: `?redirect=yes`. A script's request is led nowhere."""
    visitor = Visitor(app)
    led = visitor.ask(WIKI, "/page", path="/forward?redirect=yes", sec_fetch_mode="navigate")
    assert led.status == 303
    assert header(led, "location") == f"{WIKI}/.nightlatch/begin?to=/page"
    assert visitor.ask(WIKI, "/page", path="/forward?redirect=yes", sec_fetch_mode="cors").status == 401
    assert visitor.ask(WIKI, "/page", path="/forward?redirect=yes", method="POST").status == 401
    long = visitor.ask(WIKI, "/page?" + "x" * 1500)
    assert header(long, "location") == f"{WIKI}/.nightlatch/begin?to=/"


def test_two_tabs_at_once(house: House, app: HttpApp) -> None:
    """Both share one state, and both arrive, though one code's use ends the other."""
    visitor = signed_in(house, app)
    lefts = []
    for page in ("/a", "/b"):
        begun = visitor.ask(WIKI, path=f"/forward/begin?to={page}")
        lefts.append(visitor.home.get((header(begun, "location") or "").removeprefix(f"{HOME}/auth")))
    assert [visitor.follow(left) for left in lefts] == [f"{WIKI}/a", f"{WIKI}/b"]


def test_a_browser_without_cookies_is_told_so(house: House, app: HttpApp) -> None:
    """It does not go round for ever."""
    visitor = signed_in(house, app)
    begun = visitor.ask(WIKI, path="/forward/begin?to=/a")
    visitor.hosts[WIKI].cookies.clear()
    at = visitor.follow(begun)
    assert at.startswith(f"{HOME}/auth/forward/again?")
    shown = visitor.home.get(at.removeprefix(f"{HOME}/auth"))
    assert shown.status == 200
    assert f'href="{WIKI}/.nightlatch/begin?to=/a"' in shown.body.decode()


# --- the assertion ----------------------------------------------------------------------------------------------------


def test_the_application_verifies_the_assertion(house: House, app: HttpApp) -> None:
    """For its host alone, for a minute; it says what the headers say, and how sure it is."""
    visitor = signed_in(house, app)
    visitor.arrive(WIKI)
    passed = visitor.ask(WIKI)
    text = header(passed, "remote-assertion")
    told = verifier(app, house).verify(text)
    assert told.subject == header(passed, "remote-user")
    assert (told.email, told.username, told.roles, told.aal, told.amr) == ("mia@example.org", None, (), 1, ("pwd",))
    with pytest.raises(InvalidToken):
        verifier(app, house, audience="shop.localhost:8080").verify(text)
    with pytest.raises(InvalidToken):
        verifier(app, house).verify(None)
    house.clock.advance(seconds=66)
    with pytest.raises(InvalidToken):
        verifier(app, house).verify(text)


def test_it_is_no_access_token_nor_one_an_assertion(house: House, app: HttpApp) -> None:
    """Each is of a type of its own (RFC 8725 3.11): by the header, whatever else they say."""
    visitor = signed_in(house, app)
    visitor.arrive(WIKI)
    text = header(visitor.ask(WIKI), "remote-assertion") or ""
    access = visitor.home.call("POST", "/api/token/refresh", {})[1]["access_token"]
    with pytest.raises(InvalidToken):
        verifier(app, house, audience="localhost:8000").verify(access)
    takes_access = Verifier(
        issuer=f"{HOME}/auth",
        audience="wiki.localhost:8080",
        keys=Keys(app, "at+jwt"),  # type: ignore[arg-type]
        now=lambda: house.clock.now().timestamp(),
    )
    with pytest.raises(InvalidToken):
        takes_access.verify(text)
    bearer = Visitor(app).home.call("GET", "/api/session", authorization=f"Bearer {text}")
    assert bearer[0] == 401


# --- settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ({"site": "http://localhost:8080"}, "is on the host of base_url"),
        ({"site": "https://wiki.example.com"}, "both https"),
        ({"site": "wiki.localhost"}, "not an origin"),
        ({"site": "http://wiki.example.com"}, "plain http"),
        ({"site": WIKI, "path": "admin"}, "no path"),
        ({"site": WIKI, "path": "/a/../b"}, "no path"),
        ({"site": WIKI, "path": "/a%20b"}, "no path"),
        ({"site": WIKI, "methods": ["post"]}, "capitals"),
        ({"site": WIKI, "max_age": 0}, "longer than nothing"),
        ({"site": WIKI, "pat": "/"}, "pat"),
    ],
)
def test_a_rule_that_could_not_hold_is_refused(rule: dict[str, object], says: str) -> None:
    """At the start, with words."""
    values = {"base_url": HOME, "secret_keys": ["a secret key for tests, long enough to be one"]}
    with pytest.raises(ConfigurationError, match=says):
        settings_from({**values, "forward": {"rules": [rule]}})


def test_who_the_user_is_called(make_house: Callable[..., House]) -> None:
    """By id, unless settings say otherwise: a name may become somebody else's."""
    forward = Forward(rules=(ForwardRule(site=WIKI),), remote_user="email")
    house = make_house(trusted_proxies=("10.0.0.2",), forward=forward)
    visitor = signed_in(house, HttpApp(house.auth))
    visitor.arrive(WIKI)
    assert header(visitor.ask(WIKI), "remote-user") == "mia@example.org"
