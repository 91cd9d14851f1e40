"""What is sent, and what takes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from nightlatch.http.messages import Response

__all__ = ["LOCALHOST", "Sent", "Site"]

LOCALHOST = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A request as a client writes it on the wire.

    Args:
        method: as it is written.
        target: the whole path, percent-encoded, and the query: ``/auth/api/session?a=b``.
        headers: names and values in order; a name may occur more than once. Nothing is added but
            ``Host``, where none is among them.
        body: bytes.
        peer: the client's address. A real socket has 127.0.0.1 alone.
        root: a prefix that a proxy or dispatcher in front strips from the path and names as ``SCRIPT_NAME`` or
            ``root_path``; empty where nobody does.
    """

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    peer: str | None = LOCALHOST
    root: str = ""

    def has(self, name: str) -> bool:
        """Tell whether a header is sent."""
        return any(each.lower() == name for each, _ in self.headers)

    @property
    def chunked(self) -> bool:
        """Whether the body travels in chunks, its length untold."""
        return self.has("transfer-encoding")


class Site(Protocol):
    """Somewhere to send requests to."""

    def send(self, sent: Sent) -> Response:
        """Send a request and return the answer: status, headers as they came (order and duplicates kept), body."""
        ...

    def close(self) -> None:
        """Let everything go."""
        ...
