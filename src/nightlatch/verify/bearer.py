"""From an ``Authorization`` header to a token, and from a refusal to an answer: what the frameworks' parts share."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from nightlatch.verify.claims import AccessToken
from nightlatch.verify.errors import Forbidden, InvalidToken, KeysUnavailable, VerificationError

__all__ = ["Refused", "admit", "bearer_of", "refused"]


def bearer_of(headers: Sequence[str]) -> str:
    """Return the token of a request.

    Args:
        headers: every ``Authorization`` header that it has.

    Raises:
        InvalidToken: it brings none, or more than one header, of which anybody may guess which counts.
    """
    if len(headers) != 1:
        raise InvalidToken("no bearer token" if not headers else "several Authorization headers")
    scheme, _, token = headers[0].strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise InvalidToken("no bearer token")
    return token.strip()


def admit(token: AccessToken, role: str | None) -> AccessToken:
    """Let a token pass.

    Raises:
        Forbidden: its user has not the role.
    """
    if role is not None and not token.has_role(role):
        raise Forbidden(f"role {role}")
    return token


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The answer to a refusal: RFC 9457 problem details, and the challenge of RFC 6750 3.

    Args:
        status: 401, 403 or 503.
        headers: by name.
        body: JSON.
    """

    status: int
    headers: dict[str, str]
    body: bytes


_ANSWERS: dict[type[VerificationError], tuple[int, str, str]] = {
    InvalidToken: (401, "Unauthorized", "This token is not valid, or not any longer."),
    Forbidden: (403, "Forbidden", "You do not have access to this."),
    KeysUnavailable: (503, "Service Unavailable", "This service is not available right now. Please try again."),
}


def refused(error: VerificationError) -> Refused:
    """Return the answer. The reason stays here."""
    kind = next(kind for kind in _ANSWERS if isinstance(error, kind))
    status, title, detail = _ANSWERS[kind]
    problem = {"type": f"urn:nightlatch:problem:{kind.code}", "title": title, "status": status}
    headers = {"Content-Type": "application/problem+json", "Cache-Control": "no-store"}
    if kind is InvalidToken:
        headers["WWW-Authenticate"] = f'Bearer error="{kind.code}"'
    if kind is KeysUnavailable:
        headers["Retry-After"] = "1"
    return Refused(
        status=status, headers=headers, body=json.dumps({**problem, "code": kind.code, "detail": detail}).encode()
    )
