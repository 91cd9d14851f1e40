"""Merkle trees as RFC 9162 2.1 (formerly RFC 6962) makes them: leaves and nodes are hashed apart.

Without the two prefixes a node could be passed off as a leaf, and one tree as another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

__all__ = ["HASH_LENGTH", "leaf_hash", "root_of", "split_leaves"]

HASH_LENGTH = 32
_LEAF, _NODE = b"\x00", b"\x01"


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of an entry."""
    return hashlib.sha256(_LEAF + entry).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Return the head of the tree over some leaf hashes.

    Args:
        leaves: in order.

    Returns:
        what RFC 9162 2.1.1 calls MTH: of no leaves, the hash of nothing.
    """
    if not leaves:
        return hashlib.sha256(b"").digest()
    row = list(leaves)
    while len(row) > 1:
        # Level by level is the RFC's split at the largest power of two: what is left over at the end moves up as it is.
        pairs = [hashlib.sha256(_NODE + row[at] + row[at + 1]).digest() for at in range(0, len(row) - 1, 2)]
        row = pairs + row[len(pairs) * 2 :]
    return row[0]


def split_leaves(joined: bytes) -> list[bytes]:
    """Return the hashes that were stored one after the other; a rest that is no whole hash comes last."""
    return [joined[at : at + HASH_LENGTH] for at in range(0, len(joined), HASH_LENGTH)]
