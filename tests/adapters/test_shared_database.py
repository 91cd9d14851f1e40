"""Flask, FastAPI, the stand-alone server and the direct call move into one database, three at a time."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from flask import Flask

from contract_server import ServedElsewhere
from nightlatch.auth import Nightlatch
from nightlatch.fastapi import Nightlatch as FastApiNightlatch
from nightlatch.flask import Nightlatch as FlaskNightlatch
from nightlatch.http.app import HttpApp
from nightlatch.settings import settings_from
from nightlatch.storage.sql import SqlStore
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


class TestOnSqlite(SharedDatabase):
    """One SQLite file."""

    @pytest.fixture(params=[direct, fastapi])
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
