"""Every exception of Nightlatch and its stable public code, on one page.

A refusal has two faces: a public ``code`` and ``message``, the same for known and unknown accounts, and a private
``reason``, which goes to the audit log and nowhere else. HTTP statuses are not known here: they live in
``http/problems.py``. Every code is explained in ``docs/errors.md``.
"""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

__all__ = [
    "AttemptInvalid",
    "Busy",
    "ConfigurationError",
    "Conflict",
    "CrossSite",
    "Forbidden",
    "InvalidCode",
    "InvalidCredentials",
    "InvalidInput",
    "InvalidToken",
    "LinkInvalid",
    "MissingExtra",
    "NightlatchError",
    "NotAuthenticated",
    "NotFound",
    "PasswordRejected",
    "ReauthenticationRequired",
    "RecoveryClosed",
    "Refusal",
    "SchemaMismatch",
    "SignUpClosed",
    "StoreError",
    "StoreUnavailable",
    "TextsHeld",
    "Throttled",
    "TransactionOpen",
    "UsernameTaken",
]


class NightlatchError(Exception):
    """The root: ``except NightlatchError`` catches everything Nightlatch raises on purpose.

    Args:
        reason: why, for the audit log and the operator. Never shown to a client, never holds a secret.
        message: what a person is told, in place of the class's ``message``.
    """

    code: ClassVar[str] = "error"
    message: str = "Something went wrong."

    def __init__(self, reason: str = "", *, message: str | None = None) -> None:
        self.reason = reason or self.code
        if message is not None:
            self.message = message
        super().__init__(self.reason)


# --- set-up ---------------------------------------------------------------------------------------------------------


class ConfigurationError(NightlatchError):
    """Settings that cannot be used. The reason names the setting and says what to write."""

    code = "configuration"
    message = "This service is not set up correctly."


class MissingExtra(ConfigurationError, ImportError):
    """A part was asked for whose dependencies are not installed. The reason names the extra."""


class SchemaMismatch(ConfigurationError):
    """The database's schema is not the one this version works on. The reason says which command to run."""


# --- store ----------------------------------------------------------------------------------------------------------


class StoreError(NightlatchError):
    """The store did not do what it was asked."""

    code = "store"


class Conflict(StoreError):
    """An insert or update met a uniqueness rule. The transaction it happened in stays usable."""

    code = "conflict"


class TransactionOpen(StoreError):
    """``transaction(own=True)`` was asked for inside an open transaction."""

    code = "transaction_open"


class StoreUnavailable(StoreError):
    """The store cannot be reached, or stayed locked for longer than its time-out. Trying again may help."""

    code = "unavailable"
    message = "This service is not available right now. Please try again in a moment."
    retry_after = timedelta(seconds=1)


# --- refusals -------------------------------------------------------------------------------------------------------


class Refusal(NightlatchError):
    """A request that was understood and not granted."""

    code = "refused"
    message = "That is not possible."


class InvalidInput(Refusal):
    """Input that is not of the form asked for.

    Args:
        fields: for each field at fault, what is wrong with it, in words for a person.
    """

    code = "invalid_input"
    message = "Something in the request is not right."

    def __init__(self, reason: str = "", *, message: str | None = None, fields: dict[str, str] | None = None) -> None:
        self.fields = fields or {}
        super().__init__(reason or "; ".join(f"{k}: {v}" for k, v in self.fields.items()), message=message)


class PasswordRejected(InvalidInput):
    """A new password that the policy refuses (NIST SP 800-63B-4 3.1.1.2: tell why, and give guidance).

    Args:
        rule: ``too_short``, ``too_long``, ``common``, ``about_you``, ``about_service``, ``not_text`` or ``unchanged``.
        message: why, and what to do instead, for the person who typed it.
    """

    code = "password_rejected"

    def __init__(self, rule: str, *, message: str, field: str = "new_password") -> None:
        self.rule = rule
        super().__init__(rule, message=message, fields={field: message})


class UsernameTaken(InvalidInput):
    """User names are public by nature, so this may be told (throttled)."""

    code = "username_taken"

    def __init__(self) -> None:
        text = "That user name is taken. Please choose another."
        super().__init__("username taken", message=text, fields={"username": text})


class InvalidCredentials(Refusal):
    """The identifier and the proof do not belong together. The same for every cause, known account or not."""

    code = "invalid_credentials"
    message = "That does not match. Check what you typed and try again."


class InvalidCode(Refusal):
    """A mailed or texted code that is wrong, spent or expired."""

    code = "invalid_code"
    message = "That code is not right, or it has expired. Check the newest message, or ask for a new code."


class AttemptInvalid(Refusal):
    """The attempt is unknown, spent, expired, or not at this step. Begin again."""

    code = "attempt_invalid"
    message = "This took too long or was already finished. Please start again."


class LinkInvalid(Refusal):
    """A mailed link that is unknown, used or expired."""

    code = "link_invalid"
    message = "This link was already used or has expired. Please start again."


class SignUpClosed(Refusal):
    """Settings say that nobody may sign up here."""

    code = "sign_up_closed"
    message = "New accounts are not open here. Ask the people who run this service for one."


class RecoveryClosed(Refusal):
    """Accounts have no address here that a code could go to."""

    code = "recovery_closed"
    message = "A forgotten password cannot be replaced by mail here. Ask the people who run this service."


class NotAuthenticated(Refusal):
    """Nobody is signed in."""

    code = "not_authenticated"
    message = "Please sign in first."


class InvalidToken(NotAuthenticated):
    """An access or refresh token that is not good here and now. The same for every cause (RFC 6750 3.1)."""

    code = "invalid_token"
    message = "This token is not valid, or not any longer. Please sign in again."


class Forbidden(Refusal):
    """Somebody is signed in who may not do this."""

    code = "forbidden"
    message = "You do not have access to this."


class ReauthenticationRequired(Refusal):
    """The session is not sure enough, or not fresh enough, for what was asked.

    Args:
        aal: the assurance level asked for, or None.
        max_age: how old the proof may be, or None.
        phishing_resistant: whether a proof is asked for that cannot be phished.
    """

    code = "reauthenticate"
    message = "Please confirm that it is you before going on."

    def __init__(
        self,
        reason: str = "",
        *,
        aal: int | None = None,
        max_age: timedelta | None = None,
        phishing_resistant: bool = False,
    ) -> None:
        self.aal = aal
        self.max_age = max_age
        self.phishing_resistant = phishing_resistant
        super().__init__(reason)


class NotFound(Refusal):
    """No such thing, or not yours: the two are not told apart."""

    code = "not_found"
    message = "There is nothing here by that name."


class CrossSite(Refusal):
    """An unsafe request that did not come from this site's own pages."""

    code = "cross_site"
    message = "This request did not come from this site. Open the page again and retry."


class Throttled(Refusal):
    """Too many tries. Nothing was verified.

    Args:
        retry_after: how long until a try may pass.
    """

    code = "throttled"
    message = "Too many tries. Please wait before the next one."

    def __init__(self, reason: str = "", *, retry_after: timedelta) -> None:
        self.retry_after = retry_after
        super().__init__(reason, message=f"Too many tries. Please wait {_about(retry_after)} before the next one.")


class TextsHeld(Throttled):
    """No text goes to this number for now: too many went there, or its network is held back. Another way is open.

    Args:
        retry_after: how long until a text may go.
    """

    code = "texts_held"

    def __init__(self, reason: str = "", *, retry_after: timedelta) -> None:
        super().__init__(reason, retry_after=retry_after)
        self.message = "No text can be sent to this number right now. Please choose another way, or try again later."


def _about(wait: timedelta) -> str:
    minutes = -(-wait // timedelta(minutes=1))
    if minutes <= 1:
        return "a minute"
    return f"{minutes} minutes" if minutes < 120 else f"{-(-minutes // 60)} hours"  # noqa: PLR2004


class Busy(Refusal):
    """The password hashing pool is full; nothing was verified and nothing was counted.

    Args:
        retry_after: when to try again.
    """

    code = "busy"
    message = "Very many people are signing in right now. Please try again in a few seconds."

    def __init__(self, reason: str = "", *, retry_after: timedelta = timedelta(seconds=2)) -> None:
        self.retry_after = retry_after
        super().__init__(reason)
