"""A Django project to tell stories in: a database of its own for each story, its mails, and clients."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.core.management import call_command
from django.db import connections
from django.http import HttpResponse
from django.test import Client
from django.test.signals import setting_changed
from django.test.utils import setup_test_environment

import django_databases  # noqa: F401 - it sets Django up, once for all tests
from nightlatch.auth import Nightlatch
from nightlatch.django import core

__all__ = ["JSON", "MIA", "PAGE", "SECRET", "Site", "empty_site", "site", "site_database"]

MIA = "mia@example.org"
SECRET = "correct horse battery staple"
JSON = {"Accept": "application/json"}
PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}

setup_test_environment()


@pytest.fixture(scope="session")
def empty_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Migrate a database once; tests copy the file."""
    path = tmp_path_factory.mktemp("django") / "empty.db"
    _use(path)
    call_command("migrate", run_syncdb=True, verbosity=0)
    connections["default"].close()
    return path


def _use(path: Path) -> None:
    connections["default"].close()
    connections.settings["default"]["NAME"] = str(path)
    connections["default"].settings_dict["NAME"] = str(path)


@pytest.fixture
def site_database(empty_site: Path, tmp_path: Path) -> Iterator[Path]:
    """A database of the test's own, with every table."""
    path = tmp_path / "site.db"
    shutil.copy(empty_site, path)
    _use(path)
    begin_anew()
    mail.outbox = []
    yield path
    begin_anew()
    connections["default"].close()


def begin_anew() -> None:
    """Let go of what was wired for another test's database."""
    setting_changed.send(sender=None, setting="NIGHTLATCH", value=None, enter=True)


class Site:
    """The project, its mails, and a client."""

    def __init__(self) -> None:
        self.client = Client()

    @property
    def core(self) -> Nightlatch:
        """Nightlatch in this process."""
        return core()

    def post(self, path: str, body: Any, client: Client | None = None, **headers: str) -> HttpResponse:
        """Post JSON."""
        sender = client or self.client
        return sender.post(path, json.dumps(body), content_type="application/json", headers=headers)

    def code(self, to: str) -> str:
        """Deliver what waits, and return the newest code mailed to an address."""
        self.core.outbox.run_once()
        mails = [each for each in mail.outbox if each.to == [to]]
        found = re.search(r"\b\d{4} \d{4}\b", mails[-1].body)
        assert found
        return found.group()

    def member(self, username: str = "mia", email: str | None = None, **more: Any) -> Any:
        """Make a user, as Django projects do."""
        from django.contrib.auth import get_user_model

        return get_user_model().objects.create_user(
            username=username, email=email or f"{username}@example.org", password=SECRET, **more
        )

    def sign_in(self, client: Client | None = None, identifier: str = MIA) -> Client:
        """Sign somebody in by our JSON route."""
        client = client or self.client
        done = self.post("/auth/api/sign-in", {"identifier": identifier, "password": SECRET}, client)
        assert done.status_code == 200, done.content
        return client

    def with_cookies(self, path: str, header: str, method: str = "GET") -> HttpResponse:
        """Ask with a Cookie header exactly as given."""
        return Client().generic(method, path, headers={**JSON, "Cookie": header})


@pytest.fixture
def site(site_database: Path) -> Site:
    """The usual project."""
    del site_database
    return Site()
