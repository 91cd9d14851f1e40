"""Access tokens at an application's own routes: the same rule as for cookies, in each framework."""

from __future__ import annotations

from typing import Any

from django.test import Client
from fastapi import Depends

from django_project import Site
from fastapi_shop import FastShop
from flask_shop import MIA, SECRET, Shop
from nightlatch.fastapi import require as fastapi_require
from nightlatch.flask import current_user, require

ASKS = {"identifier": MIA, "password": SECRET, "deliver": "tokens"}
ELSEWHERE = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}


def test_flask_knows_the_bearer(shop: Shop) -> None:
    """`current_user`, `login_required`, `require`: by the token alone, from wherever the request comes."""
    shop.sign_up()
    app = shop.app.test_client()
    granted = app.post("/auth/api/sign-in", json=ASKS).json or {}
    bearer = {"Authorization": f"Bearer {granted['access_token']}"}
    assert app.get("/hello").status_code == 401
    assert app.get("/hello", headers=bearer).json == {"message": f"Hello, {MIA}"}
    assert app.get("/reports", headers=bearer).status_code == 403
    assert app.get("/vault", headers=bearer).status_code == 200
    assert app.post("/theirs", headers=bearer | ELSEWHERE).json == {"email": MIA}
    assert app.post("/order", headers=bearer | ELSEWHERE).json == {"signed_in": True}
    assert shop.client.post("/order", headers=ELSEWHERE).json == {"signed_in": False}  # a cookie does not do that
    for bad in ("Bearer nonsense", "Bearer", f"Bearer {granted['access_token'][:-2]}"):
        assert shop.client.get("/hello", headers={"Authorization": bad}).status_code == 401
    assert app.delete("/auth/api/session", headers=bearer).status_code == 204
    assert app.get("/hello", headers=bearer).status_code == 401
    assert shop.client.get("/hello").status_code == 200


def test_fastapi_knows_the_bearer(fast_shop: FastShop) -> None:
    """`CurrentUser`, `require`: the same; and OpenAPI says that a token will do."""
    shop = fast_shop
    shop.sign_up()
    shop.client.cookies.clear()
    granted = shop.client.post("/auth/api/sign-in", json=ASKS).json()
    assert not shop.client.cookies
    bearer = {"Authorization": f"Bearer {granted['access_token']}"}
    assert shop.client.get("/hello").status_code == 401
    assert shop.client.get("/hello", headers=bearer).json() == {"message": f"Hello, {MIA}"}
    assert shop.client.get("/reports", headers=bearer).status_code == 403
    assert shop.client.get("/vault", headers=bearer).status_code == 200
    for bad in ("Bearer nonsense", "Bearer", f"Bearer {granted['access_token'][:-2]}"):
        assert shop.client.get("/hello", headers={"Authorization": bad}).status_code == 401
    document = shop.client.get("/openapi.json").json()
    schemes = document["components"]["securitySchemes"]
    assert schemes["nightlatch_bearer"]["scheme"] == "bearer"
    assert {"nightlatch_bearer": []} in document["paths"]["/hello"]["get"]["security"]
    assert {"nightlatch": []} in document["paths"]["/hello"]["get"]["security"]
    assert shop.client.delete("/auth/api/session", headers=bearer).status_code == 204
    assert shop.client.get("/hello", headers=bearer).status_code == 401


def test_django_knows_the_bearer(site: Site) -> None:
    """`request.user`, `request.auth`, `login_required`, `require`: the same; and no CSRF token is asked for."""
    site.member()
    app = Client(enforce_csrf_checks=True)
    granted = app.post("/auth/api/sign-in", ASKS, content_type="application/json").json()
    assert not app.cookies
    bearer = {"HTTP_AUTHORIZATION": f"Bearer {granted['access_token']}"}
    assert app.get("/hello", **bearer).json() == {"message": "Hello, mia"}
    assert app.get("/later", **bearer).json() == {"username": "mia"}
    assert app.get("/reports", HTTP_ACCEPT="application/json", **bearer).status_code == 403
    assert app.get("/vault", **bearer).status_code == 200
    assert app.post("/change", **bearer, HTTP_ORIGIN="https://evil.example").json() == {"by": "mia"}
    site.sign_in(app)
    assert app.post("/change").status_code == 403  # by the cookie Django's own guard holds
    for bad in ("Bearer nonsense", "Bearer", f"Bearer {granted['access_token'][:-2]}"):
        assert app.get("/hello", HTTP_AUTHORIZATION=bad).status_code != 200
    out = app.post("/sign-out", **bearer)
    assert (out.json()["signed_in"], "session" in out.cookies) == (False, False)
    assert app.get("/hello", **bearer).status_code != 200
    assert app.get("/hello").status_code == 200


def test_flask_knows_api_keys(shop: Shop) -> None:
    """A key reaches what asks for neither scope nor proof; one with scopes only what names one of them."""
    scoped = shop.app.route("/orders", methods=["POST"])(
        require(scope="orders:read")(lambda: {"by": current_user.email})
    )
    assert scoped is not None
    shop.sign_up()
    keys = [_key(shop.client.post("/auth/api/api-keys", json=each).json or {}) for each in KEYS]
    app = shop.app.test_client()
    asked = [[app.open(path, method=method, headers=each).status_code for method, path in ROUTES] for each in keys]
    assert asked == EXPECTED
    assert app.post("/order", headers=keys[1]).json == {"signed_in": False}


def test_fastapi_knows_api_keys(fast_shop: FastShop) -> None:
    """The same."""
    shop = fast_shop

    @shop.app.post("/orders", dependencies=[Depends(fastapi_require(scope="orders:read"))])
    def orders() -> dict[str, bool]:
        return {"ok": True}

    shop.sign_up()
    keys = [_key(shop.client.post("/auth/api/api-keys", json=each).json()) for each in KEYS]
    shop.client.cookies.clear()
    asked = [[shop.client.request(method, path, headers=each).status_code for method, path in ROUTES] for each in keys]
    assert asked == EXPECTED


def test_django_knows_api_keys(site: Site) -> None:
    """The same; its own decorators lead nobody to the sign-in page."""
    site.member()
    client = site.sign_in()
    keys = [_key(client.post("/auth/api/api-keys", each, content_type="application/json").json()) for each in KEYS]
    app = Client(enforce_csrf_checks=True)
    asked = [
        [
            app.generic(
                method, path, HTTP_ACCEPT="application/json", HTTP_AUTHORIZATION=each["Authorization"]
            ).status_code
            for method, path in ROUTES
        ]
        for each in keys
    ]
    assert asked == [
        [302 if (path, status) == ("/hello", 401) else status for (_, path), status in zip(ROUTES, row, strict=True)]
        for row in EXPECTED
    ]


KEYS = [{"name": "all"}, {"name": "orders", "scopes": ["orders:read", "x"]}, {"name": "other", "scopes": ["y"]}]
ROUTES = [("GET", "/hello"), ("POST", "/orders"), ("GET", "/vault"), ("GET", "/reports"), ("GET", "/auth/api/account")]
EXPECTED = [[200, 200, 403, 403, 403], [401, 200, 401, 401, 403], [401, 403, 401, 401, 403]]


def _key(made: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {made['key']}"}
