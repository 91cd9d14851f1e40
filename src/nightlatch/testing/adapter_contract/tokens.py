"""Tokens in place of a cookie: asked for, used, refreshed, revoked; and what a page may have of them."""

from __future__ import annotations

import json
from typing import Any

from nightlatch.testing.adapter_contract.conversation import MIA, SECRET, Conversation, Talk, conversation
from nightlatch.testing.browser import Browser, header

CONVERSATIONS: list[Conversation] = []
ASKS = {"identifier": MIA, "password": SECRET, "deliver": "tokens"}


def application(talk: Talk) -> tuple[Browser, dict[str, Any]]:
    """Sign an application in, and let it carry its access token."""
    app = talk.browser()
    status, done = app.call("POST", "/api/sign-in", ASKS)
    assert (status, done["status"], done["token_type"], done["expires_in"]) == (200, "complete", "Bearer", 300)
    assert app.cookies == {}
    app.headers["authorization"] = f"Bearer {done['access_token']}"
    return app, done


@conversation(CONVERSATIONS)
def asked_for(talk: Talk) -> None:
    """Tokens and no cookie, whatever cookie the request brought; by them the same account as by a cookie."""
    browser = talk.member()
    before = dict(browser.cookies)
    body = json.dumps(ASKS).encode()
    response = browser.send("POST", "/api/sign-in", body, headers={"content-type": "application/json"})
    done = json.loads(response.body)
    assert (response.status, header(response, "set-cookie")) == (200, None)
    assert header(response, "cache-control") == "no-store"
    assert browser.call("GET", "/api/session")[0] == 200  # the browser's own session goes on
    assert browser.cookies == before
    app = talk.browser(headers={"user-agent": "an app", "authorization": f"bearer {done['access_token']}"})
    status, me = app.call("GET", "/api/session")
    assert (status, me["user"]["email"], me["session"]["id"]) == (200, MIA, done["session"]["id"])
    assert len(app.call("GET", "/api/sessions")[1]["sessions"]) == 2
    assert app.call("PATCH", "/api/account", {"name": "Mia"})[0] == 200


@conversation(CONVERSATIONS)
def by_sign_up(talk: Talk) -> None:
    """What was asked for when the sign-up began is what its last answer gives."""
    app = talk.browser()
    asked = {"email": MIA, "password": SECRET, "deliver": "tokens"}
    begun = app.call("POST", "/api/sign-up", asked)[1]
    answer = {"attempt": begun["attempt"], "authenticator": "email_code", "code": talk.code()}
    status, done = app.call("POST", "/api/attempt/answer", answer)
    assert (status, done["token_type"], app.cookies) == (200, "Bearer", {})
    assert app.call("POST", "/api/token/refresh", {"refresh_token": done["refresh_token"]})[0] == 200


@conversation(CONVERSATIONS)
def refreshed(talk: Talk) -> None:
    """The next ones for the last; a spent one, a moment later, ends them all."""
    talk.member()
    app, done = application(talk)
    talk.later(minutes=6)
    status, problem = app.call("GET", "/api/session")
    assert (status, problem["code"]) == (401, "invalid_token")
    asked = {"refresh_token": done["refresh_token"]}
    del app.headers["authorization"]
    status, granted = app.call("POST", "/api/token/refresh", asked)
    assert (status, sorted(granted)) == (200, ["access_token", "expires_in", "refresh_token", "token_type"])
    assert app.call("POST", "/api/token/refresh", asked)[1]["refresh_token"] == granted["refresh_token"]
    app.headers["authorization"] = f"Bearer {granted['access_token']}"
    assert app.call("GET", "/api/session")[0] == 200
    talk.later(seconds=11)
    assert app.call("POST", "/api/token/refresh", asked)[1]["code"] == "invalid_token"
    assert app.call("GET", "/api/session")[1]["code"] == "invalid_token"
    assert app.call("POST", "/api/token/refresh", {"refresh_token": granted["refresh_token"]})[0] == 401


@conversation(CONVERSATIONS)
def given_back(talk: Talk) -> None:
    """200 for any token at all; the session of a living one has ended."""
    talk.member()
    app, done = application(talk)
    for token in ("nonsense", done["refresh_token"], done["refresh_token"]):
        assert app.call("POST", "/api/token/revoke", {"token": token, "token_type_hint": "refresh_token"}) == (200, {})
    status, problem = app.call("GET", "/api/session")
    assert (status, problem["code"]) == (401, "invalid_token")


@conversation(CONVERSATIONS)
def signed_out(talk: Talk) -> None:
    """By the token: 204, and no cookie is touched."""
    talk.member()
    app, done = application(talk)
    response = app.send("DELETE", "/api/session")
    assert (response.status, header(response, "set-cookie"), header(response, "clear-site-data")) == (204, None, None)
    assert app.call("POST", "/api/token/refresh", {"refresh_token": done["refresh_token"]})[0] == 401


@conversation(CONVERSATIONS)
def ended(talk: Talk) -> None:
    """A service that only verifies asks which sessions have ended; one that never was looks like one."""
    talk.member()
    app, done = application(talk)
    asked = [done["session"]["id"], "00000000-0000-7000-8000-000000000000"]
    service = talk.browser()
    assert service.call("POST", "/api/token/ended", {"sessions": asked}) == (200, {"ended": asked[1:]})
    assert app.call("DELETE", "/api/session")[0] == 204
    assert service.call("POST", "/api/token/ended", {"sessions": asked}) == (200, {"ended": asked})


@conversation(CONVERSATIONS)
def for_a_page(talk: Talk) -> None:
    """A page's cookie gives five minutes, and never a refresh token; from another site it gives nothing."""
    browser = talk.member()
    status, granted = browser.call("POST", "/api/token/refresh", {})
    assert (status, sorted(granted)) == (200, ["access_token", "expires_in", "token_type"])
    app = talk.browser(headers={"user-agent": "a worker", "authorization": f"Bearer {granted['access_token']}"})
    assert app.call("GET", "/api/session")[0] == 200
    elsewhere = {"sec-fetch-site": "cross-site", "origin": "https://evil.example", "content-type": "application/json"}
    assert browser.send("POST", "/api/token/refresh", b"{}", headers=elsewhere).status == 403
    assert talk.browser().call("POST", "/api/token/refresh", {})[1]["code"] == "not_authenticated"
    assert browser.call("DELETE", "/api/session")[0] == 204
    assert app.call("GET", "/api/session")[0] == 401


@conversation(CONVERSATIONS)
def one_or_the_other(talk: Talk) -> None:
    """A request that brings a token rides on it alone: a bad one is not made good by a cookie."""
    browser = talk.member()
    for value in ("Bearer nonsense", "Bearer", "bearer  x", "BEARER a.b.c", "Bearer nlr_x"):
        response = browser.send("GET", "/api/session", headers={"authorization": value})
        assert (response.status, header(response, "set-cookie")) == (401, None)
        assert header(response, "www-authenticate") == 'Bearer error="invalid_token"'
    assert browser.send("GET", "/api/session", headers={"authorization": "Basic bWlhOng="}).status == 200
    assert browser.call("GET", "/api/session")[0] == 200


@conversation(CONVERSATIONS, allowed_origins=["https://spa.example"])
def from_an_allowed_origin(talk: Talk) -> None:
    """A page of an allowed origin may send a token: the browser asks first, and is told so."""
    asks = {"origin": "https://spa.example", "access-control-request-method": "PATCH"}
    told = talk.browser().send("OPTIONS", "/api/account", headers=asks)
    assert "Authorization" in (header(told, "access-control-allow-headers") or "")
    talk.member()
    app, _ = application(talk)
    kind = {"content-type": "application/json", "sec-fetch-site": "cross-site", "origin": "https://spa.example"}
    answered = app.send("PATCH", "/api/account", b'{"name": "Mia"}', headers=kind)
    assert (answered.status, header(answered, "access-control-allow-origin")) == (200, "https://spa.example")


@conversation(CONVERSATIONS)
def pages_read_none(talk: Talk) -> None:
    """Pages are for browsers: a token opens none of them, and one that a proxy adds takes nobody's cookie away."""
    browser = talk.member()
    app, _ = application(talk)
    assert app.get("/account").status == 303
    assert browser.send("GET", "/account", headers={"authorization": app.headers["authorization"]}).status == 200
    assert browser.send("GET", "/account", headers={"authorization": "Bearer of.another.kind"}).status == 200


@conversation(CONVERSATIONS)
def needs_no_origin(talk: Talk) -> None:
    """No other site's page can make a browser send a token: where the request came from does not matter."""
    talk.member()
    app, _ = application(talk)
    kind = {"content-type": "application/json", "sec-fetch-site": "cross-site", "origin": "https://spa.example"}
    assert app.send("PATCH", "/api/account", b'{"name": "Mia"}', headers=kind).status == 200
    del app.headers["authorization"]
    assert app.send("PATCH", "/api/account", b'{"name": "Mia"}', headers=kind).status == 403


@conversation(CONVERSATIONS)
def again(talk: Talk) -> None:
    """Confirming that it is you gives new tokens with a newer proof; the refresh token before is dead."""
    talk.member()
    app, done = application(talk)
    talk.later(minutes=3)
    begun = app.call("POST", "/api/reauthenticate", {})[1]
    answer = {"attempt": begun["attempt"], "authenticator": "password", "password": SECRET}
    status, renewed = app.call("POST", "/api/attempt/answer", answer)
    assert (status, app.cookies) == (200, {})
    assert renewed["session"]["authenticated_at"] > done["session"]["authenticated_at"]
    assert app.call("POST", "/api/token/refresh", {"refresh_token": done["refresh_token"]})[0] == 401
    assert app.call("POST", "/api/token/refresh", {"refresh_token": renewed["refresh_token"]})[0] == 200


@conversation(CONVERSATIONS)
def the_keys(talk: Talk) -> None:
    """Public, for caches, with a tag; nothing private is among them."""
    response = talk.browser().send("GET", "/api/jwks.json")
    assert (response.status, header(response, "content-type")) == (200, "application/json")
    assert header(response, "cache-control") == "public, max-age=300, stale-if-error=86400"
    keys = json.loads(response.body)["keys"]
    assert [sorted(key) for key in keys] == [["alg", "crv", "kid", "kty", "use", "x"]] * 2
    tag = header(response, "etag") or ""
    again = talk.browser().send("GET", "/api/jwks.json", headers={"if-none-match": tag})
    assert (again.status, again.body) == (304, b"")
    assert talk.browser().send("HEAD", "/api/jwks.json").status == 200
