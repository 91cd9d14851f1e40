"""What goes wrong beside the laws: locks, full disks, servers that hang up, transactions that are lost."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import databases
from nightlatch.errors import Conflict, StoreError, StoreUnavailable
from nightlatch.records import Session, User
from nightlatch.storage.sql import SqlStore, migrate
from nightlatch.testing.rows import a_session, a_user

SECRET = "what nobody is to read"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a database with our tables."""
    path = tmp_path / "store.db"
    migrate(f"sqlite:///{path}")
    return path


def on_host(path: Path, pragma: str = "", **pool: Any) -> SqlStore:
    """Return a store on an application's engine, whose connections begin with a pragma of the application's."""
    usual: dict[str, Any] = {"poolclass": sa.QueuePool, "connect_args": {"timeout": 0.1}}
    engine = sa.create_engine(f"sqlite:///{path}", **{**usual, **pool})
    if pragma:
        sa.event.listen(engine, "connect", lambda connection, _: connection.execute(f"PRAGMA {pragma}"))
    return SqlStore.on_engine(engine)


def test_locked_for_too_long(path: Path) -> None:
    """Another program writes and does not end: unavailable, reads go on, and afterwards all is well."""
    store, user = SqlStore.open(f"sqlite:///{path}?timeout=0.1"), a_user()
    store.insert(a_user())
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="BUSY"):
        store.insert(user)
    with pytest.raises(StoreUnavailable, match="BUSY"), store.transaction():
        pytest.fail("a transaction begins with its lock")
    assert store.get(User, user.id) is None
    other.execute("ROLLBACK")
    other.close()
    store.insert(user)
    store.close()


def test_read_only(path: Path) -> None:
    """What may only be read is unavailable for writing."""
    store = on_host(path, "query_only=ON")
    with pytest.raises(StoreUnavailable, match="READONLY"):
        store.insert(a_user())
    assert store.find(User, {"epoch": 1}) == []
    store.engine.dispose()


def test_a_full_disk_loses_the_transaction_as_a_whole(path: Path) -> None:
    """Whoever goes on after the error is refused: nothing that came after it is written on its own."""
    with sqlite3.connect(path) as connection:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.close()
    store = on_host(path, f"max_page_count={pages + 2}")
    with pytest.raises(StoreUnavailable), store.transaction():
        store.insert(a_user(external_id="first"))
        with pytest.raises(StoreUnavailable, match="FULL"):
            for _ in range(100):
                store.insert(a_user(roles=("x" * 4000,)))
        with suppress(StoreUnavailable):
            store.insert(a_user(external_id="second"))
        with suppress(StoreUnavailable), store.transaction():
            store.insert(a_user(external_id="third"))
    assert store.find(User, {"epoch": 1}) == []
    store.insert(a_user(external_id="fourth"))
    store.engine.dispose()


def test_an_exhausted_pool(path: Path) -> None:
    """The application holds its only connection: unavailable, not a wait for ever."""
    store = on_host(path, pool_size=1, max_overflow=0, pool_timeout=0.1)
    with store.engine.connect(), pytest.raises(StoreUnavailable, match="pool"):
        store.get(User, a_user().id)
    store.insert(a_user())
    store.engine.dispose()


def test_an_unexpected_error_tells_no_values(path: Path) -> None:
    """A table is gone: the error is ours, and holds neither statement nor parameters."""
    store = SqlStore.open(f"sqlite:///{path}")
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE nightlatch_identifier")
    connection.close()
    with sqlite3.connect(path) as connection:
        connection.execute("ALTER TABLE nightlatch_user DROP COLUMN name")
    connection.close()
    with pytest.raises(StoreError) as caught:
        store.insert(a_user(username=SECRET))
    assert not isinstance(caught.value, StoreUnavailable | Conflict)
    assert SECRET not in f"{caught.value!r} {caught.value.reason} {caught.value.__cause__!r}"
    assert caught.value.__suppress_context__
    store.close()


def test_a_hosts_pragmas_stay_the_hosts(path: Path) -> None:
    """Its foreign keys are off and stay off, and yet nothing of a deleted user is left."""
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    connection.close()
    store, user = on_host(path, pool_size=1, max_overflow=0), a_user()
    store.insert(user)
    store.insert(a_session(user))
    with pytest.raises(Conflict):
        store.insert(a_session(a_user()))
    with store.engine.connect() as borrowed:
        pragmas = [borrowed.exec_driver_sql(f"PRAGMA {each}").scalar() for each in ("foreign_keys", "journal_mode")]
    assert pragmas == [0, "delete"]
    store.delete(User, {"id": user.id})
    assert store.find(Session, {"user_id": user.id}) == []
    store.engine.dispose()


@pytest.mark.parametrize(("durable", "synchronous"), [(True, 2), (False, 1)])
def test_our_own_pragmas(path: Path, durable: bool, synchronous: int) -> None:  # noqa: FBT001
    """WAL, foreign keys, and a sync at every commit unless that was declined (docs/decisions/0002)."""
    store = SqlStore.open(f"sqlite:///{path}", durable=durable)
    connection = store._connections.take()
    found = [connection.execute(f"PRAGMA {each}").fetchone()[0] for each in ("journal_mode", "foreign_keys")]
    assert [*found, connection.execute("PRAGMA synchronous").fetchone()[0]] == ["wal", 1, synchronous]
    store._connections.give(connection, broken=False)
    store.close()


def test_sixteen_threads_open_a_new_database(path: Path) -> None:
    """All of them switch its journal at once, and share few connections afterwards."""
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    connection.close()
    store = SqlStore.open(f"sqlite:///{path}", most_connections=4)
    begin = threading.Barrier(16)

    def write(_: int) -> None:
        begin.wait()
        for _turn in range(5):
            store.insert(a_user())

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(write, range(16)))
    assert len(store.find(User, {"epoch": 1})) == 80
    assert len(store._connections._idle) <= 4  # type: ignore[attr-defined]
    store.close()
    assert not path.with_name("store.db-wal").exists(), "a connection was left open"


@pytest.fixture(params=["postgresql_url", "mariadb_url"])
def server(request: pytest.FixtureRequest) -> Iterator[SqlStore]:
    """Return an empty store on each of the servers."""
    store = SqlStore.open(request.getfixturevalue(request.param))
    databases.empty(store.engine)
    yield store
    store.close()


def _hang_up(store: SqlStore) -> None:
    """End every connection but the one that does it, as a server that restarts does."""
    with store.engine.connect() as connection:
        if store.engine.dialect.name == "postgresql":
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
            return
        mine = connection.exec_driver_sql("SELECT connection_id()").scalar()
        for process in connection.exec_driver_sql("SHOW PROCESSLIST").all():
            if process[0] != mine and process[1] == "root":
                connection.exec_driver_sql(f"KILL {process[0]}")


@pytest.mark.slow
def test_a_server_that_hung_up(server: SqlStore) -> None:
    """One request fails; the connections that were idle with it are not tried one after the other."""
    user = a_user()
    server.insert(user)
    begin = threading.Barrier(4)

    def hold(_: int) -> None:
        with server.transaction():
            server.get(User, user.id)
            begin.wait()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(hold, range(4)))
    _hang_up(server)
    with pytest.raises(StoreUnavailable):
        server.get(User, user.id)
    assert server.get(User, user.id) == user


@pytest.mark.slow
def test_a_server_that_hung_up_within_a_transaction(server: SqlStore) -> None:
    """The transaction is lost as a whole, whatever was caught inside it."""
    first, second = a_user(), a_user()
    with pytest.raises(StoreUnavailable), server.transaction():
        server.insert(first)
        _hang_up(server)
        with suppress(StoreUnavailable):
            server.insert(second)
        with suppress(StoreUnavailable):
            server.insert(second)
    assert server.get(User, first.id) is None
    assert server.get(User, second.id) is None


@pytest.mark.slow
def test_the_loser_of_a_deadlock_writes_nothing(server: SqlStore) -> None:
    """Two transactions wait for each other: one is undone, also what it does after it caught the error."""
    rows = [a_user(), a_user()]
    for row in rows:
        server.insert(row)
    both = threading.Barrier(2)

    def cross(number: int) -> bool:
        try:
            with server.transaction():
                server.insert(a_user(name=f"before {number}"))
                server.update(User, {"id": rows[number].id}, {"name": "mine"})
                both.wait()
                with suppress(StoreUnavailable):
                    server.update(User, {"id": rows[1 - number].id}, {"name": "mine"})
                server.insert(a_user(name=f"after {number}"))
        except StoreUnavailable:
            return False
        return True

    with ThreadPoolExecutor(2) as threads:
        ended = list(threads.map(cross, range(2)))
    assert sorted(ended) == [False, True]
    for number, well in enumerate(ended):
        for when in ("before", "after"):
            assert len(server.find(User, {"name": f"{when} {number}"})) == int(well)


@pytest.mark.slow
def test_a_row_locked_for_too_long(server: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that waits for another's row gives up in the end."""
    monkeypatch.setattr("nightlatch.storage.sql.drivers.BUSY_SECONDS", 1.0)
    store = SqlStore.open(server.engine.url.render_as_string(hide_password=False))
    user = a_user()
    server.insert(user)
    with server.transaction(), ThreadPoolExecutor(1) as other:
        server.update(User, {"id": user.id}, {"name": "held"})
        waiting = other.submit(store.update, User, {"id": user.id}, {"name": "waited"})
        with pytest.raises(StoreUnavailable):
            waiting.result()
    found = server.get(User, user.id)
    assert found is not None
    assert found.name == "held"
    store.close()
