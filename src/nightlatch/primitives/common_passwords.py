"""Whole passwords that everybody thinks of."""

from __future__ import annotations


def is_common(password: str) -> bool:
    """Tell whether a password is one that guessing begins with."""
    folded = password.casefold()
    return any(folded == (folded[:n] * (len(folded) // n + 1))[: len(folded)] for n in range(1, 9))
