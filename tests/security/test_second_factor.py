"""Flaw classes 43 to 55, second factors, over HTTP: through every way in there is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from browsing import Browser, header
from house import PASSWORD, House
from nightlatch.ports import after
from nightlatch.records import RECORDS, Attempt, Authenticator, Session
from nightlatch.settings import Policy, Requirement
from nightlatch.storage.memory import MemoryStore
from nightlatch.testing.authenticator_app import AuthenticatorApp
from nightlatch.testing.sites import Site
from outstanding import LEO, MIA, Person

SECRET = PASSWORD.reveal()
OpenSite = Callable[[House], Site]


def code_call(browser: Browser, step: Any, code: str, kind: str = "totp") -> tuple[int, Any]:
    """Answer an attempt with a code."""
    body = {"attempt": step["attempt"], "authenticator": kind, "code": code}
    return browser.call("POST", "/api/attempt/answer", body)


def password(mia: Person, browser: Browser | None = None) -> Any:
    """Type Mia's password in a browser that was never here: more is asked."""
    step = mia.done("/api/sign-in", browser or mia.stranger(), identifier=mia.email, password=SECRET)
    assert step["status"] == "more"
    return step


@pytest.fixture
def mia(premises: tuple[House, Site]) -> Person:
    """Return Mia, who has an authenticator app and recovery codes."""
    return Person(*premises, app=True)


def test_043_a_code_is_accepted_once(mia: Person) -> None:
    """Not again in its own step nor in the next, and no earlier one after it; a recovery code not either."""
    assert mia.app is not None
    earlier = mia.app.code().reveal()
    mia.house.clock.advance(seconds=30)
    code = mia.app.code().reveal()
    assert code_call(mia.stranger(), password(mia), code)[0] == 200
    for again in (code, earlier):
        assert code_call(mia.stranger(), password(mia), again)[0] == 401
    mia.house.clock.advance(seconds=30)
    assert code_call(mia.stranger(), password(mia), code)[0] == 401
    assert code_call(mia.stranger(), password(mia), mia.codes[0], "recovery_code")[0] == 200
    assert code_call(mia.stranger(), password(mia), mia.codes[0], "recovery_code")[0] == 401


def test_044_guesses_are_counted_over_attempts_addresses_and_kinds(mia: Person) -> None:
    """Each in an attempt and a network of its own: after ten not even the right one is looked at, of either kind."""
    mia.sign_in(mia.browser)  # from now on it is known
    steps = [(password(mia), kind) for kind in ("totp", "recovery_code") for _ in range(6)]
    seen = [code_call(mia.stranger(), step, f"00000{at % 10}", kind)[0] for at, (step, kind) in enumerate(steps)]
    assert seen == [401] * 10 + [429] * 2
    assert code_call(mia.stranger(), password(mia), mia.codes[0], "recovery_code")[0] == 429
    browser = mia.browser
    assert code_call(browser, password(mia, browser), mia.app_code())[0] == 200, "her own browser is not shut out"


def test_045_an_attempt_ends_once_and_in_time(mia: Person) -> None:
    """Ten minutes later it completes nothing, and once complete it makes no second session."""
    late = password(mia)
    mia.house.clock.advance(minutes=11)
    assert code_call(mia.stranger(), late, mia.app_code())[0] == 410
    step = password(mia)
    assert code_call(mia.stranger(), step, mia.app_code())[0] == 200
    before = len(mia.house.auth.sessions.of_user(_uuid(mia)))
    assert code_call(mia.stranger(), step, mia.app_code())[0] == 410
    assert len(mia.house.auth.sessions.of_user(_uuid(mia))) == before


def test_046_an_unfinished_enrolment_locks_nobody_out(premises: tuple[House, Site]) -> None:
    """What was never confirmed is not asked for, and answers nothing."""
    mia = Person(*premises)
    proposal = mia.done("/api/authenticators/totp")
    assert mia.done("/api/sign-in", mia.stranger(), identifier=MIA, password=SECRET)["status"] == "complete"
    listed = mia.browser.call("GET", "/api/authenticators")[1]["authenticators"]
    assert [each["kind"] for each in listed] == ["password"]
    mia.house.clock.advance(hours=2)
    mia.confirm()
    code = AuthenticatorApp(proposal["secret"], mia.house.clock).code().reveal()
    late = {"id": proposal["id"], "code": code}
    assert mia.browser.call("POST", "/api/authenticators/totp/confirm", late)[0] == 404


SENSITIVE: tuple[tuple[str, str, dict[str, Any] | None], ...] = (
    ("POST", "/api/authenticators/totp", {}),
    ("POST", "/api/authenticators/totp/confirm", {"id": "{app}", "code": "000000"}),
    ("DELETE", "/api/authenticators/{app}", None),
    ("POST", "/api/authenticators/recovery_code", None),
    ("POST", "/api/account/email", {"email": "mia@home.example"}),
    ("DELETE", "/api/account", None),
    ("GET", "/api/account/export", None),
    ("POST", "/api/api-keys", {"name": "a key"}),
)


@pytest.mark.parametrize("how", ["old", "half"])
def test_047_nothing_sensitive_on_a_weaker_or_older_proof(mia: Person, how: str) -> None:
    """Each call that binds, removes or replaces: not on an old proof, and not on a session of less than her level."""
    rows = mia.house.store.find(Authenticator, {"user_id": _uuid(mia)})
    app = str(next(row.id for row in rows if row.kind == "totp"))
    if how == "old":
        mia.house.clock.advance(minutes=20)
    else:
        session = mia.house.auth.sessions.of_user(_uuid(mia))[0]
        left = tuple(each for each in session.evidence if each.authenticator == "password")
        mia.house.store.update(Session, {"user_id": _uuid(mia)}, {"evidence": left, "aal": 1})
    for method, path, body in SENSITIVE:
        sent = body and {name: value.replace("{app}", app) for name, value in body.items()}
        status, told = mia.browser.call(method, path.replace("{app}", app), sent)
        assert (status, told.get("code")) == (403, "reauthenticate"), (method, path, told)
        assert told["begin"]["url"].endswith("/auth/api/reauthenticate")
    assert len(mia.house.store.find(Authenticator, {"user_id": _uuid(mia)})) == len(rows)


def test_048_a_session_is_no_surer_than_what_is_left(mia: Person) -> None:
    """The app is removed: what was proven with it counts no longer, here and wherever else she was signed in."""
    elsewhere = mia.stranger()
    mia.sign_in(elsewhere)
    mia.confirm()
    owned = mia.browser.call("GET", "/api/authenticators")[1]["authenticators"]
    app = next(each["id"] for each in owned if each["kind"] == "totp")
    status, left = mia.browser.call("DELETE", f"/api/authenticators/{app}")
    assert (status, left["session"]["aal"]) == (200, 1)
    assert not {"otp", "mfa"} & set(left["session"]["amr"])
    assert mia.browser.call("GET", "/api/session")[1]["session"]["aal"] == 1
    assert elsewhere.call("GET", "/api/session")[0] == 401


def test_050_what_was_before_the_second_factor_ends_with_it(premises: tuple[House, Site]) -> None:
    """Whoever was in by a stolen password is out: sessions, tokens and known browsers."""
    mia, elsewhere, program = Person(*premises), Browser(premises[1]), Browser(premises[1])
    mia.done("/api/sign-in", elsewhere, identifier=MIA, password=SECRET)
    tokens = mia.done("/api/sign-in", program, identifier=MIA, password=SECRET, deliver="tokens")
    mia.confirm()
    proposal = mia.done("/api/authenticators/totp")
    code = AuthenticatorApp(proposal["secret"], mia.house.clock).code().reveal()
    mia.done("/api/authenticators/totp/confirm", id=proposal["id"], code=code)
    assert elsewhere.call("GET", "/api/session")[0] == 401
    assert program.call("POST", "/api/token/refresh", {"refresh_token": tokens["refresh_token"]})[0] == 401
    assert program.call("GET", "/api/session", authorization=f"Bearer {tokens['access_token']}")[0] == 401
    assert mia.browser.call("GET", "/api/session")[1]["session"]["aal"] == 2


def test_051_a_step_cannot_be_passed_over(mia: Person) -> None:
    """Beginning again, naming another step, or saying that it was done: the password's fact is all that is there."""
    browser = mia.stranger()
    for _ in range(3):
        step = password(mia, browser)
        assert step["authenticators"] == ["totp", "recovery_code"]
        for body in (
            {"authenticator": "password", "password": SECRET},
            {"authenticator": "email_code", "code": "00000000"},
            {"new_password": "an entirely different sentence"},
            {},
        ):
            status, told = browser.call("POST", "/api/attempt/answer", {"attempt": step["attempt"], **body})
            assert status in {410, 422}, (body, told)
        enrol = {"attempt": step["attempt"]}
        assert browser.call("POST", "/api/authenticators/totp", enrol)[0] == 410
    for page in ("/enrol", "/set-password", "/verify", "/account"):
        assert b"Mia" not in browser.get(page).body
    assert browser.call("GET", "/api/session")[0] == 401


def test_052_half_a_sign_in_leaves_nothing_behind(mia: Person) -> None:
    """No password in any row, no session, no cookie of one; signing out of it is signing out of nothing."""
    browser = mia.stranger()
    password(mia, browser)
    opened = browser.fill_in("/sign-in", identifier=MIA, password=SECRET)
    assert (header(opened, "location") or "").endswith("/prove")
    for kind in RECORDS:
        times = {"created_at", "at", "expires_at", "done_at", "last_seen_at"}
        name = next(each for each in kind.__struct_fields__ if each in times)
        rows = mia.house.store.find(kind, {name: after(mia.house.clock.now().replace(year=2000))})
        assert SECRET not in repr(rows)
        assert not any(getattr(row, "sealed_claims", None) for row in rows if isinstance(row, Attempt))
    assert "session" not in browser.cookies
    assert browser.call("GET", "/api/session")[0] == 401
    assert browser.call("DELETE", "/api/session")[0] == 401


def test_053_somebody_elses_proof_confirms_nothing(premises: tuple[House, Site]) -> None:
    """Leo's password and Leo's app, right as they are, in Mia's session and in Mia's sign-in."""
    mia, leo = Person(*premises, app=True), Person(*premises, app=True, email=LEO)
    step = mia.answer(mia.done("/api/reauthenticate", aal=2), "password", password=SECRET)
    assert code_call(mia.browser, step, leo.app_code())[0] == 401
    assert code_call(mia.browser, step, leo.codes[0], "recovery_code")[0] == 401
    assert code_call(mia.stranger(), password(mia), leo.app_code())[0] == 401
    begun = mia.done("/api/reauthenticate", aal=2)
    body = {"attempt": begun["attempt"], "authenticator": "password", "password": SECRET}
    assert leo.browser.call("POST", "/api/attempt/answer", body)[0] == 410, "another's session"
    assert code_call(leo.stranger(), password(leo), leo.codes[0], "recovery_code")[0] == 200, "and it was not spent"


def test_054_confirming_one_confirms_no_other(premises: tuple[House, Site]) -> None:
    """The code of one app does not confirm another's; a second app leaves the recovery codes as they are."""
    mia, leo = Person(*premises, app=True), Person(*premises, email=LEO)
    mia.confirm()
    mine, his = mia.done("/api/authenticators/totp"), leo.done("/api/authenticators/totp")
    code = AuthenticatorApp(mine["secret"], mia.house.clock).code().reveal()
    for body in ({"id": his["id"], "code": code}, {"id": mine["id"], "code": mia.app_code()}):
        assert mia.browser.call("POST", "/api/authenticators/totp/confirm", body)[0] in {401, 404}
    code = AuthenticatorApp(mine["secret"], mia.house.clock).code().reveal()
    bound = mia.done("/api/authenticators/totp/confirm", id=mine["id"], code=code)
    assert bound["recovery_codes"] == []
    assert [each["kind"] for each in leo.browser.call("GET", "/api/authenticators")[1]["authenticators"]] == [
        "password"
    ]
    assert code_call(mia.stranger(), password(mia), mia.codes[3], "recovery_code")[0] == 200


def test_055_the_api_asks_for_what_the_pages_ask(open_site: OpenSite) -> None:
    """A policy is nobody's page: by JSON, by form and for tokens the same is missing, and every call is shut."""
    house = House(MemoryStore())
    Person(house, open_site(house))
    strict = House(house.store, policy=Policy(everyone=Requirement(aal=2)))
    strict.clock.advance(days=9)
    site = open_site(strict)
    for deliver in ("cookie", "tokens"):
        browser = Browser(site, peer="198.51.100.77")
        body = {"identifier": MIA, "password": SECRET, "deliver": deliver}
        status, told = browser.call("POST", "/api/sign-in", body)
        assert (status, told["status"], told["authenticators"]) == (200, "more", ["email_code"])
        assert "access_token" not in told
        assert "session" not in browser.cookies
        for path in ("/api/session", "/api/account", "/api/authenticators", "/api/sessions"):
            assert browser.call("GET", path)[0] == 401
    led = browser.fill_in("/sign-in", identifier=MIA, password=SECRET)
    assert (header(led, "location") or "").endswith("/verify")
    site.close()


def _uuid(mia: Person) -> Any:
    return mia.house.auth.operator.find_user(mia.email).id
