"""What verification raises. Each has a stable public code and a private reason."""

from __future__ import annotations

__all__ = ["Forbidden", "InvalidToken", "KeysUnavailable", "VerificationError"]


class VerificationError(Exception):
    """The root: nothing was verified.

    Args:
        reason: why, for the log of the service. It holds nothing of the token and is not for the client.
    """

    code = "error"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class InvalidToken(VerificationError):
    """No access token that is good here and now: one public code for every cause. Answer 401."""

    code = "invalid_token"


class KeysUnavailable(VerificationError):
    """The issuer's keys could not be fetched, and there are none in hand. Answer 503: nothing is known of the token."""

    code = "unavailable"


class Forbidden(VerificationError):
    """The token is good, and its user has not the role that was asked for. Answer 403."""

    code = "forbidden"
