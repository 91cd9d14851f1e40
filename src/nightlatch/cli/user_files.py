"""Files of users: JSON Lines and CSV, read a line at a time and never whole."""

from __future__ import annotations

import csv
import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from nightlatch.errors import ConfigurationError
from nightlatch.flows.import_rows import FIELDS
from nightlatch.flows.import_users import Line

__all__ = ["open_lines", "private_file", "read_lines"]

_LONGEST_LINE = 64 * 1024


@contextmanager
def open_lines(path: str) -> Iterator[tuple[BinaryIO, int | None]]:
    """Open a file, or standard input for ``-``; with its size, where it has one.

    Raises:
        ConfigurationError: it cannot be read.
    """
    if path == "-":
        yield sys.stdin.buffer, None
        return
    try:
        file = Path(path).open("rb")  # noqa: SIM115 - closed below
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from None
    with file:
        yield file, os.fstat(file.fileno()).st_size or None


def read_lines(file: BinaryIO, form: str, read: Callable[[int], None] = lambda _: None) -> Iterator[Line]:
    """Read lines; what cannot be read is a line with the reason.

    Args:
        file: of bytes.
        form: ``jsonl`` or ``csv``.
        read: is told of each line's length.

    Raises:
        ConfigurationError: a CSV's head is none.
    """
    return _csv(file, read) if form == "csv" else _json_lines(file, read)


def _json_lines(file: BinaryIO, read: Callable[[int], None]) -> Iterator[Line]:
    number = 0
    while line := file.readline(_LONGEST_LINE):
        number += 1
        read(len(line))
        whole = len(line) < _LONGEST_LINE or line.endswith(b"\n")
        while not whole:
            more = file.readline(_LONGEST_LINE)
            read(len(more))
            whole = len(more) < _LONGEST_LINE or more.endswith(b"\n")
            line = b""
        if not line:
            yield Line(number, None, f"it is longer than {_LONGEST_LINE} bytes")
            continue
        text = line.removeprefix(b"\xef\xbb\xbf").strip() if number == 1 else line.strip()
        if text:
            yield _json_line(number, text)


def _json_line(number: int, text: bytes) -> Line:
    try:
        fields = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Line(number, None, "it is not JSON")
    if not isinstance(fields, dict):
        return Line(number, None, "it is no JSON object")
    return Line(number, fields)


def _csv(file: BinaryIO, read: Callable[[int], None]) -> Iterator[Line]:
    # What is not UTF-8 stays recognisable: rows that hold it are refused, not changed.
    text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")

    number = 0

    def told() -> Iterator[str]:
        nonlocal number
        while line := text.readline(_LONGEST_LINE):
            number += 1
            if len(line) == _LONGEST_LINE and not line.endswith("\n"):
                raise csv.Error
            read(len(line))
            yield line

    rows = csv.reader(told(), strict=True)
    head = _head(rows)
    try:
        for row in rows:
            if row:
                yield _csv_line(number, head, row)
    except csv.Error:
        # To go on would be to take the rest of somebody's name for rows: whoever wrote it may have meant that.
        yield Line(number, None, "it is not CSV, and what follows was not read")
    text.detach()


def _head(rows: Iterator[list[str]]) -> list[str]:
    try:
        head = [name.strip() for name in next(rows, [])]
    except csv.Error:
        head = []
    unknown = [name for name in head if name not in FIELDS]
    if unknown or not head or len(set(head)) != len(head):
        raise ConfigurationError(f"the first line names the columns, each once, of: {', '.join(FIELDS)}")
    return head


def _csv_line(number: int, head: list[str], row: list[str]) -> Line:
    if len(row) != len(head):
        return Line(number, None, f"it has {len(row)} columns where the first line has {len(head)}")
    fields: dict[str, Any] = dict(zip(head, row, strict=True))
    return Line(number, fields)


@contextmanager
def private_file(path: str) -> Iterator[BinaryIO]:
    """Open a new file that only its owner can read (0600), or standard output for ``-``.

    A file that could not be written to its end is removed.

    Raises:
        ConfigurationError: there is such a file, or it cannot be written.
    """
    if path == "-":
        yield sys.stdout.buffer
        return
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ConfigurationError(f"{path} is there already: it is not written over") from None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}") from None
    try:
        with os.fdopen(number, "wb") as file:
            yield file
    except BaseException:
        Path(path).unlink(missing_ok=True)
        raise
