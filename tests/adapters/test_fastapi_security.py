"""How doors like this one were opened elsewhere, tried on an application's own routes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
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
