"""The verifier: what a service that takes access tokens needs."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from nightlatch.verify.claims import AccessToken
from nightlatch.verify.compact import LONGEST, UnknownKey, header_of, verify_compact
from nightlatch.verify.errors import InvalidToken
from nightlatch.verify.jwks import KeySet
from nightlatch.verify.keys import Key, kid_of

__all__ = ["Keys", "Verifier"]

_MOST_REMEMBERED: Final = 10_000


class Keys(Protocol):
    """Where keys come from: by the header of their tokens."""

    @property
    def in_hand(self) -> Mapping[bytes, Key]:
        """Those there are now. Never waits."""
        ...

    def newer(self) -> Mapping[bytes, Key]:
        """Return those there are after asking for newer ones, if it is not too soon to ask."""
        ...


class Verifier:
    """Verify access tokens of one issuer, for one audience. One instance serves every thread of a process.

    A token that was verified is remembered by its SHA-256, so that a client's next requests cost microseconds; at each
    of them its expiry, its key and its revocation are looked at anew. At most 10,000 are remembered, the oldest goes.

    Args:
        issuer: of the tokens: ``base_url`` and mount of the installation, ``https://app.example.com/auth``.
        audience: who you are: the ``tokens.audience`` of the installation (``base_url``, unless it says otherwise).
        jwks_url: where the keys are; None: the issuer's ``/api/jwks.json``. https, or http from this machine alone.
        leeway: seconds by which clocks may differ, at most 60.
        revoked: tells whether a token was revoked, by its session and its own id; None: within its life nobody knows.
        keys: where keys come from, in place of ``jwks_url``.
        now: tells the time, in seconds since 1970.

    Raises:
        ValueError: an argument cannot be used.
    """

    def __init__(
        self,
        *,
        issuer: str,
        audience: str,
        jwks_url: str | None = None,
        leeway: float = 5.0,
        revoked: Callable[[AccessToken], bool] | None = None,
        keys: Keys | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        if not issuer or not audience:
            raise ValueError("issuer and audience are both needed: without them any service's tokens would do")
        if not 0 <= leeway <= 60:  # noqa: PLR2004 - ASVS 9.2.1
            raise ValueError("leeway is 0 to 60 seconds")
        self._issuer = issuer
        self._audience = audience
        self._leeway = leeway
        self._revoked = revoked
        self._now = now
        self._keys: Keys = keys or KeySet(f"{issuer}/api/jwks.json" if jwks_url is None else jwks_url)
        self._remembered: dict[bytes, tuple[AccessToken, bytes, Key]] = {}

    def verify(self, text: str) -> AccessToken:
        """Verify an access token. It may wait for the issuer's keys: 4 seconds at most, the first time or at a new key.

        Args:
            text: what followed ``Bearer`` in the ``Authorization`` header.

        Returns:
            what it says.

        Raises:
            InvalidToken: it is not good; answer 401.
            KeysUnavailable: the keys could not be fetched, ever; answer 503.
        """
        try:
            return self._verify(text, self._keys.in_hand)
        except UnknownKey:
            return self._verify_anew(text)

    async def verify_async(self, text: str) -> AccessToken:
        """Verify an access token from asynchronous code: what may wait for the network does so in a thread.

        Raises:
            InvalidToken, KeysUnavailable: as `verify`.
        """
        try:
            return self._verify(text, self._keys.in_hand)
        except UnknownKey:
            return await asyncio.to_thread(self._verify_anew, text)

    def _verify_anew(self, text: str) -> AccessToken:
        kid_of(header_of(text))  # what no key of ours could have signed is not worth a question
        return self._verify(text, self._keys.newer())

    def _verify(self, text: str, keys: Mapping[bytes, Key]) -> AccessToken:
        if len(text) > LONGEST:
            raise InvalidToken("too long")
        now = self._now()
        name = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
        remembered = self._remembered.get(name)
        if remembered is not None:
            token, header, key = remembered
            if keys.get(header) != key:
                self._remembered.pop(name, None)
                raise UnknownKey("its key is gone")
            if token.expires_at + self._leeway <= now:
                self._remembered.pop(name, None)
                raise InvalidToken("expired")
        else:
            token = verify_compact(
                text, keys, issuer=self._issuer, audience=self._audience, now=now, leeway=self._leeway
            )
            self._remember(name, token, header_of(text), keys)
        if self._revoked is not None and self._revoked(token):
            raise InvalidToken("revoked")
        return token

    def _remember(self, name: bytes, token: AccessToken, header: bytes, keys: Mapping[bytes, Key]) -> None:
        while len(self._remembered) >= _MOST_REMEMBERED:
            try:
                self._remembered.pop(next(iter(self._remembered)), None)
            except (StopIteration, RuntimeError):
                break  # another thread is at it
        self._remembered[name] = (token, header, keys[header])
