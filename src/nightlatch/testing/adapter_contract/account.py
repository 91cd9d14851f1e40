"""The account by JSON: profile, password, what happened, and the document that describes it all."""

from __future__ import annotations

from nightlatch.testing.adapter_contract.conversation import MIA, SECRET, Conversation, Talk, conversation

CONVERSATIONS: list[Conversation] = []

NEW = "an entirely different sentence"


@conversation(CONVERSATIONS)
def profile(talk: Talk) -> None:
    """Look, rename, look at what happened; text comes back as the text it was."""
    browser = talk.member()
    status, account = browser.call("GET", "/api/account")
    assert (status, account["email"], account["name"]) == (200, MIA, None)
    for sent, kept in (
        ("  Mia\tB. ", "Mia B."),
        ("Żółć <script>", "Żółć <script>"),
        ("🛶" * 20, "🛶" * 20),
        (None, None),
    ):
        talk.later(seconds=1)
        status, account = browser.call("PATCH", "/api/account", {"name": sent})
        assert (status, account["name"]) == (200, kept)
    status, events = browser.call("GET", "/api/account/events")
    assert status == 200
    assert [event["action"] for event in events["events"]][:4] == ["user_updated"] * 4
    assert "reason" not in events["events"][0]


@conversation(CONVERSATIONS)
def password(talk: Talk) -> None:
    """The acting browser goes on with a new cookie, the other is out, the owner is told."""
    browser, other = talk.member(), talk.signed_in()
    before = browser.cookies[talk.cookie]
    refused: list[tuple[dict[str, str], int, str]] = [
        ({"current_password": "wrong wrong wrong", "new_password": NEW}, 401, "invalid_credentials"),
        ({"current_password": SECRET, "new_password": "short"}, 422, "password_rejected"),
        ({"current_password": SECRET, "new_password": MIA}, 422, "password_rejected"),
        ({"current_password": SECRET}, 422, "invalid_input"),
    ]
    for body, expected, code in refused:
        status, problem = browser.call("PUT", "/api/account/password", body)
        assert (status, problem["code"]) == (expected, code)
    assert browser.cookies[talk.cookie] == before
    talk.later(seconds=1)
    status, done = browser.call("PUT", "/api/account/password", {"current_password": SECRET, "new_password": NEW})
    assert (status, done["status"]) == (200, "complete")
    assert browser.cookies[talk.cookie] != before
    assert browser.call("GET", "/api/session")[0] == 200
    assert other.call("GET", "/api/session")[0] == 401
    assert "password" in talk.mail(MIA).subject
    assert talk.browser().call("POST", "/api/sign-in", {"identifier": MIA, "password": SECRET})[0] == 401
    assert talk.browser().call("POST", "/api/sign-in", {"identifier": MIA, "password": NEW})[0] == 200


@conversation(CONVERSATIONS)
def password_without_the_old(talk: Talk) -> None:
    """Refused however fresh the session, and no try: whoever finds one open does not keep the account (ASVS 6.2.3)."""
    browser = talk.member()
    for _ in range(12):
        for body in ({"new_password": NEW}, {"new_password": NEW, "current_password": ""}):
            status, problem = browser.call("PUT", "/api/account/password", body)
            assert (status, list(problem["errors"])) == (422, ["current_password"])
    assert browser.call("PUT", "/api/account/password", {"current_password": SECRET, "new_password": NEW})[0] == 200


@conversation(CONVERSATIONS)
def the_document(talk: Talk) -> None:
    """OpenAPI 3.1, for anybody, with the public address and the cookie's name."""
    status, document = talk.browser().call("GET", "/api/openapi.json")
    assert (status, document["openapi"]) == (200, "3.1.0")
    assert document["servers"] == [{"url": "http://localhost:8000/auth"}]
    assert document["components"]["securitySchemes"]["session"]["name"] == talk.cookie
