"""What an access token says, once its signature is known to be right (RFC 9068 2.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from nightlatch.verify.errors import InvalidToken

__all__ = ["AccessToken", "addressed", "level_of", "read_claims", "text_of", "texts_of", "time_of"]

_LATEST: Final = 253_402_300_800
"""Seconds: the year 10000. A time beyond it is no time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """An access token that is good.

    Args:
        subject: the user's id. Key what you store by issuer and subject, never by a name or an address.
        session_id: the session that it was issued in; signing out ends both.
        token_id: its own id.
        client_id: who it was issued to.
        roles: of the user when it was issued.
        aal: the level of assurance that the session had reached: 1 to 3.
        amr: how the user was authenticated (RFC 8176).
        authenticated_at: when, in seconds since 1970; refreshing does not move it.
        issued_at: in seconds since 1970.
        expires_at: in seconds since 1970.
        claims: all of them, for what an application has added.
    """

    subject: str
    session_id: str
    token_id: str
    client_id: str
    roles: tuple[str, ...]
    aal: int
    amr: tuple[str, ...]
    authenticated_at: int
    issued_at: int
    expires_at: int
    claims: dict[str, Any]

    def has_role(self, role: str) -> bool:
        """Tell whether the user had a role when the token was issued."""
        return role in self.roles


def read_claims(claims: dict[str, Any], *, issuer: str, audience: str, now: float, leeway: float) -> AccessToken:
    """Validate claims, one rule after another, in the order of RFC 9068 4.

    Args:
        claims: of a token whose signature was verified.
        issuer: the only one accepted.
        audience: one that must be among those the token is for.
        now: seconds since 1970.
        leeway: seconds by which clocks may differ.

    Returns:
        the token.

    Raises:
        InvalidToken: a claim is missing, of another type, or not as it must be.
    """
    issued_at, expires_at = addressed(claims, issuer=issuer, audience=audience, now=now, leeway=leeway)
    return AccessToken(
        subject=text_of(claims, "sub"),
        session_id=text_of(claims, "sid"),
        token_id=text_of(claims, "jti"),
        client_id=text_of(claims, "client_id"),
        roles=texts_of(claims, "roles"),
        aal=level_of(claims),
        amr=texts_of(claims, "amr"),
        authenticated_at=time_of(claims, "auth_time"),
        issued_at=issued_at,
        expires_at=expires_at,
        claims=claims,
    )


def addressed(claims: dict[str, Any], *, issuer: str, audience: str, now: float, leeway: float) -> tuple[int, int]:
    """Validate who a token is from, for whom, and when it is good: what tokens of every type say.

    Returns:
        when it was issued and when it expires, in seconds since 1970.

    Raises:
        InvalidToken: a claim is missing, of another type, or not as it must be.
    """
    if claims.get("iss") != issuer:
        raise InvalidToken("another issuer")
    audiences = claims.get("aud")
    if audiences != audience and not (isinstance(audiences, list) and audience in audiences):
        raise InvalidToken("for another audience")

    # Only whole numbers are times: "9999999999", true, 1e999 and null are none (adversary 70: `exp` as a text).
    expires_at = time_of(claims, "exp")
    if expires_at + leeway <= now:
        raise InvalidToken("expired")
    issued_at = time_of(claims, "iat")
    if issued_at - leeway > now:
        raise InvalidToken("issued in the future")
    if "nbf" in claims and time_of(claims, "nbf") - leeway > now:
        raise InvalidToken("not good yet")

    return issued_at, expires_at


def time_of(claims: dict[str, Any], name: str) -> int:
    """Return a claim that is a time, in seconds since 1970."""
    value = claims.get(name)
    if type(value) is not int or not 0 <= value < _LATEST:
        raise InvalidToken(f"{name} is no time")
    return value


def text_of(claims: dict[str, Any], name: str) -> str:
    """Return a claim that is a text, and not an empty one."""
    value = claims.get(name)
    if type(value) is not str or not value:
        raise InvalidToken(f"{name} is no text")
    return value


def texts_of(claims: dict[str, Any], name: str) -> tuple[str, ...]:
    """Return a claim that is a list of texts."""
    value = claims.get(name)
    if type(value) is not list or any(type(each) is not str for each in value):
        raise InvalidToken(f"{name} is no list of texts")
    return tuple(value)


_LEVELS: Final = {"aal1": 1, "aal2": 2, "aal3": 3}


def level_of(claims: dict[str, Any]) -> int:
    """Return the level of assurance."""
    value = claims.get("acr")
    if type(value) is not str or value not in _LEVELS:
        raise InvalidToken("acr is no level")
    return _LEVELS[value]
