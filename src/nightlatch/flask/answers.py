"""Turning what is raised in the application's own code into our answer."""

from __future__ import annotations

from flask import Response

from nightlatch.errors import NightlatchError, StoreError
from nightlatch.flask.user import installation
from nightlatch.http.problems import status_of
from nightlatch.http.refusals import outage, refusal

__all__ = ["answer_error"]


def answer_error(error: NightlatchError) -> Response:
    """Answer a refusal: a page for who asks for pages, a problem document for everybody else.

    Raises:
        NightlatchError: it is no refusal but a fault, and the developer's to see with its traceback.
    """
    if status_of(error) == 500:  # noqa: PLR2004
        raise error
    # The exchange is not asked for in an outage: at first use the store may be what could not be reached.
    told = outage(error) if isinstance(error, StoreError) else refusal(installation().exchange, error)
    return Response(told.body, told.status, told.headers)
