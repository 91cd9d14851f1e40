"""The issuer's keys: fetched once, kept, renewed in time, asked for anew when a token names one that is unknown."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

from nightlatch.verify.errors import InvalidToken, KeysUnavailable
from nightlatch.verify.fetching import fetch, validated_url
from nightlatch.verify.keys import TYPE, PublicKey, keys_by_header, keys_from_jwks

__all__ = ["KeySet"]

log = logging.getLogger("nightlatch.verify")

_RENEW_AFTER: Final = 300.0
_STALE_AFTER: Final = 86_400.0
_LEAST_BETWEEN: Final = 10.0
_LONGEST_WAIT: Final = 4.0


class KeySet:
    """Keep the keys at an address.

    They are renewed every five minutes, by a thread of its own so that nobody waits. While the issuer cannot be
    reached the old ones hold for a day. A token with an unknown key asks for newer ones, at most every ten seconds
    whoever sends how many: the issuer is not ours to flood.

    Args:
        url: of the JWK set, from configuration alone.
        monotonic: seconds that only go up.
        read: fetches the document.
        typ: of the tokens that they are to verify.

    Raises:
        ValueError: the address is not https.
    """

    def __init__(
        self,
        url: str,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        read: Callable[[str], bytes] = fetch,
        typ: str = TYPE,
    ) -> None:
        self._url = validated_url(url)
        self._monotonic = monotonic
        self._read = read
        self._typ = typ
        self._lock = threading.Lock()
        self._keys: Mapping[bytes, PublicKey] | None = None
        self._fetched = 0.0
        self._tried: float | None = None

    @property
    def in_hand(self) -> Mapping[bytes, PublicKey]:
        """The keys there are now, by the header of their tokens; none where they are too old to be believed."""
        keys = self._keys
        if keys is None:
            return {}
        age = self._monotonic() - self._fetched
        if age > _RENEW_AFTER:
            self._renew_aside()
        return keys if age <= _STALE_AFTER else {}

    def newer(self) -> Mapping[bytes, PublicKey]:
        """Return the keys after asking for newer ones, if it is not too soon to ask.

        Raises:
            KeysUnavailable: there are none in hand, and none to be had.
        """
        before = self._tried
        # Many threads meet a new key at once: one asks, the others wait for its answer.
        if self._lock.acquire(timeout=_LONGEST_WAIT):
            try:
                if self._tried == before and self._may_ask():
                    self._ask()
            finally:
                self._lock.release()
        if self._keys is None or self._monotonic() - self._fetched > _STALE_AFTER:
            raise KeysUnavailable("no keys in hand that could be believed")
        return self.in_hand

    def _may_ask(self) -> bool:
        return self._tried is None or self._monotonic() - self._tried >= (_LEAST_BETWEEN if self._keys else 1.0)

    def _renew_aside(self) -> None:
        if self._may_ask() and self._lock.acquire(blocking=False):
            self._tried = self._monotonic()
            threading.Thread(target=self._renew, name="nightlatch-keys", daemon=True).start()

    def _renew(self) -> None:
        try:
            self._ask()
        finally:
            self._lock.release()

    def _ask(self) -> None:
        self._tried = self._monotonic()
        try:
            keys = keys_from_jwks(self._read(self._url))
        except (KeysUnavailable, InvalidToken) as error:
            log.warning("the keys at %s could not be fetched: %s", self._url, error.reason)
            return
        self._keys = keys_by_header(keys, self._typ)
        self._fetched = self._monotonic()
