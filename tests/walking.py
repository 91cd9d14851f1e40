"""Somebody who walks through the pages in a real browser, and what an auditor of accessibility sees there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from servers import Server

__all__ = ["SECRET", "Walk", "sign_up"]

SECRET = "correct horse battery staple"
PICTURES = os.environ.get("PICTURES")
"""A folder: every page is also kept there as a picture (light, dark, phone)."""


class Walk:
    """A page in a browser window, looked at from every side."""

    def __init__(self, page: Page, server: Server) -> None:
        self.page = page
        self.server = server
        self.faults: list[str] = []
        page.on("console", lambda message: self.faults.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.faults.append(str(error)))

    def open(self, path: str) -> None:
        """Open a page."""
        self.page.goto(self.server.url + path)

    def look(self, name: str) -> None:
        """Audit the page in light and dark, keep pictures if asked, and see that nothing overflows a phone.

        320 px is also what is left of 1280 at 400 % zoom (WCAG 2.2, 1.4.10).
        """
        for scheme in ("light", "dark"):
            self.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            results: Any = Axe().run(self.page)
            assert results.violations_count == 0, f"{name} {scheme}: {results.generate_report()}"
            if PICTURES:
                self.page.screenshot(path=str(Path(PICTURES) / f"{name}-{scheme}.png"), full_page=True)
        self.page.emulate_media(color_scheme="light")
        size = self.page.viewport_size
        for width in (390, 320):
            self.page.set_viewport_size({"width": width, "height": 800})
            wide = self.page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{name} is {wide} wide on a screen of {width}"
            if PICTURES and width == 390:
                self.page.screenshot(path=str(Path(PICTURES) / f"{name}-phone.png"), full_page=True)
        assert size
        self.page.set_viewport_size(size)


def sign_up(walk: Walk, email: str = "mia@example.org") -> None:
    """Sign up, all the way, with the code as it is copied from the mail."""
    page = walk.page
    walk.open("/auth/sign-up")
    page.get_by_label("E-mail").fill(email)
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Code from the mail").fill(f"  {walk.server.code(email)} ")
    page.get_by_role("button", name="Confirm").click()
    page.get_by_label("Password", exact=True).fill(SECRET)
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()
