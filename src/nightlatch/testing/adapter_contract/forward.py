"""Forward authentication: a proxy asks whether a request may pass to an application behind it."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from nightlatch.testing.adapter_contract.conversation import MIA, SECRET, Conversation, Talk, conversation
from nightlatch.testing.browser import Browser, header

CONVERSATIONS: list[Conversation] = []

HOME = "http://localhost:8000"
WIKI = "http://wiki.localhost:8080"
RULES = {"rules": [{"site": WIKI}, {"site": WIKI, "path": "/admin", "roles": ["admin"]}]}


def _asked(target: str = "/", method: str = "GET") -> dict[str, str]:
    parts = urlsplit(WIKI)
    return {
        "x-forwarded-proto": parts.scheme,
        "x-forwarded-host": parts.netloc,
        "x-forwarded-method": method,
        "x-forwarded-uri": target,
    }


def _arrive(home: Browser, there: Browser, target: str) -> str:
    """Go the whole way as a browser does, and return the path and query by which the code came."""
    asked = there.send("GET", "/forward", headers=_asked(target))
    assert asked.status == 401
    begin = header(asked, "location") or ""
    assert begin.startswith(f"{WIKI}/.nightlatch/begin?to=/")
    begun = there.send("GET", "/forward" + begin.removeprefix(f"{WIKI}/.nightlatch"), headers=_asked())
    # The state is random and its hash in the address: what is compared must not differ from run to run.
    leave = (header(begun, "location") or "").removeprefix(f"{HOME}/auth")
    left = home.get(leave)
    arrival = "/forward" + (header(left, "location") or "").removeprefix(f"{WIKI}/.nightlatch")
    done = there.send("GET", arrival, headers=_asked())
    assert (done.status, header(done, "location")) == (303, WIKI + target)
    return arrival


@conversation(CONVERSATIONS, trusted_proxies=["127.0.0.1"], forward=RULES)
def from_sign_in_to_sign_out(talk: Talk) -> None:
    """018, 019, 027: there and back, once; a role that is not there; the end of the session here is the end there."""
    home, there = talk.member(), talk.browser()
    arrival = _arrive(home, there, "/page?show=all")
    assert there.send("GET", "/forward", headers=_asked("/page")).status == 200
    assert there.send("GET", "/forward", headers=_asked("/admin/users")).status == 403
    stranger = talk.browser()
    again = stranger.send("GET", arrival, headers=_asked())
    assert (header(again, "location") or "").startswith(f"{HOME}/auth/forward/again?")
    assert home.get("/forward/again?site=http%3A%2F%2Fwiki.localhost%3A8080&to=%2Fpage").status == 200
    assert home.call("DELETE", "/api/session")[0] == 204
    ended = there.send("GET", "/forward", headers=_asked("/page"))
    assert ended.status == 401
    assert re.search(rb'"code":"not_authenticated"', ended.body)


@conversation(CONVERSATIONS, trusted_proxies=["127.0.0.1"], forward=RULES)
def over_the_sign_in_page(talk: Talk) -> None:
    """Nobody is signed in here: the way leads over the page, and on from its form to the application."""
    talk.member()
    home, there = talk.browser(), talk.browser()
    begun = there.send("GET", "/forward/begin?to=/page", headers=_asked())
    led = home.get((header(begun, "location") or "").removeprefix(f"{HOME}/auth"))
    at = (header(led, "location") or "").removeprefix(f"{HOME}/auth")
    signed = home.fill_in(at, identifier=MIA, password=SECRET)
    left = home.get((header(signed, "location") or "").removeprefix(f"{HOME}/auth"))
    assert (header(left, "location") or "").startswith(f"{WIKI}/.nightlatch/return?code=nll_")


@conversation(CONVERSATIONS, trusted_proxies=["127.0.0.1"], forward=RULES)
def what_is_refused(talk: Talk) -> None:
    """079, 074: paths that can be read in two ways, other sites' forms, what no rule names."""
    browser = talk.browser()
    for target in ("/a/../b", "/%2e%2e/admin", "//admin", "/a;b", "/a%5cb", "/a%00", "admin"):
        assert browser.send("GET", "/forward", headers=_asked(target)).status == 403
    for more in ({"sec-fetch-site": "same-site"}, {"origin": HOME}):
        assert browser.send("GET", "/forward", headers={**_asked(method="POST"), **more}).status == 403
    for host in ("localhost:8000", "wiki.localhost", "evil.example"):
        assert browser.send("GET", "/forward", headers={**_asked(), "x-forwarded-host": host}).status == 403
    assert browser.send("GET", "/forward").status == 403


@conversation(CONVERSATIONS, forward=RULES)
def who_may_ask(talk: Talk) -> None:
    """074: nobody, unless `trusted_proxies` names them."""
    for path in ("/forward", "/forward/begin?to=/", "/forward/return?code=x&to=/"):
        assert talk.browser().send("GET", path, headers=_asked()).status == 403
