"""The six verbs on SQL."""

from __future__ import annotations

import os
import sys
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Any, Self, TypeVar

import sqlalchemy as sa

from nightlatch.errors import ConfigurationError, Conflict, StoreError, StoreUnavailable, TransactionOpen
from nightlatch.ports import Changes, Where, any_of
from nightlatch.records import RECORDS, Record
from nightlatch.storage.codec import validate_changes, validate_find, validate_record, validate_where
from nightlatch.storage.outages import is_harmless, translated
from nightlatch.storage.sql.connections import Connections, HostConnections, OwnConnections
from nightlatch.storage.sql.drivers import (
    BUSY_SECONDS,
    begin_words,
    engine_for,
    in_memory,
    opener,
)
from nightlatch.storage.sql.statements import Prepared, Statements

__all__ = ["SqlStore"]

R = TypeVar("R", bound=Record)
T = TypeVar("T")

_CHUNK = 500


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
        # PostgreSQL: a failed statement spoils its transaction; a savepoint around each write keeps it usable.
        self._spoils = engine.dialect.name == "postgresql"
        self._begin_words = begin_words(engine.dialect)
        dbapi: Any = engine.dialect.dbapi
        self._driver_error: type[Exception] = dbapi.Error
        self._integrity_error: type[Exception] = dbapi.IntegrityError
        _stores.add(self)

    @classmethod
    def open(cls, url: str, *, durable: bool = True, most_connections: int | None = None) -> Self:
        """Return a store with connections of its own.

        Args:
            url: SQLAlchemy's form: ``sqlite:///data/nightlatch.db``, ``postgresql://...``, ``mariadb://...``.
            durable: on SQLite, whether an acknowledged write survives a power cut (docs/decisions/0002).
            most_connections: at once, in this process; None: 16 on SQLite, 64 elsewhere.

        Raises:
            ConfigurationError: it is no address of a database that connections can share.
            MissingExtra: the database's driver is not installed.
        """
        engine = engine_for(url)
        if engine.dialect.name == "sqlite" and in_memory(engine.url):
            raise ConfigurationError("a database in memory is not shared by connections: write a file's name")
        # Writers take turns on SQLite however many there are, and each connection keeps a page cache of its own.
        most = most_connections or (16 if engine.dialect.name == "sqlite" else 64)
        return cls(engine, OwnConnections(opener(engine, durable=durable), most=most, wait=BUSY_SECONDS))

    @classmethod
    def on_engine(cls, engine: sa.Engine) -> Self:
        """Return a store on a host application's engine, in transactions of its own.

        Raises:
            ConfigurationError: its pool shares one connection among all threads, or it is asynchronous.
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
        local.depth = 1
        try:
            for words in self._begin_words:
                self._run(words)
            try:
                yield
            except BaseException:
                self._quietly("ROLLBACK")
                raise
            self._commit()
        finally:
            local.depth = 0
            self._give(local)

    def _commit(self) -> None:
        try:
            self._run("COMMIT")
        except StoreError:
            self._quietly("ROLLBACK")
            raise

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
                self._see_references(type(record), {name: getattr(record, name) for name in record.references})
                self._write(*self._statements.insert(record))
            return
        self._write(*self._statements.insert(record))

    def insert_many(self, records: Sequence[Record]) -> None:
        """Add rows, all or none."""
        with self.transaction():
            for _, group in groupby(records, type):
                alike = list(group)
                if self._lax:
                    for each in alike:
                        self.insert(each)
                    continue
                prepared, rows = self._statements.insert_many(alike)
                self._execute(prepared.sql, rows, rows=False, many=True)

    def get(self, kind: type[R], id: Any) -> R | None:  # noqa: A002
        """Return the row with this id, or None."""
        found = self.find(kind, {"id": id}, limit=1)
        return found[0] if found else None

    def find(self, kind: type[R], where: Where, *, order_by: str | None = None, limit: int | None = None) -> list[R]:
        """Return the rows that match."""
        validate_find(kind, where, order_by, limit)
        prepared, values = self._statements.find(kind, where, order_by, limit)
        decode = self._statements.decoder(kind)
        return [decode(row) for row in self._on_connection(prepared, values, rows=True)]

    def update(self, kind: type[Record], where: Where, changes: Changes) -> int:
        """Change the rows that match and return how many matched."""
        validate_where(kind, where)
        validate_changes(kind, changes)
        if self._lax and any(changes.get(field) is not None for field in kind.references):
            with self.transaction():
                self._see_references(kind, changes)
                return self._write(*self._statements.update(kind, where, changes))
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

    @property
    def depth(self) -> tuple[int, int]:
        """How many connections are in use, and how many there may be; nothing of a host's pool."""
        return self._connections.depth if isinstance(self._connections, OwnConnections) else (0, 0)

    # --- a host's SQLite, whose foreign keys may be off and whose pragmas are not ours to set ------------------------

    def _see_references(self, kind: type[Record], values: Changes) -> None:
        for field, target in kind.references.items():
            referenced = values.get(field)
            if referenced is not None and self.get(target, referenced) is None:
                raise Conflict(f"{kind.__name__}.{field} refers to a row that is not there")

    def _delete_references(self, kind: type[Record], where: Where) -> None:
        ids = tuple(row.id for row in self.find(kind, where))
        for start in range(0, len(ids), _CHUNK):
            for other in RECORDS:
                for field, target in other.references.items():
                    if target is kind:
                        self.delete(other, {field: any_of(ids[start : start + _CHUNK])})

    # --- running ----------------------------------------------------------------------------------------------------

    def _write(self, prepared: Prepared, values: dict[str, Any]) -> int:
        if self._spoils and self._local.depth:
            with self._savepoint():
                return int(self._on_connection(prepared, values, rows=False))
        return int(self._on_connection(prepared, values, rows=False))

    def _run(self, sql: str) -> None:
        self._execute(sql, None, rows=False)

    def _quietly(self, sql: str) -> None:
        """Undo on the way out of another error, which is the one to be told."""
        try:
            self._run(sql)
        except StoreError:
            self._local.broken = True

    def _execute(self, sql: str, arguments: Any, *, rows: bool, many: bool = False) -> Any:
        local = self._local
        if local.broken:
            # The database has undone the transaction, or is gone: what follows must not be written on its own.
            raise StoreUnavailable("the transaction was lost")
        try:
            cursor = local.connection.cursor()
            try:
                run = cursor.executemany if many else cursor.execute
                run(sql) if arguments is None else run(sql, arguments)
                return cursor.fetchall() if rows else cursor.rowcount
            finally:
                cursor.close()
        except self._integrity_error as error:
            raise Conflict(type(error).__name__) from None
        except self._driver_error as error:
            local.broken = not is_harmless(error)
            raise translated(error) from None
        except BaseException:
            # Interrupted halfway (Ctrl-C, a worker's time-out): on this wire the next answer would be the last one's.
            local.broken = True
            raise

    def _on_connection(self, prepared: Prepared, values: dict[str, Any], *, rows: bool) -> Any:
        arguments = prepared.arguments(values)
        local = self._local
        if local.depth:
            return self._execute(prepared.sql, arguments, rows=rows)
        self._take(local)
        try:
            return self._execute(prepared.sql, arguments, rows=rows)
        finally:
            self._give(local)

    def _take(self, local: _Local) -> None:
        local.connection = self._connections.take()
        local.broken = False

    def _give(self, local: _Local) -> None:
        connection, local.connection = local.connection, None
        if connection is not None:
            self._connections.give(connection, broken=local.broken)

    def _forked(self) -> None:
        """In a forked child: let go of a transaction that the parent goes on with."""
        local = self._local
        if local.connection is not None:
            self._left_to_the_parent = (
                local.connection
            )  # never used, and never closed: that would hang up on the parent
            local.connection = None
            local.broken = True

    def __repr__(self) -> str:
        return f"SqlStore({self.engine.url.render_as_string(hide_password=True)})"


_stores: weakref.WeakSet[SqlStore] = weakref.WeakSet()


def _forked() -> None:
    for store in tuple(_stores):
        store._forked()  # noqa: SLF001 - ours


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_forked)
