"""Fixtures of the adapters' tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from contract_server import ServedElsewhere
from django_project import empty_site, site, site_database
from fastapi_shop import fast_shop, make_fast_shop
from flask_shop import make_shop, shop

__all__ = [
    "empty_site",
    "fast_shop",
    "make_fast_shop",
    "make_shop",
    "served_elsewhere",
    "shop",
    "site",
    "site_database",
]


@pytest.fixture(scope="session")
def served_elsewhere() -> Iterator[ServedElsewhere]:
    """Start the stand-alone server once, for all who open sites in it."""
    server = ServedElsewhere()
    yield server
    server.stop()
