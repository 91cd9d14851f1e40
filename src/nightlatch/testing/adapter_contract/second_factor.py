"""An authenticator app and recovery codes: bound, asked for, used, removed; by JSON and by the pages."""

from __future__ import annotations

import html
import re
from typing import Any

from nightlatch.testing.adapter_contract.conversation import MIA, SECRET, Conversation, Talk, conversation
from nightlatch.testing.authenticator_app import AuthenticatorApp
from nightlatch.testing.browser import Browser, header

CONVERSATIONS: list[Conversation] = []

_SEED = re.compile(r'<pre class="seed">([A-Z2-7 ]+)</pre>')


def _enrol(talk: Talk, browser: Browser, **more: str) -> tuple[AuthenticatorApp, dict[str, Any]]:
    """Bind an app by JSON."""
    status, proposal = browser.call("POST", "/api/authenticators/totp", more)
    assert status == 200, proposal
    assert proposal["uri"].startswith("otpauth://totp/")
    assert proposal["qr"].startswith("<svg")
    app = AuthenticatorApp(proposal["secret"], talk.premises.clock)
    wrong = {**more, "id": proposal["id"], "code": "000000"}
    assert browser.call("POST", "/api/authenticators/totp/confirm", wrong)[1]["code"] == "invalid_code"
    proof = {**wrong, "code": app.code().reveal()}
    status, bound = browser.call("POST", "/api/authenticators/totp/confirm", proof)
    assert (status, bound["status"]) == (200, "complete")
    talk.later(seconds=60)
    return app, bound


@conversation(CONVERSATIONS)
def by_json(talk: Talk) -> None:
    """Bound by who is signed in, then asked for; a recovery code in its place; removed again."""
    browser = talk.member()
    assert browser.call("GET", "/api/authenticators")[1]["recovery_codes_left"] == 0
    app, bound = _enrol(talk, browser)
    assert (bound["session"]["aal"], len(bound["recovery_codes"])) == (2, 10)
    owned = browser.call("GET", "/api/authenticators")[1]
    assert ([each["kind"] for each in owned["authenticators"]], owned["recovery_codes_left"]) == (
        ["password", "totp"],
        10,
    )
    path = f"/api/authenticators/{bound['authenticator']['id']}"
    assert browser.call("PATCH", path, {"name": "my phone"})[1]["name"] == "my phone"
    for kind, code in (("totp", app.code().reveal()), ("recovery_code", bound["recovery_codes"][0])):
        other = talk.browser()
        _, more = other.call("POST", "/api/sign-in", {"identifier": MIA, "password": SECRET})
        assert (more["status"], more["authenticators"]) == ("more", ["totp", "recovery_code"])
        assert other.call("GET", "/api/session")[0] == 401
        proof = {"attempt": more["attempt"], "authenticator": kind, "code": code}
        status, done = other.call("POST", "/api/attempt/answer", proof)
        assert (status, done["session"]["aal"]) == (200, 2)
        _, more = other.call("POST", "/api/sign-in", {"identifier": MIA, "password": SECRET})
        again = {**proof, "attempt": more["attempt"]}
        assert other.call("POST", "/api/attempt/answer", again)[1]["code"] == "invalid_code", "good once"
    talk.later(minutes=20)
    status, problem = browser.call("POST", "/api/authenticators/recovery_code")
    assert (status, problem["code"], problem["aal"]) == (403, "reauthenticate", 2)
    assert browser.call("DELETE", path)[0] == 403
    _, begun = browser.call("POST", "/api/reauthenticate", {"aal": 2})
    first = {"attempt": begun["attempt"], "authenticator": "password", "password": SECRET}
    _, more = browser.call("POST", "/api/attempt/answer", first)
    second = {"attempt": more["attempt"], "authenticator": "totp", "code": app.code().reveal()}
    assert browser.call("POST", "/api/attempt/answer", second)[0] == 200
    assert len(browser.call("POST", "/api/authenticators/recovery_code")[1]["recovery_codes"]) == 10
    assert browser.call("DELETE", path)[0] == 200
    assert browser.call("DELETE", path)[0] == 404
    assert talk.signed_in().call("GET", "/api/session")[1]["session"]["aal"] == 1


@conversation(CONVERSATIONS)
def by_the_pages(talk: Talk) -> None:
    """Added, kept, asked for at the next sign-in, another way chosen, removed."""
    browser = talk.member()
    begun = browser.fill_in("/account/app")
    where = (header(begun, "location") or "").rpartition("/auth")[2]
    shown = browser.get(where).body.decode()
    found = _SEED.search(shown)
    assert found
    assert "<svg" in shown
    app = AuthenticatorApp(found.group(1), talk.premises.clock)
    refused = browser.fill_in(where, "/account/app/confirm", id=where.partition("id=")[2], code="000000")
    assert refused.status == 422
    kept = browser.fill_in(
        where, "/account/app/confirm", id=where.partition("id=")[2], code=app.code().reveal(), name="my phone"
    )
    codes = re.findall(r"<code>([0-9a-z-]+)</code>", html.unescape(kept.body.decode()))
    assert (kept.status, len(codes)) == (200, 10)
    assert "my phone" in browser.get("/account/security").body.decode()
    talk.later(seconds=60)
    other = talk.browser()
    led = other.fill_in("/sign-in?return_to=/books", identifier=MIA, password=SECRET)
    assert header(led, "location") == "http://localhost:8000/auth/prove"
    assert other.fill_in("/prove", authenticator="totp", code="000000").status == 422
    done = other.fill_in("/prove", authenticator="totp", code=app.code().reveal())
    assert header(done, "location") == "http://localhost:8000/books"
    third = talk.browser()
    third.fill_in("/sign-in", identifier=MIA, password=SECRET)
    assert "Recovery code" in third.get("/prove?with=recovery_code").body.decode()
    proof = {"authenticator": "recovery_code", "code": codes[4]}
    assert third.fill_in("/prove?with=recovery_code", "/prove", **proof).status == 303
    assert third.fill_in("/account/security", "/account/recovery-codes").status == 200
    talk.later(minutes=20)
    led = browser.fill_in("/account/security", "/account/recovery-codes")
    assert header(led, "location") == (
        "http://localhost:8000/auth/reauthenticate?aal=2&return_to=/auth/account/security"
    )
    led = browser.fill_in("/reauthenticate?aal=2&return_to=/auth/account/security", password=SECRET, aal="2")
    assert header(led, "location") == "http://localhost:8000/auth/prove"
    led = browser.fill_in("/prove", authenticator="totp", code=app.code().reveal())
    assert header(led, "location") == "http://localhost:8000/auth/account/security"
    row = browser.call("GET", "/api/authenticators")[1]["authenticators"][1]["id"]
    assert browser.fill_in("/account/security", "/account/authenticators/remove", id=row).status == 303
    assert "my phone" not in browser.get("/account/security").body.decode()


@conversation(CONVERSATIONS, needs={"core"}, policy={"by_role": {"editor": {"aal": 2}}})
def policy_leads_to_one(talk: Talk) -> None:
    """Who needs a second factor and has none is led through adding it; a mailed code comes first."""
    talk.member()
    talk.core.operator.set_roles(talk.core.operator.find_user(MIA).id, ("editor",))
    browser = talk.browser()
    _, more = browser.call("POST", "/api/sign-in", {"identifier": MIA, "password": SECRET})
    assert (more["authenticators"], more["enrol"]) == (["email_code"], [])
    assert browser.call("POST", "/api/authenticators/totp", {"attempt": more["attempt"]})[0] == 410
    asked = {"attempt": more["attempt"], "authenticator": "email_code"}
    assert browser.call("POST", "/api/attempt/begin", asked)[0] == 200
    _, more = browser.call("POST", "/api/attempt/answer", {**asked, "code": talk.code()})
    assert (more["authenticators"], more["enrol"]) == ([], ["passkey", "totp"])
    _, bound = _enrol(talk, browser, attempt=more["attempt"])
    assert bound["session"]["aal"] == 2
    assert browser.call("GET", "/api/session")[1]["session"]["aal"] == 2


@conversation(CONVERSATIONS, needs={"core"}, policy={"by_role": {"editor": {"aal": 2}}})
def policy_leads_through_the_pages(talk: Talk) -> None:
    """The same by the pages: the mailed code, the app, the recovery codes, and on to where one wanted to go."""
    talk.member()
    talk.core.operator.set_roles(talk.core.operator.find_user(MIA).id, ("editor",))
    browser = talk.browser()
    led = browser.fill_in("/sign-in?return_to=/books", identifier=MIA, password=SECRET)
    assert header(led, "location") == "http://localhost:8000/auth/verify"
    led = browser.fill_in("/verify", code=talk.code())
    assert header(led, "location") == "http://localhost:8000/auth/enrol"
    begun = browser.fill_in("/enrol")
    where = (header(begun, "location") or "").rpartition("/auth")[2]
    found = _SEED.search(browser.get(where).body.decode())
    assert found
    app, proposal = AuthenticatorApp(found.group(1), talk.premises.clock), where.partition("id=")[2]
    assert browser.fill_in(where, "/enrol/confirm", id=proposal, code="000000").status == 422
    kept = browser.fill_in(where, "/enrol/confirm", id=proposal, code=app.code().reveal())
    assert kept.status == 200
    assert 'href="http://localhost:8000/books"' in kept.body.decode()
    assert browser.get("/account/security").status == 200
