"""Telling people and programs: tables or JSON, and errors in one plain sentence."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from nightlatch.errors import ConfigurationError, InvalidInput, NightlatchError, NotFound, StoreUnavailable

__all__ = ["EXIT_CODES", "plain_errors", "say", "show"]

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
        text = "; ".join(error.fields.values()) if isinstance(error, InvalidInput) and error.fields else error.reason
        click.echo(f"nightlatch: {text}", err=True)
        sys.exit(next(code for kind, code in EXIT_CODES if isinstance(error, kind)))


def show(rows: Sequence[dict[str, Any]], *, as_json: bool, empty: str, words: Callable[[Any], str] = str) -> None:
    """Print rows: a table for people, a list for programs."""
    if as_json:
        click.echo(json.dumps(rows, default=str, indent=2))
        return
    if not rows:
        click.echo(empty)
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for name in rows[0]:
        table.add_column(name.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*("" if value is None else _escaped(words(value)) for value in row.values()))
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def say(facts: dict[str, Any], text: str, *, as_json: bool) -> None:
    """Print one outcome."""
    click.echo(json.dumps(facts, default=str) if as_json else text)


def _escaped(text: str) -> str:
    # What users chose to be called must not steer a terminal (ASVS 16.4.1).
    from rich.markup import escape

    return escape("".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text))
