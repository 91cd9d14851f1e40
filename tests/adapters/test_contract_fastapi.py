"""FastAPI and Starlette keep to the adapters' contract: bare, and with what applications put before their routes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI, Request
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.httpsredirect import HTTPSRedirectMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse, Response

from nightlatch.fastapi import Nightlatch
from nightlatch.storage.memory import MemoryStore
from nightlatch.testing.adapter_contract import AdapterContract, Premises
from nightlatch.testing.sites import AsgiSite, Site


def fastapi_site(premises: Premises, app: Starlette | None = None) -> Site:
    """Open an application on the premises."""
    app = app or FastAPI()
    extension = Nightlatch(app, premises.settings, store=MemoryStore(), mailer=premises.mailbox, clock=premises.clock)
    premises.run_by(extension.core)
    return AsgiSite(app)


def surrounded() -> FastAPI:
    """Return an application that walls off, answers across origins, packs, redirects and limits bodies."""
    app = FastAPI(max_body_size=1)
    app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["*"], allow_credentials=True)
    app.add_middleware(GZipMiddleware, minimum_size=1)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=["elsewhere.example"])
    app.add_middleware(HTTPSRedirectMiddleware)

    @app.middleware("http")
    async def wall(request: Request, call_next: Any) -> Response:
        del call_next
        await request.body()
        return PlainTextResponse("the application's wall", 403, {"X-Application": "was here"})

    return app


class TestFastApi(AdapterContract):
    """A bare application."""

    @pytest.fixture
    def open_site(self) -> Callable[[Premises], Site]:
        """Open a site."""
        return fastapi_site


class TestFastApiBehindItsMiddleware(AdapterContract):
    """None of it sees our routes, and none of it shows in our answers."""

    @pytest.fixture
    def open_site(self) -> Callable[[Premises], Site]:
        """Open a site."""
        return lambda premises: fastapi_site(premises, surrounded())


class TestStarlette(AdapterContract):
    """Without FastAPI."""

    @pytest.fixture
    def open_site(self) -> Callable[[Premises], Site]:
        """Open a site."""
        return lambda premises: fastapi_site(premises, Starlette())
