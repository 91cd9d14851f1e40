"""A passkey: made by who is signed in, asked for after the password, by JSON."""

from __future__ import annotations

import json
from typing import Any

from nightlatch.http.messages import Response
from nightlatch.testing.adapter_contract.conversation import MIA, SECRET, Conversation, Talk, conversation
from nightlatch.testing.authenticator_app import AuthenticatorApp
from nightlatch.testing.browser import Browser, header
from nightlatch.testing.passkey import Passkey

HOME = "http://localhost:8000/"
CONVERSATIONS: list[Conversation] = []


@conversation(CONVERSATIONS)
def made_and_asked_for(talk: Talk) -> None:
    """Made, then proven; a replay and a made-up credential are refused; named and removed."""
    browser = talk.member()
    passkey = Passkey(origin="http://localhost:8000")
    status, proposal = browser.call("POST", "/api/authenticators/passkey", {"name": "my phone"})
    assert status == 200, proposal
    credential = passkey.register(proposal["options"])
    confirmation = {"id": proposal["id"], "credential": credential}
    status, bound = browser.call("POST", "/api/authenticators/passkey/confirm", confirmation)
    assert (status, len(bound["recovery_codes"])) == (200, 10)
    assert browser.call("POST", "/api/authenticators/passkey/confirm", confirmation)[1]["code"] == "not_found"

    other = talk.browser()
    _, more = other.call("POST", "/api/sign-in", {"identifier": MIA, "password": SECRET})
    assert more["authenticators"] == ["passkey", "recovery_code"]
    begin = {"attempt": more["attempt"], "authenticator": "passkey"}
    for wrong in ({}, {"id": 1}, passkey.sign(_asked(other, begin)) | {"rawId": "AAAA"}):
        status, problem = other.call("POST", "/api/attempt/answer", {**begin, "credential": wrong})
        assert (status, problem["code"]) == (401, "invalid_credentials")
    proof = passkey.sign(_asked(other, begin))
    status, done = other.call("POST", "/api/attempt/answer", {**begin, "credential": proof})
    assert (status, done["session"]["aal"]) == (200, 2)
    _, more = other.call("POST", "/api/sign-in", {"identifier": MIA, "password": SECRET})
    replay = {"attempt": more["attempt"], "authenticator": "passkey", "credential": proof}
    assert other.call("POST", "/api/attempt/answer", replay)[0] == 401

    path = f"/api/authenticators/{bound['authenticator']['id']}"
    assert browser.call("PATCH", path, {"name": "old phone"})[1]["name"] == "old phone"


@conversation(CONVERSATIONS)
def the_whole_sign_in(talk: Talk) -> None:
    """No name, no password: the browser offers what it has, and that tells who it is."""
    browser = talk.member()
    passkey = Passkey(origin="http://localhost:8000")
    _, proposal = browser.call("POST", "/api/authenticators/passkey", {})
    confirmation = {"id": proposal["id"], "credential": passkey.register(proposal["options"])}
    assert browser.call("POST", "/api/authenticators/passkey/confirm", confirmation)[0] == 200

    other = talk.browser()
    status, more = other.call("POST", "/api/sign-in", {})
    assert (status, more["authenticators"], more["options"]["allowCredentials"]) == (200, ["passkey"], [])
    assert more["options"]["userVerification"] == "required"
    proof = {"attempt": more["attempt"], "authenticator": "passkey", "credential": passkey.sign(more["options"])}
    status, done = other.call("POST", "/api/attempt/answer", proof)
    assert (status, done["session"]["aal"], done["user"]["email"]) == (200, 2, MIA)
    assert other.call("POST", "/api/attempt/answer", proof)[1]["code"] == "attempt_invalid"

    stranger = talk.browser()
    _, more = stranger.call("POST", "/api/sign-in", {})
    foreign = Passkey(origin="http://localhost:8000")
    foreign.register(proposal["options"])
    proof = {"attempt": more["attempt"], "authenticator": "passkey", "credential": foreign.sign(more["options"])}
    assert stranger.call("POST", "/api/attempt/answer", proof)[1]["code"] == "invalid_credentials"


@conversation(CONVERSATIONS)
def in_place_of_a_password(talk: Talk) -> None:
    """A sign-up without any password: the mailed code, the passkey, recovery codes; nothing exists before."""
    browser, passkey = talk.browser(), Passkey(origin="http://localhost:8000")
    _, more = browser.call("POST", "/api/sign-up", {"email": MIA})
    early = browser.call("POST", "/api/authenticators/passkey", {"attempt": more["attempt"]})
    assert (early[0], early[1]["code"]) == (410, "attempt_invalid")
    answer = {"attempt": more["attempt"], "authenticator": "email_code", "code": talk.code()}
    _, more = browser.call("POST", "/api/attempt/answer", answer)
    assert (more["set"], more["enrol"]) == (["password"], ["passkey"])
    attempt = {"attempt": more["attempt"]}
    passkey.user_verified = False
    status, bound = _confirmed(browser, passkey, attempt)
    assert (status, bound["code"]) == (401, "invalid_credentials")
    passkey.user_verified = True
    status, bound = _confirmed(browser, passkey, attempt)
    assert (status, bound["session"]["aal"], len(bound["recovery_codes"])) == (200, 2, 10)
    assert [each["kind"] for each in browser.call("GET", "/api/authenticators")[1]["authenticators"]] == ["passkey"]
    password = {"identifier": MIA, "password": SECRET}
    assert talk.browser().call("POST", "/api/sign-in", password)[1]["code"] == "invalid_credentials"
    page = browser.get("/account/security").body.decode()
    assert ("Change your password" in page, "Make another passkey" in page) == (False, True)


_THREE = {"by_role": {"editor": {"sequence": ["password", "totp", "passkey"]}}}


@conversation(CONVERSATIONS, needs={"core"}, policy=_THREE)
def the_third_of_three(talk: Talk) -> None:
    """Password, code and biometric: led through adding both, then asked for both, in that order."""
    talk.member()
    talk.core.operator.set_roles(talk.core.operator.find_user(MIA).id, ("editor",))
    browser, passkey = talk.browser(), Passkey(origin="http://localhost:8000")
    _, more = browser.call("POST", "/api/sign-in", {"identifier": MIA, "password": SECRET})
    asked = {"attempt": more["attempt"], "authenticator": "email_code"}
    browser.call("POST", "/api/attempt/begin", asked)
    _, more = browser.call("POST", "/api/attempt/answer", {**asked, "code": talk.code()})
    assert more["enrol"] == ["totp"]
    _, proposal = browser.call("POST", "/api/authenticators/totp", {"attempt": more["attempt"]})
    app = AuthenticatorApp(proposal["secret"], talk.premises.clock)
    confirmation = {"attempt": more["attempt"], "id": proposal["id"], "code": app.code().reveal()}
    status, more = browser.call("POST", "/api/authenticators/totp/confirm", confirmation)
    assert (status, more["status"], more["enrol"], len(more["recovery_codes"])) == (200, "more", ["passkey"], 10)
    status, bound = _confirmed(browser, passkey, {"attempt": more["attempt"]})
    assert (status, bound["session"]["aal"], bound["recovery_codes"]) == (200, 2, [])

    talk.later(seconds=60)
    other = talk.browser()
    _, more = other.call("POST", "/api/sign-in", {"identifier": MIA, "password": SECRET})
    assert more["authenticators"] == ["totp"]
    answer = {"attempt": more["attempt"], "authenticator": "totp", "code": app.code().reveal()}
    _, more = other.call("POST", "/api/attempt/answer", answer)
    assert (more["status"], more["authenticators"]) == ("more", ["passkey"])
    begin = {"attempt": more["attempt"], "authenticator": "passkey"}
    proof = {**begin, "credential": passkey.sign(_asked(other, begin))}
    status, done = other.call("POST", "/api/attempt/answer", proof)
    assert (status, done["status"], done["session"]["aal"]) == (200, "complete", 2)


@conversation(CONVERSATIONS)
def in_the_pages(talk: Talk) -> None:
    """The script asks, the form sends: made, used after the password and again; the page tells what failed."""
    browser, passkey = talk.member(), Passkey(origin="http://localhost:8000")
    page, confirm = "/account/passkey", "/account/passkey/confirm"
    assert b"passkey.js" in browser.get(page).body
    assert browser.post(page).status == 403
    proposal = _told(browser.fill_in(page))
    refused = browser.fill_in(page, confirm, id=proposal["id"], credential='{"id": "AAAA"}')
    assert (refused.status, b"could not be added" in refused.body) == (401, True)
    proposal = _told(browser.fill_in(page))
    kept = browser.fill_in(page, confirm, id=proposal["id"], credential=_made(passkey, proposal), name="my phone")
    assert (kept.status, b"recovery codes" in kept.body) == (200, True)
    shown = browser.get("/account/security").body.decode()
    assert ("my phone" in shown, 'data-signal="accepted"' in shown) == (True, True)

    other = talk.browser()
    assert (
        header(other.fill_in("/sign-in", identifier=MIA, password=SECRET), "location")
        == "http://localhost:8000/auth/prove"
    )
    signed = json.dumps(passkey.sign(_told(other.fill_in("/prove", "/prove/passkey"))))
    assert other.fill_in("/prove", authenticator="passkey", credential="{}").status == 401
    assert header(other.fill_in("/prove", authenticator="passkey", credential=signed), "location") == HOME
    row = browser.call("GET", "/api/authenticators")[1]["authenticators"][1]["id"]
    assert other.fill_in("/account/security", "/account/authenticators/rename", id=row, name="old phone").status == 303
    assert "old phone" in other.get("/account/security").body.decode()

    talk.later(minutes=20)
    where = "/reauthenticate?aal=2&return_to=/auth/account/passkey"
    assert header(other.get("/account/passkey"), "location") == f"http://localhost:8000/auth{where}"
    signed = json.dumps(passkey.sign(_told(other.fill_in(where, "/reauthenticate/passkey", aal="2"))))
    led = other.fill_in(where, credential=signed, aal="2")
    assert header(led, "location") == "http://localhost:8000/auth/account/passkey"


@conversation(CONVERSATIONS)
def offered_after_a_password(talk: Talk) -> None:
    """Where the device can make one: once for each browser, with the way on; never to who has one."""
    talk.member()
    browser = talk.browser()
    led = browser.fill_in("/sign-in?return_to=/books", identifier=MIA, password=SECRET, can_make="1")
    offer = "/account/passkey?offer=1&return_to=/books"
    assert header(led, "location") == f"http://localhost:8000/auth{offer}"
    assert b'href="/books"' in browser.get(offer).body
    browser.fill_in("/sign-out")
    led = browser.fill_in("/sign-in?return_to=/books", identifier=MIA, password=SECRET, can_make="1")
    assert header(led, "location") == "http://localhost:8000/books"


@conversation(CONVERSATIONS)
def alone_in_the_pages(talk: Talk) -> None:
    """The sign-in page asks as it loads; what the browser answers tells who it is."""
    browser, passkey = talk.member(), Passkey(origin="http://localhost:8000")
    _, proposal = browser.call("POST", "/api/authenticators/passkey", {})
    confirmation = {"id": proposal["id"], "credential": passkey.register(proposal["options"])}
    assert browser.call("POST", "/api/authenticators/passkey/confirm", confirmation)[0] == 200
    for owner in (Passkey(origin="http://localhost:8000"), passkey):
        if not owner.made:
            owner.register(proposal["options"])
        other = talk.browser()
        _, more = other.call("POST", "/api/sign-in", {"return_to": "/books"})
        fields = {"attempt": more["attempt"], "credential": json.dumps(owner.sign(more["options"]))}
        done = other.fill_in("/sign-in", "/sign-in/passkey", **fields)
        if owner is passkey:
            assert header(done, "location") == "http://localhost:8000/books"
        else:
            assert (done.status, b'data-signal="unknown"' in done.body) == (401, True)


@conversation(CONVERSATIONS, needs={"core"}, policy={"by_role": {"editor": {"aal": 2}}})
def policy_leads_to_one_in_the_pages(talk: Talk) -> None:
    """Who needs a second factor makes a passkey, keeps the recovery codes, and is in."""
    talk.member()
    talk.core.operator.set_roles(talk.core.operator.find_user(MIA).id, ("editor",))
    browser, passkey = talk.browser(), Passkey(origin="http://localhost:8000")
    browser.fill_in("/sign-in?return_to=/books", identifier=MIA, password=SECRET)
    assert browser.get("/enrol").status == 410
    assert browser.call("POST", "/api/authenticators/passkey", {})[0] == 401
    browser.fill_in("/verify", code=talk.code())
    proposal = _told(browser.fill_in("/enrol", "/enrol/passkey"))
    refused = browser.fill_in("/enrol", "/enrol/passkey/confirm", id=proposal["id"], credential="{}")
    assert (refused.status, b"could not be added" in refused.body) == (401, True)
    proposal = _told(browser.fill_in("/enrol", "/enrol/passkey"))
    made = _made(passkey, proposal)
    kept = browser.fill_in("/enrol", "/enrol/passkey/confirm", id=proposal["id"], credential=made)
    assert (kept.status, b'href="http://localhost:8000/books"' in kept.body) == (200, True)
    assert browser.call("GET", "/api/session")[1]["session"]["aal"] == 2


def _confirmed(browser: Browser, passkey: Passkey, attempt: dict[str, str]) -> tuple[int, Any]:
    """Make a passkey in an attempt."""
    status, proposal = browser.call("POST", "/api/authenticators/passkey", attempt)
    assert status == 200, proposal
    confirmation = {**attempt, "id": proposal["id"], "credential": passkey.register(proposal["options"])}
    return browser.call("POST", "/api/authenticators/passkey/confirm", confirmation)


def _told(response: Response) -> dict[str, Any]:
    assert response.status == 200, response.body
    told: dict[str, Any] = json.loads(response.body)
    return told


def _made(passkey: Passkey, proposal: dict[str, Any]) -> str:
    return json.dumps(passkey.register(proposal["options"]))


def _asked(browser: Browser, begin: dict[str, str]) -> dict[str, Any]:
    status, more = browser.call("POST", "/api/attempt/begin", begin)
    assert status == 200, more
    options: dict[str, Any] = more["options"]
    return options
