"""How doors like this one were opened elsewhere, tried on an application's own routes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from flask_shop import JSON, MIA, PAGE, SECRET, Shop, routes, settings
from nightlatch.errors import ConfigurationError
from nightlatch.flask import Nightlatch

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


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(("headers", "counts"), FROM)
def test_019_the_cookie_does_not_count_across_origins(
    shop: Shop,
    headers: dict[str, str],
    counts: bool,  # noqa: FBT001
    method: str,
) -> None:
    """The application's own routes are held to our rule: an unsafe request from elsewhere is nobody's."""
    shop.sign_up()
    assert shop.client.open("/order", method=method, headers=headers).json == {"signed_in": counts}
    theirs = shop.client.post("/theirs", headers={**JSON, **headers})
    assert theirs.status_code == (200 if counts else 401)


def test_063_suspension_is_seen_at_once(shop: Shop) -> None:
    """By the next request to the application's own routes."""
    shop.sign_up()
    operator = shop.extension.core.operator
    operator.suspend(operator.find_user(MIA).id)
    assert shop.client.get("/hello", headers=JSON).status_code == 401
    assert shop.client.get("/theirs", headers=JSON).status_code == 401


def test_036_redirects_are_not_built_from_the_request(shop: Shop) -> None:
    """Neither Host nor any forwarded header steers where people are led."""
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Prefix": "/evil", **PAGE}
    led = shop.client.get("/hello", headers=headers)
    assert led.headers["Location"] == "http://localhost/auth/sign-in?return_to=/hello"


def test_flasks_session_and_ours_live_side_by_side(shop: Shop) -> None:
    """Both would be called `session` over http: a flashed message must sign nobody out."""
    shop.sign_up()
    shop.client.get("/flash")
    assert shop.client.get_cookie("session")
    assert shop.client.get("/hello").status_code == 200


def test_a_cookie_name_that_is_flasks_is_refused(make_shop: Callable[..., Shop]) -> None:
    """Where it was chosen on purpose, it is the developer's to change."""
    shop = make_shop(cookie_name="session")
    with pytest.raises(ConfigurationError, match="SESSION_COOKIE_NAME"):
        shop.client.get("/public")
    shop.app.config["SESSION_COOKIE_NAME"] = "flask"
    assert shop.client.get("/public").status_code == 200


def test_two_applications_with_one_extension(tmp_path: Path) -> None:
    """The factory pattern calls init_app for each application: neither knows the other's users or sessions."""
    auth = Nightlatch()
    apps = []
    for name in ("first", "second"):
        app = Flask(name)
        app.testing = True
        app.config["NIGHTLATCH"] = settings(database_url=f"sqlite:///{tmp_path / name}.db", identifiers="username")
        auth.init_app(app)
        apps.append(routes(app))
    first, second = (app.test_client() for app in apps)
    assert first.post("/auth/api/sign-up", json={"username": "mia", "password": SECRET}).status_code == 200
    assert second.post("/auth/api/sign-in", json={"identifier": "mia", "password": SECRET}).status_code == 401
    cookie = first.get_cookie("session")
    assert cookie
    second.set_cookie("session", cookie.value)
    assert first.get("/hello").status_code == 200
    assert second.get("/hello", headers=JSON).status_code == 401
    with pytest.raises(RuntimeError, match="app_context"):
        _ = auth.core
    for app in apps:
        with app.app_context():
            auth.core.close()


def test_who_is_signed_in_is_not_carried_to_the_next_request(shop: Shop) -> None:
    """An application context may outlive its request, in tests and scripts: its `g` must not sign the next one in."""
    shop.sign_up()
    with shop.app.app_context():
        for path in ("/hello", "/theirs"):
            assert shop.client.get(path).status_code == 200
            assert shop.app.test_client().get(path, headers=JSON).status_code == 401


def test_068_no_answer_shows_a_token(shop: Shop) -> None:
    """The session's token travels in Set-Cookie, and nowhere else."""
    shop.sign_up()
    token = shop.token()
    for path in ("/hello", "/theirs", "/greeting", "/auth/api/session", "/auth/account"):
        answered = shop.client.get(path)
        assert answered.status_code == 200
        assert token not in answered.text
        assert token not in str(answered.headers)
