"""Every route there is, by the table: what it asks for, what it takes, and what it does with bytes nobody expected."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from browsing import Browser
from house import House
from nightlatch.http.hosted.routes import PAGES
from nightlatch.http.routes import API, Route
from nightlatch.records import RECORDS
from nightlatch.storage.memory import MemoryStore
from nightlatch.testing.sites import Site
from outstanding import MIA, Person

JSON_TYPE, FORM_TYPE = "application/json", "application/x-www-form-urlencoded"
SOMEBODY = "00000000-0000-7000-8000-000000000000"

PUBLIC = {
    "sign-up": "a budget for each address; nothing exists until it is proven",
    "sign-in": "budgets before anything is verified",
    "attempt/begin": "the attempt's own secret",
    "attempt/answer": "the attempt's own secret",
    "attempt/link": "the link's secret",
    "recover": "a budget for each address; a mailbox is proven",
    "authenticators/totp": "a session, or the secret of an attempt that waits for it",
    "authenticators/totp/confirm": "a session, or the secret of an attempt that waits for it",
    "authenticators/sms_code": "a session, or the secret of an attempt that waits for it",
    "authenticators/sms_code/confirm": "a session, or the secret of an attempt that waits for it",
    "authenticators/passkey": "a session, or the secret of an attempt that waits for it",
    "authenticators/passkey/confirm": "a session, or the secret of an attempt that waits for it",
    "stop": "the link's secret; it only takes back",
    "token/refresh": "the refresh token's secret, or the session's cookie",
    "token/revoke": "the token itself: whoever holds it may end it",
    "token/ended": "ids that cannot be guessed, of whose owner nothing is said",
    "jwks.json": "public keys",
    "openapi.json": "a description",
    "": "leads on to the account",
    "verify": "the attempt's cookie, or the link's secret",
    "prove": "the attempt's cookie",
    "enrol": "the attempt's cookie",
    "enrol/confirm": "the attempt's cookie",
    "sign-in/passkey": "the attempt's secret, and budgets before anything is verified",
    "prove/passkey": "the attempt's cookie",
    "prove/text": "the attempt's cookie, after a first factor",
    "enrol/phone": "the attempt's cookie",
    "enrol/phone/confirm": "the attempt's cookie",
    "enrol/passkey": "the attempt's cookie",
    "enrol/passkey/confirm": "the attempt's cookie",
    "set-password": "the attempt's cookie, after proof",
    "invitation": "the link's secret",
    "forward": "a proxy that settings name, and the cookie of the site that it asks for",
    "forward/begin": "a proxy that settings name",
    "forward/return": "a proxy that settings name, the code, and the state cookie of that site",
    "forward/again": "a link to a site that settings name",
    "static/{id}": "files that are the same for everybody",
}
"""Each call and page that asks for no session, and what stands in its place. A new one is to be thought about here."""


@pytest.fixture
def mia(open_site: Callable[[House], Site]) -> Iterator[Person]:
    """Return somebody who is signed in, at each way in."""
    house = House(MemoryStore())
    site = open_site(house)
    yield Person(house, site)
    site.close()
    house.auth.close()


def _path(route: Route) -> str:
    return route.path.replace("{id}", SOMEBODY)


def test_085_what_asks_for_no_session_says_why() -> None:
    """The table has no route that is open by accident, and this list none that is gone."""
    routes = (*API, *PAGES)
    named = {each.path.removeprefix("/api").strip("/") for each in routes if each.who == "anybody"}
    assert named == set(PUBLIC) - {"openapi.json"}
    for each in routes:
        assert each.who in {"anybody", "signed_in"}
        unsafe = each.method != "GET"
        assert each.form == (unsafe and each.kind in {"page", "script"}), "a form carries a token"
        assert each.body is None or unsafe


def test_085_every_adapter_serves_the_table_and_nothing_else(mia: Person) -> None:
    """What the document tells is what there is; another method, or a path beside it, is answered 404 or 405."""
    status, document = mia.browser.call("GET", "/api/openapi.json")
    assert status == 200
    told = {(method.upper(), path.removeprefix("/api")) for path, item in document["paths"].items() for method in item}
    assert {(each.method, each.path.removeprefix("/api")) for each in API} <= told
    known = {(each.method, each.path) for each in (*API, *PAGES)}
    for path in sorted({each.path for each in (*API, *PAGES)}):
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "NONSENSE"):
            if (method, path) not in known:
                response = mia.browser.send(method, path.replace("{id}", SOMEBODY), headers={"sec-fetch-site": "none"})
                assert response.status in {404, 405}, (method, path)
    for beside in ("/api/", "/api/debug", "/api/users", "/api/admin", "/docs", "/metrics", "/.env", "/api/session/x"):
        assert mia.browser.send("GET", beside).status == 404, beside


def test_085_closed_is_closed_everywhere(open_site: Callable[[House], Site]) -> None:
    """Where sign-up is closed, neither the page's form nor the call takes one."""
    house = House(MemoryStore(), sign_up="closed")
    site = open_site(house)
    browser = Browser(site)
    assert browser.call("POST", "/api/sign-up", {"email": MIA})[0] == 403
    token = browser.get("/sign-in").body.decode().partition('csrf_token" value="')[2].partition('"')[0]
    assert browser.post("/sign-up", csrf_token=token, email=MIA).status == 403
    house.deliver()
    assert house.mails == []
    site.close()
    house.auth.close()


# --- fields that nobody may set ---


def _foreign() -> list[str]:
    """Return the names of everything that is stored, and of what other systems were broken by."""
    stored = {name for record in RECORDS for name in record.__struct_fields__}
    return sorted(
        stored | {"is_admin", "is_staff", "is_superuser", "email_verified", "verified", "role", "groups", "sub"}
    )


def test_090_no_body_takes_a_field_that_is_not_its_own(mia: Person) -> None:
    """Every stored field, sent to every call that reads a body: refused, and nothing of it is stored."""
    before = mia.browser.call("GET", "/api/account")[1]
    for route in API:
        if route.body is None:
            continue
        own = set(route.body.__struct_fields__)
        for name in _foreign():
            if name not in own:
                status, problem = Browser(mia.site, cookies=mia.browser.cookies).call(
                    route.method, _path(route), {name: "x"}
                )
                assert (status, problem["code"]) == (422, "invalid_input"), (route.path, name)
    assert mia.browser.call("GET", "/api/account")[1] == before


def test_090_no_form_takes_a_field_that_is_not_its_own(mia: Person) -> None:
    """The same for the pages, with a right token."""
    page = mia.browser.get("/account").body.decode()
    token = page.partition('csrf_token" value="')[2].partition('"')[0]
    for route in PAGES:
        if route.body is not None:
            for name in {"roles", "status", "epoch", "user_id", "aal", "proven"} - set(route.body.__struct_fields__):
                response = mia.browser.post(_path(route), csrf_token=token, **{name: "x"})
                assert response.status in {400, 422}, (route.path, name)
    user = mia.house.auth.operator.find_user(MIA)
    assert (user.roles, user.status) == ((), "active")


# --- bytes that nobody expected ---

_HEADERS = (
    "cookie", "authorization", "origin", "sec-fetch-site", "user-agent", "accept", "accept-language", "content-type",
    "x-forwarded-for", "x-request-id", "forwarded", "referer", "host", "if-none-match", "transfer-encoding",
)  # fmt: skip
_TEXT = st.one_of(
    st.binary(max_size=60).map(lambda raw: raw.decode("latin-1")),
    st.sampled_from(["", ";", "=", "Bearer ", "Bearer nls_", "Basic Og==", "session=\x00", "*", "null", "\xff" * 40]),
).map(lambda text: text.replace("\r", "").replace("\n", ""))
_ROUTES = st.sampled_from([*API, *PAGES])


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_066_any_bytes_anywhere_are_nobody_and_no_fault(
    open_site: Callable[[House], Site], data: st.DataObject
) -> None:
    """Headers, path, query and body of every route: refused in words, signed in by none, and never a 5xx."""
    house = House(MemoryStore())
    # Whatever ends an example (Hypothesis does, out of bytes to draw from) closes the site, or the next would be in it.
    with closing(house.auth), closing(open_site(house)) as site:
        house.member()
        for _ in range(12):
            route = data.draw(_ROUTES)
            name = data.draw(st.sampled_from(_HEADERS))
            headers = {"content-type": FORM_TYPE if route.form else JSON_TYPE, name: data.draw(_TEXT)}
            body = b"" if route.method == "GET" else data.draw(st.binary(max_size=80))
            path = _path(route) + data.draw(
                st.sampled_from(["", "?", "?link=%00", "?return_to=%ff", "?a=1&a=2", "%00", "%ff"])
            )
            response = Browser(site).send(route.method, path, body, headers=headers)
            assert response.status < 500, (route.path, headers, body)
            cookies = [value for key, value in response.headers if key.lower() == "set-cookie"]
            # What no session can be is taken back: that signs nobody in.
            assert not any(each.startswith("session=") and not each.startswith("session=;") for each in cookies)
            if route.who == "signed_in":
                assert response.status != 200, (route.path, headers)


def test_066_a_body_of_any_json_is_told_what_is_wrong_with_it(mia: Person) -> None:
    """Every call that reads a body, and every kind of JSON in its place and in the place of each of its fields."""
    odd: list[Any] = [None, True, 7, -1, 1e300, "", "x" * 600, "\u0000", "\ud800", [], [[]], {}, {"": ""}]
    for route in API:
        if route.body is None:
            continue
        bodies = [*odd, *({name: value} for name in route.body.__struct_fields__ for value in odd)]
        for turn, body in enumerate(bodies):
            browser = Browser(mia.site, peer=f"198.51.{turn % 250}.9", cookies=dict(mia.browser.cookies))
            headers = {"content-type": JSON_TYPE, "sec-fetch-site": "same-origin"}
            response = browser.send(route.method, _path(route), json.dumps(body).encode(), headers=headers)
            assert response.status < 500, (route.path, body)
