"""The command that makes a list of leaked passwords out of a text."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import click

from nightlatch.cli.output import plain_errors, say
from nightlatch.errors import ConfigurationError, InvalidInput
from nightlatch.primitives.hash_list import HashList, hash_of, write_hash_list

__all__ = ["breach_list_command"]

_LINE = re.compile(rb"([0-9A-Fa-f]{40})(?::([0-9]{1,18}))?\s*")
_NTLM = re.compile(rb"[0-9A-Fa-f]{32}(?::[0-9]{1,18})?\s*")
_LONGEST_LINE = 1 << 16


def breach_list_command() -> click.Group:
    """Make the group of commands. They need no installation."""
    group = click.Group("breachlist", help="Make a list of leaked passwords, for the setting breaches.file.")

    @group.command("build", help="Make TARGET out of SOURCE: a SHA-1 (and :count) a line, or with --plain a password.")
    @click.argument("source", type=click.File("rb"))
    @click.argument("target", type=click.Path(path_type=Path, dir_okay=False))
    @click.option("--plain", is_flag=True, help="SOURCE has passwords, in UTF-8.")
    @click.option("--at-least", type=click.IntRange(1), default=1, help="Leave out what was seen less often.")
    @click.option("--json", "as_json", is_flag=True, help="For programs.")
    def build(source: BinaryIO, target: Path, at_least: int, *, plain: bool, as_json: bool) -> None:
        with plain_errors():
            _written(target, lambda file: write_hash_list(file, _plain(source) if plain else _hashes(source, at_least)))
            made = HashList(target)
            size = target.stat().st_size
            row = {"file": str(target), "passwords": made.count, "bytes": size, "mistakes": made.mistakes}
            odds = f"1 in {1 / made.mistakes:,.0f}"
            told = f"{target}: {made.count:,} passwords, {size / 1e6:,.1f} MB; {odds} others is taken for one of them."
            say(row, told, as_json=as_json)

    return group


def _written(target: Path, write: Callable[[BinaryIO], int]) -> None:
    """Put a file in its place in one step: whoever has the old one mapped goes on with it.

    Raises:
        ConfigurationError: it cannot be written there.
        InvalidInput: there was nothing to write.
    """
    begun = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        try:
            with begun.open("xb") as file:
                if not write(file):
                    raise InvalidInput("there is nothing in it")
                file.flush()
                os.fsync(file.fileno())
            begun.replace(target)
        finally:
            begun.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigurationError(f"{target} cannot be written: {error.strerror or error}") from None


def _hashes(source: BinaryIO, at_least: int) -> Iterator[bytes]:
    for number, line in enumerate(_lines(source), 1):
        found = _LINE.fullmatch(line)
        if found is not None:
            if found[2] is None or int(found[2]) >= at_least:
                yield bytes.fromhex(found[1].decode())
        elif _NTLM.fullmatch(line):
            raise InvalidInput(f"line {number} is an NTLM hash: take the list of SHA-1 hashes")
        elif line.strip():
            raise InvalidInput(f"line {number} is no SHA-1 in hexadecimal, with or without :count (--plain: passwords)")


def _plain(source: BinaryIO) -> Iterator[bytes]:
    for number, line in enumerate(_lines(source), 1):
        text = line.rstrip(b"\r\n")
        if text:
            try:
                yield hash_of(text.decode())
            except UnicodeDecodeError:
                raise InvalidInput(f"line {number} is not UTF-8") from None


def _lines(source: BinaryIO) -> Iterator[bytes]:
    while line := source.readline(_LONGEST_LINE):
        yield line
