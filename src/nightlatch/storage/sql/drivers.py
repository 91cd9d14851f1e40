"""Where drivers differ: their addresses, and how a connection is opened."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from nightlatch.errors import ConfigurationError, MissingExtra
from nightlatch.storage.outages import is_harmless, translated

__all__ = [
    "BUSY_SECONDS",
    "begin_words",
    "engine_for",
    "has_hung_up",
    "in_memory",
    "opener",
    "put_right",
]

BUSY_SECONDS = 5.0
"""How long a write waits for another's lock, and a thread for a connection, before `StoreUnavailable`."""

_BUSY_PAUSE = 0.01

_DRIVERS = {
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
}

_ASYNCHRONOUS = {"aiosqlite", "asyncpg", "psycopg_async", "asyncmy", "aiomysql"}


def engine_for(url: str) -> sa.Engine:
    """Return an engine, without connecting; it serves for its dialect and for migrations.

    Args:
        url: SQLAlchemy's form; without a driver's name ours is meant.

    Raises:
        ConfigurationError: it is no address of a database.
        MissingExtra: the driver is not installed.
    """
    try:
        parsed = sa.make_url(url)
        _refuse_asynchronous(parsed)
        parsed = parsed.set(drivername=_DRIVERS.get(parsed.drivername, parsed.drivername))
        return sa.create_engine(parsed, poolclass=sa.pool.NullPool)
    except sa.exc.ArgumentError:
        # The address may hold a password: it is not repeated.
        raise ConfigurationError(
            "database_url is no address of a database: write one such as sqlite:///data/nightlatch.db or"
            " postgresql://user:password@host/name"
        ) from None
    except ModuleNotFoundError as error:
        backend = sa.make_url(url).get_backend_name()
        if backend not in _DRIVERS:
            raise _unknown(backend) from None
        extra = "mariadb" if backend in {"mysql", "mariadb"} else "postgresql"
        raise MissingExtra(
            f"the database's driver is not installed ({error.name}): pip install 'nightlatch[{extra}]'"
        ) from None


def _refuse_asynchronous(url: sa.URL) -> None:
    driver = url.drivername.partition("+")[2]
    if driver in _ASYNCHRONOUS:
        raise ConfigurationError(
            f"database_url names {driver}, an asynchronous driver: write {url.get_backend_name()}:// in its place"
            " (the same database; your own engine may keep its driver)"
        )


def in_memory(url: sa.URL) -> bool:
    """Tell whether an SQLite address means a database in memory."""
    name = url.database or ":memory:"
    return ":memory:" in name or url.query.get("mode") == "memory"


def begin_words(dialect: sa.Dialect) -> tuple[str, ...]:
    """Return the statements that begin a write transaction."""
    if dialect.name == "sqlite":
        # A deferred one upgraded later fails under load: the second of two that both read cannot write.
        return ("BEGIN IMMEDIATE",)
    if dialect.name == "postgresql":
        return ("BEGIN ISOLATION LEVEL READ COMMITTED",)
    # A guarded update must see what others committed, not its snapshot; this sets the next transaction alone.
    return ("SET TRANSACTION ISOLATION LEVEL READ COMMITTED", "BEGIN")


def has_hung_up(connection: Any) -> bool:
    """Tell whether the server has gone from the other end, as far as the driver knows."""
    return bool(getattr(connection, "closed", False)) or not getattr(connection, "open", True)


def put_right(connection: Any) -> bool:
    """Undo what a failed statement left open, where a connection is as good as before after that: SQLite's.

    On a full disk the last connection that closes takes the write-ahead index along, and none can be opened to read by.

    Returns:
        whether it may be used again.
    """
    if not isinstance(connection, sqlite3.Connection):
        return False
    try:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    except sqlite3.Error:
        return False
    return not connection.in_transaction


def opener(engine: sa.Engine, *, durable: bool) -> Callable[[], Any]:
    """Return what opens a connection of our own, in autocommit mode.

    Args:
        engine: whose address and driver.
        durable: on SQLite, whether an acknowledged write survives a power cut (docs/decisions/0002).
    """
    match engine.dialect.name:
        case "sqlite":
            return lambda: _open_sqlite(engine, durable=durable)
        case "postgresql":
            return lambda: _open_postgresql(engine)
        case "mysql" | "mariadb":
            return lambda: _open_mariadb(engine)
        case name:
            raise _unknown(name)


def _unknown(name: str) -> ConfigurationError:
    return ConfigurationError(f"database_url: {name} is none of sqlite, postgresql, mariadb and mysql")


def _open(engine: sa.Engine, options: dict[str, Any], set_up: Callable[[Any], None]) -> Any:
    arguments, given = engine.dialect.create_connect_args(engine.url)
    connection: Any = None
    try:
        connection = engine.dialect.connect(*arguments, **{**options, **given})
        set_up(connection)
    except engine.dialect.loaded_dbapi.Error as error:
        if connection is not None:
            with contextlib.suppress(Exception):
                connection.close()
        raise translated(error) from None
    return connection


def _open_sqlite(engine: sa.Engine, *, durable: bool) -> Any:
    if "uri" not in engine.url.query:
        Path(engine.url.database or "").parent.mkdir(parents=True, exist_ok=True)

    def set_up(connection: Any) -> None:
        connection.isolation_level = None
        _set_wal(connection)
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
        # Reads come from the page cache without a copy. A database of many users is no slower than a small one.
        connection.execute("PRAGMA mmap_size=268435456")

    options = {"timeout": BUSY_SECONDS, "check_same_thread": False, "cached_statements": 512}
    return _open(engine, options, set_up)


def _set_wal(connection: sqlite3.Connection) -> None:
    """Turn on the write-ahead log, which a new file has not got yet.

    SQLite waits by itself for a lock that a statement begins with. Here it comes to write after it has read, and is
    told at once that the file is busy where another connection, such as one that opens too, got there first.
    """
    end = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if not is_harmless(error) or time.monotonic() > end:
                raise
            time.sleep(_BUSY_PAUSE)
        else:
            return


def _open_postgresql(engine: sa.Engine) -> Any:
    def set_up(connection: Any) -> None:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(f"SET lock_timeout = {int(BUSY_SECONDS * 1000)}")
        cursor.close()

    return _open(engine, {"connect_timeout": int(BUSY_SECONDS)}, set_up)


def _open_mariadb(engine: sa.Engine) -> Any:
    def set_up(connection: Any) -> None:
        connection.autocommit(True)
        cursor = connection.cursor()
        cursor.execute(f"SET SESSION innodb_lock_wait_timeout = {int(BUSY_SECONDS)}")
        cursor.close()

    return _open(engine, {"connect_timeout": int(BUSY_SECONDS), "charset": "utf8mb4"}, set_up)
