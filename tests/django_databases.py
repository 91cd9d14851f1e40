"""Databases for a Django project: added while the tests run, for one test each, under an alias of its own."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

os.environ["DJANGO_SETTINGS_MODULE"] = "django_site.settings"

import django
from django.core.management import call_command
from django.db import connections
from django.db.backends.signals import connection_created

django.setup()
del os.environ["DJANGO_SETTINGS_MODULE"]  # programs that tests start have settings of their own

__all__ = ["database", "migrated", "settings_for"]

_ENGINES = {"sqlite": "sqlite3", "postgresql": "postgresql", "mariadb": "mysql", "mysql": "mysql"}


def settings_for(url: str) -> dict[str, Any]:
    """Return an entry of ``DATABASES`` for an address in SQLAlchemy's form."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() in {"mariadb", "mysql"} and importlib.util.find_spec("MySQLdb") is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(
            "mysqlclient is not here: it is compiled where libmariadb-dev, pkg-config and gcc are"
        )
    parts = {"NAME": parsed.database, "USER": parsed.username, "HOST": parsed.host, "PORT": parsed.port}
    given = {name: str(value) for name, value in parts.items() if value is not None}
    return {"ENGINE": f"django.db.backends.{_ENGINES[parsed.get_backend_name()]}", **given}


@contextmanager
def database(url: str, **settings: Any) -> Iterator[str]:
    """Give an alias of a database; afterwards every thread's connection to it is closed."""
    alias = f"db_{uuid4().hex}"
    connections.settings[alias] = {**connections.settings["default"], **settings_for(url), **settings}
    opened: list[Any] = []

    def note(connection: Any, **_: Any) -> None:
        if connection.alias == alias:
            opened.append(connection)

    connection_created.connect(note)
    try:
        yield alias
    finally:
        connection_created.disconnect(note)
        for connection in opened:
            connection.inc_thread_sharing()
            connection.close()
        if hasattr(connections._connections, alias):
            delattr(connections._connections, alias)
        del connections.settings[alias]


@contextmanager
def migrated(url: str, **settings: Any) -> Iterator[str]:
    """Give an alias of a database with our tables, made by Django or there already."""
    with database(url, **settings) as alias:
        call_command("migrate", database=alias, verbosity=0)
        yield alias
