"""Who comes to a database that others use, and does not fit: told what to do, before anything is written."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from neighbours import django, fastapi, flask
from nightlatch.errors import ConfigurationError, SchemaMismatch
from nightlatch.primitives.ids import uuid7
from nightlatch.records import SchemaStep
from nightlatch.storage.sql import SqlStore
from nightlatch.storage.steps import STEPS
from nightlatch.testing.adapter_contract import Premises
from nightlatch.testing.adapter_contract.conversation import SETTINGS
from nightlatch.testing.sites import Site

OPENS = {"flask": flask, "fastapi": fastapi, "django": django}
Opens = Callable[[Premises, str], Site]


@pytest.fixture(params=OPENS)
def moves_in(request: pytest.FixtureRequest) -> Opens:
    """Open an application of each kind on a database."""
    opens: Opens = OPENS[request.param]
    return opens


@pytest.fixture
def url(tmp_path: Path, empty_database: Path) -> str:
    """A database with our tables and nothing in them."""
    path = tmp_path / "shared.db"
    shutil.copy(empty_database, path)
    return f"sqlite:///{path}"


def premises(**more: object) -> Premises:
    """Return premises as all have them, but for this."""
    return Premises(settings={**SETTINGS, **more})


@pytest.mark.parametrize("first", OPENS.values(), ids=OPENS)
def test_other_secret_keys(first: Opens, moves_in: Opens, url: str) -> None:
    """Whoever was there first: the one with other keys does not start, and is told how keys are shared and rotated."""
    first(premises(), url).close()
    stranger = premises(secret_keys=["another secret key, as long as it has to be, for tests"])
    with pytest.raises(ConfigurationError, match=r"(?s)another secret key.*the same secret_keys"):
        moves_in(stranger, url)
    first(premises(), url).close()
    moves_in(premises(), url).close()


def test_a_database_that_lags(moves_in: Opens, tmp_path: Path) -> None:
    """The command to run, in the framework's own words; nothing is migrated behind an operator's back."""
    words = "manage.py migrate nightlatch" if moves_in is django else "nightlatch migrate"
    url = f"sqlite:///{tmp_path / 'empty.db'}"
    with pytest.raises(SchemaMismatch, match=rf"lacks step 1 .*run '{words}'"):
        moves_in(premises(), url)
    assert sa.inspect(sa.create_engine(url, poolclass=sa.NullPool)).get_table_names() == []


def test_a_database_that_is_ahead(moves_in: Opens, url: str) -> None:
    """One step ahead, a neighbour has been updated first: all go on. Two steps: a newer version is to be installed."""
    store, last = SqlStore.open(url), max(STEPS)

    def step(number: int) -> SchemaStep:
        now = premises().clock.now()
        return SchemaStep(id=uuid7(now), number=number, name="later", tool="alembic", done_at=now)

    store.insert(step(last + 1))
    moves_in(premises(), url).close()
    store.insert(step(last + 2))
    with pytest.raises(SchemaMismatch, match=rf"at step {last + 2}, this version works on {last}: install a newer"):
        moves_in(premises(), url)
    store.close()
