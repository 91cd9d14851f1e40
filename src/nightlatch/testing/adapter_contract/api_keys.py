"""API keys: made after a fresh proof, shown once, and never taken by our own API."""

from __future__ import annotations

from nightlatch.testing.adapter_contract.conversation import LEO, SECRET, Conversation, Talk, conversation
from nightlatch.testing.browser import header

CONVERSATIONS: list[Conversation] = []


@conversation(CONVERSATIONS)
def one(talk: Talk) -> None:
    """201 with the key, which no other answer shows; listed, revoked, gone; another person's looks like none."""
    browser = talk.member()
    asked = {"name": "  The  till ", "scopes": ["orders:read", "orders:read", "a"], "expires_in": 3600}
    status, made = browser.call("POST", "/api/api-keys", asked)
    assert status == 201
    assert made["key"].startswith("nlk_")
    assert (made["api_key"]["name"], made["api_key"]["scopes"]) == ("The till", ["a", "orders:read"])
    assert browser.call("GET", "/api/api-keys") == (200, {"api_keys": [made["api_key"]]})
    path = f"/api/api-keys/{made['api_key']['id']}"
    assert talk.member(LEO).call("DELETE", path)[0] == 404
    assert [browser.call("DELETE", path)[0] for _ in range(2)] == [204, 404]
    assert browser.call("DELETE", "/api/api-keys/nonsense")[0] == 404
    assert browser.call("GET", "/api/api-keys")[1] == {"api_keys": []}


@conversation(CONVERSATIONS)
def needs_a_fresh_proof(talk: Talk) -> None:
    """A stolen cookie alone makes no key: ten minutes after the last proof it takes another."""
    browser = talk.member()
    talk.later(minutes=11)
    status, problem = browser.call("POST", "/api/api-keys", {"name": "till"})
    assert (status, problem["code"], problem["max_age"]) == (403, "reauthenticate", 600)
    begun = browser.call("POST", "/api/reauthenticate", {})[1]
    answer = {"attempt": begun["attempt"], "authenticator": "password", "password": SECRET}
    assert browser.call("POST", "/api/attempt/answer", answer)[0] == 200
    assert browser.call("POST", "/api/api-keys", {"name": "till"})[0] == 201


@conversation(CONVERSATIONS)
def odd_ones(talk: Talk) -> None:
    """Names, scopes and lives that cannot be: 422, and nothing is made."""
    browser = talk.member()
    bodies = [
        {}, {"name": ""}, {"name": " "}, {"name": "x" * 101}, {"name": "a\u202eb"}, {"name": "x", "scopes": ["a b"]},
        {"name": "x", "scopes": [""]}, {"name": "x", "scopes": "a"}, {"name": "x", "scopes": ["a"] * 33},
        {"name": "x", "expires_in": 0}, {"name": "x", "expires_in": 367 * 86400}, {"name": "x", "expires_in": "1"},
        {"name": "x", "user_id": "somebody"},
    ]  # fmt: skip
    for body in bodies:
        assert browser.call("POST", "/api/api-keys", body)[0] == 422, body
    assert browser.call("GET", "/api/api-keys")[1] == {"api_keys": []}


@conversation(CONVERSATIONS)
def taken_nowhere_here(talk: Talk) -> None:
    """Account, sessions, keys, tokens: refused; a cookie beside it does not help."""
    browser = talk.member()
    key = browser.call("POST", "/api/api-keys", {"name": "till"})[1]["key"]
    program = talk.browser(headers={"user-agent": "a program", "authorization": f"Bearer {key}"})
    calls = [
        ("GET", "/api/session"), ("DELETE", "/api/session"), ("GET", "/api/sessions"), ("DELETE", "/api/sessions"),
        ("GET", "/api/account"), ("PATCH", "/api/account"), ("PUT", "/api/account/password"), ("GET", "/api/api-keys"),
        ("GET", "/api/account/events"), ("POST", "/api/api-keys"), ("POST", "/api/reauthenticate"),
    ]  # fmt: skip
    for method, path in calls:
        status, problem = program.call(method, path, {} if method != "GET" else None)
        assert (status, problem["code"]) == (403, "forbidden"), path
    assert program.call("POST", "/api/token/refresh", {})[0] == 403
    assert browser.send("GET", "/api/session", headers={"authorization": f"Bearer {key}"}).status == 403
    assert header(program.send("GET", "/account"), "set-cookie") is None


@conversation(CONVERSATIONS)
def found_by_a_stranger(talk: Talk) -> None:
    """Whoever finds a key may end it: 200, and it is gone."""
    browser = talk.member()
    key = browser.call("POST", "/api/api-keys", {"name": "till"})[1]["key"]
    for _ in range(2):
        assert talk.browser().call("POST", "/api/token/revoke", {"token": key}) == (200, {})
    assert browser.call("GET", "/api/api-keys")[1] == {"api_keys": []}


@conversation(CONVERSATIONS)
def on_a_page(talk: Talk) -> None:
    """Made, shown once, revoked; with what is wrong beside its field; and no form for a proof that is old."""
    browser = talk.member()
    page = "/account/keys"
    made = browser.fill_in(page, name="The <till>", scopes="orders:read  x", days="30").body.decode()
    assert 'value="nlk_' in made
    assert "The &lt;till&gt;" in made
    shown = browser.get(page).body.decode()
    assert "nlk_" not in shown
    assert "orders:read, x" in shown
    for wrong in (
        {"name": ""},
        {"name": "x", "scopes": "\u00e9"},
        {"name": "x", "days": "400"},
        {"name": "x", "days": "-1"},
    ):
        assert browser.fill_in(page, **wrong).status == 422
    (key,) = browser.call("GET", "/api/api-keys")[1]["api_keys"]
    assert browser.fill_in(page, "/account/keys/revoke", id=key["id"]).status == 303
    assert browser.call("GET", "/api/api-keys")[1] == {"api_keys": []}
    assert browser.fill_in(page, "/account/keys/revoke", id="nonsense").status == 404
    talk.later(minutes=11)
    assert "Make key" not in browser.get(page).body.decode()
    led = browser.fill_in(page, page, name="x")
    assert header(led, "location") == "http://localhost:8000/auth/reauthenticate?return_to=/auth/account/keys"
