"""Applications that move into a database: each way to open one there, on premises of its own."""

from __future__ import annotations

from contextlib import ExitStack

from fastapi import FastAPI
from flask import Flask

import django_databases
from django_project import open_project, wsgi
from nightlatch.auth import Nightlatch
from nightlatch.fastapi import Nightlatch as FastApiNightlatch
from nightlatch.flask import Nightlatch as FlaskNightlatch
from nightlatch.http.app import HttpApp
from nightlatch.settings import settings_from
from nightlatch.storage.sql import SqlStore
from nightlatch.testing.adapter_contract import Premises
from nightlatch.testing.sites import AsgiSite, DirectSite, Site, WsgiSite

__all__ = ["direct", "django", "fastapi", "flask"]


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
    with ExitStack() as moved_in:
        name = moved_in.enter_context(django_databases.database(url))
        parts = {"mailer": premises.mailbox, "clock": premises.clock}
        site, core = open_project({**premises.settings, "database": name}, wsgi, **parts)
        moved_in.callback(site.close)
        premises.run_by(core)
        site.close = moved_in.pop_all().close  # type: ignore[method-assign]
        return site
