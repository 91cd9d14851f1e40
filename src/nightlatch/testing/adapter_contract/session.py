"""Being signed in: who am I, my devices, signing out here and elsewhere, and how a session ends by itself."""

from __future__ import annotations

from nightlatch.testing.adapter_contract.conversation import LEO, MIA, Conversation, Talk, conversation
from nightlatch.testing.browser import header

CONVERSATIONS: list[Conversation] = []


@conversation(CONVERSATIONS)
def nobody(talk: Talk) -> None:
    """401 with a challenge, and the headers that every answer of the API bears."""
    response = talk.browser().send("GET", "/api/session")
    assert response.status == 401
    expected = {
        "content-type": "application/problem+json",
        "www-authenticate": "Session",
        "cache-control": "no-store",
        "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
        "referrer-policy": "no-referrer",
        "vary": "Cookie, Origin, Sec-Fetch-Site",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
    }
    assert {name: header(response, name) for name in expected} == expected
    assert header(response, "set-cookie") is None


@conversation(CONVERSATIONS)
def sign_out(talk: Talk) -> None:
    """204, the cookie taken away, the device kept; the token is dead on the server."""
    browser = talk.member()
    before = dict(browser.cookies)
    response = browser.send("DELETE", "/api/session")
    assert (response.status, response.body) == (204, b"")
    assert header(response, "clear-site-data") == '"cache", "storage"'
    assert header(response, "set-cookie") == f"{talk.cookie}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"
    assert header(response, "content-length") is None
    assert set(browser.cookies) == {f"{talk.cookie}_device"}
    stolen = talk.browser(cookies=before).send("GET", "/api/session")
    assert stolen.status == 401
    # A dead session's cookie is taken away as well: it only costs look-ups.
    assert header(stolen, "set-cookie") == f"{talk.cookie}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"


@conversation(CONVERSATIONS)
def devices(talk: Talk) -> None:
    """See them, sign one out, then all others; another person's looks like none."""
    browser, phone, tablet = talk.member(), talk.signed_in(), talk.signed_in()
    phone.headers["user-agent"] = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0) Safari/604.1"
    status, listed = browser.call("GET", "/api/sessions")
    assert (status, len(listed["sessions"])) == (200, 3)
    assert [row["current"] for row in listed["sessions"]].count(True) == 1
    assert {row["ip"] for row in listed["sessions"]} == {"127.0.0.1"}
    phones = phone.call("GET", "/api/session")[1]["session"]["id"]
    assert talk.member(LEO).call("DELETE", f"/api/sessions/{phones}")[0] == 404
    assert [browser.call("DELETE", f"/api/sessions/{phones}")[0] for _ in range(2)] == [204, 404]
    assert phone.call("GET", "/api/session")[0] == 401
    for odd in ("nonsense", phones.upper() + "0", "00000000-0000-7000-8000-000000000000"):
        assert browser.call("DELETE", f"/api/sessions/{odd}")[0] == 404
    assert browser.call("DELETE", "/api/sessions") == (200, {"revoked": 1})
    assert tablet.call("GET", "/api/session")[0] == 401
    assert browser.call("GET", "/api/session")[0] == 200


@conversation(CONVERSATIONS, sessions={"absolute": 3600, "idle": 900})
def its_limits(talk: Talk) -> None:
    """Idle too long, or too old whatever one does: nobody."""
    idle, busy = talk.member(), talk.signed_in()
    for _ in range(5):
        talk.later(minutes=11)
        assert busy.call("GET", "/api/session")[0] == 200
        talk.premises.mailbox.deliver()  # the background writes when a session was last seen
    assert idle.call("GET", "/api/session")[0] == 401
    talk.later(minutes=11)
    assert busy.call("GET", "/api/session")[0] == 401


@conversation(CONVERSATIONS)
def signed_in_is_seen_everywhere(talk: Talk) -> None:
    """Every call that needs somebody: 401 for nobody, by any body."""
    stranger = talk.browser()
    calls = [
        ("GET", "/api/session"), ("DELETE", "/api/session"), ("GET", "/api/sessions"), ("DELETE", "/api/sessions"),
        ("DELETE", "/api/sessions/00000000-0000-7000-8000-000000000000"), ("GET", "/api/account"),
        ("PATCH", "/api/account"), ("PUT", "/api/account/password"), ("GET", "/api/account/events"),
        ("POST", "/api/reauthenticate"),
    ]  # fmt: skip
    for method, path in calls:
        for body in (None, {}, {"name": MIA}):
            status, problem = stranger.call(method, path, body)
            assert (status, problem["code"]) == (401, "not_authenticated"), (method, path)
