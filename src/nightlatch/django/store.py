"""The six verbs on Django's connections."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, DatabaseError, IntegrityError, InterfaceError, connections
from django.db.models.deletion import ProtectedError, RestrictedError
from django.db.transaction import Atomic

from nightlatch.django.statements import Statement, dialect_of
from nightlatch.errors import Conflict, StoreError, StoreUnavailable, TransactionOpen
from nightlatch.ports import Changes, Where, plus
from nightlatch.records import Record, User
from nightlatch.storage.codec import validate_changes, validate_find, validate_record, validate_where
from nightlatch.storage.outages import is_harmless, translated

__all__ = ["DjangoStore"]

R = TypeVar("R", bound=Record)

_ERRORS = (DatabaseError, InterfaceError)
_LOCK = "UPDATE nightlatch_lease SET expires_at = expires_at WHERE 1 = 0"


class DjangoStore:
    """Keep records in one of a Django project's databases, on the connections that Django opens for each thread.

    A transaction joins the project's where one is open in this thread. Queries name their alias: no router sends them
    to a replica. Building it opens no connection.

    Args:
        alias: of the database, in ``DATABASES``.
    """

    def __init__(self, alias: str = DEFAULT_DB_ALIAS) -> None:
        self.alias = alias

    # --- transactions -----------------------------------------------------------------------------------------------

    @contextmanager
    def transaction(self, *, own: bool = False) -> Iterator[None]:
        """Begin a write transaction, or a savepoint inside an open one, be it the project's."""
        connection = connections[self.alias]
        outermost = not connection.in_atomic_block
        if own and not self._is_free(connection):
            raise TransactionOpen("a transaction is open in this thread")
        block = Atomic(self.alias, savepoint=True, durable=False)
        try:
            block.__enter__()
        except _ERRORS as error:
            raise _told(connection, error) from None
        try:
            if outermost and connection.vendor == "sqlite":
                # Django's BEGIN is deferred. One that looks first and then writes fails under load: the second of two
                # that both looked cannot write. A write that matches no row takes the lock at once.
                self._execute(connection, _LOCK, None, rows=False)
            yield
            # Leaving quietly would roll back quietly: what was written is not written.
            _refuse_if_lost(connection)
        except BaseException as error:
            # Undone on the way out of another error, which is the one to be told.
            with suppress(*_ERRORS):
                block.__exit__(type(error), error, error.__traceback__)
            raise
        try:
            block.__exit__(None, None, None)
        except _ERRORS as error:
            raise _told(connection, error) from None

    def _is_free(self, connection: Any) -> bool:
        blocks = connection.atomic_blocks
        if blocks:
            return bool(blocks[-1]._from_testcase)  # as Django's durable blocks: a TestCase is none
        return not connection.in_atomic_block and bool(connection.get_autocommit())

    # --- the verbs --------------------------------------------------------------------------------------------------

    def insert(self, record: Record) -> None:
        """Add a row."""
        validate_record(record)
        connection = connections[self.alias]
        self._write(connection, *dialect_of(connection).insert(record))

    def get(self, kind: type[R], id: Any) -> R | None:  # noqa: A002
        """Return the row with this id, or None."""
        found = self.find(kind, {"id": id}, limit=1)
        return found[0] if found else None

    def find(self, kind: type[R], where: Where, *, order_by: str | None = None, limit: int | None = None) -> list[R]:
        """Return the rows that match."""
        validate_find(kind, where, order_by, limit)
        connection = connections[self.alias]
        dialect = dialect_of(connection)
        statement, values = dialect.find(kind, where, order_by, limit)
        decode = dialect.decoder(kind)
        return [decode(row) for row in self._execute(connection, statement.sql, statement.arguments(values), rows=True)]

    def update(self, kind: type[Record], where: Where, changes: Changes) -> int:
        """Change the rows that match and return how many matched."""
        validate_where(kind, where)
        validate_changes(kind, changes)
        connection = connections[self.alias]
        return self._write(connection, *dialect_of(connection).update(kind, where, changes))

    def delete(self, kind: type[Record], where: Where) -> int:
        """Delete the rows that match and return how many there were.

        What our tables refer to goes by itself. A user goes by Django's rules, so that what a project's own models say
        of their users (``on_delete``) is done.
        """
        validate_where(kind, where)
        connection = connections[self.alias]
        if kind is User:
            return self._delete_users(where)
        return self._write(connection, *dialect_of(connection).delete(kind, where))

    def _delete_users(self, where: Where) -> int:
        model = apps.get_model("nightlatch", "User")
        users = model._base_manager.using(self.alias)  # Django's own name for the manager of all
        with self.transaction():
            # Whoever writes first decides: until this transaction ends the rows that matched stay as they matched.
            self.update(User, where, {"epoch": plus(0)})
            ids = [user.id for user in self.find(User, where)]
            try:
                return sum(users.filter(pk=each).delete()[1].get(model._meta.label, 0) for each in ids)
            except (ProtectedError, RestrictedError):
                raise Conflict("the application's own rows refer to this user") from None
            except _ERRORS as error:
                raise _told(connections[self.alias], error) from None

    def close(self) -> None:
        """Let this thread's connection go, unless a transaction is open on it."""
        connection = connections[self.alias]
        if not connection.in_atomic_block:
            connection.close()

    def refresh(self) -> None:
        """Let this thread's connection go if it is too old or broken: for threads that no request begins."""
        connection = connections[self.alias]
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()

    # --- running ----------------------------------------------------------------------------------------------------

    def _write(self, connection: Any, statement: Statement, values: list[Any]) -> int:
        arguments = statement.arguments(values)
        if connection.in_atomic_block and connection.vendor == "postgresql":
            # A failed statement spoils its transaction; a savepoint around each write keeps it usable.
            with self.transaction():
                return int(self._execute(connection, statement.sql, arguments, rows=False))
        return int(self._execute(connection, statement.sql, arguments, rows=False))

    def _execute(self, connection: Any, sql: str, arguments: list[Any] | None, *, rows: bool) -> Any:
        _refuse_if_lost(connection)
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql, arguments)
                return cursor.fetchall() if rows else cursor.rowcount
        except _ERRORS as error:
            raise _told(connection, error) from None

    def __repr__(self) -> str:
        return f"DjangoStore({self.alias!r})"


def _refuse_if_lost(connection: Any) -> None:
    """See that the database has not undone the transaction, or gone: what follows must not be written on its own."""
    if connection.needs_rollback:
        raise StoreUnavailable("the transaction was lost")


def _told(connection: Any, error: Exception) -> StoreError:
    """Turn Django's error into ours, and see that the connection is not used as if nothing had happened."""
    if isinstance(error, IntegrityError):
        return Conflict(type(error).__name__)
    cause = error.__cause__
    driver = cause if isinstance(cause, Exception) else error
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()
    elif not is_harmless(driver):
        connection.needs_rollback = True
    return translated(driver)
