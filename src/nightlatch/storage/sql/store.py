"""The six verbs on SQL."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TypeVar

import sqlalchemy as sa

from nightlatch.errors import Conflict, StoreError, StoreUnavailable, TransactionOpen
from nightlatch.ports import Changes, Where
from nightlatch.records import RECORDS, Record
from nightlatch.storage.codec import validate_changes, validate_record, validate_where
from nightlatch.storage.sql.connections import Connections, HostConnections, OwnConnections
from nightlatch.storage.sql.statements import Prepared, Statements

__all__ = ["SqlStore"]

R = TypeVar("R", bound=Record)
T = TypeVar("T")

_BUSY_SECONDS = 5.0


class _Local(threading.local):
    connection: Any = None
    depth: int = 0
    broken: bool = False


class SqlStore:
    """Keep records in an SQL database. Build it with `open` or `on_engine`; building opens no connection.

    Args:
        engine: for its dialect and address.
        connections: where connections come from.
    """

    def __init__(self, engine: sa.Engine, connections: Connections) -> None:
        self.engine = engine
        self._connections = connections
        self._statements = Statements(engine.dialect)
        self._local = _Local()
        self._sqlite = engine.dialect.name == "sqlite"
        self._lax = self._sqlite and isinstance(connections, HostConnections)
        self._begin = "BEGIN IMMEDIATE" if self._sqlite else "BEGIN"
        dbapi: Any = engine.dialect.dbapi
        self._driver_error: type[Exception] = dbapi.Error
        self._integrity_error: type[Exception] = dbapi.IntegrityError

    @classmethod
    def open(cls, url: str, *, durable: bool = True, most_connections: int = 64) -> Self:
        """Return a store with connections of its own.

        Args:
            url: SQLAlchemy's form: ``sqlite:///data/nightlatch.db``, ``postgresql+psycopg://...``.
            durable: on SQLite, whether an acknowledged write survives a power cut (docs/decisions/0002).
            most_connections: at once, in this process.
        """
        engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
        sqlite = engine.dialect.name == "sqlite"
        opener = _sqlite_opener(engine, durable=durable) if sqlite else _server_opener(engine)
        return cls(engine, OwnConnections(opener, most=most_connections, wait=_BUSY_SECONDS))

    @classmethod
    def on_engine(cls, engine: sa.Engine) -> Self:
        """Return a store on a host application's engine, in transactions of its own.

        Raises:
            ConfigurationError: its pool shares one connection among all threads.
        """
        return cls(engine, HostConnections(engine))

    # --- transactions -----------------------------------------------------------------------------------------------

    @contextmanager
    def transaction(self, *, own: bool = False) -> Iterator[None]:
        """Begin a write transaction, or a savepoint inside an open one."""
        local = self._local
        if local.depth:
            if own:
                raise TransactionOpen("a transaction is open in this thread")
            with self._savepoint():
                yield
            return
        self._take(local)
        try:
            self._run(self._begin)
            local.depth = 1
            try:
                yield
            except BaseException:
                self._quietly("ROLLBACK")
                raise
            try:
                self._run("COMMIT")
            except StoreError:
                self._quietly("ROLLBACK")
                raise
        finally:
            local.depth = 0
            self._give(local)

    @contextmanager
    def _savepoint(self) -> Iterator[None]:
        local = self._local
        name = f"nl_{local.depth}"
        self._run(f"SAVEPOINT {name}")
        local.depth += 1
        try:
            yield
        except BaseException:
            self._quietly(f"ROLLBACK TO SAVEPOINT {name}")
            self._quietly(f"RELEASE SAVEPOINT {name}")
            raise
        else:
            self._run(f"RELEASE SAVEPOINT {name}")
        finally:
            local.depth -= 1

    # --- the verbs --------------------------------------------------------------------------------------------------

    def insert(self, record: Record) -> None:
        """Add a row."""
        validate_record(record)
        if self._lax and type(record).references:
            with self.transaction():
                self._see_references(record)
                self._write(*self._statements.insert(record))
            return
        self._write(*self._statements.insert(record))

    def get(self, kind: type[R], id: Any) -> R | None:  # noqa: A002
        """Return the row with this id, or None."""
        found = self.find(kind, {"id": id}, limit=1)
        return found[0] if found else None

    def find(self, kind: type[R], where: Where, *, order_by: str | None = None, limit: int | None = None) -> list[R]:
        """Return the rows that match."""
        validate_where(kind, where)
        if order_by is not None:
            validate_where(kind, {order_by.removeprefix("-"): None})
        prepared, values = self._statements.find(kind, where, order_by, limit)
        decode = self._statements.decoder(kind)
        return [decode(row) for row in self._on_connection(lambda: self._rows(prepared, values))]

    def update(self, kind: type[Record], where: Where, changes: Changes) -> int:
        """Change the rows that match and return how many matched."""
        validate_where(kind, where)
        validate_changes(kind, changes)
        return self._write(*self._statements.update(kind, where, changes))

    def delete(self, kind: type[Record], where: Where) -> int:
        """Delete the rows that match and return how many there were."""
        validate_where(kind, where)
        if self._lax and any(kind in other.references.values() for other in RECORDS):
            with self.transaction():
                self._delete_references(kind, where)
                return self._write(*self._statements.delete(kind, where))
        return self._write(*self._statements.delete(kind, where))

    def close(self) -> None:
        """Let the idle connections go."""
        self._connections.close()

    # --- a host's SQLite, whose foreign keys may be off and whose pragmas are not ours to set ------------------------

    def _see_references(self, record: Record) -> None:
        for field, target in type(record).references.items():
            referenced = getattr(record, field)
            if referenced is not None and self.get(target, referenced) is None:
                raise Conflict(f"{type(record).__name__}.{field} refers to a row that is not there")

    def _delete_references(self, kind: type[Record], where: Where) -> None:
        for row in self.find(kind, where):
            for other in RECORDS:
                for field, target in other.references.items():
                    if target is kind:
                        self.delete(other, {field: row.id})

    # --- running ----------------------------------------------------------------------------------------------------

    def _write(self, prepared: Prepared, values: dict[str, Any]) -> int:
        if self._local.depth and not self._sqlite:
            # Elsewhere a failed statement spoils the transaction (PostgreSQL): a savepoint keeps it usable.
            with self._savepoint():
                return self._count(prepared, values)
        return self._on_connection(lambda: self._count(prepared, values))

    def _count(self, prepared: Prepared, values: dict[str, Any]) -> int:
        cursor = self._execute(prepared.sql, prepared.arguments(values))
        try:
            return int(cursor.rowcount)
        finally:
            cursor.close()

    def _rows(self, prepared: Prepared, values: dict[str, Any]) -> list[Any]:
        cursor = self._execute(prepared.sql, prepared.arguments(values))
        try:
            return list(cursor.fetchall())
        finally:
            cursor.close()

    def _run(self, sql: str) -> None:
        self._execute(sql, ()).close()

    def _quietly(self, sql: str) -> None:
        """Undo on the way out of another error, which is the one to be told."""
        try:
            self._run(sql)
        except StoreError:
            self._local.broken = True

    def _execute(self, sql: str, arguments: Any) -> Any:
        cursor = self._local.connection.cursor()
        try:
            cursor.execute(sql, arguments)
        except self._integrity_error as error:
            cursor.close()
            raise Conflict(type(error).__name__) from None
        except self._driver_error as error:
            self._local.broken = self._local.broken or not self._sqlite or "locked" not in str(error)
            raise _translated(error) from None
        return cursor

    def _on_connection(self, work: Callable[[], T]) -> T:
        local = self._local
        if local.connection is not None:
            return work()
        self._take(local)
        try:
            return work()
        finally:
            self._give(local)

    def _take(self, local: _Local) -> None:
        local.connection = self._connections.take()
        local.broken = False

    def _give(self, local: _Local) -> None:
        connection, local.connection = local.connection, None
        self._connections.give(connection, broken=local.broken)

    def __repr__(self) -> str:
        return f"SqlStore({self.engine.url.render_as_string(hide_password=True)})"


def _translated(error: Exception) -> StoreError:
    """Turn a driver's error into ours. Its text may quote values, so only its class and code go on."""
    name = type(error).__name__
    code = getattr(error, "sqlite_errorname", None) or getattr(error, "sqlstate", None) or ""
    if name in {"OperationalError", "InterfaceError", "InternalError"}:
        return StoreUnavailable(f"{name} {code}".strip())
    return StoreError(f"{name} {code}".strip())


def _sqlite_opener(engine: sa.Engine, *, durable: bool) -> Callable[[], Any]:
    import sqlite3

    path = engine.url.database or ""
    if path in {"", ":memory:"}:
        from nightlatch.errors import ConfigurationError

        raise ConfigurationError("a database in memory is not shared by connections: write a file's name")

    def connect() -> Any:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        try:
            connection = sqlite3.connect(
                path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=512
            )
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA foreign_keys=ON")
            connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            connection.execute("PRAGMA mmap_size=268435456")
        except sqlite3.Error as error:
            raise _translated(error) from None
        return connection

    return connect


def _server_opener(engine: sa.Engine) -> Callable[[], Any]:
    def connect() -> Any:
        arguments, options = engine.dialect.create_connect_args(engine.url)
        if engine.dialect.name in {"mysql", "mariadb"}:
            options = {
                **options,
                "autocommit": True,
                "charset": "utf8mb4",
                "client_flag": 2,
            }  # FOUND_ROWS: matched rows
        try:
            connection: Any = engine.dialect.connect(*arguments, **options)
            if engine.dialect.name == "postgresql":
                connection.autocommit = True
        except engine.dialect.dbapi.Error as error:  # type: ignore[union-attr]
            raise _translated(error) from None
        return connection

    return connect
