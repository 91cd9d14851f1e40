"""A phone that gets codes, in a real browser."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from servers import Server
from walking import SECRET, Walk, sign_up

pytestmark = pytest.mark.slow


@pytest.fixture
def texting(tmp_path: Path) -> Iterator[Server]:
    """Start a server that writes texts into files."""
    running = Server(
        tmp_path / "texting",
        NIGHTLATCH_SMS__ENABLED="true",
        NIGHTLATCH_SMS__COUNTRIES="DE",
        NIGHTLATCH_SMS__TRANSPORT="file",
        NIGHTLATCH_SMS__DIRECTORY=str(tmp_path / "texts"),
    )
    running.start()
    yield running
    running.stop()


def newest(folder: Path, count: int) -> str:
    """Return the code of the newest text, once there are so many."""
    for _ in range(200):
        files = list(folder.glob("[!.]*")) if folder.is_dir() else []
        if len(files) >= count:
            texts = sorted((json.loads(each.read_text()) for each in files), key=lambda each: str(each["at"]))
            return str(texts[-1]["text"]).rpartition("#")[2]
        time.sleep(0.05)
    raise AssertionError("no text came")


def test_a_phone(chromium: Browser, texting: Server, tmp_path: Path) -> None:
    """Added in the security page; the next sign-in texts a code; another number is refused in words."""
    context = chromium.new_context()
    walk = Walk(context.new_page(), texting)
    page = walk.page
    sign_up(walk)
    walk.open("/auth/account/security")
    page.get_by_role("link", name="Add a phone that gets codes").click()
    walk.look("phone")
    page.get_by_label("Phone number").fill("+1 202 555 0123")
    page.get_by_role("button", name="Text me a code").click()
    expect(page.get_by_role("alert")).to_be_focused()
    walk.look("phone-wrong")
    page.get_by_label("Phone number").fill("0151 23456789")
    page.get_by_label("What to call it").fill("my phone")
    page.get_by_role("button", name="Text me a code").click()
    expect(page.get_by_text("+4915123456789")).to_be_visible()
    walk.look("phone-code")
    page.get_by_label("Code from the text").fill(newest(tmp_path / "texts", 1))
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("heading", name="Keep these recovery codes")).to_be_visible()
    page.get_by_role("link", name="I have kept them, go on").click()
    expect(page.get_by_text("my phone")).to_be_visible()
    walk.look("security-phone")

    walk.open("/auth/sign-out")
    page.get_by_role("button", name="Sign out").click()
    page.get_by_label("E-mail").fill("mia@example.org")
    page.get_by_label("Password", exact=True).fill(SECRET)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="The code from the text")).to_be_visible()
    walk.look("prove-phone")
    page.get_by_role("button", name="Text a code to my phone").click()
    expect(page.get_by_role("status")).to_contain_text("on its way to your phone")
    page.get_by_label("Code from the text").fill(newest(tmp_path / "texts", 2))
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()
    context.close()
