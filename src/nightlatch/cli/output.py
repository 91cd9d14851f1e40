"""Telling people and programs: tables or JSON, and errors in one plain sentence."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import click

from nightlatch.errors import (
    ConfigurationError,
    InvalidInput,
    NightlatchError,
    NotFound,
    StoreError,
    StoreUnavailable,
)

__all__ = ["EXIT_CODES", "plain_errors", "printable", "say", "show", "show_one"]

EXIT_CODES: Sequence[tuple[type[NightlatchError], int]] = (
    (NotFound, 1),
    (ConfigurationError, 2),
    (InvalidInput, 2),
    (StoreUnavailable, 3),
    (NightlatchError, 1),
)
"""1: no such thing; 2: what was asked or configured cannot be; 3: the database is not there."""


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn our errors into a sentence and an exit code; a user's mistake never shows a traceback."""
    try:
        yield
    except NightlatchError as error:
        click.echo(f"nightlatch: {_sentence(error)}", err=True)
        sys.exit(next(code for kind, code in EXIT_CODES if isinstance(error, kind)))


def _sentence(error: NightlatchError) -> str:
    if isinstance(error, InvalidInput) and error.fields:
        return " ".join(error.fields.values())
    if isinstance(error, StoreUnavailable):
        return f"the database cannot be reached, or is busy: {error.reason} (database_url says where it is)"
    if isinstance(error, StoreError):
        return f"the database refused: {error.reason}"
    return error.reason


def _words(value: Any) -> str:
    """Return a value as people read it."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return ", ".join(value) if isinstance(value, list | tuple) else str(value)


def show(
    rows: Sequence[dict[str, Any]],
    *,
    as_json: bool,
    empty: str,
    columns: Sequence[str] = (),
    words: Callable[[Any], str] = _words,
) -> None:
    """Print rows: a table for people, a list for programs.

    Args:
        rows: all of the same fields.
        as_json: for programs: every field.
        empty: what to say where there is none.
        columns: the fields that people need; without them, all. One that is empty in every row is left out.
        words: how a value reads.
    """
    if as_json:
        click.echo(json.dumps(rows, default=_plain, indent=2))
        return
    if not rows:
        click.echo(empty)
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    shown = [name for name in columns or rows[0] if any(row[name] not in (None, "", ()) for row in rows)]
    for name in shown:
        # An id is there to be copied: it is never broken.
        table.add_column(name.removesuffix("_at").replace("_", " "), overflow="fold", no_wrap=name == "id")
    for row in rows:
        table.add_row(*("" if row[name] is None else _escaped(words(row[name])) for name in shown))
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def show_one(row: dict[str, Any], *, as_json: bool) -> None:
    """Print one thing: a line for each of its fields, an object for programs."""
    if as_json:
        click.echo(json.dumps(row, default=_plain, indent=2))
        return
    filled = {name.removesuffix("_at").replace("_", " "): value for name, value in row.items() if value}
    width = max(map(len, filled))
    for name, value in filled.items():
        click.echo(f"{name:<{width}}  {printable(_words(value))}")


def say(facts: dict[str, Any], text: str, *, as_json: bool) -> None:
    """Print one outcome."""
    click.echo(json.dumps(facts, default=_plain) if as_json else text)


def _plain(value: Any) -> str:
    return value.isoformat(timespec="seconds") if isinstance(value, datetime) else str(value)


def printable(text: str) -> str:
    """Return a text as a terminal may show it."""
    # What users chose to be called must not steer a terminal (ASVS 16.4.1).
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(printable(text))
