"""The store in memory: the reference implementation, and what tests run on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeVar

import msgspec

from nightlatch.errors import Conflict, TransactionOpen
from nightlatch.ports import Changes, Where, after, any_of, before, plus
from nightlatch.records import RECORDS, Record
from nightlatch.storage.codec import validate_changes, validate_find, validate_record, validate_where

__all__ = ["MemoryStore"]

R = TypeVar("R", bound=Record)
_BOUNDS = (before, after, any_of)


class MemoryStore:
    """Keep records in dictionaries, one transaction at a time."""

    def __init__(self) -> None:
        self._tables: dict[type[Record], dict[Any, Record]] = {kind: {} for kind in RECORDS}
        self._unique: dict[tuple[type[Record], tuple[str, ...]], dict[tuple[Any, ...], Any]] = {
            (kind, fields): {} for kind in RECORDS for fields in kind.unique
        }
        self._buckets: dict[tuple[type[Record], str], dict[Any, dict[Any, None]]] = {
            (kind, field): {} for kind in RECORDS for field in _looked_up(kind)
        }
        self._lock = threading.RLock()
        self._depth = 0
        self._undo: list[Callable[[], None]] = []

    @contextmanager
    def transaction(self, *, own: bool = False) -> Iterator[None]:
        """Begin a transaction, or a savepoint inside an open one."""
        with self._lock:
            if own and self._depth:
                raise TransactionOpen("a transaction is open in this thread")
            self._depth += 1
            mark = len(self._undo)
            try:
                yield
            except BaseException:
                self._roll_back(mark)
                raise
            finally:
                self._depth -= 1
                if not self._depth:
                    self._undo.clear()

    def insert(self, record: Record) -> None:
        """Add a row."""
        kind = type(record)
        validate_record(record)
        with self.transaction():
            if record.id in self._tables[kind]:
                raise Conflict(f"{kind.__name__}.id")
            self._put(kind, None, record)

    def insert_many(self, records: Sequence[Record]) -> None:
        """Add rows, all or none."""
        with self.transaction():
            for each in records:
                self.insert(each)

    def get(self, kind: type[R], id: Any) -> R | None:  # noqa: A002
        """Return the row with this id, or None."""
        validate_where(kind, {"id": id})
        with self._lock:
            return self._tables[kind].get(id)  # type: ignore[return-value]

    def find(self, kind: type[R], where: Where, *, order_by: str | None = None, limit: int | None = None) -> list[R]:
        """Return the rows that match."""
        validate_find(kind, where, order_by, limit)
        with self._lock:
            found: list[Any] = self._matching(kind, where)
        if order_by:
            field, downwards = order_by.removeprefix("-"), order_by.startswith("-")
            found.sort(key=lambda row: _order(getattr(row, field)), reverse=downwards)
        return found[:limit]

    def update(self, kind: type[Record], where: Where, changes: Changes) -> int:
        """Change the rows that match and return how many matched."""
        validate_where(kind, where)
        validate_changes(kind, changes)
        with self.transaction():
            found = self._matching(kind, where)
            for row in found:
                new = {name: _changed(getattr(row, name), value) for name, value in changes.items()}
                self._put(kind, row, msgspec.structs.replace(row, **new))
            return len(found)

    def delete(self, kind: type[Record], where: Where) -> int:
        """Delete the rows that match, and the rows that refer to them, and return how many matched."""
        validate_where(kind, where)
        with self.transaction():
            found = self._matching(kind, where)
            for row in found:
                self._remove(kind, row)
            return len(found)

    def close(self) -> None:
        """Do nothing: there is nothing to let go."""

    # --- the tables -------------------------------------------------------------------------------------------------

    def _matching(self, kind: type[Record], where: Where) -> list[Record]:
        table = self._tables[kind]
        plain = {name: wanted for name, wanted in where.items() if not isinstance(wanted, _BOUNDS)}
        bounds = {name: wanted for name, wanted in where.items() if name not in plain}
        rows = [table[each] for each in self._candidates(kind, plain) if each in table]
        for name, wanted in plain.items():
            rows = [row for row in rows if getattr(row, name) == wanted]
        for name, wanted in bounds.items():
            rows = [row for row in rows if _holds(getattr(row, name), wanted)]
        return rows

    def _candidates(self, kind: type[Record], plain: Where) -> Sequence[Any]:
        """Return the ids of rows among which all are that match: as few as the indexes tell."""
        if "id" in plain:
            return (plain["id"],)
        for fields in kind.unique:
            if all(plain.get(field) is not None for field in fields):
                found = self._unique[kind, fields].get(tuple(plain[field] for field in fields))
                return () if found is None else (found,)
        candidates: dict[Any, Any] = self._tables[kind]
        for field in _looked_up(kind):
            bucket = self._buckets[kind, field].get(plain[field], {}) if field in plain else candidates
            candidates = bucket if len(bucket) < len(candidates) else candidates
        return tuple(candidates)

    def _put(self, kind: type[Record], old: Record | None, new: Record) -> None:
        for field, target in kind.references.items():
            referenced = getattr(new, field)
            if referenced is not None and referenced not in self._tables[target]:
                raise Conflict(f"{kind.__name__}.{field} refers to a row that is not there")
        for fields in kind.unique:
            index = self._unique[kind, fields]
            key = tuple(getattr(new, field) for field in fields)
            taken_by = index.get(key) if None not in key else None
            if taken_by is not None and (old is None or taken_by != old.id):
                raise Conflict(f"{kind.__name__}.{'+'.join(fields)}")
        if old is not None:
            self._unindex(kind, old)
        self._tables[kind][new.id] = new
        self._index(kind, new)
        self._undo.append(lambda: self._restore(kind, new, old))

    def _remove(self, kind: type[Record], row: Record) -> None:
        if self._tables[kind].pop(row.id, None) is None:
            return
        self._unindex(kind, row)
        self._undo.append(lambda: self._restore(kind, None, row))
        for other in RECORDS:
            for field, target in other.references.items():
                if target is kind:
                    for each in self._matching(other, {field: row.id}):
                        self._remove(other, each)

    def _restore(self, kind: type[Record], new: Record | None, old: Record | None) -> None:
        if new is not None:
            self._unindex(kind, new)
            del self._tables[kind][new.id]
        if old is not None:
            self._tables[kind][old.id] = old
            self._index(kind, old)

    def _roll_back(self, mark: int) -> None:
        while len(self._undo) > mark:
            self._undo.pop()()

    def _index(self, kind: type[Record], row: Record) -> None:
        for fields in kind.unique:
            key = tuple(getattr(row, field) for field in fields)
            if None not in key:
                self._unique[kind, fields][key] = row.id
        for field in _looked_up(kind):
            self._buckets[kind, field].setdefault(getattr(row, field), {})[row.id] = None

    def _unindex(self, kind: type[Record], row: Record) -> None:
        for fields in kind.unique:
            self._unique[kind, fields].pop(tuple(getattr(row, field) for field in fields), None)
        for field in _looked_up(kind):
            bucket = self._buckets[kind, field].get(getattr(row, field), {})
            bucket.pop(row.id, None)
            if not bucket:
                self._buckets[kind, field].pop(getattr(row, field), None)


@cache
def _looked_up(kind: type[Record]) -> tuple[str, ...]:
    """Return the fields that look-ups go by: the first of each index, and what refers to other rows."""
    return tuple(dict.fromkeys([*(fields[0] for fields in kind.indexes), *kind.references]))


def _holds(value: Any, wanted: before | after | any_of) -> bool:
    match wanted:
        case before(limit):
            return value is not None and value < limit
        case after(limit):
            return value is not None and value > limit
        case any_of(values):
            return value is not None and value in values


def _order(value: Any) -> tuple[bool, Any]:
    # NULLs come first upwards, and text goes by its code points, as in every store.
    return value is not None, value


def _changed(value: Any, change: Any) -> Any:
    if isinstance(change, plus):
        return None if value is None else value + change.amount  # NULL plus one is NULL
    return change
