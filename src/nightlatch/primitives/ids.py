"""Ids: UUIDv7 for rows, UUIDv8 for rows whose key is known before they are written (RFC 9562)."""

from __future__ import annotations

import hashlib
import hmac
import os
from datetime import datetime
from uuid import UUID

__all__ = ["derived_id", "uuid7"]


def uuid7(now: datetime) -> UUID:
    """Make a UUIDv7 (RFC 9562 5.7, with 12 bits of sub-millisecond time: method 3 of 6.2).

    Args:
        now: the time, aware.

    Returns:
        an id that sorts by time.
    """
    microseconds = int(now.timestamp() * 1_000_000)
    milliseconds, rest = divmod(microseconds, 1000)
    fraction = rest * 4096 // 1000
    random = int.from_bytes(os.urandom(8), "big") >> 2
    value = (milliseconds & 0xFFFF_FFFF_FFFF) << 80 | 0x7 << 76 | fraction << 64 | 0b10 << 62 | random
    return UUID(int=value)


def derived_id(key: bytes, text: str) -> UUID:
    """Derive a UUIDv8 (RFC 9562 5.8) from a text, so that a row can be found by what it is about.

    Args:
        key: makes it impossible to tell from the id what the text was.
        text: what the row is about.

    Returns:
        always the same id for the same key and text.
    """
    digest = hmac.digest(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256)[:16]
    value = int.from_bytes(digest, "big")
    value = value & ~(0xF << 76) | 0x8 << 76
    value = value & ~(0b11 << 62) | 0b10 << 62
    if not value >> 56 & 0x3F:
        # MariaDB takes a UUIDv8 for valid only where this byte is *over* 0x80: its column would refuse one in 64.
        value |= 1 << 56
    return UUID(int=value)
