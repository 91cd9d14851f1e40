"""Nightlatch in Starlette, without FastAPI."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.authentication import requires
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from fastapi_shop import JSON, SECRET, fast_settings
from nightlatch.errors import NotAuthenticated, StoreUnavailable
from nightlatch.fastapi import Nightlatch, current_user
from nightlatch.ports import Store
from nightlatch.storage.memory import MemoryStore


async def hello(request: Request) -> Response:
    """Greet whoever is signed in."""
    user = await current_user(request)
    if user is None:
        raise NotAuthenticated
    return JSONResponse({"message": f"Hello, {user.display_name}"})


async def asked(request: Request) -> Response:
    """Say what Starlette's own names say."""
    return JSONResponse([request.user.is_authenticated, request.user.display_name, request.auth.scopes])


@requires("editor")
async def reports(request: Request) -> Response:
    """Ask for a role, in Starlette's way."""
    return JSONResponse(request.user.identity)


class Outage(MemoryStore):
    """A store that can be taken away."""

    gone = False

    def find(self, *args: object, **more: object) -> list[object]:  # type: ignore[override]
        """Find, if it is there."""
        if self.gone:
            raise StoreUnavailable("gone")
        return super().find(*args, **more)  # type: ignore[arg-type]


class House:
    """An application and a client that is signed in."""

    def __init__(self, store: Store, *, request_user: bool) -> None:
        self.app = Starlette(routes=[Route("/hello", hello), Route("/asked", asked), Route("/reports", reports)])
        values = fast_settings(identifiers="username")
        self.auth = Nightlatch(self.app, values, store=store, request_user=request_user)
        self.client = TestClient(self.app, base_url="http://localhost")
        body = {"username": "mia", "password": SECRET}
        assert self.client.post("/auth/api/sign-up", json=body).status_code == 200


@pytest.fixture
def store() -> Outage:
    """A store that can be taken away."""
    return Outage()


@pytest.fixture
def house(store: Outage) -> Iterator[House]:
    """An application that fills in ``request.user``."""
    made = House(store, request_user=True)
    yield made
    made.auth.site.close()


def test_who_is_signed_in(store: Outage) -> None:
    """`current_user` tells, and what is raised is answered."""
    house = House(store, request_user=False)
    assert house.client.get("/hello").json() == {"message": "Hello, mia"}
    assert TestClient(house.app).get("/hello", headers=JSON).json()["code"] == "not_authenticated"
    house.auth.site.close()


def test_starlettes_own_names(house: House) -> None:
    """`request.user`, `request.auth` and `@requires` say what the session says."""
    assert house.client.get("/asked").json() == [True, "mia", ["authenticated"]]
    assert TestClient(house.app).get("/asked").json() == [False, "", []]
    assert house.client.get("/reports").status_code == 403
    operator = house.auth.core.operator
    operator.set_roles(operator.find_user("mia").id, ("editor",))
    assert house.client.get("/reports").status_code == 200
    assert house.client.get("/asked").json()[2] == ["authenticated", "editor"]


def test_an_outage_is_told(house: House, store: Outage) -> None:
    """Nobody is taken for signed out, or in, because the store is away: 503."""
    store.gone = True
    answered = house.client.get("/asked")
    assert (answered.status_code, answered.json()["code"]) == (503, "unavailable")
    store.gone = False
    assert house.client.get("/asked").status_code == 200


PROGRAM = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"fastapi", "pydantic"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
from starlette.applications import Starlette
from nightlatch.fastapi import Nightlatch, current_user
from nightlatch.errors import MissingExtra
Nightlatch(Starlette(debug=True))
try:
    from nightlatch.fastapi import CurrentUser
except MissingExtra as error:
    print(error)
"""


def test_without_fastapi(tmp_path: Path) -> None:
    """What needs no FastAPI works where it is not installed; what needs it names the extra."""
    ran = subprocess.run([sys.executable, "-c", PROGRAM], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "install nightlatch[fastapi]" in ran.stdout, ran.stderr
