"""A service in each framework that only verifies: one line, and the same answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from django.http import HttpRequest, JsonResponse
from django.test import AsyncRequestFactory, RequestFactory
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient
from flask import Flask, g

from nightlatch.verify import AccessToken, Verifier
from nightlatch.verify import django as for_django
from nightlatch.verify import fastapi as for_fastapi
from nightlatch.verify import flask as for_flask
from tokens.issuer import NOW, Issuer

Answer = tuple[int, Mapping[str, str], Any]
Ask = Callable[[str, Mapping[str, str]], Answer]


def in_flask(verifier: Verifier) -> Ask:
    """Serve with Flask."""
    app = Flask("service")

    @app.post("/who")
    @for_flask.token_required(verifier)
    def who() -> dict[str, str]:
        return {"subject": g.token.subject}

    @app.post("/admin")
    @for_flask.token_required(verifier, role="admin")
    async def admin() -> dict[str, str]:
        return {"subject": g.token.subject}

    def ask(path: str, headers: Mapping[str, str]) -> Answer:
        told = app.test_client().post(path, headers=headers)
        return told.status_code, told.headers, told.get_json(force=True)

    return ask


def in_fastapi(verifier: Verifier) -> Ask:
    """Serve with FastAPI."""
    app = FastAPI()
    depends = Depends(for_fastapi.bearer(verifier))

    @app.post("/who")
    async def who(token: AccessToken = depends) -> dict[str, str]:
        return {"subject": token.subject}

    @app.post("/admin", dependencies=[Depends(for_fastapi.bearer(verifier, role="admin"))])
    def admin() -> dict[str, str]:
        return {"subject": "0198-user"}

    def ask(path: str, headers: Mapping[str, str]) -> Answer:
        told = TestClient(app).post(path, headers=headers)
        return told.status_code, told.headers, told.json() if told.status_code == 200 else told.json()["detail"]

    assert app.openapi()["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    return ask


def in_django(verifier: Verifier) -> Ask:
    """Serve with Django."""

    @for_django.token_required(verifier)
    def who(request: HttpRequest) -> JsonResponse:
        return JsonResponse({"subject": request.token.subject})

    @for_django.token_required(verifier, role="admin")
    async def admin(request: HttpRequest) -> JsonResponse:
        return JsonResponse({"subject": request.token.subject})

    assert who.csrf_exempt
    assert admin.csrf_exempt

    def ask(path: str, headers: Mapping[str, str]) -> Answer:
        if path == "/admin":
            told = asyncio.run(admin(AsyncRequestFactory().post(path, headers=dict(headers))))
        else:
            told = who(RequestFactory().post(path, headers=dict(headers)))
        return told.status_code, told.headers, json.loads(told.content)

    return ask


@pytest.mark.parametrize("serve", [in_flask, in_fastapi, in_django])
def test_a_service(serve: Callable[[Verifier], Ask]) -> None:
    """Who brings a good token is known; everybody else gets 401 and a challenge, or 403 without the role."""
    issuer = Issuer()
    ask = serve(issuer.service())
    good = {"Authorization": f"Bearer {issuer.token()}"}
    assert ask("/who", good)[::2] == (200, {"subject": "0198-user"})
    status, _, problem = ask("/admin", good)
    assert (status, problem["code"]) == (403, "forbidden")
    admin = {"Authorization": f"bearer {issuer.token(roles=['admin'])}"}
    assert ask("/admin", admin)[::2] == (200, {"subject": "0198-user"})
    bad: list[dict[str, str]] = [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Basic bWlhOng="},
        {"Authorization": issuer.token()},
        {"Authorization": f"Bearer {issuer.token(exp=NOW - 60)}"},
        {"Authorization": "Bearer nonsense"},
        {"Cookie": f"token={issuer.token()}"},
    ]
    for headers in bad:
        for path in ("/who", "/admin"):
            status, told, problem = ask(path, headers)
            assert (status, problem["code"]) == (401, "invalid_token")
            assert told["WWW-Authenticate"] == 'Bearer error="invalid_token"'
            assert told["Cache-Control"] == "no-store"


@pytest.mark.parametrize("serve", [in_flask, in_fastapi, in_django])
def test_the_issuer_cannot_be_reached(serve: Callable[[Verifier], Ask]) -> None:
    """503 and not 401: nothing is known of the token."""
    issuer = Issuer()
    issuer.down = True
    status, told, problem = serve(issuer.service())("/who", {"Authorization": f"Bearer {issuer.token()}"})
    assert (status, problem["code"], told["Retry-After"]) == (503, "unavailable", "1")
