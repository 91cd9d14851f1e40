"""A list of leaked passwords as one file of sorted, shortened SHA-1 hashes, looked up where it lies.

The file is a header, a table of where each bucket begins, and the hashes. The first bits of a hash say its bucket (8 to
16 hashes on average) and the 24 bits after them are what is kept of it, sorted: 3.2 to 3.5 bytes an entry, and of
passwords that are not in the list one in more than a million is taken for one that is. An index and a sort do what a
binary fuse filter would, at its size, and nothing has to be solved to build it.

SHA-1 is what published lists of leaks are made of; here it only names entries, and protects nothing.
"""

from __future__ import annotations

import hashlib
import mmap
import struct
import sys
import unicodedata
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

__all__ = ["HashList", "HashListBroken", "hash_of", "write_hash_list"]

_HEADER: Final = struct.Struct(">8sBxxxxxxxQ")
_MAGIC: Final = b"NLBREACH"
_KEPT: Final = 3
"""Bytes kept of each hash, after the bits of its bucket."""
_PAIR: Final = struct.Struct("<II")
_LEAST_IN_BUCKET: Final = 8
_MOST_BUCKET_BITS: Final = 28


class HashListBroken(ValueError):
    """The file is no list of hashes, or not all of it is there."""


def hash_of(password: str) -> bytes:
    """Return the SHA-1 of a password after NFC, which is the form that passwords are set and verified in."""
    text = unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
    return hashlib.sha1(text, usedforsecurity=False).digest()


class HashList:
    """Look passwords up in a file, memory-mapped: what is not looked at is not read, and processes share it.

    Args:
        path: a file that `write_hash_list` wrote.

    Raises:
        OSError: there is no such file, or it may not be read.
        HashListBroken: it is not of that form, or was cut short.
    """

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            try:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            except ValueError:
                raise HashListBroken(f"{path} is empty") from None
        if len(self._map) < _HEADER.size:
            raise HashListBroken(f"{path} is no list of hashes")
        magic, bits, count = _HEADER.unpack_from(self._map)
        self._bits, self.count = int(bits), int(count)
        self._begin = _HEADER.size + 4 * ((1 << min(self._bits, _MOST_BUCKET_BITS)) + 1)
        if magic != _MAGIC or self._bits > _MOST_BUCKET_BITS:
            raise HashListBroken(f"{path} is no list of hashes")
        if len(self._map) != self._begin + _KEPT * self.count:
            raise HashListBroken(f"{path} was cut short: build it again")

    def contains(self, password: str) -> bool:
        """Tell whether a password is in the list."""
        number = int.from_bytes(hash_of(password)[:8], "big")
        bucket, kept = _parts(number, self._bits)
        first, end = _PAIR.unpack_from(self._map, _HEADER.size + 4 * bucket)
        entries = self._map[self._begin + _KEPT * first : self._begin + _KEPT * end]
        at = entries.find(kept)
        while at % _KEPT and at >= 0:  # found across two entries
            at = entries.find(kept, at + 1)
        return at >= 0

    @property
    def mistakes(self) -> float:
        """The share of passwords that are not in the list and are taken for one that is."""
        return self.count / 2.0 ** (self._bits + 8 * _KEPT)


def write_hash_list(file: BinaryIO, hashes: Iterable[bytes]) -> int:
    """Write a list of hashes, in any order and with repetitions.

    Needs about 8 bytes of memory for each.

    Args:
        file: opened for writing, in binary.
        hashes: SHA-1 digests, or at least their first 8 bytes.

    Returns:
        how many different ones there were.
    """
    parts = [bytearray() for _ in range(256)]
    for each in hashes:
        parts[each[0]] += each[:8]
    count = sum(_sort(part) for part in parts)
    bits = min(max(count // _LEAST_IN_BUCKET, 1).bit_length() - 1, _MOST_BUCKET_BITS)
    file.write(_HEADER.pack(_MAGIC, bits, count))
    _write_table(file, parts, bits)
    file.writelines(b"".join(_parts(number, bits)[1] for number in _numbers(part)) for part in parts)
    return count


def _sort(part: bytearray) -> int:
    """Sort the hashes of a part in place, each once, and return how many are left."""
    numbers = sorted(set(_numbers(part)))
    part[:] = _swapped(array("Q", numbers)).tobytes()
    return len(numbers)


def _numbers(part: bytearray) -> array[int]:
    return _swapped(array("Q", bytes(part)))


def _swapped(numbers: array[int]) -> array[int]:
    if sys.byteorder == "little":
        numbers.byteswap()
    return numbers


def _parts(number: int, bits: int) -> tuple[int, bytes]:
    """Return the bucket of a hash's first 64 bits, and what is kept of it there."""
    kept = number >> (64 - bits - 8 * _KEPT) & 0xFFFFFF
    return number >> (64 - bits), kept.to_bytes(_KEPT, "big")


def _write_table(file: BinaryIO, parts: list[bytearray], bits: int) -> None:
    """Write where each bucket begins, and where the last one ends."""
    table, at = array("I", [0]), 0
    for number in _all(parts):
        bucket = number >> (64 - bits)
        while len(table) <= bucket:
            table.append(at)
        at += 1
    table.extend([at] * ((1 << bits) + 1 - len(table)))
    if sys.byteorder == "big":
        table.byteswap()
    file.write(table.tobytes())


def _all(parts: list[bytearray]) -> Iterator[int]:
    for part in parts:
        yield from _numbers(part)
