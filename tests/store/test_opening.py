"""Which stores can be had, and what is said where one cannot."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from nightlatch.errors import ConfigurationError, MissingExtra, StoreUnavailable
from nightlatch.records import User
from nightlatch.storage.sql import SqlStore, migrate
from nightlatch.storage.sql.connections import OwnConnections
from nightlatch.storage.sql.drivers import engine_for, opener
from nightlatch.testing.rows import a_user


def test_the_store_in_memory_needs_no_driver() -> None:
    """It runs where SQLAlchemy and Alembic are not installed."""
    without = (
        "import sys; sys.modules['sqlalchemy'] = sys.modules['alembic'] = None\n"
        "from nightlatch.storage.memory import MemoryStore\n"
        "from nightlatch.testing.rows import a_user\n"
        "store, user = MemoryStore(), a_user()\n"
        "store.insert(user)\n"
        "assert store.get(type(user), user.id) is user\n"
    )
    subprocess.run([sys.executable, "-c", without], check=True)


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///file::memory:?cache=shared&uri=true",
        "sqlite:///file:x?mode=memory&uri=true",
    ],
)
def test_a_database_in_memory_is_refused(url: str) -> None:
    """Threads cannot share it: the error says what to write instead."""
    with pytest.raises(ConfigurationError, match="write a file"):
        SqlStore.open(url)
    for pool in (sa.StaticPool, sa.QueuePool):
        with pytest.raises(ConfigurationError, match="write a file"):
            SqlStore.on_engine(sa.create_engine(url, poolclass=pool))


def test_a_pool_that_shares_one_connection_is_refused(tmp_path: Path) -> None:
    """Also where it leads to a file."""
    for pool in (sa.StaticPool, sa.pool.SingletonThreadPool):
        with pytest.raises(ConfigurationError, match="write a file"):
            SqlStore.on_engine(sa.create_engine(f"sqlite:///{tmp_path / 'x.db'}", poolclass=pool))


@pytest.mark.parametrize("url", ["", "hunter2", "hunter2://user:hunter2@host/name", "oracle+nothing://a:hunter2@b/c"])
def test_what_is_no_address_is_refused(url: str) -> None:
    """The error shows a good one, and repeats nothing: a password may be in it."""
    with pytest.raises(ConfigurationError, match="sqlite:///") as caught:
        SqlStore.open(url)
    assert "hunter2" not in repr(caught.value)


def test_a_missing_driver_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says which extra to install."""
    monkeypatch.setitem(sys.modules, "pymysql", None)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtra, match=r"nightlatch\[mariadb\]"):
        SqlStore.open("mysql://user@host/name")
    with pytest.raises(MissingExtra, match=r"nightlatch\[postgresql\]"):
        SqlStore.open("postgres://user@host/name")


def test_building_opens_nothing_and_hides_the_password() -> None:
    """A server that is not there is noticed at first use: unavailable."""
    store = SqlStore.open("postgresql://user:hunter2@127.0.0.1:1/name")
    assert "hunter2" not in repr(store)
    with pytest.raises(StoreUnavailable) as caught:
        store.get(User, a_user().id)
    assert "hunter2" not in f"{caught.value!r} {caught.value.__cause__!r}"
    with pytest.raises(StoreUnavailable):
        migrate("mariadb://user:hunter2@127.0.0.1:1/name")


def test_a_file_in_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    """The folder is made, as a first start wants it."""
    store = SqlStore.open(f"sqlite:///{tmp_path / 'data' / 'new.db'}")
    with pytest.raises(Exception, match="ERROR"):
        store.get(User, a_user().id)
    assert migrate(store.engine)
    store.insert(a_user())
    store.close()
    store.close()
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["new.db"]


def test_a_bounded_number_of_connections() -> None:
    """Whoever finds none within the wait is told so, and what was given back is taken again, last in first out."""
    connections = OwnConnections(object, most=2, wait=0.01)
    first, second = connections.take(), connections.take()
    with pytest.raises(StoreUnavailable, match="in use"):
        connections.take()
    connections.give(first, broken=False)
    connections.give(second, broken=False)
    assert connections.take() is second
    connections.give(second, broken=True)
    assert connections.take() is first


def test_a_file_that_another_connection_has_just_begun_is_waited_for(tmp_path: Path) -> None:
    """Two that open a new file at once both get in: who comes second to its write-ahead log waits for the first."""
    path = tmp_path / "new.db"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("CREATE TABLE a (b)")
    other.execute("BEGIN IMMEDIATE")
    done = threading.Timer(0.1, lambda: other.execute("COMMIT"))
    done.start()
    opened = opener(engine_for(f"sqlite:///{path}"), durable=True)()
    assert opened.execute("PRAGMA journal_mode").fetchall() == [("wal",)]
    done.join()
    opened.close()
    other.close()
