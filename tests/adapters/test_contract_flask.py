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
from nightlatch.testing.adapter_contract import CONVERSATIONS, AdapterContract, Premises
from nightlatch.testing.browser import header
from nightlatch.testing.sites import Sent, Site, WsgiSite


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

    @app.route("/order", methods=["GET", "POST"])
    def order() -> str:
        return "behind the wall"

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


def test_what_surrounds_it_is_at_work() -> None:
    """The form guard, the wall, cross-origin answers and the mark do hold the application's own routes."""
    site = flask_site(CONVERSATIONS[0].premises(), surround)
    walled = site.send(Sent(method="GET", target="/order", headers=(("origin", "https://shop.example.com"),)))
    assert (walled.status, walled.body) == (403, b"the application's wall")
    assert header(walled, "x-application") == "was here"
    assert header(walled, "access-control-allow-origin") == "https://shop.example.com"
    assert site.send(Sent(method="POST", target="/order")).status == 400
    site.close()
