"""What cookies may be sent, and what they are worth: malformed, twice, huge, planted; and over https."""

from __future__ import annotations

from nightlatch.testing.adapter_contract.conversation import LEO, MIA, SECRET, Conversation, Talk, conversation

CONVERSATIONS: list[Conversation] = []


@conversation(CONVERSATIONS)
def changed_tokens(talk: Talk) -> None:
    """039: cut, extended, another case, another kind: nobody. As it is, between strangers: somebody."""
    browser = talk.member()
    token, device = browser.cookies[talk.cookie], browser.cookies[f"{talk.cookie}_device"]

    def status(*headers: str) -> int:
        return talk.browser().send("GET", "/api/session", headers=tuple(("cookie", each) for each in headers)).status

    assert status(f"a=b; {talk.cookie}={token}; c; ;=; d=") == 200
    assert status(f"{talk.cookie} = {token} ") == 200
    changes = (token[:-1], token + "a", token.swapcase(), token.replace("nls_", "nla_"), token * 2, device,
               f'"{token}"', f"{token}, x", token.replace("_", "%5F"))  # fmt: skip
    for changed in changes:
        assert status(f"{talk.cookie}={changed}") == 401, changed
    assert status(f"{talk.cookie.upper()}={token}") == 401
    assert status(f"__Host-{talk.cookie}={token}") == 401


@conversation(CONVERSATIONS)
def sent_twice(talk: Talk) -> None:
    """066: one of the two may be an attacker's (Cookie Crumbles): in one header or in two, both are nobody's."""
    browser = talk.member()
    pair = f"{talk.cookie}={browser.cookies[talk.cookie]}"
    twice = [
        (f"{pair}; {pair}",),
        (pair, pair),
        (f"{talk.cookie}=x", pair),
        (pair, f"{talk.cookie}="),
        (pair, "a=b", pair),
    ]
    for headers in twice:
        sent = tuple(("cookie", each) for each in headers)
        for path in ("/api/session", "/account"):
            assert talk.browser().send("GET", path, headers=sent).status in {401, 303}, headers
    apart = (("cookie", "a=b"), ("cookie", "c=d"))
    assert talk.browser().send("GET", "/api/session", headers=apart).status == 401


@conversation(CONVERSATIONS)
def whatever_the_bytes(talk: Talk) -> None:
    """066: anonymous at most, never a fault; a huge one is not even looked through."""
    token = talk.member().cookies[talk.cookie]
    values = ("", "x", "nls_", "nls_" + "a" * 80, "=", '"', "a; b", "9" * 9000, "\t", "%00", ",")
    for value in values:
        for path in ("/api/session", "/account", "/sign-in"):
            sent = {"cookie": f"{talk.cookie}={value}; {talk.cookie}_visitor={value}; {talk.cookie}_attempt={value}"}
            assert talk.browser().send("GET", path, headers=sent).status in {200, 303, 401}, value[:20]
    huge = {"cookie": f"{talk.cookie}={token}; pad={'a' * 17_000}"}
    assert talk.browser().send("GET", "/api/session", headers=huge).status == 401


@conversation(CONVERSATIONS)
def planted(talk: Talk) -> None:
    """061: neither a made-up token nor somebody else's is ever the one that is signed in."""
    leo = talk.member(LEO)
    talk.member(MIA)
    for token in (leo.cookies[talk.cookie], "nls_" + "a" * 80):
        browser = talk.browser(cookies={talk.cookie: token})
        assert browser.call("POST", "/api/sign-in", {"identifier": MIA, "password": SECRET})[0] == 200
        assert browser.cookies[talk.cookie] != token
        assert browser.call("GET", "/api/session")[1]["user"]["email"] == MIA


@conversation(CONVERSATIONS, base_url="https://app.example.com")
def over_https(talk: Talk) -> None:
    """Whatever the connection to the proxy: the name bears its prefix, `Secure` is there, and HSTS on every answer."""
    browser = talk.browser()
    browser.fill_in("/sign-up", email=MIA)
    browser.fill_in("/verify", code=talk.code())
    done = browser.fill_in("/set-password", new_password=SECRET)
    name = f"__Host-Http-{talk.cookie}"
    assert {f"{name}", f"{name}_device", f"{name}_visitor"} == set(browser.cookies)
    set_cookies = [value for each, value in done.headers if each.lower() == "set-cookie"]
    assert len(set_cookies) == 3
    assert all("; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=" in each for each in set_cookies)
    assert all("domain" not in each.lower() for each in set_cookies)
    assert browser.call("GET", "/api/session")[0] == 200
    assert talk.browser(cookies={talk.cookie: browser.cookies[name]}).call("GET", "/api/session")[0] == 401
    for path in ("/account", "/api/session", "/static/nightlatch.css", "/nothing"):
        answered = browser.send("GET", path)
        assert ("strict-transport-security", "max-age=63072000; includeSubDomains") in [
            (each.lower(), value) for each, value in answered.headers
        ]
