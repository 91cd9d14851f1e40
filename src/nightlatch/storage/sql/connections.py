"""Connections of one's own, kept open in a last-in-first-out list; or a host's, borrowed for each transaction."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy import pool

from nightlatch.errors import ConfigurationError, StoreUnavailable
from nightlatch.storage.sql.drivers import has_hung_up, in_memory, put_right

__all__ = ["Connections", "HostConnections", "OwnConnections"]


class Connections(Protocol):
    """Where a store gets a driver's connection from, in autocommit mode."""

    def take(self) -> Any:
        """Return a connection for the caller alone.

        Raises:
            StoreUnavailable: none is to be had.
        """
        ...

    def give(self, connection: Any, *, broken: bool) -> None:
        """Return it; a broken one is never used again."""
        ...

    def close(self) -> None:
        """Let every idle connection go."""
        ...


class OwnConnections:
    """A list that the store owns: 25 microseconds a look-up where a pool's check-out costs 76.

    Args:
        open_one: opens a connection, set up.
        most: how many there may be at once.
        wait: seconds to wait for one before giving up.
    """

    def __init__(self, open_one: Callable[[], Any], *, most: int, wait: float) -> None:
        self._open_one = open_one
        self._most = most
        self._wait = wait
        self._forking = threading.Lock()
        self._inherited: list[Any] = []
        self._begin()

    def _begin(self) -> None:
        self._idle: list[Any] = []
        self._places = threading.BoundedSemaphore(self._most)
        self._closed = False
        self._pid = os.getpid()

    @property
    def depth(self) -> tuple[int, int]:
        """How many are in use, and how many there may be."""
        return self._most - self._places._value, self._most  # noqa: SLF001 - a semaphore tells it in no other way

    def _leave_to_the_parent(self) -> None:
        # A forked child must not speak on its parent's connections, nor close them: they are kept, and never used.
        with self._forking:
            if self._pid != os.getpid():
                self._inherited.extend(self._idle)
                self._begin()

    def take(self) -> Any:
        """Return the connection that was used last, or a new one."""
        if self._pid != os.getpid():
            self._leave_to_the_parent()
        if not self._places.acquire(timeout=self._wait):
            raise StoreUnavailable("every connection is in use")
        try:
            return self._idle.pop()
        except IndexError:
            pass
        try:
            return self._open_one()
        except BaseException:
            self._places.release()
            raise

    def give(self, connection: Any, *, broken: bool) -> None:
        """Put it on top of the list."""
        broken = broken and not put_right(connection)
        if broken and has_hung_up(connection):
            self._close_idle()  # a server that restarted has hung up on them all: not each is to fail a request
        if broken or self._closed:
            _close(connection)
        else:
            self._idle.append(connection)
        self._places.release()

    def close(self) -> None:
        """Close the idle ones now, and those in use when they are given back."""
        if self._pid == os.getpid():
            self._closed = True
            self._close_idle()

    def _close_idle(self) -> None:
        while self._idle:
            with contextlib.suppress(IndexError):  # another thread took the last one
                _close(self._idle.pop())


class HostConnections:
    """A host application's engine: one connection is checked out for each transaction, and no pragma of it is touched.

    Args:
        engine: the host's.

    Raises:
        ConfigurationError: its pool shares one connection among all threads.
    """

    def __init__(self, engine: sa.Engine) -> None:
        if engine.dialect.is_async:
            raise ConfigurationError(
                "the application's engine is asynchronous: hand over a synchronous one on the same database, such as"
                " sqlalchemy.create_engine(...)"
            )
        shared = isinstance(engine.pool, pool.StaticPool | pool.SingletonThreadPool)
        if shared or (engine.dialect.name == "sqlite" and in_memory(engine.url)):
            raise ConfigurationError(
                "the application's engine shares one connection (as SQLite's :memory: does), so transactions of"
                " different threads would mix: write a file instead, such as sqlite:///instance/app.db"
            )
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._held: dict[int, sa.Connection] = {}

    def take(self) -> Any:
        """Check a connection out."""
        try:
            connection = self._engine.connect()
            raw = connection.connection.driver_connection
        except sa.exc.TimeoutError as error:
            raise StoreUnavailable("the application's pool has no connection left") from error
        except sa.exc.DBAPIError as error:
            raise StoreUnavailable(f"cannot connect: {type(error.orig).__name__}") from None
        self._held[id(raw)] = connection
        return raw

    def give(self, connection: Any, *, broken: bool) -> None:
        """Check it in."""
        held = self._held.pop(id(connection))
        if broken:
            held.invalidate()
        held.close()

    def close(self) -> None:
        """Leave the engine to the host."""


def _close(connection: Any) -> None:
    with contextlib.suppress(Exception):  # a broken connection may not even close
        connection.close()
