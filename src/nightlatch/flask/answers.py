"""Turning what is raised in the application's own code into our answer."""

from __future__ import annotations

from flask import Response

from nightlatch.errors import NightlatchError, StoreUnavailable
from nightlatch.flask.user import installation
from nightlatch.http import answers

__all__ = ["answer_error"]


def answer_error(error: NightlatchError) -> Response:
    """Answer a refusal: a page for who asks for pages, a problem document for everybody else.

    Raises:
        NightlatchError: it is no refusal but a fault, and the developer's to see with its traceback.
    """
    try:
        exchange = installation().exchange
    except StoreUnavailable as second:
        told = answers.outage(second)
    else:
        told = answers.answer_error(exchange, error)
    return Response(told.body, told.status, told.headers)
