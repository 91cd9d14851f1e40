"""What stands in front: prefixes that are stripped or kept, forwarded headers, and whom they are believed from."""

from __future__ import annotations

from nightlatch.testing.adapter_contract.conversation import MIA, SECRET, Conversation, Talk, conversation
from nightlatch.testing.browser import Browser, header

CONVERSATIONS: list[Conversation] = []

SHOP = "http://localhost:8000/shop"


def _through_the_pages(talk: Talk, browser: Browser) -> None:
    shown = browser.get("/sign-up").body.decode()
    assert 'action="/shop/auth/sign-up"' in shown
    assert 'href="/shop/auth/static/nightlatch.css?v=' in shown
    assert header(browser.fill_in("/sign-up", email=MIA), "location") == f"{SHOP}/auth/verify"
    assert f"{SHOP}/auth/verify?link=nll_" in talk.mail(MIA).text
    browser.fill_in("/verify", code=talk.code())
    done = browser.fill_in("/set-password", new_password=SECRET)
    assert header(done, "location") == f"{SHOP}/"
    # The prefix narrows no cookie: `__Host-` demands the whole path.
    assert all("Path=/;" in value for name, value in done.headers if name.lower() == "set-cookie")
    led = talk.browser(root=browser.root).get("/account")
    assert header(led, "location") == f"{SHOP}/auth/sign-in?return_to=/shop/auth/account"
    back = browser.get("/sign-in?return_to=/shop/books")
    assert header(back, "location") == f"{SHOP}/books"
    _, document = browser.call("GET", "/api/openapi.json")
    assert document["servers"] == [{"url": f"{SHOP}/auth"}]


@conversation(CONVERSATIONS, base_url=SHOP)
def prefix_stripped(talk: Talk) -> None:
    """The proxy takes the prefix away and tells nobody: links come from `base_url` all the same."""
    _through_the_pages(talk, talk.browser())


@conversation(CONVERSATIONS, base_url=SHOP, needs={"root"})
def prefix_kept(talk: Talk) -> None:
    """The server is told the prefix (`SCRIPT_NAME`, `root_path`): it finds the route and does nothing else."""
    _through_the_pages(talk, talk.browser(root="/shop"))


@conversation(CONVERSATIONS, needs={"root"})
def a_prefix_that_base_url_does_not_know(talk: Talk) -> None:
    """Links and redirects come from `base_url` and the mount alone (036)."""
    browser = talk.browser(root="/elsewhere")
    assert "elsewhere" not in browser.get("/sign-in").body.decode()
    led = browser.get("/account")
    assert header(led, "location") == "http://localhost:8000/auth/sign-in?return_to=/auth/account"


@conversation(CONVERSATIONS, mount="/members/door", base_url=SHOP)
def another_mount(talk: Talk) -> None:
    """Wherever the mount is, every address follows."""
    browser = talk.member()
    assert 'action="/shop/members/door/sign-out"' in browser.get("/account").body.decode()
    assert header(talk.browser().get("/account"), "location") == (
        f"{SHOP}/members/door/sign-in?return_to=/shop/members/door/account"
    )
    assert header(talk.browser().get("/"), "location") == f"{SHOP}/members/door/account"


@conversation(CONVERSATIONS, mount="/members/door", needs={"bare_mount"})
def the_mount_itself(talk: Talk) -> None:
    """Without a slash it leads to the account as well."""
    assert header(talk.browser().get(""), "location") == "http://localhost:8000/members/door/account"


@conversation(CONVERSATIONS)
def forwarded_headers_are_not_believed(talk: Talk) -> None:
    """036, 074: whatever they say about host, scheme, prefix and client."""
    headers = {
        "x-forwarded-host": "evil.example", "x-forwarded-proto": "https",
        "x-forwarded-prefix": "/evil", "x-forwarded-for": "203.0.113.9", "x-real-ip": "203.0.113.9",
        "forwarded": "for=203.0.113.9;host=evil.example;proto=https", "x-request-id": "chosen-by-a-stranger",
        "x-original-url": "/auth/api/session", "x-rewrite-url": "/auth/account", "x-http-method-override": "DELETE",
        "x-method-override": "DELETE", "x-script-name": "/evil",
    }  # fmt: skip
    browser = talk.browser()
    browser.headers.update(headers)
    browser.fill_in("/sign-up", email=MIA)
    assert "evil" not in talk.mail(MIA).text + talk.mail(MIA).html
    browser.fill_in("/verify", code=talk.code())
    browser.fill_in("/set-password", new_password=SECRET)
    assert browser.call("GET", "/api/sessions")[1]["sessions"][0]["ip"] == "127.0.0.1"
    assert browser.call("POST", "/api/session", {})[0] == 405
    _, problem = talk.browser(headers=headers).call("GET", "/api/session")
    assert problem["request_id"] != "chosen-by-a-stranger"


def _ask_by(talk: Talk, *names: str) -> None:
    hosts = tuple(("host", each) for each in names)
    browser = talk.browser()
    shown = browser.send("GET", "/sign-in", headers=hosts)
    assert (shown.status, b"evil" in shown.body) == (200, False)
    led = browser.send("GET", "/account", headers=hosts)
    assert header(led, "location") == "http://localhost:8000/auth/sign-in?return_to=/auth/account"
    told = (*hosts, ("content-type", "application/json"))
    assert browser.send("POST", "/api/sign-up", b'{"email": "mia@example.org"}', headers=told).status == 202
    assert "evil" not in talk.mail(MIA).text + talk.mail(MIA).html


@conversation(CONVERSATIONS, needs={"host"})
def host_is_not_believed(talk: Talk) -> None:
    """036: whatever site is asked for, links and redirects come from `base_url` alone."""
    _ask_by(talk, "evil.example")


@conversation(CONVERSATIONS, needs={"odd_host"})
def an_odd_host_is_not_believed_either(talk: Talk) -> None:
    """036: none, or two of them, in either order; a server may refuse these itself (RFC 9112 3.2)."""
    for names in (("",), ("localhost:8000", "evil.example"), ("evil.example", "localhost:8000")):
        _ask_by(talk, *names)
        talk.later(hours=1)  # the address has its cap of mails


@conversation(CONVERSATIONS, trusted_proxies=["127.0.0.0/8", "10.0.0.0/8"])
def a_trusted_proxy_is_believed(talk: Talk) -> None:
    """074: right to left, the first address that no trusted proxy has; garbage ends the walk; request ids are kept."""
    talk.member()
    walks = {
        "203.0.113.9": "203.0.113.9", "198.51.100.1, 203.0.113.9": "203.0.113.9",
        "203.0.113.9, 10.0.0.2": "203.0.113.9", "203.0.113.9, garbage": "127.0.0.1", "": "127.0.0.1",
        "2001:db8::1": "2001:db8::1", "::ffff:203.0.113.9": "203.0.113.9", "203.0.113.9:443": "127.0.0.1",
        "fe80::1%" + "x" * 300: "127.0.0.1", "203.0.113.9%eth0": "127.0.0.1",
    }  # fmt: skip
    for forwarded, seen in walks.items():
        browser = talk.signed_in(headers={"x-forwarded-for": forwarded, "user-agent": "Firefox"})
        rows = browser.call("GET", "/api/sessions")[1]["sessions"]
        assert [row["ip"] for row in rows if row["current"]] == [seen], forwarded
    twice = (
        ("x-forwarded-for", "203.0.113.9"),
        ("x-forwarded-for", "10.0.0.3"),
        ("x-request-id", "given by the proxy"),
    )
    answered = talk.browser().send("GET", "/api/session", headers=twice)
    assert b"given by the proxy" in answered.body


@conversation(CONVERSATIONS, needs={"peer"})
def budgets_go_by_the_connection(talk: Talk) -> None:
    """074, 078: a forged header renews no budget; no address at all is one budget, not none."""
    for peer in ("198.51.100.7", None):
        browser, statuses = talk.browser(peer=peer), []
        for turn in range(31):
            browser.headers["x-forwarded-for"] = f"203.0.113.{turn}"
            proof = {"identifier": f"u{turn}@example.org", "password": "wrong wrong wrong"}
            statuses.append(browser.call("POST", "/api/sign-in", proof)[0])
        assert statuses == [401] * 30 + [429]
