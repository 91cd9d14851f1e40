"""Flask, FastAPI, Django, the stand-alone server and the direct call move into one database, three at a time."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from django.conf import settings as django_settings
from django.core.management import call_command

import databases
from contract_server import ServedElsewhere
from django_project import MIA, SECRET, Site
from neighbours import direct, django, fastapi, flask
from nightlatch.storage.sql import migrate
from nightlatch.testing.adapter_contract import Premises
from nightlatch.testing.adapter_contract.conversation import SETTINGS
from nightlatch.testing.browser import Browser
from nightlatch.testing.clock import Clock
from nightlatch.testing.shared_database import Neighbours, SharedDatabase

pytestmark = pytest.mark.slow


class TestOnSqlite(SharedDatabase):
    """One SQLite file."""

    @pytest.fixture(params=[direct, fastapi, django])
    def neighbours(
        self, tmp_path: Path, empty_database: Path, served_elsewhere: ServedElsewhere, request: pytest.FixtureRequest
    ) -> Iterator[Neighbours]:
        """Open three sites on one file."""
        path = tmp_path / "shared.db"
        shutil.copy(empty_database, path)
        opened = []
        for open_site in (request.param, flask, served_elsewhere.open_site):
            premises = Premises(settings=dict(SETTINGS))
            opened.append((premises, open_site(premises, f"sqlite:///{path}")))
        yield opened
        for _, site in opened:
            site.close()


class TestOnPostgresql(SharedDatabase):
    """One PostgreSQL database."""

    @pytest.fixture
    def neighbours(self, postgresql_url: str) -> Iterator[Neighbours]:
        """Open three sites on it."""
        with databases.fresh(postgresql_url) as url, ExitStack() as opened:
            migrate(sa.create_engine(url, poolclass=sa.NullPool))
            sites = []
            for open_site in (django, flask, fastapi):
                premises = Premises(settings=dict(SETTINGS))
                site = open_site(premises, url)
                opened.callback(site.close)
                sites.append((premises, site))
            yield sites


def test_djangos_own_command_changes_the_password_everywhere(
    site: Site, site_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`changepassword` ends the sessions that Flask and FastAPI gave, and the new one signs in there."""
    site.member()
    told = {**django_settings.NIGHTLATCH, "mail": {"transport": "memory"}}
    new = "an entirely different sentence"
    with ExitStack() as opened:
        browsers = []
        for open_site in (flask, fastapi):
            elsewhere = open_site(Premises(settings=told, clock=Clock(datetime.now(UTC))), f"sqlite:///{site_database}")
            opened.callback(elsewhere.close)
            browsers.append(Browser(site=elsewhere))
        for browser in browsers:
            assert browser.call("POST", "/api/sign-in", {"identifier": MIA, "password": SECRET})[0] == 200
        typed = iter([new] * 2)
        monkeypatch.setattr("getpass.getpass", lambda **_: next(typed))
        call_command("changepassword", MIA, stdout=io.StringIO())
        for browser in browsers:
            assert browser.call("GET", "/api/session")[0] == 401
            assert browser.call("POST", "/api/sign-in", {"identifier": MIA, "password": SECRET})[0] == 401
            assert browser.call("POST", "/api/sign-in", {"identifier": MIA, "password": new})[0] == 200
