"""Databases for the tests of stores."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest

import databases


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.slow),
        pytest.param("mariadb", marks=pytest.mark.slow),
    ]
)
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], str]]:
    """Return what makes an empty database and gives its address, on one kind of server after the other."""
    with ExitStack() as made:
        if request.param == "sqlite":
            yield lambda: f"sqlite:///{tmp_path / uuid4().hex}.db"
        else:
            server = request.getfixturevalue(f"{request.param}_url")
            yield lambda: made.enter_context(databases.fresh(server))
