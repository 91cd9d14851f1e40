"""Flask keeps to the adapters' contract: bare, and with all that applications put before and behind their views."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask_cors import CORS
from flask_wtf import CSRFProtect  # type: ignore[import-untyped]

from nightlatch.flask import Nightlatch
from nightlatch.storage.memory import MemoryStore
from nightlatch.testing.adapter_contract import AdapterContract, Premises
from nightlatch.testing.sites import Site, WsgiSite


def flask_site(premises: Premises, around: Callable[[Flask], Any] = lambda _: None) -> Site:
    """Open an application on the premises."""
    app = Flask("contract")
    app.testing = True
    app.config.update(NIGHTLATCH=premises.settings, SECRET_KEY="x" * 40)
    around(app)
    extension = Nightlatch(app, store=MemoryStore(), mailer=premises.mailbox, clock=premises.clock)
    premises.run_by(extension.core)
    return WsgiSite(app, on_close=extension.core.close)


def surround(app: Flask) -> None:
    """Put before every view what applications have: a form guard, cross-origin answers, a wall, a parser, a limit."""
    CSRFProtect(app)
    CORS(app, supports_credentials=True)
    app.config["MAX_CONTENT_LENGTH"] = 1

    @app.before_request
    def wall() -> tuple[str, int]:
        return "the application's wall", 403

    @app.after_request
    def mark(response: Any) -> Any:
        response.headers["X-Application"] = "was here"
        return response

    @app.errorhandler(404)
    def missing(_: object) -> tuple[str, int]:
        return "the application's page", 404


class TestFlask(AdapterContract):
    """A bare application."""

    @pytest.fixture
    def open_site(self) -> Callable[[Premises], Site]:
        """Open a site."""
        return flask_site


class TestFlaskBehindItsMiddleware(AdapterContract):
    """None of it sees our routes, and none of it shows in our answers."""

    @pytest.fixture
    def open_site(self) -> Callable[[Premises], Site]:
        """Open a site."""
        return lambda premises: flask_site(premises, surround)
