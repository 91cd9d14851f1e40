"""How doors like this one were opened elsewhere, tried on an application's own routes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from starlette.websockets import WebSocketDisconnect

from fastapi_shop import JSON, MIA, PAGE, SECRET, FastShop

FROM = [
    ({"Sec-Fetch-Site": "same-origin"}, True),
    ({"Sec-Fetch-Site": "none"}, True),
    ({"Sec-Fetch-Site": "same-site"}, False),
    ({"Sec-Fetch-Site": "cross-site"}, False),
    ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}, False),
    ({"Sec-Fetch-Site": "nonsense"}, False),
    ({"Origin": "http://localhost"}, True),
    ({"Origin": "http://localhost:81"}, False),
    ({"Origin": "https://localhost"}, False),
    ({"Origin": "http://localhost.evil.example"}, False),
    ({"Origin": "http://evil.example"}, False),
    ({"Origin": "null"}, False),
    ({}, True),
]


@pytest.mark.parametrize(("headers", "counts"), FROM)
def test_019_the_cookie_does_not_count_across_origins(
    fast_shop: FastShop,
    headers: dict[str, str],
    counts: bool,  # noqa: FBT001
) -> None:
    """The application's own routes are held to our rule: an unsafe request from elsewhere is nobody's."""
    fast_shop.sign_up()
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answered = fast_shop.client.request(method, "/order", headers=headers)
        assert answered.json() == {"signed_in": counts}, method
    theirs = fast_shop.client.post("/theirs", headers={**JSON, **headers})
    assert theirs.status_code == (200 if counts else 401)


@pytest.mark.parametrize(("headers", "counts"), FROM)
def test_a_web_socket_from_elsewhere_is_nobodys(
    fast_shop: FastShop,
    headers: dict[str, str],
    counts: bool,  # noqa: FBT001
) -> None:
    """Its handshake says GET and no browser asks before it: the Origin is looked at (ASVS 4.4.2)."""
    fast_shop.sign_up()
    if counts:
        with fast_shop.client.websocket_connect("ws://localhost/talk", headers=headers) as socket:
            assert socket.receive_text() == f"Hello, {MIA}"
        return
    with (
        pytest.raises(WebSocketDisconnect) as refused,
        fast_shop.client.websocket_connect("ws://localhost/talk", headers=headers),
    ):
        raise AssertionError("it was let in")
    assert getattr(refused.value, "status_code", None) == 401


def test_a_web_socket_of_nobody_is_refused(fast_shop: FastShop) -> None:
    """On the application's route with a problem document; below the mount there is none at all."""
    with pytest.raises(WebSocketDisconnect) as refused, fast_shop.client.websocket_connect("ws://localhost/talk"):
        raise AssertionError("it was let in")
    assert refused.value.json()["code"] == "not_authenticated"  # type: ignore[attr-defined] # also a response
    with pytest.raises(WebSocketDisconnect), fast_shop.client.websocket_connect("ws://localhost/auth/api/session"):
        raise AssertionError("it was let in")


def test_reading_is_no_act(fast_shop: FastShop) -> None:
    """A link from elsewhere to the application finds its user signed in."""
    fast_shop.sign_up()
    answered = fast_shop.client.get("/order", headers={"Sec-Fetch-Site": "cross-site"})
    assert answered.json() == {"signed_in": True}


MALFORMED = [
    b"",
    b"x",
    b"nls_",
    b"nls_" + b"a" * 80,
    b"nlr_" + b"a" * 80,
    b"\x80\xff",
    b"=",
    b'"',
    b"a; session=b",
    b"9" * 20_000,
]


@pytest.mark.parametrize("cookie", MALFORMED)
def test_066_malformed_cookies_are_nobody(fast_shop: FastShop, cookie: bytes) -> None:
    """Anonymous, never in, never a fault: on the application's routes and on ours."""
    for path in ("/hello", "/theirs", "/auth/api/session"):
        assert fast_shop.with_cookies(path, b"session=" + cookie) == 401


@given(header=st.binary(max_size=200).filter(lambda each: not {0, 10, 13} & set(each)))
@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_066_any_cookie_header_is_nobody(fast_shop: FastShop, header: bytes) -> None:
    """Whatever the bytes."""
    assert fast_shop.with_cookies("/hello", b"session=" + header) == 401
    assert fast_shop.with_cookies("/hello", header) == 401


def test_039_a_changed_token_is_nobody(fast_shop: FastShop) -> None:
    """Cut, extended, another case, another kind, sent twice: refused. As it is: accepted."""
    fast_shop.sign_up()
    token = fast_shop.token().encode()
    assert fast_shop.with_cookies("/hello", b"a=b; session=" + token + b"; c") == 200
    for changed in (token[:-1], token + b"a", token.swapcase(), token.replace(b"nls_", b"nla_")):
        assert fast_shop.with_cookies("/hello", b"session=" + changed) == 401, changed
    twice = b"session=" + token
    assert fast_shop.with_cookies("/hello", twice + b"; " + twice) == 401
    assert fast_shop.with_cookies("/hello", twice, twice) == 401


def test_061_no_session_is_carried_over_a_sign_in(fast_shop: FastShop) -> None:
    """A cookie planted before sign-in, made up or of somebody else's session, is never the one signed in."""
    shop = fast_shop
    shop.sign_up()
    thief = shop.sign_up(shop.new_client(), email="thief@example.org")
    for planted in (shop.token(thief), "nls_" + "a" * 80):
        victim = shop.new_client()
        done = victim.post(
            "/auth/api/sign-in",
            json={"identifier": MIA, "password": SECRET},
            headers={"Cookie": f"session={planted}"},
        )
        assert done.status_code == 200
        assert shop.token(victim) != planted
        assert victim.get("/theirs").json()["email"] == MIA
    # The session that the browser came with has ended (ASVS 7.2.4): planting it cost the thief his own.
    assert thief.get("/theirs", headers=JSON).status_code == 401


def test_063_suspension_is_seen_at_once(fast_shop: FastShop) -> None:
    """By the next request to the application's own routes."""
    fast_shop.sign_up()
    operator = fast_shop.extension.core.operator
    operator.suspend(operator.find_user(MIA).id)
    assert fast_shop.client.get("/hello", headers=JSON).status_code == 401
    assert fast_shop.client.get("/theirs", headers=JSON).status_code == 401


def test_036_redirects_are_not_built_from_the_request(fast_shop: FastShop) -> None:
    """Neither Host nor any forwarded header steers where people are led."""
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Prefix": "/evil", **PAGE}
    led = fast_shop.client.get("/hello", headers=headers)
    assert led.headers["Location"] == "http://localhost/auth/sign-in?return_to=/hello"


def test_over_https_the_cookie_bears_the_prefix(make_fast_shop: Callable[..., FastShop]) -> None:
    """No subdomain and no script can plant it."""
    shop = make_fast_shop(base_url="https://shop.example", identifiers="username")
    client = TestClient(shop.app, base_url="https://shop.example")
    done = client.post("/auth/api/sign-up", json={"username": "mia", "password": SECRET})
    cookies = done.headers.get_list("Set-Cookie")
    assert any(each.startswith("__Host-Http-session=nls_") and "; Secure" in each for each in cookies)
    assert all("HttpOnly" in each and "SameSite=Lax" in each and "Path=/" in each for each in cookies)
    assert client.get("/hello").status_code == 200


def test_two_applications_do_not_know_each_others_users(make_fast_shop: Callable[..., FastShop]) -> None:
    """Nor their sessions, whose cookies they would send to both."""
    first, second = (make_fast_shop(name, identifiers="username") for name in ("first", "second"))
    body = {"username": "mia", "password": SECRET}
    assert first.client.post("/auth/api/sign-up", json=body).status_code == 200
    refused = second.client.post("/auth/api/sign-in", json={"identifier": "mia", "password": SECRET})
    assert refused.status_code == 401
    second.client.cookies.set("session", first.token(), domain="localhost.local")
    assert first.client.get("/hello").status_code == 200
    assert second.client.get("/hello", headers=JSON).status_code == 401


def test_068_no_answer_shows_a_token(fast_shop: FastShop) -> None:
    """The session's token travels in Set-Cookie, and nowhere else."""
    fast_shop.sign_up()
    token = fast_shop.token()
    for path in ("/hello", "/theirs", "/vault", "/auth/api/session", "/auth/account", "/openapi.json", "/docs"):
        answered = fast_shop.client.get(path)
        assert answered.status_code == 200
        assert token not in answered.text
        assert token not in str(answered.headers)
