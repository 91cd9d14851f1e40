"""Django's admin as an operator uses it: in through our pages, look, revoke, suspend."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from free_ports import free_port

pytestmark = pytest.mark.slow

EXAMPLE = Path(__file__).parents[2] / "examples" / "django_project"
SECRET = "correct horse battery staple"
MIA, BOSS = "mia@example.org", "boss@example.org"
PEOPLE = f"""
from django.contrib.auth import get_user_model
get_user_model().objects.create_user(email={MIA!r}, password={SECRET!r}, name="Mia Smith")
get_user_model().objects.create_superuser(email={BOSS!r}, password={SECRET!r})
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run the example, with Mia and an administrator; give its address."""
    folder = tmp_path_factory.mktemp("admin") / "project"
    shutil.copytree(EXAMPLE, folder)
    port = free_port()
    manage = [sys.executable, "manage.py"]
    for command in (["migrate", "--verbosity", "0"], ["shell", "--command", PEOPLE]):
        subprocess.run([*manage, *command], cwd=folder, check=True)
    with (folder / "output").open("w") as output:
        process = subprocess.Popen(
            [*manage, "runserver", "--noreload", str(port)],
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    try:
        _await(f"http://localhost:{port}/", process, folder / "output")
        yield f"http://localhost:{port}"
    finally:
        process.terminate()
        process.wait(10)


def _await(url: str, process: subprocess.Popen[bytes], output: Path) -> None:
    for _ in range(300):
        assert process.poll() is None, output.read_text()
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(output.read_text())


@pytest.fixture
def boss(shop: str, chromium: Browser) -> Iterator[Page]:
    """The administrator's browser, at the admin's front page."""
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{shop}/admin/")
    sign_in(page, BOSS)
    expect(page.get_by_role("heading", name="Site administration")).to_be_visible()
    yield page
    context.close()


def sign_in(page: Page, who: str) -> None:
    """Fill in our form."""
    page.get_by_label("E-mail").fill(who)
    page.get_by_label("Password", exact=True).fill(SECRET)
    page.get_by_role("button", name="Sign in", exact=True).click()


def act(page: Page, what: str, who: str) -> None:
    """Choose a row and an action."""
    page.get_by_role("row", name=who).get_by_role("checkbox").check()
    page.get_by_label("Action:").select_option(label=what)
    page.locator("button[name=index]").click()  # "Go", and from Django 6.1 on "Run"


def test_revoke_and_suspend(shop: str, boss: Page, chromium: Browser) -> None:
    """Mia is signed out by the list of sessions, and kept out by the list of users."""
    mia = chromium.new_context().new_page()
    mia.goto(f"{shop}/auth/sign-in")
    sign_in(mia, MIA)
    mia.goto(f"{shop}/hello")
    expect(mia.locator("body")).to_contain_text("Hello, Mia Smith")

    boss.get_by_role("link", name="Sessions", exact=True).click()
    act(boss, "Revoke: sign this browser out", MIA)
    expect(boss.get_by_text("1 revoked.")).to_be_visible()
    expect(boss.get_by_role("row", name=MIA)).to_have_count(0)
    mia.goto(f"{shop}/hello")
    expect(mia).to_have_url(f"{shop}/auth/sign-in?return_to=/hello")

    boss.get_by_role("link", name="Users", exact=True).click()
    act(boss, "Suspend: every session ends at once", MIA)
    expect(boss.get_by_role("row", name=MIA)).to_contain_text("suspended")
    sign_in(mia, MIA)
    expect(mia.get_by_role("alert")).to_be_visible()
    mia.context.close()


def test_there_is_nothing_to_write_in_and_nothing_secret(boss: Page) -> None:
    """Each list and its first row; only groups and permissions of users are there to be saved."""
    said: list[str] = []
    boss.on("pageerror", lambda each: said.append(str(each)))
    for name in ("Users", "Sessions", "Authenticators", "Events"):
        boss.get_by_role("link", name=name, exact=True).first.click()
        boss.locator("#result_list tbody th a").first.click()
        expect(boss.locator("#content-main")).to_be_visible()
        expect(boss.locator("#content input[type=text][name], #content textarea")).to_have_count(0)
        expect(boss.get_by_role("button", name="Save", exact=True)).to_have_count(1 if name == "Users" else 0)
        assert "$argon2" not in boss.content()
    assert said == []


def test_out_by_djangos_own_button(shop: str, boss: Page) -> None:
    """Which ends our session on the server."""
    boss.get_by_role("button", name="Log out").click()
    boss.goto(f"{shop}/auth/account")
    expect(boss).to_have_url(f"{shop}/auth/sign-in?return_to=/auth/account")
