"""A Django project to tell stories in: a database of its own for each story, its mails, and clients."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core import mail
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command
from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.test.signals import setting_changed
from django.test.utils import setup_test_environment
from django.urls import include, path

import django_databases  # noqa: F401 - it sets Django up, once for all tests
from nightlatch.auth import Nightlatch
from nightlatch.django import core
from nightlatch.django.installation import begin, end
from nightlatch.errors import NightlatchError
from nightlatch.testing import sites as published

__all__ = [
    "JSON",
    "MIA",
    "PAGE",
    "SECRET",
    "Site",
    "asgi",
    "empty_site",
    "open_project",
    "site",
    "site_database",
    "wsgi",
]

MIA = "mia@example.org"
SECRET = "correct horse battery staple"
JSON = {"Accept": "application/json"}
PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}

setup_test_environment()


@pytest.fixture(scope="session")
def empty_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Migrate a database once; tests copy the file."""
    file = tmp_path_factory.mktemp("django") / "empty.db"
    _use(file)
    call_command("migrate", run_syncdb=True, verbosity=0)
    connections["default"].close()
    return file


def _use(file: Path) -> None:
    connections["default"].close()
    connections.settings["default"]["NAME"] = str(file)
    connections["default"].settings_dict["NAME"] = str(file)


@pytest.fixture
def site_database(empty_site: Path, tmp_path: Path) -> Iterator[Path]:
    """A database of the test's own, with every table."""
    file = tmp_path / "site.db"
    shutil.copy(empty_site, file)
    _use(file)
    begin_anew()
    mail.outbox = []
    yield file
    begin_anew()
    connections["default"].close()


def begin_anew() -> None:
    """Let go of what was wired for another test's database."""
    setting_changed.send(sender=None, setting="NIGHTLATCH", value=None, enter=True)


def wsgi() -> published.Site:
    """Call the project as a WSGI server does."""
    return published.WsgiSite(WSGIHandler())


def asgi() -> published.Site:
    """Call the project as an ASGI server does."""
    return published.AsgiSite(ASGIHandler(), lifespan=False)


def order(request: HttpRequest) -> HttpResponse:
    """Answer whoever gets past the project's walls."""
    del request
    return HttpResponse("behind the wall")


def _routes(mount: str) -> ModuleType:
    """Return a URLconf, as a project writes it."""
    made: Any = ModuleType("django_project_urls")
    made.urlpatterns = [path(f"{mount.strip('/')}/", include("nightlatch.django.urls")), path("order", order)]
    return made


def open_project(
    settings: Mapping[str, Any],
    make: Callable[[], published.Site],
    *,
    middleware: list[str] | None = None,
    **parts: Any,
) -> tuple[published.Site, Nightlatch]:
    """Open the project with other settings of ours, in place of the one that is open, until the site is closed.

    Args:
        settings: of ours, as plain values.
        make: makes the site.
        middleware: None: as the project has it.
        parts: ``store``, ``mailer`` and ``clock``.

    Returns:
        the site, and the core that runs in it.
    """
    changed = override_settings(
        NIGHTLATCH=dict(settings),
        MIDDLEWARE=django_settings.MIDDLEWARE if middleware is None else middleware,
        ROOT_URLCONF=_routes(settings.get("mount", "/auth")),
        ALLOWED_HOSTS=["*"],  # what a request calls us is ours to ignore
        SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
    )
    changed.enable()
    try:
        core = begin(**parts).core
    except NightlatchError:
        end()
        changed.disable()
        raise
    site = make()

    def close(close_site: Callable[[], object] = site.close) -> None:
        close_site()
        end()
        changed.disable()

    site.close = close  # type: ignore[method-assign]
    return site, core


class Site:
    """The project, its mails, and a client."""

    def __init__(self) -> None:
        self.client = Client()

    @property
    def core(self) -> Nightlatch:
        """Nightlatch in this process."""
        return core()

    def post(self, address: str, body: Any, client: Client | None = None, **headers: str) -> HttpResponse:
        """Post JSON."""
        sender = client or self.client
        return sender.post(address, json.dumps(body), content_type="application/json", headers=headers)

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

    def with_cookies(self, address: str, header: str, method: str = "GET") -> HttpResponse:
        """Ask with a Cookie header exactly as given."""
        return Client().generic(method, address, headers={**JSON, "Cookie": header})


@pytest.fixture
def site(site_database: Path) -> Site:
    """The usual project."""
    del site_database
    return Site()
