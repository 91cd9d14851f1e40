"""Databases for the tests of stores."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import databases


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """Return the address of a PostgreSQL of our own."""
    with databases.postgresql() as url:
        yield url


@pytest.fixture(scope="session")
def mariadb_url() -> Iterator[str]:
    """Return the address of a MariaDB of our own."""
    with databases.mariadb() as url:
        yield url
