"""A Django request as a `Request`, and a `Response` as Django's."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from http.cookies import Morsel, SimpleCookie
from typing import Any

from django.http import HttpRequest, HttpResponse

from nightlatch.http.messages import Request, Response
from nightlatch.http.problems import MalformedRequest
from nightlatch.http.wsgi import request_of

__all__ = ["http_response", "request_from", "set_cookies"]


def request_from(request: HttpRequest, path: str) -> Request:
    """Turn a request of either kind into ours.

    Args:
        request: Django's, made of a WSGI environment or of an ASGI scope.
        path: below the mount; for the project's own routes the whole of it.
    """
    scope = getattr(request, "scope", None)
    if scope is None:
        # A request without an environment is a stand-in: the test client logs in with one.
        made = request_of({"REQUEST_METHOD": request.method or "GET", **request.META}, path)
    else:
        made = Request(
            method=scope["method"],
            path=path,
            query=_text(scope.get("query_string", b"")),
            headers=[(_text(name).lower(), _text(value)) for name, value in scope.get("headers", ())],
            peer=(scope.get("client") or (None,))[0],
        )
    made.read = _reader(request, made.read if scope is None else None)
    return made


def _text(value: bytes | str) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")


def _reader(request: HttpRequest, from_environ: Callable[[int], bytes] | None) -> Callable[[int], bytes]:
    """Read the body once, before any parser of Django's; or what a middleware in front has read already."""

    def read(limit: int) -> bytes:
        if hasattr(request, "_body"):
            return bytes(request._body[: limit + 1])
        if request._read_started:
            raise MalformedRequest("a middleware has parsed the body")
        request._read_started = True
        try:
            return from_environ(limit) if from_environ else bytes(request._stream.read(limit + 1))
        except OSError:
            raise MalformedRequest("the body did not arrive") from None

    return read


def http_response(told: Response) -> HttpResponse:
    """Turn an answer into Django's."""
    response = _Answer(told.body, status=told.status)
    del response.headers["Content-Type"]  # Django's own guess, where ours has none
    plain: dict[str, list[str]] = {}
    for name, value in told.headers:
        if name != "Set-Cookie":
            plain.setdefault(name, []).append(value)
    for name, values in plain.items():
        response.headers[name] = ", ".join(values)
    set_cookies(response, told.headers)
    return response


class _Answer(HttpResponse):
    """An answer whose length Django's CommonMiddleware tells, except where there is no content to have one."""

    def has_header(self, header: str) -> bool:
        """Say that no length is missing where none may be told (RFC 9110 8.6)."""
        none = self.status_code in {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}
        return (none and header.lower() == "content-length") or super().has_header(header)


def set_cookies(response: HttpResponse, headers: Iterable[tuple[str, str]]) -> None:
    """Put our ``Set-Cookie`` headers on a response, letter for letter."""
    for name, value in headers:
        if name == "Set-Cookie":
            parsed: SimpleCookie = SimpleCookie(value)
            for key, morsel in parsed.items():
                response.cookies[key] = _Verbatim(morsel, value)


class _Verbatim(Morsel[str]):
    """A cookie that is written as it was given: Django's own would name its attributes in another order."""

    def __init__(self, parsed: Morsel[str], text: str) -> None:
        super().__init__()
        self.set(parsed.key, parsed.value, parsed.coded_value)
        self.update(parsed)
        self._text = text

    def output(self, attrs: Any = None, header: str = "Set-Cookie:") -> str:
        """Return the header."""
        del attrs
        return f"{header} {self._text}".lstrip()

    def OutputString(self, attrs: Any = None) -> str:  # noqa: N802 - http.cookies calls it so
        """Return the value."""
        del attrs
        return self._text
