"""Flask, FastAPI, the stand-alone server and the direct call move into one database, three at a time."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from flask import Flask

import databases
import django_databases
from contract_server import ServedElsewhere
from django_project import open_project, wsgi
from nightlatch.auth import Nightlatch
from nightlatch.fastapi import Nightlatch as FastApiNightlatch
from nightlatch.flask import Nightlatch as FlaskNightlatch
from nightlatch.http.app import HttpApp
from nightlatch.settings import settings_from
from nightlatch.storage.sql import SqlStore, migrate
from nightlatch.testing.adapter_contract import Premises
from nightlatch.testing.adapter_contract.conversation import SETTINGS
from nightlatch.testing.shared_database import Neighbours, SharedDatabase
from nightlatch.testing.sites import AsgiSite, DirectSite, Site, WsgiSite

pytestmark = pytest.mark.slow


def direct(premises: Premises, url: str) -> Site:
    """Ask the web layer itself."""
    core = Nightlatch(
        settings_from(premises.settings),
        SqlStore.open(url),
        mailer=premises.mailbox,
        clock=premises.clock,
        background=False,
    )
    premises.run_by(core)
    return DirectSite(HttpApp(core))


def flask(premises: Premises, url: str) -> Site:
    """Ask a Flask application."""
    app = Flask("neighbour")
    app.testing = True
    app.config["NIGHTLATCH"] = {**premises.settings, "database_url": url}
    extension = FlaskNightlatch(app, mailer=premises.mailbox, clock=premises.clock)
    premises.run_by(extension.core)
    return WsgiSite(app, on_close=extension.core.close)


def fastapi(premises: Premises, url: str) -> Site:
    """Ask a FastAPI application."""
    app = FastAPI()
    extension = FastApiNightlatch(
        app, premises.settings, database_url=url, mailer=premises.mailbox, clock=premises.clock
    )
    premises.run_by(extension.core)
    return AsgiSite(app)


def django(premises: Premises, url: str) -> Site:
    """Ask a Django project."""
    alias = ExitStack()
    name = alias.enter_context(django_databases.database(url))
    parts = {"mailer": premises.mailbox, "clock": premises.clock}
    site, core = open_project({**premises.settings, "database": name}, wsgi, **parts)
    premises.run_by(core)
    close = site.close

    def close_all() -> None:
        close()
        alias.close()

    site.close = close_all  # type: ignore[method-assign]
    return site


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
