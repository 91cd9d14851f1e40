"""Between WSGI (PEP 3333) and the web layer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from nightlatch.http.messages import Request, Response

__all__ = ["answer", "path_of", "request_of"]

_STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


def path_of(environ: dict[str, Any]) -> str:
    """Return the path as text; bytes that are no UTF-8 stay visible as replacement characters."""
    raw: str = environ.get("PATH_INFO", "")
    return raw if raw.isascii() else raw.encode("latin-1", "replace").decode("utf-8", "replace")


def request_of(environ: dict[str, Any], path: str) -> Request:
    """Turn a WSGI environment into a request.

    Args:
        environ: PEP 3333's.
        path: below the mount.
    """

    def read(limit: int) -> bytes:
        try:
            length = int(environ.get("CONTENT_LENGTH") or 0)
        except ValueError:
            length = 0
        chunked = "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "")
        wanted = limit + 1 if chunked else min(length, limit + 1)
        body: bytes = environ["wsgi.input"].read(wanted) if wanted > 0 else b""
        return body

    headers = [
        (name[5:].replace("_", "-").lower(), value) for name, value in environ.items() if name.startswith("HTTP_")
    ]
    if environ.get("CONTENT_TYPE"):
        headers.append(("content-type", environ["CONTENT_TYPE"]))
    if environ.get("CONTENT_LENGTH"):
        headers.append(("content-length", environ["CONTENT_LENGTH"]))
    return Request(
        method=environ["REQUEST_METHOD"].upper(),  # ASGI and Django know upper case alone
        path=path,
        query=environ.get("QUERY_STRING", ""),
        headers=headers,
        peer=environ.get("REMOTE_ADDR"),
        read=read,
    )


def answer(response: Response, start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Hand a response to the server."""
    start_response(_STATUS_LINES[response.status], response.framed_headers())
    return [response.body]
