"""Between ASGI 3 and the web layer: what every ASGI server and framework speaks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from nightlatch.http.messages import Request, Response

__all__ = ["Receive", "Scope", "Send", "header_of", "path_of", "read_body", "request_of", "send_answer"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


def path_of(scope: Scope) -> str:
    """Return the path below the application's prefix, whether whoever stands before us keeps it or strips it."""
    path: str = scope["path"]
    prefix: str = scope.get("root_path", "").rstrip("/")
    below = path.removeprefix(prefix)
    return below if prefix and (not below or below[0] == "/") else path


def header_of(scope: Scope, name: bytes) -> str | None:
    """Return a header that counts only if it came once."""
    values = [value for each, value in scope["headers"] if each == name]
    return values[0].decode("latin-1") if len(values) == 1 else None


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes | None:
    """Read a body before a thread is taken for it: a client that sends slowly holds a task, and no thread.

    Args:
        scope: the request's.
        receive: gives its parts, however they were cut.
        limit: bytes of which one more is read, so that *too long* shows.

    Returns:
        the body; nothing of one that is refused by the length it declares; None where the client left.
    """
    declared = header_of(scope, b"content-length") or ""
    if declared.isdecimal() and int(declared[:12]) > limit:
        return b""
    parts, length, more = [], 0, True
    while more and length <= limit:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        part: bytes = message.get("body", b"")
        parts.append(part)
        length += len(part)
        more = message.get("more_body", False)
    return b"".join(parts)[: limit + 1]


def request_of(scope: Scope, path: str, body: bytes = b"") -> Request:
    """Turn a scope into a request.

    Args:
        scope: of ``http`` or ``websocket``.
        path: below the mount, or of the application's own route.
        body: read before.
    """
    client = scope.get("client")
    return Request(
        # A web socket is an act, though its handshake says GET: its method is RFC 8441's, which is not a safe one, so
        # that the origin is looked at (ASVS 4.4.2).
        method=scope["method"] if scope["type"] == "http" else "CONNECT",
        path=path,
        query=scope.get("query_string", b"").decode("latin-1"),
        headers=[(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]],
        peer=client[0] if client else None,
        read=lambda limit: body[: limit + 1],
    )


async def send_answer(response: Response, send: Send) -> None:
    """Hand a response to the server."""
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.framed_headers()]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})
