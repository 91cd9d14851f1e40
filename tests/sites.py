"""Every way to open a house to the web: what is tested through one is tested through all, by a line in `SITES`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from fastapi import FastAPI
from flask import Flask

from django_project import open_project, wsgi
from house import House
from nightlatch.fastapi import Nightlatch as FastApiNightlatch
from nightlatch.flask import Nightlatch
from nightlatch.http.app import HttpApp
from nightlatch.server.app import ServerApp
from nightlatch.server.config import Config
from nightlatch.settings import Settings
from nightlatch.storage.memory import MemoryStore
from nightlatch.testing.sites import AsgiSite, DirectSite, Site, WsgiSite

__all__ = ["SITES", "open_site", "plain", "premises"]


def direct(house: House) -> Site:
    """Ask the web layer itself."""
    return DirectSite(HttpApp(house.auth))


def server(house: House) -> Site:
    """Ask the application that the stand-alone server's workers run."""
    return WsgiSite(ServerApp(Config(settings=house.settings, data=Path(), database_url=""), house.auth))


def flask(house: House) -> Site:
    """Ask a Flask application."""
    app = Flask("house")
    app.testing = True
    app.config["NIGHTLATCH"] = plain(house.settings)
    extension = Nightlatch(app, store=house.store, mailer=house.mailbox, text_sender=house.texts, clock=house.clock)
    house.move_to(extension.core)
    return WsgiSite(app)


def fastapi(house: House) -> Site:
    """Ask a FastAPI application."""
    app = FastAPI()
    parts: dict[str, Any] = {"store": house.store, "mailer": house.mailbox, "text_sender": house.texts}
    extension = FastApiNightlatch(app, house.settings, clock=house.clock, **parts)
    house.move_to(extension.core)
    return AsgiSite(app)


def django(house: House) -> Site:
    """Ask a Django project."""
    parts = {"store": house.store, "mailer": house.mailbox, "text_sender": house.texts, "clock": house.clock}
    site, core = open_project(plain(house.settings), wsgi, **parts)
    house.move_to(core)
    return site


SITES: Mapping[str, Callable[[House], Site]] = {
    "direct": direct,
    "server": server,
    "flask": flask,
    "fastapi": fastapi,
    "django": django,
}
"""A site asks the house for settings, store, clock and mailbox, and tells it the core it runs (`House.move_to`)."""


@pytest.fixture(params=SITES)
def open_site(request: pytest.FixtureRequest) -> Callable[[House], Site]:
    """Open a house to the web, in each way there is."""
    return SITES[request.param]


@pytest.fixture
def premises(open_site: Callable[[House], Site]) -> Iterator[tuple[House, Site]]:
    """Open a house to the web, in each way there is, and let it go afterwards."""
    house = House(MemoryStore())
    site = open_site(house)
    yield house, site
    site.close()
    house.auth.close()


def plain(settings: Settings) -> dict[str, Any]:
    """Return settings as plain values, as a framework's configuration has them."""

    def values(section: msgspec.Struct) -> dict[str, Any]:
        found = {name: getattr(section, name) for name in section.__struct_fields__}
        return {name: values(each) if isinstance(each, msgspec.Struct) else each for name, each in found.items()}

    return values(settings)
