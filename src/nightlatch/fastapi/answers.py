"""Turning what is raised in the application's own code into our answer."""

from __future__ import annotations

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketState

from nightlatch.errors import NightlatchError, StoreUnavailable
from nightlatch.fastapi.visit import Visit, visit_of
from nightlatch.http import answers, messages
from nightlatch.http.problems import status_of

__all__ = ["answer_error"]

_DENIAL = "websocket.http.response"
_POLICY_VIOLATION = 1008
"""RFC 6455 7.4.1."""


async def answer_error(connection: HTTPConnection, error: Exception) -> Response | None:
    """Answer a refusal: a page for who asks for pages, a problem document for everybody else.

    It is registered for `NightlatchError`; an application that is mounted in another registers it for itself:
    ``inner.add_exception_handler(NightlatchError, answer_error)``.

    Raises:
        NightlatchError: it is no refusal but a fault, and the developer's to see with its traceback.
    """
    if not isinstance(error, NightlatchError) or status_of(error) == 500:  # noqa: PLR2004
        raise error
    visit = visit_of(connection)
    if isinstance(connection, WebSocket):
        await _refuse(connection, visit, error)
        return None
    assert isinstance(connection, Request)
    return _response(await visit.site.threads.look(lambda: _told(visit, error)))


def _told(visit: Visit, error: NightlatchError) -> messages.Response:
    try:
        exchange = visit.exchange()
    except StoreUnavailable as second:
        return answers.outage(second)
    return answers.answer_error(exchange, error)


def _response(told: messages.Response) -> Response:
    response = Response(told.body, told.status)
    response.raw_headers = [(n.lower().encode("latin-1"), v.encode("latin-1")) for n, v in told.framed_headers()]
    return response


async def _refuse(socket: WebSocket, visit: Visit, error: NightlatchError) -> None:
    if socket.application_state == WebSocketState.CONNECTING and _DENIAL in socket.scope.get("extensions", {}):
        told = await visit.site.threads.look(lambda: _told(visit, error))
        await socket.send_denial_response(_response(told))
    else:
        # Before the handshake was answered, the server turns this into 403.
        await socket.close(_POLICY_VIOLATION, error.code)
