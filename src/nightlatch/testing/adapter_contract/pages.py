"""The hosted pages without JavaScript: opened signed out and signed in, and a person's way through them."""

from __future__ import annotations

from nightlatch.testing.adapter_contract.conversation import MIA, SECRET, Conversation, Talk, conversation
from nightlatch.testing.browser import header

CONVERSATIONS: list[Conversation] = []

WRONG, SHORT = "wrong wrong wrong", "short"
FOR_ANYBODY = ("/sign-in", "/sign-up", "/recover", "/verify", "/set-password", "/invitation")
FOR_MEMBERS = (
    "/reauthenticate", "/account", "/account/security", "/account/devices", "/account/keys", "/account/activity",
    "/account/data", "/account/emails", "/account/email",
    "/sign-out",
)  # fmt: skip


@conversation(CONVERSATIONS)
def signed_out(talk: Talk) -> None:
    """Open to all, over, or led to sign in and back; HEAD tells the same without the body."""
    browser = talk.browser()
    assert [browser.get(path).status for path in FOR_ANYBODY] == [200, 200, 200, 410, 410, 410]
    for path in FOR_MEMBERS:
        led = browser.get(path)
        assert led.status == 303
        back = "" if path == "/sign-out" else f"?return_to=/auth{path}"  # nobody wants to come back to that one
        assert header(led, "location") == f"http://localhost:8000/auth/sign-in{back}"
    for path in (*FOR_ANYBODY, *FOR_MEMBERS):
        assert browser.send("HEAD", path).body == b""


@conversation(CONVERSATIONS)
def signed_in(talk: Talk) -> None:
    """Every page, and what a reviewer looks for in its headers."""
    browser = talk.member()
    for path in FOR_MEMBERS:
        shown = browser.get(path)
        assert (shown.status, header(shown, "content-type")) == (200, "text/html; charset=utf-8"), path
        assert header(shown, "cache-control") == "no-store"
        policy = header(shown, "content-security-policy") or ""
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert header(shown, "referrer-policy") == "same-origin"
        assert "payment=()" in (header(shown, "permissions-policy") or "")
    for path in FOR_ANYBODY:
        browser.get(path)
    assert header(browser.get("/"), "location") == "http://localhost:8000/auth/account"
    led = browser.get("/sign-in?return_to=/books")
    assert (led.status, header(led, "location")) == (303, "http://localhost:8000/books")


@conversation(CONVERSATIONS)
def from_sign_up_to_sign_out(talk: Talk) -> None:
    """Address, code, password; a name; out; in again."""
    browser = talk.browser()

    def step(path: str, action: str | None = None, **fields: str) -> str:
        led = browser.fill_in(path, action, **fields)
        assert led.status == 303, led.body.decode()
        return (header(led, "location") or "").removeprefix("http://localhost:8000")

    assert step("/sign-up?return_to=/books", email=MIA) == "/auth/verify"
    assert browser.fill_in("/verify", code="00000000").status == 422
    assert step("/verify", again="1") == "/auth/verify"
    assert browser.get("/set-password").status == 303
    assert step("/verify", code=talk.code()) == "/auth/set-password"
    assert browser.get("/verify").status == 303
    assert browser.fill_in("/set-password", new_password=SHORT).status == 422
    assert step("/set-password", new_password=SECRET) == "/books"
    assert browser.fill_in("/account", name="n" * 400).status == 422
    assert step("/account", name="Mia <script>") == "/auth/account"
    assert "Mia &lt;script&gt;" in browser.get("/account").body.decode()
    assert step("/account", "/sign-out") == "/auth/sign-in"
    assert browser.fill_in("/sign-in", identifier=MIA, password=WRONG).status == 401
    assert browser.fill_in("/sign-in", identifier=MIA).status == 422
    assert step("/sign-in?return_to=/auth/account", identifier=MIA, password=SECRET) == "/auth/account"


@conversation(CONVERSATIONS)
def security(talk: Talk) -> None:
    """Change the password, sign devices out, confirm that it is you."""
    browser, other, third = talk.member(), talk.signed_in(), talk.signed_in()
    new = "an entirely different sentence"
    assert browser.fill_in("/reauthenticate?return_to=/books", password=WRONG).status == 401
    confirmed = browser.fill_in("/reauthenticate?return_to=/books", password=SECRET)
    assert header(confirmed, "location") == "http://localhost:8000/books"
    rows = browser.call("GET", "/api/sessions")[1]["sessions"]
    theirs = [row["id"] for row in rows if not row["current"]]
    assert browser.fill_in("/account/devices", id=theirs[0]).status == 303
    assert browser.fill_in("/account/devices", id="nonsense").status == 404
    assert browser.fill_in("/account/devices").status == 303
    assert [each.get("/account").status for each in (browser, other, third)] == [200, 303, 303]
    wrong = browser.fill_in("/account/security", current_password=WRONG, new_password=new)
    assert wrong.status == 401
    assert browser.fill_in("/account/security", new_password=new).status == 422
    assert browser.fill_in("/account/security", current_password=SECRET, new_password=SHORT).status == 422
    talk.later(seconds=1)
    assert browser.fill_in("/account/security", current_password=SECRET, new_password=new).status == 303
    assert "Your password was changed" in browser.get("/account/activity").body.decode()


@conversation(
    CONVERSATIONS, identifiers="email_and_username", pages={"theme": {"accent": "#356"}, "home_url": "/welcome"}
)
def in_other_colours(talk: Talk) -> None:
    """Settings show on the pages: names, colours, where sign-in leads."""
    browser = talk.browser()
    assert "theme.css?v=" in browser.get("/sign-in").body.decode()
    browser.fill_in("/sign-up", email=MIA, username="mia")
    browser.fill_in("/verify", code=talk.code())
    led = browser.fill_in("/set-password", new_password=SECRET)
    assert header(led, "location") == "http://localhost:8000/welcome"
