"""What a proxy in front of an application hands on with each request: who stands behind it, signed by the issuer.

    verifier = AssertionVerifier(issuer="https://app.example.com/auth", audience="wiki.example.com")
    assertion = verifier.verify(request.headers["Remote-Assertion"])  # raises InvalidToken

``Remote-User`` alone is whatever somebody says who reaches the application past the proxy. An assertion is good for a
minute, for one host, and is of a type of its own: no access token is ever taken for one, nor one for an access token.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from nightlatch.verify.claims import addressed, level_of, text_of, texts_of, time_of
from nightlatch.verify.compact import UnknownKey, header_of, signed_claims
from nightlatch.verify.errors import InvalidToken
from nightlatch.verify.jwks import KeySet
from nightlatch.verify.keys import ASSERTION, Key, kid_of
from nightlatch.verify.verifier import Keys

__all__ = ["Assertion", "AssertionVerifier"]

_MOST_LEEWAY: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """Who stands behind a request.

    Args:
        subject: the user's id. Key what you store by it, never by a name or an address.
        email: the primary address, if there is one.
        username: the user name, if there is one.
        roles: of the user.
        session_id: the session at the issuer.
        aal: the level of assurance that it has reached: 1 to 3.
        amr: how the user was authenticated (RFC 8176).
        authenticated_at: when, in seconds since 1970.
        expires_at: in seconds since 1970.
    """

    subject: str
    email: str | None
    username: str | None
    roles: tuple[str, ...]
    session_id: str
    aal: int
    amr: tuple[str, ...]
    authenticated_at: int
    expires_at: int

    def has_role(self, role: str) -> bool:
        """Tell whether the user has a role."""
        return role in self.roles


class AssertionVerifier:
    """Verify assertions of one issuer, for one host. One instance serves every thread of a process.

    Args:
        issuer: ``base_url`` and mount of the installation, ``https://app.example.com/auth``.
        audience: your host as browsers see it, with its port where it has one: ``wiki.example.com``.
        jwks_url: where the keys are; None: the issuer's ``/api/jwks.json``. https, or http from this machine alone.
        leeway: seconds by which clocks may differ, at most 60.
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
        keys: Keys | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        if not issuer or not audience or "/" in audience:
            raise ValueError(
                "issuer is an address, audience a host: without them any application's assertions would do"
            )
        if not 0 <= leeway <= _MOST_LEEWAY:
            raise ValueError("leeway is 0 to 60 seconds")
        self._issuer = issuer
        self._audience = audience
        self._leeway = leeway
        self._now = now
        self._keys: Keys = keys or KeySet(jwks_url or f"{issuer}/api/jwks.json", typ=ASSERTION)

    def verify(self, text: str | None) -> Assertion:
        """Verify an assertion. It may wait for the issuer's keys: 4 seconds at most, the first time or at a new key.

        Args:
            text: the ``Remote-Assertion`` header; None where the request has none.

        Returns:
            what it says.

        Raises:
            InvalidToken: it is not good; answer 401.
            KeysUnavailable: the keys could not be fetched, ever; answer 503.
        """
        if not text:
            raise InvalidToken("no assertion: the request did not come through the proxy")
        try:
            return self._verify(text, self._keys.in_hand)
        except UnknownKey:
            kid_of(header_of(text), ASSERTION)  # what no key of ours could have signed is not worth a question
            return self._verify(text, self._keys.newer())

    def _verify(self, text: str, keys: Mapping[bytes, Key]) -> Assertion:
        claims = signed_claims(text, keys)
        _, expires_at = addressed(
            claims, issuer=self._issuer, audience=self._audience, now=self._now(), leeway=self._leeway
        )
        return Assertion(
            subject=text_of(claims, "sub"),
            email=_maybe(claims, "email"),
            username=_maybe(claims, "username"),
            roles=texts_of(claims, "roles"),
            session_id=text_of(claims, "sid"),
            aal=level_of(claims),
            amr=texts_of(claims, "amr"),
            authenticated_at=time_of(claims, "auth_time"),
            expires_at=expires_at,
        )


def _maybe(claims: dict[str, Any], name: str) -> str | None:
    return None if claims.get(name) is None else text_of(claims, name)
