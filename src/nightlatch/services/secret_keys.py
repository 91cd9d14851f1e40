"""Which secret keys are in use on the database: who comes with others would read nothing and spoil the rest."""

from __future__ import annotations

from datetime import UTC, datetime

from nightlatch.errors import ConfigurationError, Conflict
from nightlatch.ports import Clock, Store, after
from nightlatch.primitives.keyring import Keyring
from nightlatch.records import SecretKey

__all__ = ["SecretKeys"]

_EVER = {"created_at": after(datetime(1970, 1, 1, tzinfo=UTC))}


class SecretKeys:
    """Compare an installation's keys with those that the database is written under.

    Args:
        store: where they are noted.
        clock: tells the time.
        keyring: this installation's.
    """

    def __init__(self, store: Store, clock: Clock, keyring: Keyring) -> None:
        self._store = store
        self._clock = clock
        self._keyring = keyring

    def see(self) -> None:
        """See that this installation knows the key that was last put in use here, and note its own.

        Raises:
            ConfigurationError: it does not: what the others seal and sign it could not open, nor they what it does.
        """
        ours = self._keyring.marks()
        newest = self._store.find(SecretKey, _EVER, order_by="-created_at", limit=1)
        if newest and newest[0].id not in ours:
            raise ConfigurationError(
                "this database is in use under another secret key: give every application and server on it the same"
                " secret_keys (a new one goes behind the old one everywhere first, and then in front of it)"
            )
        if self._store.get(SecretKey, ours[0]) is None:
            try:
                self._store.insert(SecretKey(id=ours[0], created_at=self._clock.now()))
            except Conflict:
                return  # another process of ours was first
