"""What an operator does, and how it shows at once: invitations, roles, suspension."""

from __future__ import annotations

from nightlatch.testing.adapter_contract.conversation import MIA, SECRET, Conversation, Talk, conversation

CONVERSATIONS: list[Conversation] = []

ADA = "ada@example.org"


@conversation(CONVERSATIONS, needs={"core"})
def the_first_administrator(talk: Talk) -> None:
    """A link that is good once: looked at, refused with what is wrong, redeemed, over."""
    link = talk.core.invitations.first_administrator().reveal()
    browser = talk.browser()
    for _ in range(2):
        assert "first administrator" in browser.get(f"/invitation?link={link}").body.decode()
    assert browser.post("/invitation", link=link, email=ADA, new_password=SECRET).status == 403
    for email, password in (("", SECRET), ("ada", SECRET), (ADA, "short"), (ADA, "")):
        refused = browser.fill_in(f"/invitation?link={link}", email=email, new_password=password)
        assert refused.status == 422, (email, password)
    assert browser.fill_in(f"/invitation?link={link}", email=ADA, new_password=SECRET).status == 303
    assert browser.call("GET", "/api/session")[1]["user"]["roles"] == ["admin"]
    assert talk.browser().get(f"/invitation?link={link}").status == 410


@conversation(CONVERSATIONS, needs={"core"})
def roles_are_seen_at_once(talk: Talk) -> None:
    """By the next request, in the session's own row."""
    browser, operator = talk.member(), talk.core.operator
    user = operator.find_user(MIA)
    for roles in (("editor", "admin"), ()):
        talk.later(seconds=1)
        operator.set_roles(user.id, roles)
        assert browser.call("GET", "/api/session")[1]["user"]["roles"] == sorted(roles)


@conversation(CONVERSATIONS, needs={"core"})
def suspension_ends_everything(talk: Talk) -> None:
    """063: session, sign-in, open attempts, by JSON and on the pages, and no word of why; until it is lifted."""
    browser, operator = talk.member(), talk.core.operator
    _, begun = browser.call("POST", "/api/reauthenticate", {})
    user = operator.find_user(MIA)
    operator.suspend(user.id)
    assert talk.browser(cookies=dict(browser.cookies)).get("/account").status == 303
    answer = {"attempt": begun["attempt"], "authenticator": "password", "password": SECRET}
    assert browser.call("POST", "/api/attempt/answer", answer)[0] in {401, 410}
    status, problem = browser.call("POST", "/api/sign-in", {"identifier": MIA, "password": SECRET})
    assert (status, problem["code"]) == (401, "invalid_credentials")
    assert talk.browser().fill_in("/sign-in", identifier=MIA, password=SECRET).status == 401
    operator.restore(user.id)
    assert browser.call("GET", "/api/session")[0] == 401
    assert browser.call("POST", "/api/sign-in", {"identifier": MIA, "password": SECRET})[0] == 200
