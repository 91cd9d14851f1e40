"""Flaw classes of the field, by number, over HTTP: through every way in there is (`sites.SITES`)."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from browsing import Browser, header
from house import PASSWORD, House
from nightlatch.http.hosted.routes import PAGES
from nightlatch.http.messages import Response
from nightlatch.http.routes import API
from nightlatch.ports import after
from nightlatch.primitives.opaque import Kind, issue
from nightlatch.records import RECORDS, Attempt, Event, OutboxMessage, Record
from nightlatch.storage.memory import MemoryStore
from nightlatch.testing.sites import Sent, Site

MIA, LEO = "mia@example.org", "leo@example.org"
SECRET = PASSWORD.reveal()


@pytest.fixture
def site(house: House, open_site: Callable[[House], Site]) -> Iterator[Site]:
    """Open the usual house to the web."""
    site = open_site(house)
    yield site
    site.close()


@pytest.fixture
def browser(site: Site) -> Browser:
    """Return a browser without cookies."""
    return Browser(site)


def member(browser: Browser, house: House, email: str = MIA) -> None:
    """Sign up by JSON, all the way."""
    _, begun = browser.call("POST", "/api/sign-up", {"email": email, "password": SECRET})
    answer = {"attempt": begun["attempt"], "authenticator": "email_code", "code": house.code(email).reveal()}
    assert browser.call("POST", "/api/attempt/answer", answer)[0] == 200


def everything(house: House) -> dict[type[Record], list[Any]]:
    """Return every row there is."""
    times = {"created_at", "at", "expires_at", "done_at", "last_seen_at"}
    found = {}
    for kind in RECORDS:
        field = next(name for name in kind.__struct_fields__ if name in times)
        found[kind] = house.store.find(kind, {field: after(house.clock.now().replace(year=2000))})
    return found


def test_015_look_alike_addresses_reach_nobody_else(browser: Browser, house: House) -> None:
    """Normalised first; a homoglyph @ is no address, a dotless i is another mailbox, mail goes to what is stored."""
    member(browser, house)
    for odd in (
        "mia＠example.org",
        "mia@example.org\r\nBcc: x@evil.example",
        "mia@exam ple.org",
        "mia@example.org@evil",
    ):
        assert browser.call("POST", "/api/sign-up", {"email": odd})[0] == 422
    other = Browser(browser.site, peer="198.51.100.20")
    assert other.call("POST", "/api/sign-up", {"email": "MIA@EXAMPLE.ORG"})[0] == 202
    house.deliver()
    assert house.mails[-1].to == MIA
    assert other.call("POST", "/api/sign-up", {"email": "mıa@example.org"})[0] == 202
    house.deliver()
    assert house.mails[-1].to == "mıa@example.org"


@pytest.mark.parametrize("path", [route.path for route in API if route.method == "POST"])
@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "sideways"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:8000.evil.example"},
    ],
)
def test_019_unsafe_requests_from_elsewhere_are_refused(browser: Browser, path: str, headers: dict[str, str]) -> None:
    """Sign-in and sign-up too: they set a cookie."""
    response = browser.send("POST", path, b"{}", headers={"content-type": "application/json", **headers})
    assert response.status == 403
    assert json.loads(response.body)["code"] == "cross_site"
    assert header(response, "set-cookie") is None


def test_030_no_token_of_one_kind_is_good_for_another(browser: Browser, house: House) -> None:
    """Every token at every door: only the diagonal opens."""
    member(browser, house)
    _, begun = browser.call("POST", "/api/sign-up", {"email": LEO})
    tokens = {
        "session": browser.cookies["session"],
        "device": browser.cookies["session_device"],
        "attempt": begun["attempt"],
        "link": house.link(LEO).reveal(),
    }
    for kind, token in tokens.items():
        stranger = Browser(browser.site, cookies={"session": token})
        assert (stranger.call("GET", "/api/session")[0] == 200) == (kind == "session")
        if kind != "attempt":
            assert (
                browser.call("POST", "/api/attempt/begin", {"attempt": token, "authenticator": "email_code"})[0] == 410
            )
        if kind != "link":
            assert browser.call("POST", "/api/attempt/link", {"link": token})[0] == 410
    forged = {kind: issue(kind).text() for kind in Kind}
    for token in forged.values():
        assert Browser(browser.site, cookies={"session": token}).call("GET", "/api/session")[0] == 401


def test_032_what_was_sent_for_a_sign_up_dies_with_its_use(browser: Browser, site: Site, house: House) -> None:
    """Two attempts for one address: proving one kills the other's code and link."""
    _, first = browser.call("POST", "/api/sign-up", {"email": MIA, "password": SECRET})
    old_code, old_link = house.code().reveal(), house.link().reveal()
    member(Browser(site), house)
    answer = {"attempt": first["attempt"], "authenticator": "email_code", "code": old_code}
    assert browser.call("POST", "/api/attempt/answer", answer)[0] == 401
    assert browser.call("POST", "/api/attempt/link", {"link": old_link})[0] == 410


def test_032_a_recovery_ends_whatever_was_out(browser: Browser, site: Site, house: House) -> None:
    """Another recovery's code and link, an open reauthentication, every session and device: all dead on its use."""
    member(browser, house)
    other, begun = Browser(site), {}
    _, begun["recover"] = other.call("POST", "/api/recover", {"identifier": MIA})
    link, code = house.link(MIA).reveal(), house.code(MIA).reveal()
    _, begun["again"] = browser.call("POST", "/api/reauthenticate", {})
    thief = Browser(site)
    assert thief.call("POST", "/api/sign-in", {"identifier": MIA, "password": SECRET})[0] == 200

    owner = Browser(site)
    _, step = owner.call("POST", "/api/recover", {"identifier": MIA})
    proof = {"attempt": step["attempt"], "authenticator": "email_code", "code": house.code(MIA).reveal()}
    _, step = owner.call("POST", "/api/attempt/answer", proof)
    chosen = {"attempt": step["attempt"], "new_password": "an entirely different sentence"}
    assert owner.call("POST", "/api/attempt/answer", chosen)[0] == 200

    assert other.call("POST", "/api/attempt/link", {"link": link})[0] == 410
    late = {"attempt": begun["recover"]["attempt"], "authenticator": "email_code", "code": code}
    assert other.call("POST", "/api/attempt/answer", late)[0] == 401
    confirm = {"attempt": begun["again"]["attempt"], "authenticator": "password", "password": SECRET}
    assert browser.call("POST", "/api/attempt/answer", confirm)[0] in {401, 410}
    for each in (browser, thief, owner, other):
        assert each.call("GET", "/api/session")[0] == 401


def test_036_links_come_from_base_url_alone(browser: Browser, house: House) -> None:
    """Whatever Host and forwarded headers say."""
    for name in ("host", "x-forwarded-host", "x-forwarded-proto", "forwarded", "x-original-host"):
        browser.headers[name] = "evil.example"
    browser.call("POST", "/api/sign-up", {"email": MIA})
    mail = house.newest(MIA)
    assert "http://localhost:8000/auth/verify?link=" in mail.text
    assert "evil" not in mail.text + mail.html + mail.message_id + mail.sender


class Listening:
    """A site whose answers are overheard, but for the cookies they set."""

    def __init__(self, site: Site, bodies: list[str]) -> None:
        self.site, self.bodies = site, bodies
        self.close = site.close

    def send(self, sent: Sent) -> Response:
        """Send, and listen."""
        response = self.site.send(sent)
        kept = [pair for pair in response.headers if pair[0].lower() != "set-cookie"]
        self.bodies.append(response.body.decode() + str(kept))
        return response


def test_037_068_secrets_are_in_no_answer_and_no_log(
    browser: Browser, house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """Codes, links, passwords and hashes: nowhere but in the mail; the session only in its cookie."""
    caplog.set_level(logging.DEBUG)
    bodies: list[str] = []
    browser.site = Listening(browser.site, bodies)
    member(browser, house)
    code, link = house.code().reveal(), house.link().reveal()
    for path in (
        "/api/session",
        "/api/sessions",
        "/api/account",
        "/api/account/events",
        "/account",
        "/account/devices",
    ):
        browser.call("GET", path) if path.startswith("/api") else browser.get(path)
    told = "".join(bodies) + caplog.text
    for secret in (code, code.replace(" ", ""), link, SECRET, browser.cookies["session"], "$argon2", "nls_"):
        assert secret not in told
    rows = msgspec.json.encode([each for rows in everything(house).values() for each in rows]).decode()
    for secret in (code.replace(" ", ""), link.split("_")[2], SECRET, browser.cookies["session"].split("_")[2]):
        assert secret not in rows


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_039_a_changed_token_is_refused(open_site: Callable[[House], Site], data: st.DataObject) -> None:
    """Flipped, cut, extended, case-changed, doubled: nobody."""
    house = House(MemoryStore())
    done = house.member()
    assert done.token is not None
    token = done.token.reveal()
    place = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.characters(codec="utf-8", exclude_characters=";\x00"))
    changed = data.draw(
        st.sampled_from(
            [
                token[:place] + letter + token[place + 1 :],
                token[:place],
                token + letter,
                token[:place] + token[place:].swapcase(),
                token * 2,
                token[:place] + letter + token[place:],
            ]
        )
    )
    if changed.strip() != token:
        site = open_site(house)
        assert Browser(site, cookies={"session": changed}).call("GET", "/api/session")[0] == 401
        site.close()
    house.auth.close()


@pytest.mark.parametrize("password", ["", " ", " " * 20, "\t" * 20])
def test_040_a_blank_password_never_signs_in(browser: Browser, house: House, password: str) -> None:
    """Nor is it ever stored."""
    member(browser, house)
    assert browser.call("POST", "/api/sign-in", {"identifier": MIA, "password": password})[0] == 401
    assert browser.call("POST", "/api/sign-up", {"email": LEO, "password": password})[0] == 422


def test_042_085_every_route_declares_who_may(browser: Browser) -> None:
    """A stranger gets nothing of what needs somebody, by any method, on any path of the table."""
    for route in (*API, *PAGES):
        path = route.path.replace("{id}", "00000000-0000-7000-8000-000000000000")
        body = b"{}" if not route.form else b""
        kind = "application/x-www-form-urlencoded" if route.form else "application/json"
        response = browser.send(route.method, path, body, headers={"content-type": kind})
        assert response.status < 500, (route.method, route.path)
        if route.who == "signed_in":
            expected = {303} if route.kind == "page" else {401}
            assert response.status in expected, (route.method, route.path)


def test_061_tokens_change_at_every_step_up(browser: Browser, house: House) -> None:
    """A planted session is never adopted; sign-in, reauthentication and password change give a new one."""
    planted = issue(Kind.SESSION).text()
    browser.cookies["session"] = planted
    member(browser, house)
    seen = {planted, browser.cookies["session"]}
    _, begun = browser.call("POST", "/api/reauthenticate", {})
    answer = {"attempt": begun["attempt"], "authenticator": "password", "password": SECRET}
    browser.call("POST", "/api/attempt/answer", answer)
    seen.add(browser.cookies["session"])
    new = "an entirely different sentence"
    browser.call("PUT", "/api/account/password", {"current_password": SECRET, "new_password": new})
    seen.add(browser.cookies["session"])
    browser.call("POST", "/api/sign-in", {"identifier": MIA, "password": new})
    seen.add(browser.cookies["session"])
    assert len(seen) == 5


def test_062_a_revoked_session_is_dead_on_every_route(browser: Browser, site: Site, house: House) -> None:
    """At once, everywhere."""
    member(browser, house)
    stolen = Browser(site, cookies=dict(browser.cookies))
    assert browser.call("DELETE", "/api/session")[0] == 204
    for route in API:
        if route.who == "signed_in":
            path = route.path.replace("{id}", "00000000-0000-7000-8000-000000000000")
            status, _ = stolen.call(route.method, path, {} if route.body else None)
            assert status == 401, route.path


def test_063_suspension_ends_everything(browser: Browser, house: House) -> None:
    """Session, sign-in, open reauthentication: all over, and no word of why."""
    member(browser, house)
    _, begun = browser.call("POST", "/api/reauthenticate", {})
    operator = house.auth.operator
    operator.suspend(operator.find_user(MIA).id)
    assert browser.call("GET", "/api/session")[0] == 401
    answer = {"attempt": begun["attempt"], "authenticator": "password", "password": SECRET}
    assert browser.call("POST", "/api/attempt/answer", answer)[0] in {401, 410}
    status, problem = browser.call("POST", "/api/sign-in", {"identifier": MIA, "password": SECRET})
    assert (status, problem["code"]) == (401, "invalid_credentials")


def test_065_another_persons_session_cannot_be_named(browser: Browser, site: Site, house: House) -> None:
    """Revoking by id is revoking one's own; another's looks like none."""
    member(browser, house)
    leo = Browser(site, peer="198.51.100.30")
    member(leo, house, LEO)
    theirs = browser.call("GET", "/api/session")[1]["session"]["id"]
    assert leo.call("DELETE", f"/api/sessions/{theirs}")[0] == 404
    assert browser.call("GET", "/api/session")[0] == 200


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(value=st.one_of(st.text(max_size=200), st.binary(max_size=200).map(lambda raw: raw.decode("latin-1"))))
def test_066_any_cookie_header_is_anonymous_at_most(open_site: Callable[[House], Site], value: str) -> None:
    """Bytes of any kind: never in, never a fault."""
    house = House(MemoryStore())
    site = open_site(house)
    for path in ("/api/session", "/account", "/sign-in"):
        for sent in (
            value,
            f"session={value}",
            f"session={value}; session={value}",
            f"={value}; session_visitor={value}",
        ):
            response = Browser(site).send("GET", path, headers={"cookie": sent})
            assert response.status in {200, 303, 401}
    site.close()
    house.auth.close()


def test_066_a_cookie_sent_twice_is_no_cookie(browser: Browser, site: Site, house: House) -> None:
    """Cookie tossing: one of the two may be an attacker's (Cookie Crumbles)."""
    member(browser, house)
    token = browser.cookies["session"]
    for cookie in (f"session={token}; session={token}", f"session=x; session={token}", f"session={token}; session="):
        assert Browser(site).send("GET", "/api/session", headers={"cookie": cookie}).status == 401


def test_074_forwarded_headers_are_not_believed(browser: Browser, house: House) -> None:
    """A forged address does not renew the budget; a trusted proxy's word counts, garbage ends the walk."""
    member(browser, house)
    codes = []
    for turn in range(12):
        browser.headers["x-forwarded-for"] = f"203.0.113.{turn}"
        codes.append(browser.call("POST", "/api/sign-in", {"identifier": f"u{turn % 2}@x.org", "password": "x"})[0])
    browser.headers["x-forwarded-for"] = "203.0.113.200"
    codes += [
        browser.call("POST", "/api/sign-in", {"identifier": f"v{turn}@x.org", "password": "x"})[0] for turn in range(40)
    ]
    assert codes.count(401) == 30
    assert codes[-1] == 429


@pytest.mark.parametrize(
    ("forwarded", "seen"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("198.51.100.1, 203.0.113.9", "203.0.113.9"),
        ("203.0.113.9, 10.0.0.2", "203.0.113.9"),
        ("203.0.113.9, garbage", "10.0.0.1"),
        ("", "10.0.0.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
    ],
)
def test_074_the_walk_goes_right_to_left(
    make_house: Callable[..., House], open_site: Callable[[House], Site], forwarded: str, seen: str
) -> None:
    """The first address that no trusted proxy has."""
    house = make_house(trusted_proxies=("10.0.0.0/8",), identifiers="username")
    site = open_site(house)
    browser = Browser(site, peer="10.0.0.1")
    browser.headers["x-forwarded-for"] = forwarded
    assert browser.call("POST", "/api/sign-up", {"username": "mia", "password": SECRET})[0] == 200
    assert browser.call("GET", "/api/sessions")[1]["sessions"][0]["ip"] == seen
    site.close()


def test_078_no_address_is_one_budget_not_none(browser: Browser) -> None:
    """Clients without an address share a budget."""
    browser.peer = None
    statuses = [
        browser.call("POST", "/api/sign-in", {"identifier": f"u{turn}@x.org", "password": "x"})[0] for turn in range(31)
    ]
    assert statuses[-1] == 429


@pytest.mark.parametrize(
    "path",
    [
        "//api/sign-in",
        "/api//sign-in",
        "/api/./sign-in",
        "/api/sign-in/",
        "/API/sign-in",
        "/api/sign-in;x",
        "/api/../api/sign-in",
    ],
)
def test_079_odd_paths_are_no_way_round(browser: Browser, path: str) -> None:
    """Exactly the path, or nothing."""
    assert browser.call("POST", path, {"identifier": MIA, "password": "x"})[0] in {404, 405}


def test_083_known_and_unknown_cost_the_same(browser: Browser, site: Site, house: House) -> None:
    """The same number of hashes, and the same rows by kind, for a wrong password, a stranger and a sign-up."""
    member(browser, house)
    pool, counts = house.auth.hashing, []
    real = pool._do

    def counting(*args: Any, **kwargs: Any) -> Any:
        counts.append(1)
        return real(*args, **kwargs)

    pool._do = counting  # type: ignore[method-assign]

    def cost(path: str, body: dict[str, str]) -> tuple[int, dict[type[Record], int]]:
        counts.clear()
        before = {kind: len(rows) for kind, rows in everything(house).items()}
        Browser(site, peer=f"198.51.{len(before)}.{len(everything(house)[Event]) % 250}").call("POST", path, body)
        return len(counts), {
            kind: len(rows) - before[kind]
            for kind, rows in everything(house).items()
            if kind in (Attempt, OutboxMessage, Event)
        }

    known = cost("/api/sign-in", {"identifier": MIA, "password": "wrong wrong wrong"})
    unknown = cost("/api/sign-in", {"identifier": LEO, "password": "wrong wrong wrong"})
    assert known == unknown
    assert cost("/api/sign-up", {"email": MIA, "password": SECRET}) == cost(
        "/api/sign-up", {"email": LEO, "password": SECRET}
    )
    assert cost("/api/recover", {"identifier": MIA}) == cost("/api/recover", {"identifier": LEO})


def test_084_known_and_unknown_get_the_same_bytes(browser: Browser, site: Site, house: House) -> None:
    """Status, headers and bodies, with what is random taken out."""
    member(browser, house)

    def answered(path: str, body: dict[str, Any]) -> tuple[int, list[str], dict[str, Any]]:
        raw = json.dumps(body).encode()
        response = Browser(site, peer="198.51.100.77").send(
            "POST", path, raw, headers={"content-type": "application/json"}
        )
        document = json.loads(response.body)
        for name in ("request_id", "attempt", "expires_at"):
            if name in document:
                document[name] = len(str(document[name]))
        return response.status, [name for name, _ in response.headers], document

    for path, body in (
        ("/api/sign-in", {"identifier": "*", "password": "wrong wrong wrong"}),
        ("/api/sign-in", {"identifier": "*"}),
        ("/api/sign-up", {"email": "*"}),
        ("/api/sign-up", {"email": "*", "password": SECRET}),
        ("/api/recover", {"identifier": "*"}),
    ):
        known, unknown = (
            answered(path, {key: who if value == "*" else value for key, value in body.items()}) for who in (MIA, LEO)
        )
        assert known == unknown


def test_087_what_people_call_themselves_is_text(browser: Browser, house: House) -> None:
    """Names and user agents on pages: escaped, under a policy that runs nothing inline."""
    browser.headers["user-agent"] = "<script>alert(1)</script>"
    member(browser, house)
    browser.call("PATCH", "/api/account", {"name": '"><img src=x onerror=alert(1)>'})
    for path in ("/account", "/account/devices", "/account/activity", "/sign-in?return_to=%22%3E%3Cscript%3E"):
        body = browser.get(path).body.decode()
        assert "<img src=x" not in body
        assert "<script>" not in body


BODIES: list[Any] = [
    None, [], "text", 7, {"password": "x"}, {"identifier": {}}, {"identifier": []}, {"identifier": 7},
    {"identifier": True, "password": "x"}, {"identifier": "a", "password": {"$gt": ""}},
    {"identifier": "a", "unknown": 1}, {"identifier": "a" * 600}, {"identifier": "a\x00b"}, {"identifier": "\ud800"},
]  # fmt: skip


@pytest.mark.parametrize("body", BODIES)
def test_088_ill_typed_bodies_are_told_so(browser: Browser, body: Any) -> None:
    """4xx with a problem document, whatever is sent."""
    status, problem = browser.call("POST", "/api/sign-in", body)
    assert status in {400, 415, 422}
    assert problem["code"] in {"malformed_request", "unsupported_media_type", "invalid_input"}


@pytest.mark.parametrize(
    ("raw", "kind", "status"),
    [
        (b'{"identifier": "a", "identifier": "b"}', "application/json", 400),
        (b'{"identifier": "a"', "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b'{"identifier": NaN}', "application/json", 400),
        (b"[" * 5000, "application/json", 400),
        (b'{"identifier": ' + b"9" * 5000 + b"}", "application/json", 400),
        (b"{}" + b" " * 20_000, "application/json", 413),
        (b'{"identifier": "a"}', "text/plain", 415),
        (b'{"identifier": "a"}', "application/json; charset=utf-16", 415),
        (b"identifier=a", "application/x-www-form-urlencoded", 415),
    ],
)
def test_088_unreadable_bodies_are_told_so(browser: Browser, raw: bytes, kind: str, status: int) -> None:
    """Duplicate members, broken JSON, other encodings, too long, another type."""
    response = browser.send("POST", "/api/sign-in", raw, headers={"content-type": kind})
    assert response.status == status
    assert header(response, "content-type") == "application/problem+json"


@pytest.mark.parametrize("raw", [b"a=1&a=2", b"identifier=%ff", b"identifier=%00", b"x=1", b"\xff=\xff", b"=&=&="])
def test_088_unreadable_forms_are_told_so(browser: Browser, raw: bytes) -> None:
    """The same for forms."""
    response = browser.send("POST", "/sign-in", raw, headers={"content-type": "application/x-www-form-urlencoded"})
    assert 400 <= response.status < 500


def test_090_fields_that_are_not_offered_are_refused(browser: Browser, house: House) -> None:
    """Roles, ids, verification: nothing of it is taken from a body."""
    for field in ("roles", "id", "status", "epoch", "proven", "email_verified", "is_admin", "deliver"):
        assert browser.call("POST", "/api/sign-up", {"email": MIA, field: "x"})[0] == 422
    member(browser, house)
    for field in ("roles", "email", "username", "status"):
        assert browser.call("PATCH", "/api/account", {"name": "x", field: "x"})[0] == 422
    assert browser.call("GET", "/api/session")[1]["user"]["roles"] == []
