"""What each private reason of a refused sign-in means, and what would have passed: for operators alone."""

from __future__ import annotations

__all__ = ["FAILED_STATUS", "rule_of"]

FAILED_STATUS = {
    "suspended": ("the user is suspended: every right proof is refused like a wrong one", "users restore"),
    "closing": ("the account was closed and waits to be erased", "the link in the mail about it, or users restore"),
}

_TOO_MANY = (
    # NIST SP 800-63B-4 3.2.2
    "a hundred failures in a row, or a delay that was still running: then a right proof is refused as well",
    "a known device, waiting, recovery, or users restore",
)

_RULES: tuple[tuple[str, tuple[str, str]], ...] = (
    ("no such user", ("nobody has this identifier, proven", "another spelling, sign-up or an invitation")),
    ("user has no password", ("the user has no password to verify", "recovery, which sets one")),
    ("wrong password", ("what was typed is not the password", "the password, or recovery")),
    ("right", _TOO_MANY),
    ("user is suspended", FAILED_STATUS["suspended"]),
    ("user is closing", FAILED_STATUS["closing"]),
    ("stored hash unusable", ("the stored hash cannot be verified here", "recovery, which sets a new password")),
    ("policy asks for more", ("a password alone, where policy asks for more", "a sign-in by the pages or the API")),
    ("wrong code", ("not the app's code of now or the step before", "the next code; is the phone's clock right?")),
    ("step was used before", ("the code was used already: each is good once", "the next code")),
    ("another request used this", ("the code was used already: each is good once", "the next code")),
    ("sign count went back", ("the passkey may have been copied: two authenticators use it", "another authenticator")),
    ("sign count moved on", ("two answers by one passkey came at once", "trying again")),
    ("no passkey of this user", ("the passkey is another user's, or was removed", "one that the user has bound")),
    ("the authenticator says", ("the passkey is another user's", "one that the user has bound")),
    ("no such recovery code", ("no unused recovery code of this user", "another of the codes, or the app")),
)  # fmt: skip
"""By how the reason begins; the first that fits counts."""


def rule_of(reason: str) -> tuple[str, str]:
    """Return which rule a reason stands for, and what would have passed; the reason itself where no more is known."""
    for beginning, words in _RULES:
        if reason.startswith(beginning):
            return words
    return reason, "the right proof"
