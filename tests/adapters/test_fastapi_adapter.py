"""Nightlatch in FastAPI, as an application's author and its users meet it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from fastapi import Depends, FastAPI, Request
from fastapi.testclient import TestClient
from starlette.responses import PlainTextResponse, Response

from fastapi_shop import JSON, MIA, PAGE, SECRET, FastShop, fast_settings, router
from nightlatch.errors import Busy, ConfigurationError, Conflict, NightlatchError, StoreUnavailable
from nightlatch.fastapi import CurrentUser, Nightlatch, answer_error, require
from nightlatch.ports import after
from nightlatch.records import Event, Session
from nightlatch.storage.memory import MemoryStore


def test_a_protected_route(fast_shop: FastShop) -> None:
    """Nobody, then somebody, then nobody: by JSON."""
    shop = fast_shop
    assert shop.client.get("/hello", headers=JSON).status_code == 401
    shop.sign_up()
    assert shop.client.get("/hello").json() == {"message": f"Hello, {MIA}"}
    assert shop.client.get("/theirs").json() == {"email": MIA, "username": None}
    assert shop.client.delete("/auth/api/session").status_code == 204
    assert shop.client.get("/hello", headers=JSON).status_code == 401
    shop.sign_in()
    assert shop.client.get("/hello").status_code == 200


def test_the_pages_are_mounted(fast_shop: FastShop) -> None:
    """At /auth, with a stylesheet; what is not there is ours to say, whatever the application would make of it."""

    @fast_shop.app.get("/{anything:path}")
    async def catch_all(anything: str) -> str:
        return anything

    shown = fast_shop.client.get("/auth/sign-in", headers=PAGE)
    assert shown.status_code == 200
    assert 'action="/auth/sign-in"' in shown.text
    assert fast_shop.client.get("/auth/no-such-page").status_code == 404
    assert fast_shop.client.get("/authors").json() == "authors"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "BREW"])
def test_every_method_below_the_mount_is_ours(fast_shop: FastShop, method: str) -> None:
    """None of them reaches the application's middleware, even one that is added afterwards."""
    seen: list[str] = []

    @fast_shop.app.middleware("http")
    async def see(request: Request, call_next: Any) -> Response:
        seen.append(request.url.path)
        answered: Response = await call_next(request)
        return answered

    answered = fast_shop.client.request(method, "/auth/api/session")
    assert answered.status_code in {204, 401, 405}
    fast_shop.client.get("/public")
    assert seen == ["/public"]


def test_a_page_request_is_led_to_sign_in_and_back(fast_shop: FastShop) -> None:
    """303 to the sign-in page, with the way back; a program gets a problem document."""
    led = fast_shop.client.get("/hello?x=1&y=%3F", headers=PAGE)
    assert led.status_code == 303
    assert led.headers["Location"] == "http://localhost/auth/sign-in?return_to=/hello%3Fx%3D1%26y%3D%253F"
    assert "no-store" in led.headers["Cache-Control"]
    for accept in ("application/json", "*/*", "", "text/html;q=0.2, application/json"):
        refused = fast_shop.client.get("/hello", headers={"Accept": accept})
        assert refused.headers["Content-Type"] == "application/problem+json"
        assert refused.json()["code"] == "not_authenticated"
        assert refused.headers["WWW-Authenticate"]
    assert fast_shop.client.post("/theirs", headers=PAGE).status_code == 401


def test_roles(fast_shop: FastShop) -> None:
    """A role given is seen by the next request, and taken by the next."""
    shop = fast_shop
    shop.sign_up()
    refused = shop.client.get("/reports", headers=JSON)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert shop.client.get("/reports", headers=PAGE).headers["Content-Type"] == "text/html; charset=utf-8"
    operator = shop.extension.core.operator
    operator.set_roles(operator.find_user(MIA).id, ("editor",))
    assert shop.client.get("/reports").status_code == 200
    operator.set_roles(operator.find_user(MIA).id, ())
    assert shop.client.get("/reports", headers=JSON).status_code == 403


def test_step_up(fast_shop: FastShop) -> None:
    """An old proof, or one that is not sure enough, leads to reauthentication: a page by 303, a program by code."""
    shop = fast_shop
    shop.sign_up()
    assert shop.client.get("/vault").status_code == 200
    core = shop.extension.core
    session = core.store.find(Session, {"aal": after(0)})[0]
    hour = timedelta(hours=1)
    old = [msgspec.structs.replace(each, verified_at=each.verified_at - hour) for each in session.evidence]
    core.store.update(Session, {"id": session.id}, {"evidence": tuple(old)})
    refused = shop.client.get("/vault", headers=JSON)
    assert (refused.status_code, refused.json()["code"]) == (403, "reauthenticate")
    assert refused.json()["max_age"] == 300
    led = shop.client.get("/vault", headers=PAGE)
    assert led.headers["Location"] == "http://localhost/auth/reauthenticate?return_to=/vault"
    begun = shop.client.post("/auth/api/reauthenticate", json={})
    proof = {"attempt": begun.json()["attempt"], "authenticator": "password", "password": SECRET}
    assert shop.client.post("/auth/api/attempt/answer", json=proof).status_code == 200
    assert shop.client.get("/vault").status_code == 200
    unsure = shop.client.get("/very-sure", headers=JSON)
    assert (unsure.json()["code"], unsure.json()["aal"]) == ("reauthenticate", 2)


def test_a_route_that_asks_for_what_cannot_be_phished(fast_shop: FastShop) -> None:
    """A page is led to confirm, and back; a program is told the attempt to begin; such a proof is let pass."""
    shop = fast_shop
    shop.sign_up()
    led = shop.client.get("/unphishable", headers=PAGE)
    assert (
        led.headers["Location"] == "http://localhost/auth/reauthenticate?phishing_resistant=true&return_to=/unphishable"
    )
    told = shop.client.get("/unphishable", headers=JSON).json()
    begin = {"url": "http://localhost/auth/api/reauthenticate", "body": {"phishing_resistant": True}}
    assert (told["code"], told["phishing_resistant"], told["begin"]) == ("reauthenticate", True, begin)
    begun = shop.client.post("/auth/api/reauthenticate", json=begin["body"]).json()
    assert begun["authenticators"] == ["password"]
    core = shop.extension.core
    session = core.store.find(Session, {"aal": after(0)})[0]
    proofs = tuple(msgspec.structs.replace(each, phishing_resistant=True) for each in session.evidence)
    core.store.update(Session, {"id": session.id}, {"evidence": proofs})
    assert shop.client.get("/unphishable", headers=JSON).status_code == 200


@pytest.mark.parametrize(
    ("error", "status", "code"), [(Busy("full"), 503, "busy"), (StoreUnavailable("gone"), 503, "unavailable")]
)
def test_what_the_applications_code_meets_is_answered(
    fast_shop: FastShop, error: Exception, status: int, code: str
) -> None:
    """A busy pool or store, raised in a route, is our answer with Retry-After, as JSON and as a page."""

    @fast_shop.app.get("/raises")
    def raises() -> str:
        raise error

    told = fast_shop.client.get("/raises", headers=JSON)
    assert (told.status_code, told.json()["code"]) == (status, code)
    assert int(told.headers["Retry-After"]) >= 1
    assert "full" not in told.text
    assert "gone" not in told.text
    assert fast_shop.client.get("/raises", headers=PAGE).status_code == status


def test_an_applications_own_handler_comes_first(fast_shop: FastShop) -> None:
    """The nearest class counts: an application may answer in its own words."""

    @fast_shop.app.exception_handler(Busy)
    async def busy(request: Request, error: Busy) -> Response:
        del request, error
        return PlainTextResponse("in our words", 503)

    @fast_shop.app.get("/raises")
    def raises() -> str:
        raise Busy

    assert fast_shop.client.get("/raises").text == "in our words"


def test_faults_stay_faults(fast_shop: FastShop) -> None:
    """What is no refusal but a mistake in the program is raised, with its traceback."""

    @fast_shop.app.get("/raises")
    def raises() -> str:
        raise Conflict("a mistake")

    with pytest.raises(Conflict):
        fast_shop.client.get("/raises")


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


def test_one_read_a_request_and_a_second_for_more(make_fast_shop: Callable[..., FastShop]) -> None:
    """The session row alone tells who, however many dependencies ask; what does not ask reads nothing."""
    store = CountingStore()
    shop = make_fast_shop(parts={"store": store}, identifiers="username")

    @shop.app.get("/thrice", dependencies=[Depends(require(aal=1)), Depends(require(max_age=timedelta(hours=1)))])
    async def thrice(user: CurrentUser) -> list[str]:
        return [str(user.id), user.username or "", user.identity, *user.roles]

    assert shop.client.post("/auth/api/sign-up", json={"username": "mia", "password": SECRET}).status_code == 200
    for path, reads in (("/public", []), ("/thrice", ["Session"]), ("/name", ["Session", "User"])):
        store.reads.clear()
        assert shop.client.get(path).status_code == 200
        assert store.reads == reads, path
    assert shop.client.get("/hello").json() == {"message": "Hello, mia"}
    store.reads.clear()
    shop.new_client().get("/order")
    assert store.reads == []


def test_caches_are_told(fast_shop: FastShop) -> None:
    """An answer that depends on who is signed in varies by cookie; one that does not, does not."""

    @fast_shop.app.get("/varied")
    async def varied(response: Response, user: CurrentUser) -> str:
        response.headers["Vary"] = "Accept, cookie"
        return user.identity

    assert fast_shop.client.get("/order").headers["Vary"] == "Cookie"
    assert "Vary" not in fast_shop.client.get("/public").headers
    fast_shop.sign_up()
    assert fast_shop.client.get("/varied").headers.get_list("Vary") == ["Accept, cookie"]


def test_last_seen_is_written_afterwards(fast_shop: FastShop) -> None:
    """A request notes that it was there; the background writes it."""
    fast_shop.sign_up()
    core = fast_shop.extension.core
    before = core.store.find(Session, {"aal": after(0)})[0]
    long_ago = before.last_seen_at - timedelta(minutes=5)
    core.store.update(Session, {"id": before.id}, {"last_seen_at": long_ago})
    fast_shop.client.get("/hello")
    assert core.store.find(Session, {"id": before.id})[0].last_seen_at == long_ago
    core.background.run_once()
    assert core.store.find(Session, {"id": before.id})[0].last_seen_at > long_ago


@pytest.mark.parametrize("how", ["mounted", "kept", "stripped"])
def test_behind_a_prefix(make_fast_shop: Callable[..., FastShop], how: str) -> None:
    """Links and redirects come from base_url and the mount alone, however the prefix gets here."""
    shop = make_fast_shop(base_url="http://localhost/app", identifiers="username")
    prefix, client = "", shop.new_client()
    if how == "mounted":
        outer = FastAPI()
        outer.mount("/app", shop.app)
        prefix, client = "/app", TestClient(outer, base_url="http://localhost", follow_redirects=False)
    elif how == "kept":
        prefix, client = "/app", shop.new_client(root_path="/app")
    shown = client.get(f"{prefix}/auth/sign-in", headers=PAGE)
    assert 'action="/app/auth/sign-in"' in shown.text
    assert client.get(f"{prefix}/auth/api/session").status_code == 401
    led = client.get(f"{prefix}/hello?x=1", headers=PAGE)
    assert led.headers["Location"] == "http://localhost/app/auth/sign-in?return_to=/app/hello%3Fx%3D1"


def test_an_application_mounted_inside(fast_shop: FastShop) -> None:
    """It knows who is signed in to the outer one, and leads back to its own paths."""
    inner = FastAPI()
    inner.add_exception_handler(NightlatchError, answer_error)  # type: ignore[arg-type] # None answers a web socket
    inner.include_router(router)
    fast_shop.app.mount("/v1", inner)
    assert fast_shop.client.get("/v1/hello", headers=JSON).status_code == 401
    led = fast_shop.client.get("/v1/hello", headers=PAGE)
    assert led.headers["Location"] == "http://localhost/auth/sign-in?return_to=/v1/hello"
    fast_shop.sign_up()
    assert fast_shop.client.get("/v1/hello").json() == {"message": f"Hello, {MIA}"}


def test_the_openapi_document_names_the_cookie(make_fast_shop: Callable[..., FastShop]) -> None:
    """An API key in the cookie by its real name or a token, where somebody is asked for; no OAuth2 password flow."""
    plain = make_fast_shop()
    secure = make_fast_shop("secure", base_url="https://shop.example")
    for shop, name in ((plain, "session"), (secure, "__Host-Http-session")):
        document = shop.app.openapi()
        scheme, bearer = document["components"]["securitySchemes"].values()
        assert (bearer["type"], bearer["scheme"]) == ("http", "bearer")
        assert (scheme["type"], scheme["in"], scheme["name"]) == ("apiKey", "cookie", name)
        for path in ("/hello", "/reports", "/vault", "/order"):
            assert document["paths"][path]["get"]["security"] == [{"nightlatch": []}, {"nightlatch_bearer": []}], path
            assert "parameters" not in document["paths"][path]["get"]
        assert "security" not in document["paths"]["/public"]["get"]
        assert not [path for path in document["paths"] if path.startswith("/auth")]
    assert plain.client.get("/openapi.json").json() == plain.app.openapi()


def test_a_dependency_may_be_overridden(fast_shop: FastShop) -> None:
    """As an application's own tests do; what asks for the same is the same."""
    fast_shop.app.dependency_overrides[require(role="editor")] = lambda: None
    assert fast_shop.client.get("/reports").status_code == 200
    assert fast_shop.client.get("/very-sure", headers=JSON).status_code == 401


def test_the_core_from_asynchronous_code(fast_shop: FastShop) -> None:
    """`run` does it in a thread, and what it raises is answered."""
    auth = fast_shop.extension

    @fast_shop.app.get("/who/{identifier}")
    async def who(identifier: str) -> str | None:
        return (await auth.run(lambda core: core.operator.find_user(identifier))).email

    fast_shop.sign_up()
    assert fast_shop.client.get(f"/who/{MIA}").json() == MIA
    assert fast_shop.client.get("/who/nobody@example.org", headers=JSON).status_code == 404


def test_an_application_without_nightlatch_is_told() -> None:
    """One sentence that says what to write."""
    app = FastAPI()
    app.include_router(router)
    with pytest.raises(ConfigurationError, match=r"write Nightlatch\(app\)"):
        TestClient(app).get("/hello")


def test_a_second_nightlatch_and_a_late_one_are_refused(fast_shop: FastShop) -> None:
    """One application, one door; and no door that is hung when people already go in and out."""
    with pytest.raises(ConfigurationError, match="already"):
        Nightlatch(fast_shop.app)
    late = FastAPI()
    TestClient(late).get("/")
    with pytest.raises(ConfigurationError, match="before"):
        Nightlatch(late, fast_settings())


def test_an_application_is_told_of_events(make_fast_shop: Callable[..., FastShop]) -> None:
    """`event_sinks=` hear of what happened once it is committed."""
    heard: list[str] = []

    class Sink:
        def receive(self, event: Event) -> None:
            heard.append(event.action)

    shop = make_fast_shop(parts={"event_sinks": [Sink()]})
    shop.sign_up()
    assert "user_created" in heard
