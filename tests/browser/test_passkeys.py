"""Passkeys in a real browser, with its virtual authenticator: made, offered, used, refused, cancelled."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, CDPSession, Page, expect

from servers import Server
from walking import SECRET, Walk, sign_up

pytestmark = pytest.mark.slow


class Authenticator:
    """The browser's virtual authenticator (Web Authentication Level 3, 11).

    Args:
        page: whose browser.
        sees: whether it can see that it is its owner: a finger, a face.
    """

    def __init__(self, page: Page, *, sees: bool = True) -> None:
        self._session: CDPSession = page.context.new_cdp_session(page)
        self._session.send("WebAuthn.enable", {"enableUI": False})
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": sees,
            "isUserVerified": sees,
            "automaticPresenceSimulation": True,
        }
        added = self._session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        self._id = {"authenticatorId": added["authenticatorId"]}

    @property
    def credentials(self) -> list[dict[str, Any]]:
        """What it holds."""
        held: list[dict[str, Any]] = self._session.send("WebAuthn.getCredentials", self._id)["credentials"]
        return held

    def answer(self, *, by_itself: bool) -> None:
        """Let somebody touch it at once, or never."""
        self._session.send("WebAuthn.setAutomaticPresenceSimulation", {**self._id, "enabled": by_itself})

    def lose(self) -> None:
        """Lose what it holds."""
        self._session.send("WebAuthn.clearCredentials", self._id)

    def go(self) -> None:
        """Be unplugged."""
        self._session.send("WebAuthn.removeVirtualAuthenticator", self._id)

    def take(self, credential: dict[str, Any]) -> None:
        """Hold a credential that was made elsewhere."""
        self._session.send("WebAuthn.addCredential", {**self._id, "credential": credential})


@pytest.fixture
def authenticator(walk: Walk) -> Authenticator:
    """Give the window an authenticator."""
    return Authenticator(walk.page)


def make_passkey(walk: Walk, name: str = "my laptop") -> None:
    """Make one in the security page, and keep the recovery codes."""
    page = walk.page
    walk.open("/auth/account/security")
    page.get_by_role("link", name="passkey").click()
    page.get_by_label("What to call it").fill(name)
    page.get_by_role("button", name="Make a passkey").click()
    expect(page.get_by_role("heading", name="Keep these recovery codes")).to_be_visible()


def sign_out(walk: Walk) -> None:
    """Sign out, and stand before the sign-in page."""
    walk.open("/auth/sign-out")
    walk.page.get_by_role("button", name="Sign out").click()
    expect(walk.page.get_by_role("status")).to_have_text("You are signed out.")


def aal(walk: Walk) -> int:
    """Return the level of the browser's session."""
    level: int = walk.page.evaluate("fetch('/auth/api/session').then((it) => it.json()).then((it) => it.session.aal)")
    return level


def test_made_offered_and_used(walk: Walk, authenticator: Authenticator) -> None:
    """Made while signed in; offered where the name is typed; signs in alone; renamed; removed."""
    page = walk.page
    sign_up(walk)
    walk.open("/auth/account/passkey")
    walk.look("passkey")
    make_passkey(walk)
    assert aal(walk) == 2
    page.get_by_role("link", name="I have kept them, go on").click()
    expect(page.get_by_text("my laptop")).to_be_visible()
    walk.look("security-passkey")
    assert len(authenticator.credentials) == 1

    # The page asks as it loads, and this authenticator says yes at once: autofill, without a click.
    sign_out(walk)
    expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()
    assert aal(walk) == 2

    authenticator.answer(by_itself=False)
    sign_out(walk)
    walk.look("sign-in-passkey")
    authenticator.answer(by_itself=True)
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()

    walk.open("/auth/account/security")
    page.get_by_text("Rename").click()
    page.get_by_label("What to call it").fill("old laptop")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("old laptop")).to_be_visible()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_role("alert")).to_contain_text("Confirm with your password first")
    walk.look("security-passkey-alone")
    walk.open("/auth/reauthenticate?return_to=/auth/account/security")
    page.get_by_label("Password", exact=True).fill(SECRET)
    page.get_by_role("button", name="Confirm").click()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_role("status")).to_contain_text("It is removed")
    expect(page.get_by_text("old laptop")).to_have_count(0)
    assert not [each for each in walk.faults if "403" not in each]


def test_after_the_password(walk: Walk, authenticator: Authenticator) -> None:
    """The second step, with and without an eye on the owner; a step-up by it; a recovery code where it is lost."""
    page = walk.page
    sign_up(walk)
    make_passkey(walk)
    codes = page.locator("ol.codes code").all_inner_texts()
    for seen in (True, False):
        if not seen:
            held = authenticator.credentials[0]
            authenticator.go()
            authenticator = Authenticator(page, sees=False)
            authenticator.take(held)
        authenticator.answer(by_itself=False)
        sign_out(walk)
        page.get_by_label("E-mail").fill("mia@example.org")
        page.get_by_label("Password", exact=True).fill(SECRET)
        page.get_by_role("button", name="Sign in", exact=True).click()
        expect(page.get_by_role("heading", name="Your passkey")).to_be_visible()
        if seen:
            walk.look("prove-passkey")
        authenticator.answer(by_itself=True)
        page.get_by_role("button", name="Use my passkey").click()
        expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()
        assert aal(walk) == 2

    # Alone it must see who it is: the browser refuses, and says so in the page.
    authenticator.answer(by_itself=False)
    sign_out(walk)
    authenticator.answer(by_itself=True)
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was done")
    walk.look("sign-in-passkey-cancelled")

    authenticator.lose()
    page.get_by_label("E-mail").fill("mia@example.org")
    page.get_by_label("Password", exact=True).fill(SECRET)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("link", name="Use a recovery code").click()
    page.get_by_label("Recovery code").fill(codes[0])
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()


def test_offered_after_a_password(walk: Walk, authenticator: Authenticator) -> None:
    """Who signs in by a password on a device that can is offered a passkey, and goes on to where they wanted to go."""
    page = walk.page
    sign_up(walk)
    for made in (False, True):
        sign_out(walk)
        if made:
            page.context.clear_cookies(name="session_offered")
        page.get_by_label("E-mail").fill("mia@example.org")
        page.get_by_label("Password", exact=True).fill(SECRET)
        page.get_by_role("button", name="Sign in", exact=True).click()
        expect(page.get_by_role("heading", name="No password next time?")).to_be_visible()
        if made:
            page.get_by_role("button", name="Make a passkey").click()
            expect(page.get_by_role("heading", name="Keep these recovery codes")).to_be_visible()
            page.get_by_role("link", name="I have kept them, go on").click()
        else:
            walk.look("passkey-offered")
            page.get_by_role("link", name="Not now").click()
        expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()
    assert (aal(walk), len(authenticator.credentials)) == (2, 1)


def test_another_browser_asks_again(walk: Walk, authenticator: Authenticator) -> None:
    """A passkey that was removed here is refused, told so in words, and the password still works."""
    page = walk.page
    sign_up(walk)
    make_passkey(walk)
    held = authenticator.credentials[0]
    walk.open("/auth/account/security")
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_role("status")).to_contain_text("It is removed")
    authenticator.lose()
    authenticator.take(held)
    authenticator.answer(by_itself=False)
    sign_out(walk)
    authenticator.answer(by_itself=True)
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_text("That passkey does not work here")).to_be_visible()
    walk.look("sign-in-passkey-refused")


def test_reauthentication(walk: Walk, authenticator: Authenticator) -> None:
    """Asked to confirm, a passkey is enough; the page has the password as well."""
    page = walk.page
    sign_up(walk)
    make_passkey(walk)
    authenticator.answer(by_itself=False)
    walk.open("/auth/reauthenticate?aal=2&return_to=/auth/account/security")
    walk.look("reauthenticate-passkey")
    authenticator.answer(by_itself=True)
    page.get_by_role("button", name="Use my passkey").click()
    expect(page.get_by_role("heading", name="Ways to sign in")).to_be_visible()


@pytest.fixture
def strict(tmp_path: Path) -> Iterator[Server]:
    """Start a server that asks everybody for a second factor."""
    running = Server(tmp_path / "strict", NIGHTLATCH_POLICY__EVERYONE__AAL="2")
    running.start()
    yield running
    running.stop()


def test_led_through_making_one(chromium: Browser, strict: Server) -> None:
    """A newcomer of whom policy asks two factors: the mailed code, a passkey, the recovery codes, and in."""
    context = chromium.new_context()
    walk = Walk(context.new_page(), strict)
    Authenticator(walk.page)
    page = walk.page
    walk.open("/auth/sign-up")
    page.get_by_label("E-mail").fill("mia@example.org")
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Code from the mail").fill(strict.code("mia@example.org"))
    page.get_by_role("button", name="Confirm").click()
    page.get_by_label("Password", exact=True).fill(SECRET)
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", name="One more way to sign in")).to_be_visible()
    walk.look("enrol")
    page.get_by_role("button", name="Make a passkey").click()
    expect(page.get_by_role("heading", name="Keep these recovery codes")).to_be_visible()
    page.get_by_role("link", name="I have kept them, go on").click()
    expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()
    assert aal(walk) == 2
    assert walk.faults == []
    context.close()


def test_no_password_at_all(walk: Walk, authenticator: Authenticator) -> None:
    """Sign up with a passkey alone; sign out, in with it; lost, it is got back by mail and a recovery code."""
    page = walk.page
    walk.open("/auth/sign-up")
    page.get_by_label("E-mail").fill("mia@example.org")
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Code from the mail").fill(walk.server.code("mia@example.org"))
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("heading", name="How will you sign in?")).to_be_visible()
    walk.look("set-passkey")
    page.get_by_role("button", name="Make a passkey instead").click()
    expect(page.get_by_role("heading", name="Keep these recovery codes")).to_be_visible()
    codes = page.locator("ol.codes code").all_inner_texts()
    page.get_by_role("link", name="I have kept them, go on").click()
    expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()
    walk.open("/auth/account/security")
    walk.look("security-no-password")
    sign_out(walk)
    expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()
    assert (aal(walk), walk.faults) == (2, [])

    authenticator.lose()
    sign_out(walk)
    page.get_by_role("link", name="Forgot your password?").click()
    page.get_by_label("E-mail").fill("mia@example.org")
    page.get_by_role("button").first.click()
    page.get_by_label("Code from the mail").fill(walk.server.code("mia@example.org"))
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("link", name="Use a recovery code").click()
    page.get_by_label("Recovery code").fill(codes[0])
    page.get_by_role("button", name="Go on").click()
    page.get_by_label("Password", exact=True).fill(SECRET)
    page.get_by_role("button", name="Save password").click()
    expect(page.get_by_role("heading", name="Keep this recovery code")).to_be_visible()


def test_a_browser_without_them(chromium: Browser, server: Server) -> None:
    """No script, or no WebAuthn: the sign-in page shows no button that does nothing, others say what to do instead."""
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{server.url}/auth/sign-in")
    expect(page.get_by_role("button", name="Sign in with a passkey")).to_have_count(0)
    context.close()
    context = chromium.new_context()
    context.add_init_script("delete window.PublicKeyCredential")
    walk = Walk(context.new_page(), server)
    sign_up(walk)
    walk.open("/auth/account/passkey")
    expect(walk.page.get_by_text("Passkeys need a newer browser")).to_be_visible()
    expect(walk.page.get_by_role("button", name="Make a passkey")).to_have_count(0)
    context.close()


def test_056_a_page_elsewhere_gets_no_signature(walk: Walk, authenticator: Authenticator) -> None:
    """Another origin asks for this site's passkey: the browser itself refuses, and nothing is signed."""
    page = walk.page
    sign_up(walk)
    make_passkey(walk)
    counted = authenticator.credentials[0]["signCount"]
    page.route("https://elsewhere.example/*", lambda route: route.fulfill(body="<title>elsewhere</title>"))
    page.goto("https://elsewhere.example/")
    refused = page.evaluate(
        """navigator.credentials.get({publicKey: {rpId: "localhost", challenge: new Uint8Array(32)}})
        .then(() => "signed", (error) => error.name)"""
    )
    assert refused == "SecurityError"
    assert authenticator.credentials[0]["signCount"] == counted
