"""From errors to answers: the one place that knows HTTP statuses (RFC 9457 problem details).

What a client sees is the public code and message; the private reason never leaves. ``docs/errors.md`` explains every
code.
"""

from __future__ import annotations

import math

import msgspec

from nightlatch.errors import InvalidInput, NightlatchError, ReauthenticationRequired, StoreUnavailable
from nightlatch.http.messages import Response
from nightlatch.http.step_up import StepUp, step_up
from nightlatch.settings import Settings

__all__ = [
    "STATUSES",
    "MalformedRequest",
    "MethodNotAllowed",
    "TooLarge",
    "UnsupportedMediaType",
    "as_status",
    "problem",
    "status_of",
]


class MalformedRequest(NightlatchError):
    """The body or query cannot be read."""

    code = "malformed_request"
    message = "The request cannot be read."


class TooLarge(NightlatchError):
    """The body is longer than anything this call takes."""

    code = "too_large"
    message = "That is too long."


class UnsupportedMediaType(NightlatchError):
    """The body is not of the type that this call takes."""

    code = "unsupported_media_type"
    message = "Send this as application/json."


class MethodNotAllowed(NightlatchError):
    """The path is there, the method is not."""

    code = "method_not_allowed"
    message = "That method is not available here."


STATUSES = {
    "malformed_request": 400,
    "invalid_credentials": 401,
    "invalid_code": 401,
    "not_authenticated": 401,
    "invalid_token": 401,
    "cross_site": 403,
    "forbidden": 403,
    "reauthenticate": 403,
    "recovery_closed": 403,
    "sign_up_closed": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "username_taken": 409,
    "attempt_invalid": 410,
    "link_invalid": 410,
    "too_large": 413,
    "unsupported_media_type": 415,
    "invalid_input": 422,
    "password_rejected": 422,
    "throttled": 429,
    "texts_held": 429,
    "busy": 503,
    "unavailable": 503,
}
"""Every public code and its status. A code that is not here is a fault of ours: 500, with nothing told."""

_TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    410: "Gone",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Content",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """RFC 9457 problem details, with the stable code that programs go by."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    errors: dict[str, str] = {}
    """For each field at fault, what is wrong with it."""
    aal: int | None = None
    max_age: float | None = None
    """For `reauthenticate`: what is asked for, in seconds."""
    phishing_resistant: bool = False
    begin: StepUp | None = None
    """For `reauthenticate`: the attempt to begin."""
    request_id: str | None = None


def status_of(error: NightlatchError) -> int:
    """Return the status of an error."""
    return STATUSES.get(error.code, 500)


def retry_after_of(error: NightlatchError) -> int | None:
    """Return whole seconds after which to try again, where an error says so."""
    wait = getattr(error, "retry_after", None)
    return None if wait is None else max(1, math.ceil(wait.total_seconds()))


def problem(error: NightlatchError | None, request_id: str | None, settings: Settings | None = None) -> Response:
    """Answer with a problem document.

    Args:
        error: what happened; None for a fault of ours, of which nothing is told.
        request_id: names the request in the logs.
        settings: for the address of an attempt that is to be begun; None where no refusal asks for one.
    """
    status = 500 if error is None else status_of(error)
    if error is None or status == 500:  # noqa: PLR2004
        code, detail = "internal", "Something went wrong on our side. Please try again."
    else:
        code, detail = error.code, error.message
    asked = error if isinstance(error, ReauthenticationRequired) else None
    body = Problem(
        type=f"urn:nightlatch:problem:{code}",
        title=_TITLES[status],
        status=status,
        code=code,
        detail=detail,
        errors=error.fields if isinstance(error, InvalidInput) else {},
        aal=asked.aal if asked else None,
        max_age=asked.max_age.total_seconds() if asked and asked.max_age else None,
        phishing_resistant=asked is not None and asked.phishing_resistant,
        begin=step_up(asked, settings) if asked and settings else None,
        request_id=request_id,
    )
    headers = [("Content-Type", "application/problem+json")]
    headers += _headers(error, status)
    return Response(status=status, headers=headers, body=msgspec.json.encode(body))


def as_status(told: Response, status: int) -> Response:
    """Answer a problem under another status, where the client knows few (a proxy that asks for somebody else's)."""
    if told.status != status:
        told.status = status
        told.headers += _headers(None, status)
    return told


def _headers(error: NightlatchError | None, status: int) -> list[tuple[str, str]]:
    headers: list[tuple[str, str]] = []
    wait = retry_after_of(error) if error is not None else None
    if wait is not None:
        headers.append(("Retry-After", str(wait)))
    if status == 401:  # noqa: PLR2004
        # RFC 9110 11.6.1 asks for a challenge; no browser opens a window for this scheme.
        refused_token = error is not None and error.code == "invalid_token"
        headers.append(("WWW-Authenticate", 'Bearer error="invalid_token"' if refused_token else "Session"))
    if isinstance(error, StoreUnavailable) and wait is None:
        headers.append(("Retry-After", "1"))
    return headers
