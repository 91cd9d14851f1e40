"""Nightlatch in Flask, as an application's author and its users meet it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from flask import Flask, render_template_string
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix

from flask_shop import JSON, MIA, PAGE, SECRET, Shop, command, routes, settings
from nightlatch.errors import Busy, ConfigurationError, Conflict, StoreUnavailable
from nightlatch.flask import Nightlatch, current_user, login_required
from nightlatch.ports import after
from nightlatch.records import Session
from nightlatch.storage.memory import MemoryStore


def test_a_protected_route(shop: Shop) -> None:
    """Nobody, then somebody, then nobody: by JSON."""
    assert shop.client.get("/hello", headers=JSON).status_code == 401
    shop.sign_up()
    assert shop.client.get("/hello").json == {"message": f"Hello, {MIA}"}
    assert shop.client.delete("/auth/api/session").status_code == 204
    assert shop.client.get("/hello", headers=JSON).status_code == 401
    shop.sign_in()
    assert shop.client.get("/hello").status_code == 200


def test_the_pages_are_mounted(shop: Shop) -> None:
    """At /auth, with a stylesheet; what is not there is ours to say, whatever the application would make of it."""

    @shop.app.route("/<path:anything>")
    def catch_all(anything: str) -> str:
        return anything

    shown = shop.client.get("/auth/sign-in", headers=PAGE)
    assert shown.status_code == 200
    assert 'action="/auth/sign-in"' in shown.text
    assert shop.client.get("/auth/no-such-page").status_code == 404
    assert shop.client.get("/authors").text == "authors"


def test_a_page_request_is_led_to_sign_in_and_back(shop: Shop) -> None:
    """303 to the sign-in page, with the way back; a program gets a problem document."""
    led = shop.client.get("/hello?x=1&y=%3F", headers=PAGE)
    assert led.status_code == 303
    assert led.headers["Location"] == "http://localhost/auth/sign-in?return_to=/hello%3Fx%3D1%26y%3D%253F"
    assert "no-store" in led.headers["Cache-Control"]
    for accept in ("application/json", "*/*", ""):
        refused = shop.client.get("/hello", headers={"Accept": accept})
        assert refused.content_type == "application/problem+json"
        assert (refused.json or {})["code"] == "not_authenticated"
    posted = shop.client.post("/theirs", headers=PAGE)
    assert posted.status_code == 401


def test_roles(shop: Shop) -> None:
    """A role given is seen by the next request, and taken by the next."""
    shop.sign_up()
    refused = shop.client.get("/reports", headers=JSON)
    assert (refused.status_code, (refused.json or {})["code"]) == (403, "forbidden")
    assert shop.client.get("/reports", headers=PAGE).content_type == "text/html; charset=utf-8"
    operator = shop.extension.core.operator
    operator.set_roles(operator.find_user(MIA).id, ("editor",))
    assert shop.client.get("/reports").status_code == 200
    operator.set_roles(operator.find_user(MIA).id, ())
    assert shop.client.get("/reports", headers=JSON).status_code == 403


def test_step_up(shop: Shop) -> None:
    """An old proof, or one that is not sure enough, leads to reauthentication: a page by 303, a program by code."""
    shop.sign_up()
    assert shop.client.get("/vault").status_code == 200
    core = shop.extension.core
    session = core.store.find(Session, {"aal": after(0)})[0]
    hour = timedelta(hours=1)
    old = [msgspec.structs.replace(each, verified_at=each.verified_at - hour) for each in session.evidence]
    core.store.update(Session, {"id": session.id}, {"evidence": tuple(old)})
    refused = shop.client.get("/vault", headers=JSON)
    assert (refused.status_code, (refused.json or {})["code"]) == (403, "reauthenticate")
    assert (refused.json or {})["max_age"] == 300
    led = shop.client.get("/vault", headers=PAGE)
    assert led.headers["Location"] == "http://localhost/auth/reauthenticate?return_to=/vault"
    begun = shop.client.post("/auth/api/reauthenticate", json={})
    proof = {"attempt": (begun.json or {})["attempt"], "authenticator": "password", "password": SECRET}
    assert shop.client.post("/auth/api/attempt/answer", json=proof).status_code == 200
    assert shop.client.get("/vault").status_code == 200
    unsure = shop.client.get("/very-sure", headers=JSON)
    assert ((unsure.json or {})["code"], (unsure.json or {})["aal"]) == ("reauthenticate", 2)


def test_a_route_that_asks_for_what_cannot_be_phished(shop: Shop) -> None:
    """A page is led to confirm, and back; a program is told the attempt to begin; such a proof is let pass."""
    shop.sign_up()
    led = shop.client.get("/unphishable", headers=PAGE)
    assert (
        led.headers["Location"] == "http://localhost/auth/reauthenticate?phishing_resistant=true&return_to=/unphishable"
    )
    told = shop.client.get("/unphishable", headers=JSON).json or {}
    begin = {"url": "http://localhost/auth/api/reauthenticate", "body": {"phishing_resistant": True}}
    assert (told["code"], told["phishing_resistant"], told["begin"]) == ("reauthenticate", True, begin)
    begun = shop.client.post("/auth/api/reauthenticate", json=begin["body"]).json or {}
    assert begun["authenticators"] == ["password"]
    core = shop.extension.core
    session = core.store.find(Session, {"aal": after(0)})[0]
    proofs = tuple(msgspec.structs.replace(each, phishing_resistant=True) for each in session.evidence)
    core.store.update(Session, {"id": session.id}, {"evidence": proofs})
    assert shop.client.get("/unphishable", headers=JSON).status_code == 200


@pytest.mark.parametrize(
    ("error", "status", "code"), [(Busy("full"), 503, "busy"), (StoreUnavailable("gone"), 503, "unavailable")]
)
def test_what_the_applications_code_meets_is_answered(shop: Shop, error: Exception, status: int, code: str) -> None:
    """A busy pool or store, raised in a view, is our answer with Retry-After, as JSON and as a page."""

    @shop.app.get("/raises")
    def raises() -> str:
        raise error

    told = shop.client.get("/raises", headers=JSON)
    assert (told.status_code, (told.json or {})["code"]) == (status, code)
    assert int(told.headers["Retry-After"]) >= 1
    assert "full" not in told.text
    assert "gone" not in told.text
    assert shop.client.get("/raises", headers=PAGE).status_code == status


def test_an_applications_own_handler_comes_first(shop: Shop) -> None:
    """Flask looks for the nearest class: an application may answer in its own words."""
    shop.app.register_error_handler(Busy, lambda _: ("in our words", 503))

    @shop.app.get("/raises")
    def raises() -> str:
        raise Busy

    assert shop.client.get("/raises").text == "in our words"


def test_faults_stay_faults(shop: Shop) -> None:
    """What is no refusal but a mistake in the program is raised, with its traceback."""

    @shop.app.get("/raises")
    def raises() -> str:
        raise Conflict("a mistake")

    with pytest.raises(Conflict):
        shop.client.get("/raises")


class CountingStore(MemoryStore):
    """A store that remembers which reads it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[str] = []

    def find(self, kind: Any, *args: Any, **more: Any) -> Any:
        """Note the read, and read."""
        self.reads.append(kind.__name__)
        return super().find(kind, *args, **more)

    def get(self, kind: Any, *args: Any, **more: Any) -> Any:
        """Note the read, and read."""
        self.reads.append(kind.__name__)
        return super().get(kind, *args, **more)


def test_one_read_a_request_and_a_second_for_more() -> None:
    """The session row alone tells who; the name is a second read; what does not ask reads nothing."""
    store = CountingStore()
    app = Flask("counted")
    app.testing = True
    app.config["NIGHTLATCH"] = settings(identifiers="username")
    extension = Nightlatch(routes(app), store=store)

    @app.get("/who")
    @login_required
    def who() -> str:
        told = [str(current_user.id), current_user.username, current_user.get_id(), *current_user.roles]
        return render_template_string("{{ current_user.email }} {{ told }}", told=told)

    client = app.test_client()
    assert client.post("/auth/api/sign-up", json={"username": "mia", "password": SECRET}).status_code == 200
    for path, reads in (("/public", []), ("/who", ["Session"]), ("/theirs", ["Session"])):
        store.reads.clear()
        assert client.get(path).status_code == 200
        assert store.reads == reads, path
    store.reads.clear()
    assert client.get("/hello").json == {"message": "Hello, mia"}
    assert store.reads == ["Session", "User"]
    store.reads.clear()
    app.test_client().get("/greeting")
    assert store.reads == []
    extension.core.close()


def test_what_somebody_is_called(shop: Shop) -> None:
    """By name where there is one; templates have `current_user` too."""
    shop.sign_up()
    assert shop.client.patch("/auth/api/account", json={"name": "Mia M."}).status_code == 200
    assert shop.client.get("/hello").json == {"message": "Hello, Mia M."}
    assert shop.client.get("/greeting").text == MIA
    assert shop.app.test_client().get("/greeting").text == "stranger"


def test_caches_are_told(shop: Shop) -> None:
    """An answer that depends on who is signed in varies by cookie; one that does not, does not."""
    assert shop.client.get("/greeting").headers["Vary"] == "Cookie"
    assert "Vary" not in shop.client.get("/public").headers


def test_last_seen_is_written_afterwards(shop: Shop) -> None:
    """A request notes that it was there; the background writes it."""
    shop.sign_up()
    core = shop.extension.core
    before = core.store.find(Session, {"aal": after(0)})[0]
    long_ago = before.last_seen_at - timedelta(minutes=5)
    core.store.update(Session, {"id": before.id}, {"last_seen_at": long_ago})
    shop.client.get("/hello")
    assert core.store.find(Session, {"id": before.id})[0].last_seen_at == long_ago
    core.background.run_once()
    assert core.store.find(Session, {"id": before.id})[0].last_seen_at > long_ago


@pytest.mark.parametrize("how", ["dispatcher", "script name", "proxy fix", "stripped", "application root"])
def test_behind_a_prefix(make_shop: Callable[..., Shop], how: str) -> None:
    """Links and redirects come from base_url and the mount alone, however the prefix gets here."""
    shop = make_shop(base_url="http://localhost/app", identifiers="username")
    prefix, headers, environ = "", {}, {}
    if how == "dispatcher":
        outer = Flask("outer")
        outer.wsgi_app = DispatcherMiddleware(outer.wsgi_app, {"/app": shop.app.wsgi_app})  # type: ignore[method-assign]
        client, prefix = outer.test_client(), "/app"
    else:
        if how == "proxy fix":
            shop.app.wsgi_app = ProxyFix(shop.app.wsgi_app, x_for=1, x_host=1, x_prefix=1)  # type: ignore[method-assign]
            headers = {"X-Forwarded-Prefix": "/app", "X-Forwarded-For": "192.0.2.1"}
        if how == "application root":
            shop.app.config["APPLICATION_ROOT"] = "/app"
        client = shop.app.test_client()
        environ = {"SCRIPT_NAME": "/app"} if how == "script name" else {}
    shown = client.get(f"{prefix}/auth/sign-in", headers={**PAGE, **headers}, environ_overrides=environ)
    assert 'action="/app/auth/sign-in"' in shown.text
    led = client.get(f"{prefix}/hello?x=1", headers={**PAGE, **headers}, environ_overrides=environ)
    assert led.headers["Location"] == "http://localhost/app/auth/sign-in?return_to=/app/hello%3Fx%3D1"


def test_the_commands(shop: Shop) -> None:
    """`flask nightlatch users ...` speaks of this application's users."""
    shop.sign_up()
    listed = command(shop.app, "nightlatch", "users", "list", "--json")
    assert MIA in listed.output, listed.output
    assert command(shop.app, "nightlatch", "users", "suspend", MIA).exit_code == 0
    assert shop.client.get("/hello", headers=JSON).status_code == 401
    assert command(shop.app, "nightlatch", "users", "show", "nobody@example.org").exit_code == 1
    assert command(shop.app, "nightlatch", "migrate").output == "The schema is up to date.\n"
    assert "schema" in command(shop.app, "nightlatch", "doctor").output


def test_the_commands_in_an_application_without_nightlatch() -> None:
    """One sentence, no traceback."""
    told = command(Flask("bare"), "nightlatch", "users", "list")
    assert told.exit_code == 2
    assert "Nightlatch(app)" in told.output


def test_a_second_nightlatch_is_refused(shop: Shop) -> None:
    """One application, one door."""
    with pytest.raises(ConfigurationError, match="already"):
        Nightlatch(shop.app)
