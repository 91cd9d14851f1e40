"""A forgotten password: by JSON and by the pages; where it began, elsewhere, and for addresses that nobody has."""

from __future__ import annotations

from nightlatch.testing.adapter_contract.conversation import LEO, MIA, SECRET, Conversation, Talk, conversation
from nightlatch.testing.authenticator_app import AuthenticatorApp
from nightlatch.testing.browser import header

CONVERSATIONS: list[Conversation] = []

NEW, SHORT = "an entirely different sentence", "short"


@conversation(CONVERSATIONS)
def by_code(talk: Talk) -> None:
    """The mailed code, a new password, nobody signed in; what was signed in is out, and the owner is told."""
    member, browser = talk.member(), talk.browser()
    status, begun = browser.call("POST", "/api/recover", {"identifier": MIA, "return_to": "/books"})
    assert (status, begun["status"], begun["authenticators"]) == (202, "more", ["email_code"])
    early = {"attempt": begun["attempt"], "new_password": NEW}
    assert browser.call("POST", "/api/attempt/answer", early)[0] == 410
    proof = {"attempt": begun["attempt"], "authenticator": "email_code", "code": "00000000"}
    assert browser.call("POST", "/api/attempt/answer", proof)[1]["code"] == "invalid_code"
    status, step = browser.call("POST", "/api/attempt/answer", {**proof, "code": talk.code()})
    assert (status, step["purpose"], step["authenticators"], step["set"]) == (200, "recover", [], ["password"])
    status, problem = browser.call("POST", "/api/attempt/answer", {"attempt": step["attempt"], "new_password": SHORT})
    assert (status, problem["code"]) == (422, "password_rejected")
    talk.later(seconds=1)
    chosen = {"attempt": step["attempt"], "new_password": NEW}
    status, done = browser.call("POST", "/api/attempt/answer", chosen)
    assert (status, done["status"], done["session"], done["return_to"]) == (200, "complete", None, "/books")
    assert browser.cookies == {}
    assert browser.call("POST", "/api/attempt/answer", chosen)[0] == 410
    assert member.call("GET", "/api/session")[0] == 401
    assert "new password was chosen" in talk.mail(MIA).subject
    for password, expected in ((SECRET, 401), (NEW, 200)):
        assert browser.call("POST", "/api/sign-in", {"identifier": MIA, "password": password})[0] == expected


@conversation(CONVERSATIONS)
def by_link(talk: Talk) -> None:
    """With its own attempt a link is proof enough; alone it begins afresh, and the first stays unproven."""
    talk.member()
    browser, owner = talk.browser(), talk.browser()
    _, begun = browser.call("POST", "/api/recover", {"identifier": MIA})
    own = {"link": talk.link(), "attempt": begun["attempt"]}
    status, step = browser.call("POST", "/api/attempt/link", own)
    assert (status, step["set"]) == (200, ["password"])
    assert browser.call("POST", "/api/attempt/link", own)[0] == 410
    _, begun = browser.call("POST", "/api/recover", {"identifier": MIA})
    status, step = owner.call("POST", "/api/attempt/link", {"link": talk.link()})
    assert (status, step["set"], step["purpose"]) == (200, ["password"], "recover")
    stolen = {"attempt": begun["attempt"], "new_password": "a sentence of the stranger's"}
    assert browser.call("POST", "/api/attempt/answer", stolen)[0] == 410


@conversation(CONVERSATIONS)
def nobody_by_that_name(talk: Talk) -> None:
    """The same answers, byte for byte, and no mail."""
    talk.member()
    stranger = talk.browser()
    for identifier in (MIA, LEO, "mia@EXAMPLE.org", "no address", "mia＠example.org"):
        status, begun = stranger.call("POST", "/api/recover", {"identifier": identifier})
        assert (status, begun["authenticators"]) == (202, ["email_code"]), identifier
        again = {"attempt": begun["attempt"], "authenticator": "email_code"}
        assert stranger.call("POST", "/api/attempt/begin", again)[0] == 200
        assert stranger.call("POST", "/api/attempt/answer", {**again, "code": "12345678"})[0] == 401
    for body in ({}, {"identifier": ""}, {"identifier": "  "}, {"identifier": MIA, "password": SECRET}):
        assert stranger.call("POST", "/api/recover", body)[0] == 422
    talk.mail(MIA)
    assert {mail.to for mail in talk.premises.mailbox.messages} == {MIA}


@conversation(CONVERSATIONS)
def by_the_pages(talk: Talk) -> None:
    """From the sign-in page, through the code and the new password, back to it and in."""
    talk.member()
    browser = talk.browser()
    assert "Forgot your password?" in browser.get("/sign-in?return_to=/books").body.decode()
    assert browser.fill_in("/recover").status == 422
    led = browser.fill_in("/recover?return_to=/books", identifier=MIA)
    assert header(led, "location") == "http://localhost:8000/auth/verify"
    assert header(browser.get("/set-password"), "location") == "http://localhost:8000/auth/verify"
    assert "we sent a code" in browser.get("/verify").body.decode()
    assert browser.fill_in("/verify", code="0000 0000").status == 422
    assert browser.fill_in("/verify", again="1").status == 303
    led = browser.fill_in("/verify", code=talk.code())
    assert header(led, "location") == "http://localhost:8000/auth/set-password"
    assert browser.fill_in("/set-password", new_password=SHORT).status == 422
    led = browser.fill_in("/set-password", new_password=NEW)
    back = header(led, "location") or ""
    assert back == "http://localhost:8000/auth/sign-in?prompt=login&return_to=/books"
    path = back.removeprefix("http://localhost:8000/auth")
    assert "Your new password is set" in browser.get(path).body.decode()
    led = browser.fill_in(path, identifier=MIA, password=NEW)
    assert header(led, "location") == "http://localhost:8000/books"


@conversation(CONVERSATIONS)
def opening_the_link_never_acts(talk: Talk) -> None:
    """041: a scanner opens it as often as it likes; the button goes on, where it is pressed; then it is over."""
    talk.member()
    browser, scanner = talk.browser(), talk.browser()
    browser.fill_in("/recover", identifier=MIA)
    link = talk.link()
    for _ in range(2):
        assert scanner.get(f"/verify?link={link}").status == 200
        assert scanner.send("HEAD", f"/verify?link={link}").status == 200
    assert f"For the account of <strong>{MIA}</strong>" in browser.get(f"/verify?link={link}").body.decode()
    assert browser.post("/verify", link=link).status == 403
    led = browser.fill_in(f"/verify?link={link}")
    assert header(led, "location") == "http://localhost:8000/auth/set-password"
    assert browser.fill_in("/set-password", new_password=NEW).status == 303
    assert [each.get(f"/verify?link={link}").status for each in (browser, scanner)] == [410, 410]
    assert browser.get("/account").status == 303


@conversation(CONVERSATIONS, identifiers="username")
def without_addresses(talk: Talk) -> None:
    """Where accounts have no address there is no such page, and the sign-in page does not name one."""
    browser = talk.browser()
    status, problem = browser.call("POST", "/api/recover", {"identifier": "mia"})
    assert (status, problem["code"]) == (403, "recovery_closed")
    assert browser.get("/recover").status == 403
    assert "Forgot" not in browser.get("/sign-in").body.decode()


@conversation(CONVERSATIONS)
def with_a_recovery_code(talk: Talk) -> None:
    """What is asked for besides the mailbox; the code that was used up is replaced, by JSON and on the page."""
    member = talk.member()
    _, proposal = member.call("POST", "/api/authenticators/totp", {})
    code = AuthenticatorApp(proposal["secret"], talk.premises.clock).code().reveal()
    _, bound = member.call("POST", "/api/authenticators/totp/confirm", {"id": proposal["id"], "code": code})
    first, second = bound["recovery_codes"][:2]
    browser = talk.browser()
    _, step = browser.call("POST", "/api/recover", {"identifier": MIA})
    proof = {"attempt": step["attempt"], "authenticator": "email_code", "code": talk.code()}
    _, step = browser.call("POST", "/api/attempt/answer", proof)
    assert step["authenticators"] == ["totp", "recovery_code"]
    proof = {"attempt": step["attempt"], "authenticator": "recovery_code", "code": first}
    _, step = browser.call("POST", "/api/attempt/answer", proof)
    _, done = browser.call("POST", "/api/attempt/answer", {"attempt": step["attempt"], "new_password": NEW})
    assert (done["session"], len(done["new_recovery_codes"])) == (None, 1)
    assert browser.fill_in("/recover", identifier=MIA).status == 303
    assert header(browser.fill_in("/verify", code=talk.code()), "location") == "http://localhost:8000/auth/prove"
    browser.fill_in("/prove", authenticator="recovery_code", code=second)
    shown = browser.fill_in("/set-password", new_password=SECRET)
    assert shown.status == 200
    assert "Keep this recovery code" in shown.body.decode()
    assert browser.call("GET", "/api/session")[0] == 401


@conversation(CONVERSATIONS, needs={"core"})
def started_by_an_operator(talk: Talk) -> None:
    """Told at once and to be stopped; the link waits 72 hours, says so, and then leads to a new password."""
    talk.member()
    talk.later(days=8)
    operator, lost = talk.core.operator, talk.core.operator_recovery
    browser = talk.browser()
    _, stopped = lost.start(operator.find_user(MIA), to=None)
    stop = talk.link()
    assert "Stop the recovery" in browser.get(f"/stop?link={stop}").body.decode()
    assert browser.fill_in(f"/stop?link={stop}").status == 303
    _, link = lost.start(operator.find_user(MIA), to=None)
    assert stopped is not None
    assert link is not None
    assert "from 2026-01-12" in browser.get(f"/verify?link={link.reveal()}").body.decode()
    assert browser.call("POST", "/api/attempt/link", {"link": link.reveal()})[0] == 410
    talk.later(hours=73)
    assert browser.get(f"/verify?link={stopped.reveal()}").status == 410
    led = browser.fill_in(f"/verify?link={link.reveal()}")
    assert header(led, "location") == "http://localhost:8000/auth/set-password"
    assert browser.fill_in("/set-password", new_password=NEW).status == 303
    assert browser.call("POST", "/api/sign-in", {"identifier": MIA, "password": NEW})[0] == 200
