"""A FastAPI application to tell stories in: settings, routes of its own, its mails, and a client."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, WebSocket
from fastapi.testclient import TestClient

from nightlatch.fastapi import CurrentUser, Nightlatch, OptionalUser, SignedInUser, require
from nightlatch.services.mailers import MemoryMailer

__all__ = ["JSON", "MIA", "PAGE", "SECRET", "FastShop", "fast_settings", "fast_shop", "make_fast_shop", "router"]

MIA = "mia@example.org"
SECRET = "correct horse battery staple"
JSON = {"Accept": "application/json"}
PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def fast_settings(**more: Any) -> dict[str, Any]:
    """Return settings as an application writes them."""
    return {
        "base_url": "http://localhost",
        "secret_keys": ["a secret key for tests, long enough to be one"],
        "hashing": {"profile": "cheap_for_tests", "slots": 2, "queue": 32},
        "mail": {"transport": "memory"},
        "development": True,
        **more,
    }


router = APIRouter()


@router.get("/hello")
async def hello(user: CurrentUser) -> dict[str, str]:
    """Greet whoever is signed in."""
    return {"message": f"Hello, {user.display_name}"}


@router.get("/theirs")
@router.post("/theirs")
def theirs(user: CurrentUser) -> dict[str, str | None]:
    """Answer from a thread of the framework's."""
    return {"email": user.email, "username": user.username}


@router.get("/name")
async def name(user: CurrentUser) -> dict[str, str | None]:
    """Ask for more than the session knows."""
    return {"name": (await user.load()).name}


@router.get("/reports", dependencies=[Depends(require(role="editor"))])
async def reports() -> dict[str, bool]:
    """Ask for a role."""
    return {"ok": True}


@router.get("/vault")
async def vault(user: Annotated[SignedInUser, Depends(require(max_age=timedelta(minutes=5)))]) -> dict[str, str]:
    """Ask for a fresh proof."""
    return {"id": user.identity}


@router.get("/unphishable", dependencies=[Depends(require(phishing_resistant=True))])
async def unphishable() -> dict[str, bool]:
    """Ask for a proof that cannot be phished."""
    return {"ok": True}


@router.get("/very-sure", dependencies=[Depends(require(aal=2))])
async def very_sure() -> dict[str, bool]:
    """Ask for two factors."""
    return {"ok": True}


@router.get("/order")
@router.post("/order")
@router.put("/order")
@router.patch("/order")
@router.delete("/order")
async def order(user: OptionalUser) -> dict[str, bool]:
    """Ask whether somebody is signed in."""
    return {"signed_in": user is not None}


@router.get("/public")
async def public() -> dict[str, bool]:
    """Ask nothing."""
    return {"ok": True}


@router.websocket("/talk")
async def talk(socket: WebSocket, user: CurrentUser) -> None:
    """Greet over a web socket."""
    await socket.accept()
    await socket.send_text(f"Hello, {user.display_name}")
    await socket.close()


class FastShop:
    """An application, its mails, and a client."""

    def __init__(self, app: FastAPI, extension: Nightlatch, mailer: MemoryMailer) -> None:
        self.app = app
        self.extension = extension
        self.mailer = mailer
        self.client = self.new_client()

    def new_client(self, **more: Any) -> TestClient:
        """Return a browser with no cookies."""
        return TestClient(self.app, base_url="http://localhost", follow_redirects=False, **more)

    def code(self) -> str:
        """Return the newest code."""
        self.extension.core.outbox.run_once()
        found = re.search(r"\b\d{4} \d{4}\b", self.mailer.messages[-1].text)
        assert found
        return found.group()

    def sign_up(self, client: TestClient | None = None, email: str = MIA) -> TestClient:
        """Sign somebody up by JSON."""
        client = client or self.client
        begun = client.post("/auth/api/sign-up", json={"email": email, "password": SECRET})
        assert begun.status_code == 202, begun.text
        answer = {"attempt": begun.json()["attempt"], "authenticator": "email_code", "code": self.code()}
        done = client.post("/auth/api/attempt/answer", json=answer)
        assert done.status_code == 200, done.text
        return client

    def sign_in(self, client: TestClient | None = None, email: str = MIA) -> TestClient:
        """Sign somebody in by JSON."""
        client = client or self.client
        done = client.post("/auth/api/sign-in", json={"identifier": email, "password": SECRET})
        assert done.status_code == 200, done.text
        return client

    def token(self, client: TestClient | None = None) -> str:
        """Return the session cookie's value."""
        found: str | None = (client or self.client).cookies.get("session")
        assert found
        return found

    def with_cookies(self, path: str, *cookies: bytes) -> int:
        """Ask with Cookie headers exactly as given."""
        sent = [(b"accept", b"application/json"), *((b"cookie", each) for each in cookies)]
        status: int = self.new_client().get(path, headers=sent).status_code
        return status


@pytest.fixture
def make_fast_shop(tmp_path: Path) -> Iterator[Callable[..., FastShop]]:
    """Build shops, each with a database of its own."""
    made: list[FastShop] = []

    def make(name: str = "shop", *, app: FastAPI | None = None, parts: Mapping[str, Any] = {}, **more: Any) -> FastShop:
        app = app or FastAPI(title="Harbour Books")
        mailer = MemoryMailer()
        where = {} if {"engine", "store"} & set(parts) else {"database_url": f"sqlite:///{tmp_path / name}.db"}
        extension = Nightlatch(app, fast_settings(**{**where, **more}), mailer=mailer, **parts)
        app.include_router(router)
        made.append(FastShop(app, extension, mailer))
        return made[-1]

    yield make
    for each in made:
        each.extension.site.close()


@pytest.fixture
def fast_shop(make_fast_shop: Callable[..., FastShop]) -> FastShop:
    """The usual shop."""
    return make_fast_shop()
