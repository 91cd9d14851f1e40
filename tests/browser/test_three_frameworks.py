"""Three applications, each in its framework, on one database: whoever has an account at one has it at all."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, Page, expect

import databases
from free_ports import free_port
from nightlatch.storage.sql import migrate

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).parents[2] / "examples"
SECRET = "correct horse battery staple"
MIA = "mia@example.org"

DJANGO_SETTINGS = """
from bookshop.settings import *

DATABASES = {"default": __DATABASE__}
NIGHTLATCH = __SETTINGS__
"""


def settings(port: int, mails: Path) -> dict[str, Any]:
    """Return what all three are told, as plain values; only the address is each one's own."""
    return {
        "base_url": f"http://localhost:{port}",
        "secret_keys": ["the one key of three applications on one database"],
        "service_name": "Bookshop",
        "hashing": {"profile": "cheap_for_tests"},
        "mail": {"transport": "file", "directory": str(mails)},
        "outbox": {"poll": 0.2},
    }


def flat(values: dict[str, Any], prefix: str) -> dict[str, str]:
    """Return settings as variables of the environment."""
    found: dict[str, str] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            found |= flat(value, f"{prefix}{name}__")
        elif isinstance(value, list):
            found[f"{prefix}{name}"] = ",".join(value)
        else:
            found[f"{prefix}{name}"] = str(value)
    return found


@contextmanager
def running(command: list[str], folder: Path, port: int, **environment: str) -> Iterator[str]:
    """Run an application until the block ends; give its address."""
    with (folder / "output").open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
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


def flask(folder: Path, url: str, mails: Path) -> Any:
    """Run Flask's example."""
    shutil.copytree(EXAMPLES / "flask_app", folder)
    port = free_port()
    told = {**settings(port, mails), "database_url": url}
    variables = flat(told, "FLASK_NIGHTLATCH__") | {"FLASK_NIGHTLATCH__secret_keys": json.dumps(told["secret_keys"])}
    return running(["flask", "--app", "app", "run", "--port", str(port)], folder, port, **variables)


def fastapi(folder: Path, url: str, mails: Path) -> Any:
    """Run FastAPI's example."""
    shutil.copytree(EXAMPLES / "fastapi_app", folder)
    port = free_port()
    variables = {name.upper(): value for name, value in flat(settings(port, mails), "NIGHTLATCH_").items()}
    return running(["uvicorn", "app:app", "--port", str(port)], folder, port, NIGHTLATCH_DATABASE_URL=url, **variables)


def django(folder: Path, url: str, mails: Path) -> Any:
    """Run Django's example, with settings of its own for where this is."""
    shutil.copytree(EXAMPLES / "django_project", folder)
    port, parsed = free_port(), sa.make_url(url)
    engine = "sqlite3" if parsed.get_backend_name() == "sqlite" else "postgresql"
    parts = {"NAME": parsed.database, "USER": parsed.username, "HOST": parsed.host, "PORT": parsed.port}
    database = {"ENGINE": f"django.db.backends.{engine}"} | {name: str(each) for name, each in parts.items() if each}
    words = DJANGO_SETTINGS.replace("__DATABASE__", repr(database))
    (folder / "here.py").write_text(words.replace("__SETTINGS__", repr(settings(port, mails))))
    variables = {"DJANGO_SETTINGS_MODULE": "here"}
    migrated = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
    subprocess.run(migrated, cwd=folder, check=True, env={**os.environ, **variables})
    return running(["manage", "runserver", "--noreload", str(port)], folder, port, **variables)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database with our tables, of one kind and the other."""
    with ExitStack() as made:
        if request.param == "sqlite":
            url = f"sqlite:///{tmp_path / 'shared.db'}"
        else:
            url = made.enter_context(databases.fresh(request.getfixturevalue("postgresql_url")))
        engine = sa.create_engine(url, poolclass=sa.NullPool)
        migrate(engine)
        yield url


@pytest.fixture
def mails(tmp_path: Path) -> Path:
    """Where all three put their mail."""
    folder = tmp_path / "mails"
    folder.mkdir()
    return folder


@pytest.fixture
def window(chromium: Browser) -> Iterator[Callable[[], Page]]:
    """What opens windows without history."""
    with ExitStack() as opened:

        def open_window() -> Page:
            context = chromium.new_context()
            opened.callback(context.close)
            return context.new_page()

        yield open_window


def code_in(mails: Path) -> str:
    """Wait for a mail, and return its code."""
    for _ in range(100):
        for each in mails.iterdir():
            found = re.search(r"\b\d{4} \d{4}\b", each.read_text())
            if found:
                return found.group()
        time.sleep(0.1)
    raise AssertionError("no mail came")


def test_one_account_in_three_frameworks(
    tmp_path: Path, database: str, mails: Path, window: Callable[[], Page]
) -> None:
    """Sign up in Flask, sign in to Django, see both sessions in FastAPI and revoke them."""
    with (
        django(tmp_path / "django", database, mails) as in_django,
        flask(tmp_path / "flask", database, mails) as in_flask,
        fastapi(tmp_path / "fastapi", database, mails) as in_fastapi,
    ):
        laptop, phone = window(), window()
        laptop.goto(f"{in_flask}/auth/sign-up?return_to=/hello")
        laptop.get_by_label("E-mail").fill(MIA)
        laptop.get_by_role("button", name="Continue").click()
        laptop.get_by_label("Code from the mail").fill(code_in(mails))
        laptop.get_by_role("button", name="Confirm").click()
        laptop.get_by_label("Password", exact=True).fill(SECRET)
        laptop.get_by_role("button", name="Create account").click()
        expect(laptop.get_by_text(f"Hello, {MIA}")).to_be_visible()

        phone.goto(f"{in_django}/hello")
        phone.get_by_label("E-mail").fill(MIA)
        phone.get_by_label("Password", exact=True).fill(SECRET)
        phone.get_by_role("button", name="Sign in", exact=True).click()
        expect(phone.get_by_text(f"Hello, {MIA}")).to_be_visible()

        # One host and one cookie, whatever the port: who signed in at one of them is signed in at the others.
        laptop.goto(f"{in_fastapi}/auth/account/devices")
        expect(laptop.get_by_text("this device")).to_have_count(1)
        laptop.get_by_role("button", name="Sign out Chrome on Linux").click()
        expect(laptop.get_by_role("status")).to_have_text("That device is signed out.")
        phone.reload()
        expect(phone.get_by_role("heading", name="Sign in")).to_be_visible()
        laptop.goto(f"{in_fastapi}/auth/sign-out")
        laptop.get_by_role("button", name="Sign out").click()
        for place in (in_flask, in_django, in_fastapi):
            laptop.goto(f"{place}/hello")
            expect(laptop.get_by_role("heading", name="Sign in")).to_be_visible()
