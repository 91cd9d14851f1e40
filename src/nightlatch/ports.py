"""What the outside supplies: store, mailer, text sender, clock, breach list, event sink."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar, final, runtime_checkable

from nightlatch.records import Event, Record

__all__ = [
    "BreachList",
    "Changes",
    "Clock",
    "EventSink",
    "InsertsMany",
    "Mail",
    "Mailer",
    "Store",
    "Text",
    "TextSender",
    "Undeliverable",
    "Where",
    "after",
    "any_of",
    "before",
    "plus",
]

R = TypeVar("R", bound=Record)


# --- conditions and changes -----------------------------------------------------------------------------------------


@final
@dataclass(frozen=True, slots=True)
class before:  # noqa: N801 - reads as a word of the condition: {"expires_at": before(now)}
    """Match values strictly less than this one (times or integers). NULL never matches."""

    value: datetime | int


@final
@dataclass(frozen=True, slots=True)
class after:  # noqa: N801
    """Match values strictly greater than this one (times or integers). NULL never matches."""

    value: datetime | int


@final
@dataclass(frozen=True, slots=True)
class any_of:  # noqa: N801
    """Match any of these values; with none of them, nothing matches."""

    values: tuple[Any, ...]


@final
@dataclass(frozen=True, slots=True)
class plus:  # noqa: N801
    """Change an integer by this much, in the database: no read-then-write."""

    amount: int


Where = Mapping[str, Any]
Changes = Mapping[str, Any]


class Store(Protocol):
    """Six verbs over the records.

    Laws, which ``nightlatch.testing.store_contract`` holds every store to:

    - ``where`` maps field names to values, joined by AND; a value may be `before`, `after` or `any_of`; None matches
      NULL. An empty ``where``, or a field that the record does not have, is a `ValueError`.
    - Counts are *matched* rows, whether or not a value changed.
    - A uniqueness clash, or a reference to a row that is not there, raises `Conflict` and leaves the surrounding
      transaction usable.
    - Nested transactions are savepoints: an exception that leaves one undoes it, and only it.
    - ``transaction(own=True)`` raises `TransactionOpen` where one is already open in this thread.
    - Verbs outside a transaction are each their own.
    - One connection at a time for each thread; none is held outside a transaction or a verb.
    - A store never reads the clock.
    - Unreachable, or locked for longer than the time-out: `StoreUnavailable`.
    """

    def transaction(self, *, own: bool = False) -> AbstractContextManager[None]:
        """Begin a write transaction, or a savepoint inside an open one; commit at the end, undo on an exception.

        Raises:
            TransactionOpen: ``own`` was asked for and a transaction is open.
        """
        ...

    def insert(self, record: Record) -> None:
        """Add a row.

        Raises:
            Conflict: a row with the same id or the same unique fields is there.
        """
        ...

    def get(self, kind: type[R], id: Any) -> R | None:  # noqa: A002 - the field is called id
        """Return the row with this id, or None."""
        ...

    def find(self, kind: type[R], where: Where, *, order_by: str | None = None, limit: int | None = None) -> list[R]:
        """Return the rows that match, ordered by a field (``"created_at"``, or ``"-created_at"`` downwards)."""
        ...

    def update(self, kind: type[Record], where: Where, changes: Changes) -> int:
        """Change the rows that match, in one statement, and return how many matched.

        Raises:
            Conflict: a change met a uniqueness rule; no row was changed.
        """
        ...

    def delete(self, kind: type[Record], where: Where) -> int:
        """Delete the rows that match, in one statement, and return how many there were."""
        ...


@runtime_checkable
class InsertsMany(Protocol):
    """What a store may be able to do besides its six verbs (docs/decisions/0008-many-rows.md).

    ``nightlatch.testing.store_many`` holds it to the laws of `Store.insert`.
    """

    def insert_many(self, records: Sequence[Record]) -> None:
        """Add rows, all or none, each after those that it refers to.

        Raises:
            Conflict: a row with the same id or the same unique fields is there, or twice among these.
        """
        ...


# --- delivery -------------------------------------------------------------------------------------------------------


class Undeliverable(Exception):
    """What a sender raises that will never be taken: it is given up at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One e-mail, ready to send."""

    to: str
    subject: str
    text: str
    html: str
    message_id: str
    """Stable over retries, so that a receiver can drop the second copy."""
    sender: str
    sender_name: str
    at: datetime

    def __repr__(self) -> str:
        # The body holds codes and links (ASVS 16.2.5).
        return f"Mail(message_id={self.message_id!r})"


class Mailer(Protocol):
    """Sends mail. Anything it raises means *not sent, try again*."""

    def send(self, mail: Mail) -> None:
        """Hand the mail over; return only once somebody else is responsible for it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One text message, ready to send."""

    to: str
    """E.164."""
    text: str
    message_id: str
    at: datetime

    def __repr__(self) -> str:
        return f"Text(message_id={self.message_id!r})"


class TextSender(Protocol):
    """Sends text messages. Anything it raises means *not sent, try again*; `Undeliverable` alone means *never*."""

    def send(self, text: Text) -> None:
        """Hand the message over; return only once somebody else is responsible for it."""
        ...


# --- the rest -------------------------------------------------------------------------------------------------------


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the time as an aware UTC datetime."""
        ...


class BreachList(Protocol):
    """Knows passwords that others have lost."""

    def contains(self, password: str) -> bool:
        """Tell whether this password is known to have leaked."""
        ...


class EventSink(Protocol):
    """Receives every audit event after the transaction that wrote it has ended."""

    def receive(self, event: Event) -> None:
        """Take note. What it raises is logged and changes nothing."""
        ...
