"""What an adapter hands over and what it gets back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nightlatch.flows.outcome import Complete
    from nightlatch.records import Session

__all__ = ["Request", "Response"]

_WITHOUT_CONTENT = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}


@dataclass(slots=True, kw_only=True)
class Request:
    """A request, as an adapter saw it. Nothing in it is believed yet.

    Args:
        method: upper case, any method at all.
        path: below the mount, percent-decoded, beginning with ``/``: ``/api/session``.
        query: raw, without the question mark.
        headers: names in lower case with their values, in the order they came; a name may occur more than once.
        peer: address of the machine at the other end of the connection, or None.
        read: returns the body, at most so many bytes and one more (so that *too long* shows), each time from the
            start of what is left; called once, before any parser of the framework.
    """

    method: str
    path: str
    query: str = ""
    headers: Iterable[tuple[str, str]] = ()
    peer: str | None = None
    read: Callable[[int], bytes] = lambda _limit: b""
    _by_name: dict[str, list[str]] | None = field(default=None, repr=False)

    def header(self, name: str) -> str | None:
        """Return a header's value; several are joined by a comma (RFC 9110 5.3)."""
        values = self.header_list(name)
        return ", ".join(values) if values else None

    def header_list(self, name: str) -> list[str]:
        """Return every value of a header, in order."""
        if self._by_name is None:
            found: dict[str, list[str]] = {}
            for each, value in self.headers:
                found.setdefault(each, []).append(value)
            self._by_name = found
        return self._by_name.get(name, [])


@dataclass(slots=True, kw_only=True)
class Response:
    """An answer.

    Args:
        status: 200 to 599.
        headers: names as they are sent; ``Set-Cookie`` may occur more than once.
        body: bytes, ready to send.
        signed_in: the sign-in whose session this answer's cookie carries: for adapters whose framework keeps a
            session of its own.
        rotated: the same, where the session is the one the request came with, under a new token.
        signed_out: the session that this request ended and rode on.
        route: the path of the route that answered, with its placeholder; empty where there was none.
        request_id: the request's, where anything has named it: an error, an audit event.
    """

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    signed_in: Complete | None = field(default=None, repr=False)
    rotated: Complete | None = field(default=None, repr=False)
    signed_out: Session | None = field(default=None, repr=False)
    route: str = ""
    request_id: str | None = None

    def without_body(self) -> None:
        """Become the answer to HEAD: nothing but the headers of GET's, its length told (RFC 9110 8.6)."""
        if self.body:
            self.headers.append(("Content-Length", str(len(self.body))))
            self.body = b""

    def framed_headers(self) -> list[tuple[str, str]]:
        """Return the headers with the body's length.

        It has no place where there is no content (RFC 9110 8.6); an answer to HEAD tells GET's by itself.
        """
        if self.status in _WITHOUT_CONTENT or any(name == "Content-Length" for name, _ in self.headers):
            return self.headers
        return [*self.headers, ("Content-Length", str(len(self.body)))]
