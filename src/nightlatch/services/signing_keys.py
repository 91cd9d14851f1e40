"""The keys that sign access tokens: sealed in the store, rotated by schedule, in any number of processes.

There is always one key that signs and one that will: the next is published from the moment it is made, long before it
signs, and the last one stays published until no token that it signed can live. A key's generation is unique in the
store, so that of many processes which make the next one at once, one does, and the others find it.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from nightlatch.errors import Conflict, NotFound
from nightlatch.ports import Clock, Store, after
from nightlatch.primitives.ids import uuid7
from nightlatch.primitives.jwt import PrivateKey
from nightlatch.primitives.keyring import Keyring, SealBroken
from nightlatch.records import SigningKey
from nightlatch.settings import Tokens as Limits
from nightlatch.verify.keys import PublicKey, keys_by_header

__all__ = ["SigningKeys"]

log = logging.getLogger("nightlatch.keys")

_LOOK_EVERY = timedelta(seconds=30)
_LOOK_AT_MOST_EVERY = timedelta(seconds=1)
_PUBLISHED_BEFORE = timedelta(minutes=10)
"""Longer than any cache keeps the published keys."""
_KEPT = timedelta(days=30)
_MOST = 32


class SigningKeys:
    """Make, use, publish, rotate and revoke signing keys.

    Args:
        store: where they are.
        clock: tells the time.
        keyring: seals the private ones.
        limits: the algorithm, and how long a key signs.
    """

    def __init__(self, store: Store, clock: Clock, keyring: Keyring, limits: Limits) -> None:
        self._store = store
        self._clock = clock
        self._keyring = keyring
        self._limits = limits
        self._lock = threading.Lock()
        self._rows: list[SigningKey] = []
        self._private: dict[str, PrivateKey] = {}
        self._public: Mapping[bytes, PublicKey] = {}
        self._looked_at: datetime | None = None

    # --- in use -----------------------------------------------------------------------------------------------------

    def signing(self) -> PrivateKey:
        """Return the key that signs now."""
        now = self._clock.now()
        self._look(now)
        current = self._current(self._rows, now)
        if current is None or self._opened(current) is None:
            self._look(now, again=True)
            current = self._current(self._rows, now)
        opened = self._opened(current) if current is not None else None
        if opened is None:  # pragma: no cover - a key was just made
            raise NotFound("no key to sign with")
        return opened

    @property
    def in_hand(self) -> Mapping[bytes, PublicKey]:
        """The keys whose tokens are believed, by the header of these."""
        self._look(self._clock.now())
        return self._public

    def newer(self) -> Mapping[bytes, PublicKey]:
        """Return the keys after looking anew, at most once a second whoever sends tokens of unknown keys."""
        now = self._clock.now()
        if self._looked_at is None or now - self._looked_at >= _LOOK_AT_MOST_EVERY:
            self._look(now, again=True)
        return self._public

    def published(self) -> list[dict[str, Any]]:
        """Return the public keys as JWKs, the newest first."""
        now = self._clock.now()
        self._look(now)
        return [json.loads(row.public_jwk) for row in self._rows if self._counts(row, self._rows, now)]

    # --- for the operator -------------------------------------------------------------------------------------------

    def every(self) -> list[SigningKey]:
        """Return all keys, the newest first; the one in use and its successor are made if they are not there."""
        self._look(self._clock.now(), again=True)
        return list(self._rows)

    def state(self, key: SigningKey) -> str:
        """Tell what a key is for now: ``next``, ``signing``, ``verifying``, ``revoked`` or ``old``."""
        now = self._clock.now()
        if key.revoked_at is not None:
            return "revoked"
        if not self._counts(key, self._rows, now):
            return "old"
        current = self._current(self._rows, now)
        if current is not None and current.id == key.id:
            return "signing"
        return "next" if key.signs_from_at > now else "verifying"

    def rotate(self) -> SigningKey:
        """Let the next key sign as soon as every cache has it: at once, unless it was made minutes ago.

        Returns:
            the key, with the time from which it signs.
        """
        now = self._clock.now()
        self._look(now, again=True)
        following = self._next(self._rows, now)
        if following is None:  # pragma: no cover - looking makes one
            raise NotFound("no next key")
        signs_from = max(now, following.created_at + _PUBLISHED_BEFORE)
        self._store.update(
            SigningKey, {"id": following.id, "signs_from_at": after(signs_from)}, {"signs_from_at": signs_from}
        )
        self._look(now, again=True)
        return self._store.get(SigningKey, following.id) or following

    def revoke(self, kid: str) -> SigningKey:
        """Stop believing a key, and every token that it signed. If it was the one in use, the next signs at once.

        Raises:
            NotFound: there is none by that name.
        """
        now = self._clock.now()
        if not self._store.update(SigningKey, {"kid": kid, "revoked_at": None}, {"revoked_at": now}):
            raise NotFound("no such key, or it is revoked already")
        self._look(now, again=True)
        return self._store.find(SigningKey, {"kid": kid}, limit=1)[0]

    def sweep(self) -> int:
        """Delete keys that have been of no use for a month."""
        until = self._clock.now() - _KEPT
        rows = self._find()
        useless = [row for row in rows if not self._counts(row, rows, until) and row.signs_from_at < until]
        return sum(self._store.delete(SigningKey, {"id": row.id}) for row in useless)

    # --- the schedule -----------------------------------------------------------------------------------------------

    def _look(self, now: datetime, *, again: bool = False) -> None:
        if not again and self._looked_at is not None and now - self._looked_at < _LOOK_EVERY:
            return
        with self._lock:
            if not again and self._looked_at is not None and now - self._looked_at < _LOOK_EVERY:
                return
            rows = self._find()
            while self._provide(rows, now):
                rows = self._find()
            self._rows = rows
            counted = [row for row in rows if self._counts(row, rows, now)]
            known = {key.kid: key for key in self._public.values()}
            self._public = keys_by_header(known.get(row.kid) or _public(row) for row in counted)
            self._looked_at = now

    def _find(self) -> list[SigningKey]:
        return self._store.find(SigningKey, {"generation": after(-1)}, order_by="-generation", limit=_MOST)

    def _provide(self, rows: Sequence[SigningKey], now: datetime) -> bool:
        """See that there is a key that signs, and one that will; True if something was done."""
        current, following = self._current(rows, now), self._next(rows, now)
        if current is not None and following is not None:
            return False
        generation = rows[0].generation + 1 if rows else 1
        if current is not None:
            self._make(generation, max(current.signs_from_at + self._limits.key_life, now + _PUBLISHED_BEFORE), now)
        elif following is not None:
            # The one in use was revoked: its successor is published already.
            self._store.update(SigningKey, {"id": following.id, "revoked_at": None}, {"signs_from_at": now})
        else:
            self._make(generation, now, now)
        return True

    def _make(self, generation: int, signs_from: datetime, now: datetime) -> None:
        key = PrivateKey.generate(self._limits.algorithm)
        row_id = uuid7(now)
        sealed = self._keyring.seal(
            "signing keys", key.to_der(), table="signing_key", column="sealed_private_key", row_id=str(row_id)
        )
        row = SigningKey(
            id=row_id,
            generation=generation,
            kid=key.kid,
            algorithm=key.algorithm,
            sealed_private_key=sealed,
            public_jwk=json.dumps(key.public_jwk, separators=(",", ":"), sort_keys=True),
            signs_from_at=signs_from,
            created_at=now,
        )
        try:
            self._store.insert(row)
        except Conflict:
            log.debug("another process made key %d first", generation)

    def _usable(self, rows: Sequence[SigningKey]) -> list[SigningKey]:
        algorithm = self._limits.algorithm
        return [
            row
            for row in rows
            if row.revoked_at is None and row.algorithm == algorithm and self._opened(row) is not None
        ]

    def _current(self, rows: Sequence[SigningKey], now: datetime) -> SigningKey | None:
        return next((row for row in self._usable(rows) if row.signs_from_at <= now), None)

    def _next(self, rows: Sequence[SigningKey], now: datetime) -> SigningKey | None:
        waiting = [row for row in self._usable(rows) if row.signs_from_at > now]
        return waiting[-1] if waiting else None

    def _counts(self, row: SigningKey, rows: Sequence[SigningKey], now: datetime) -> bool:
        """Tell whether a key's tokens are believed: until its last one has expired, with an hour to spare."""
        if row.revoked_at is not None:
            return False
        newer = [each.signs_from_at for each in rows if each.generation > row.generation and each.revoked_at is None]
        return not newer or min(newer) + self._limits.access_life + timedelta(hours=1) > now

    def _opened(self, row: SigningKey) -> PrivateKey | None:
        opened = self._private.get(row.kid)
        if opened is None:
            try:
                der = self._keyring.unseal(
                    "signing keys",
                    row.sealed_private_key,
                    table="signing_key",
                    column="sealed_private_key",
                    row_id=str(row.id),
                )
            except SealBroken:
                # Its secret key is gone: it verifies, for its public half lies in clear, and signs no more.
                return None
            opened = self._private[row.kid] = PrivateKey.from_der(row.algorithm, der)
        return opened


def _public(row: SigningKey) -> PublicKey:
    from nightlatch.verify.keys import keys_from_jwks

    (key,) = keys_from_jwks(f'{{"keys":[{row.public_jwk}]}}'.encode())
    return key
