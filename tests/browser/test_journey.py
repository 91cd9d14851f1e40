"""A person's way through the pages, in a real browser, and what an auditor of accessibility sees on it."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from nightlatch.services.clock import SystemClock
from nightlatch.testing.authenticator_app import AuthenticatorApp
from servers import Server
from walking import SECRET, Walk, sign_up

pytestmark = pytest.mark.slow

MIA = "mia@example.org"


def test_a_persons_way(walk: Walk, server: Server, chromium: Browser) -> None:
    """Sign up, read the mail, prove, out, in, see two devices, sign one out, change the password."""
    page = walk.page
    walk.open("/dev/mailbox")
    walk.look("mailbox-empty")
    walk.open("/")
    walk.look("home")
    page.get_by_role("link", name="Create an account").click()
    walk.look("sign-up")
    page.get_by_label("E-mail").fill(MIA)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Look at your mail")).to_be_visible()
    walk.look("verify")
    page.get_by_label("Code from the mail").fill("0000 0000")
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_text("That code is not right")).to_be_visible()
    expect(page.get_by_role("alert")).to_be_focused()
    walk.look("verify-wrong")
    page.get_by_role("link", name="Code from the mail").click()
    expect(page.get_by_label("Code from the mail")).to_be_focused()
    page.get_by_role("button", name="send a new code").click()
    expect(page.get_by_role("status")).to_have_text("A new code is on its way.")
    walk.look("verify-again")

    page.get_by_role("link", name="dev mailbox").click()
    expect(page.get_by_text("type this code").first).to_be_visible()
    walk.look("mailbox")
    page.get_by_role("link", name="verify?link=").first.click()
    walk.look("link")
    page.get_by_role("button", name=f"Confirm {MIA}").click()
    walk.look("set-password")
    page.get_by_label("Password", exact=True).fill("short")
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_text("Please use at least 15 characters")).to_be_visible()
    walk.look("set-password-wrong")
    page.get_by_role("button", name="Show password").click()
    expect(page.get_by_label("Password", exact=True)).to_have_attribute("type", "text")
    page.get_by_role("button", name="Hide password").click()
    page.get_by_label("Password", exact=True).fill(SECRET)
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()
    walk.look("home-signed-in")

    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("status")).to_have_text("You are signed out.")
    walk.look("sign-in")
    page.get_by_label("E-mail").fill(MIA)
    page.get_by_label("Password", exact=True).fill("wrong wrong wrong")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("alert")).to_be_focused()
    walk.look("sign-in-wrong")
    page.get_by_label("Password", exact=True).fill(SECRET)
    page.get_by_label("Password", exact=True).press("Enter")
    expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()

    other = chromium.new_context()
    second = other.new_page()
    second.goto(f"{server.url}/auth/sign-in?return_to=/auth/account")
    second.get_by_label("E-mail").fill(MIA)
    second.get_by_label("Password", exact=True).fill(SECRET)
    second.get_by_role("button", name="Sign in", exact=True).click()
    expect(second.get_by_role("heading", name="Profile")).to_be_visible()

    walk.open("/auth/account")
    walk.look("profile")
    page.get_by_role("link", name="Devices").click()
    expect(page.get_by_text("this device")).to_have_count(1)
    walk.look("devices")
    page.get_by_role("button", name="Sign out Chrome on Linux").click()
    expect(page.get_by_role("button", name="Sign out Chrome on Linux")).to_have_count(0)
    expect(page.get_by_role("status")).to_have_text("That device is signed out.")
    second.reload()
    expect(second.get_by_role("heading", name="Sign in")).to_be_visible()
    other.close()

    page.get_by_role("link", name="Security").click()
    walk.look("security")
    page.get_by_label("Current password", exact=True).fill("wrong wrong wrong")
    page.get_by_label("New password", exact=True).fill("an entirely different sentence")
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("That is not your current password")).to_be_visible()
    walk.look("security-wrong")
    page.get_by_label("Current password", exact=True).fill(SECRET)
    page.get_by_label("New password", exact=True).fill("an entirely different sentence")
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_role("status")).to_contain_text("Your password is changed.")
    walk.look("security-done")
    page.get_by_role("link", name="Activity").click()
    expect(page.get_by_text("Your password was changed")).to_be_visible()
    walk.look("activity")
    for path, name in (("reauthenticate", "reauthenticate"), ("sign-out", "sign-out"), ("nothing", "lost")):
        walk.open(f"/auth/{path}")
        walk.look(name)
    faults = [fault for fault in walk.faults if "status of 4" not in fault]
    assert faults == []


def test_an_authenticator_app(walk: Walk) -> None:
    """Add an app, keep the codes, sign in with both, then without the app; confirm, and make new codes."""
    page = walk.page
    sign_up(walk, "leo@example.org")
    walk.open("/auth/account/security")
    walk.look("security-no-app")
    page.get_by_role("link", name="Add an authenticator app").click()
    walk.look("app-begin")
    page.get_by_role("button", name="I have one, go on").click()
    page.get_by_text("The app is on this device").click()
    walk.look("app")
    app = AuthenticatorApp(page.locator("pre.seed").inner_text(), SystemClock())
    page.get_by_label("Code from the app").fill("000000")
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_text("That code is not right")).to_be_visible()
    walk.look("app-wrong")
    page.get_by_label("Code from the app").fill(app.code().reveal())
    page.get_by_label("What to call it").fill("my phone")
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("heading", name="Keep these recovery codes")).to_be_visible()
    walk.look("recovery-codes")
    codes = page.locator("ol.codes code").all_inner_texts()
    assert len(codes) == 10
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert codes[9] in Path(download.value.path()).read_text()
    page.get_by_role("link", name="I have kept them, go on").click()
    expect(page.get_by_text("my phone")).to_be_visible()
    walk.look("security-app")

    for way in ("app", "code"):
        walk.open("/auth/sign-out")
        page.get_by_role("button", name="Sign out").click()
        page.get_by_label("E-mail").fill("leo@example.org")
        page.get_by_label("Password", exact=True).fill(SECRET)
        page.get_by_role("button", name="Sign in", exact=True).click()
        expect(page.get_by_role("heading", name="The code from your app")).to_be_visible()
        if way == "app":
            walk.look("prove-app")
            page.get_by_label("Code from your app").fill("123")
            page.get_by_role("button", name="Go on").click()
            expect(page.get_by_text("That code is not right")).to_be_visible()
            walk.look("prove-app-wrong")
            page.get_by_role("link", name="Use a recovery code").click()
            page.get_by_label("Recovery code").fill(codes[0])
        else:
            page.get_by_role("link", name="Use a recovery code").click()
            walk.look("prove-recovery-code")
            page.get_by_label("Recovery code").fill(codes[1].upper())
        page.get_by_role("button", name="Go on").click()
        expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()
    walk.open("/auth/account/security")
    expect(page.get_by_text("8 left")).to_be_visible()
    page.get_by_role("button", name="Make new codes").click()
    expect(page.get_by_role("heading", name="Keep these recovery codes")).to_be_visible()
    walk.open("/auth/account/activity")
    expect(page.get_by_text("A recovery code was used").first).to_be_visible()
    page.get_by_role("link", name="Security").click()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_role("status")).to_contain_text("It is removed")
    assert [fault for fault in walk.faults if "status of 4" not in fault] == []


def test_the_pages_work_without_javascript(chromium: Browser, server: Server) -> None:
    """The same without a line of script."""
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{server.url}/auth/sign-up")
    page.get_by_label("E-mail").fill(MIA)
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Code from the mail").fill(server.code(MIA))
    page.get_by_role("button", name="Confirm").click()
    page.get_by_label("Password", exact=True).fill(SECRET)
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()
    context.close()


def test_the_first_administrator(walk: Walk, server: Server) -> None:
    """The link from the 0600 file, once."""
    link = (server.data / "first-administrator").read_text().strip()
    page = walk.page
    page.goto(link)
    walk.look("invitation")
    page.get_by_label("E-mail").fill("ada@example")
    page.get_by_label("Password", exact=True).fill("short")
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("alert")).to_be_focused()
    walk.look("invitation-wrong")
    page.get_by_label("E-mail").fill("ada@example.org")
    page.get_by_label("Password", exact=True).fill(SECRET)
    page.get_by_role("button", name="Create account").click()
    walk.open("/auth/account")
    expect(page.get_by_text("admin", exact=True)).to_be_visible()
    page.goto(link)
    expect(page.get_by_text("already used or has expired")).to_be_visible()
    walk.look("message")


def test_a_forgotten_password(walk: Walk) -> None:
    """From the sign-in page to a code, to a new password, and in with it; the link of the mail does as well."""
    sign_up(walk)
    page, server = walk.page, walk.server
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("link", name="Forgot your password?").click()
    expect(page.get_by_role("heading", name="Forgot your password?")).to_be_visible()
    walk.look("recover")
    page.get_by_label("E-mail").fill(MIA)
    page.get_by_role("button", name="Send the code").click()
    expect(page.get_by_role("heading", name="Look at your mail")).to_be_visible()
    walk.look("recover-code")
    page.get_by_label("Code from the mail").fill("0000 0000")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("alert")).to_be_focused()
    walk.look("recover-code-wrong")
    page.get_by_role("link", name="dev mailbox").click()
    page.get_by_role("link", name="verify?link=").first.click()
    expect(page.get_by_role("heading", name="Choose a new password")).to_be_visible()
    walk.look("recover-link")
    walk.open("/auth/verify")
    page.get_by_label("Code from the mail").fill(server.code(MIA))
    page.get_by_role("button", name="Go on").click()
    walk.look("recover-set-password")
    page.get_by_label("Password", exact=True).fill("an entirely different sentence")
    page.get_by_role("button", name="Save password").click()
    expect(page.get_by_role("status")).to_contain_text("Your new password is set")
    walk.look("recovered")
    page.get_by_label("E-mail").fill(MIA)
    page.get_by_label("Password", exact=True).fill("an entirely different sentence")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()


def test_a_new_address(walk: Walk) -> None:
    """From the profile: a code from the new mailbox, one from the old; then the notice that freezes."""
    sign_up(walk)
    page, server = walk.page, walk.server
    walk.open("/auth/account")
    page.get_by_role("link", name="Your addresses").click()
    walk.look("emails")
    page.get_by_role("link", name="Change or add").click()
    walk.look("email")
    page.get_by_label("New e-mail").fill("mia@home.example")
    page.get_by_label("Keep my old address").check()
    page.get_by_role("button", name="Send the code").click()
    walk.look("email-code")
    page.get_by_label("Code from the mail").fill(server.code("mia@home.example"))
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_text("We sent another code to")).to_be_visible()
    walk.look("email-code-old")
    code = server.code(MIA)
    walk.open("/auth/account/emails")
    expect(page.get_by_text("A change waits")).to_be_visible()
    walk.look("emails-waiting")
    walk.open("/dev/mailbox")
    page.get_by_role("link", name="stop?link=").first.click()
    walk.look("stop-change")
    walk.open("/auth/account/email/code")
    page.get_by_label("Code from the mail").fill(code)
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("status")).to_contain_text("Your new address counts")
    walk.look("emails-two")
    page.get_by_role("button", name="Make primary mia@home.example").click()
    expect(page.get_by_role("status")).to_contain_text("Your primary address is changed.")
    walk.open("/dev/mailbox")
    page.get_by_role("link", name="stop?link=").first.click()
    walk.look("stop-freeze")


def test_leaving(walk: Walk) -> None:
    """A downloaded file, a closed account that is kept after all, and one that is erased."""
    sign_up(walk)
    page, server = walk.page, walk.server
    walk.open("/auth/account")
    page.get_by_role("link", name="Data", exact=True).click()
    walk.look("data")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == "account.json"
    page.get_by_role("button", name="Close account").click()
    expect(page.get_by_role("status")).to_contain_text("Your account is closed.")
    walk.open("/dev/mailbox")
    page.get_by_role("link", name="stop?link=").first.click()
    walk.look("stop")
    page.get_by_role("button", name="Keep my account").click()
    expect(page.get_by_role("status")).to_contain_text("Your account stays.")
    page.get_by_label("E-mail").fill(MIA)
    page.get_by_label("Password", exact=True).fill(SECRET)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()
    walk.open("/auth/account/data")
    page.get_by_role("button", name="Erase account").click()
    expect(page.get_by_role("alert")).to_be_focused()
    walk.look("data-wrong")
    page.get_by_label("What to type").fill(MIA)
    page.get_by_role("button", name="Erase account").click()
    expect(page.get_by_role("status")).to_contain_text("Your account is erased.")
    assert server.url in page.url


def test_the_keyboard_alone(walk: Walk) -> None:
    """Tab and Enter are enough, from field to field, and focus is always to be seen."""
    walk.open("/auth/sign-in")
    page = walk.page
    expect(page.get_by_label("E-mail")).to_be_focused()
    seen = []
    for _ in range(5):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.textContent || document.activeElement.name"))
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", seen
    assert [" ".join(text.split()) for text in seen] == [
        "password",
        "Show password",
        "Sign in",
        "Sign in with a passkey",
        "Forgot your password?",
    ]


def test_targets_are_large_enough(walk: Walk) -> None:
    """What is pressed is at least 46 px high; a word within a text has that much around it that it is pressed by."""
    for path in ("/", "/auth/sign-in", "/auth/sign-up"):
        walk.open(path)
        for each in walk.page.locator("button:visible, a.button, input:visible, .brand").all():
            box = each.bounding_box()
            assert box
            if "plain" not in (each.get_attribute("class") or ""):
                assert box["height"] >= 46, each.inner_html()
                continue
            x, y, below = box["x"] + box["width"] / 2, box["y"], box["y"] + box["height"]
            for at in (y - 10, below + 10):
                hit = walk.page.evaluate(
                    "([x, y]) => document.elementFromPoint(x, y).closest('button')?.className", [x, at]
                )
                assert "plain" in (hit or ""), (path, at)


def test_forced_colours_and_the_other_direction(chromium: Browser, tmp_path: Path) -> None:
    """The current tab is told from the others without colours; a page that runs right to left overflows nowhere."""
    server = Server(tmp_path / "data", NIGHTLATCH_PAGES__LOCALE="ar")
    server.start()
    try:
        context = chromium.new_context(forced_colors="active", viewport={"width": 320, "height": 640})
        walk = Walk(context.new_page(), server)
        sign_up(walk)
        walk.open("/auth/account/security")
        tabs = walk.page.locator(".tabs a")
        colours = [each.evaluate("each => getComputedStyle(each).borderBlockEndColor") for each in tabs.all()]
        assert len(set(colours)) == 2
        assert colours.count(colours[1]) == 1
        for path in ("/", "/auth/account", "/auth/account/devices", "/auth/account/security", "/dev/mailbox"):
            walk.open(path)
            assert walk.page.evaluate("document.documentElement.scrollWidth") <= 320, path
            assert walk.page.evaluate("getComputedStyle(document.body).direction") == "rtl"
        context.close()
    finally:
        server.stop()


def test_back_after_sign_out_shows_nothing(walk: Walk) -> None:
    """The back button brings no page of the account again: nothing of it was kept (ASVS 14.3.2)."""
    sign_up(walk)
    page = walk.page
    walk.open("/auth/account")
    expect(page.get_by_text(MIA)).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page.get_by_text(MIA)).to_have_count(0)


def test_a_double_click_sends_once(walk: Walk) -> None:
    """Of two clicks on a button the second does nothing."""
    sent: list[str] = []
    walk.page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    walk.open("/auth/sign-up")
    walk.page.get_by_label("E-mail").fill(MIA)
    walk.page.get_by_role("button", name="Continue").dblclick()
    expect(walk.page.get_by_role("heading", name="Look at your mail")).to_be_visible()
    assert len(sent) == 1
