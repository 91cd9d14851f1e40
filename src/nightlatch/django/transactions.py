"""What may not be undone with a request's transaction, and what to write where there is one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from nightlatch.errors import ConfigurationError, TransactionOpen

__all__ = ["EveryDatabase", "outside_transactions"]


class EveryDatabase:
    """What `transaction.non_atomic_requests` keeps, for every alias there will ever be."""

    def __contains__(self, alias: object) -> bool:
        return True


@contextmanager
def outside_transactions(call: str) -> Iterator[None]:
    """Tell whoever asks about a password inside a transaction what to write.

    Args:
        call: what they called, as they wrote it.

    Raises:
        ConfigurationError: a transaction is open, which would undo the counting.
    """
    try:
        yield
    except TransactionOpen:
        raise ConfigurationError(
            f"{call} counts tries in transactions of its own, and one is open (ATOMIC_REQUESTS?):"
            " decorate the view with @transaction.non_atomic_requests, or call it before the transaction"
        ) from None
