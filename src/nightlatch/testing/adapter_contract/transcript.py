"""Writing down what was said, with names in place of what is random, so that two talks can be compared."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from nightlatch.http.messages import Response
from nightlatch.ports import Mail
from nightlatch.testing.sites.site import Sent, Site

__all__ = ["SERVERS_OWN", "Recorder", "Transcript"]

SERVERS_OWN: Mapping[str, str] = {
    "date": "a server with a clock sends it (RFC 9110 6.6.1)",
    "server": "a server may say what it is (RFC 9110 10.2.4)",
    "connection": "is about the connection, not the answer (RFC 9110 7.6.1)",
    "keep-alive": "is about the connection",
    "transfer-encoding": "is about the connection (RFC 9112 6.1)",
    "content-length": "some layer between us and the wire adds it; compared with the body instead",
}
"""The only headers in which answers may differ, and why. Beside them, names are compared without case (RFC 9110 5.1),
and order is compared among headers of one name, since among others it says nothing (5.3)."""

_RANDOM = re.compile(
    r"(?P<token>nl[a-z]_[0-9A-Za-z]{22}_[0-9A-Za-z]{43}_[0-9A-Za-z]{6})"
    r"|(?P<jwt>eyJ[\w-]+\.[\w-]+\.[\w-]+)"
    r"|(?P<key>(?<=\")[\w-]{43}(?=\"))"
    r"|(?P<id>(?i:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}))"
    r"|(?P<state>(?:(?<=state=)|(?<=state%3D))[\w-]{43})"
    r"|(?P<mac>\b[0-9a-f]{64}\b)"
    r"|(?P<visitor>\b[0-9a-f]{32}\b)"
    r"|(?P<code>\b\d{4} \d{4}\b)"
    r"|(?P<seed>\b(?:[A-Z2-7]{4} ){7}[A-Z2-7]{4}\b)"
    r"|(?P<seed_key>(?<=secret=)[A-Z2-7]{32})"
    r"|(?P<picture><svg[^>]*?class=\\?.qr\\?.[^>]*>.*?</svg>)"
    r"|(?P<challenge>(?<=\"challenge\":\")[A-Za-z0-9_-]{43})"
    r"|(?P<credential>(?:(?<=\"id\":\")|(?<=data-user=\"))[A-Za-z0-9_-]{43}(?:[A-Za-z0-9_-]{43})?)"
    r"|(?P<recovery>(?:(?<=%0A)|\b)[0-9a-hjkmnp-tv-z]{5}-[0-9a-hjkmnp-tv-z]{5}-[0-9a-hjkmnp-tv-z]{5}\b)"
)


class Transcript:
    """Lines of what was sent, answered and mailed. What is random bears the number of its first appearance."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._names: dict[str, str] = {}

    def sent(self, sent: Sent, response: Response) -> None:
        """Write down a request and its answer."""
        self._write(f"> {sent.method} {sent.target}")
        self._write(f"< {response.status}")
        headers = [(name.lower(), value) for name, value in response.headers]
        for name, value in sorted(headers, key=lambda pair: pair[0]):
            if name not in SERVERS_OWN:
                self._write(f"< {name}: {value}")
        for line in response.body.decode("utf-8", "backslashreplace").splitlines(keepends=True):
            self._write(f"| {line}")

    def mailed(self, mail: Mail) -> None:
        """Write down a mail."""
        self._write(f"@ {mail.sender_name} <{mail.sender}> to {mail.to}: {mail.subject}")
        for line in (mail.text + mail.html).splitlines():
            self._write(f"@ {line}")

    def _write(self, line: str) -> None:
        self.lines.append(_RANDOM.sub(self._name, line))

    def _name(self, found: re.Match[str]) -> str:
        kind = found.lastgroup or ""
        word = found.group()[:3] if kind == "token" else kind
        return self._names.setdefault(found.group(), f"<{word} {len(self._names) + 1}>")


class Recorder:
    """Be a site, and write down what is said at another.

    Args:
        site: the other.
        ours: tells what of a header (name in lower case, value) is the adapter's; None where it belongs to what stands
            around it.
    """

    def __init__(self, site: Site, ours: Callable[[str, str], str | None]) -> None:
        self.transcript = Transcript()
        self._site = site
        self._ours = ours

    def send(self, sent: Sent) -> Response:
        """Send a request, see that the length told is the body's, and write both down."""
        response = self._site.send(sent)
        lengths = [value for name, value in response.headers if name.lower() == "content-length"]
        if sent.method.upper() == "HEAD":
            # RFC 9110 8.6: the length that GET would have, or none; 0 would be a lie.
            assert response.body == b"", "an answer to HEAD has no body"
            assert lengths != ["0"] or response.status == 303, "HEAD tells the length of GET's body, or none"
        elif response.status in {204, 304}:
            assert lengths == [], "where there is no content there is no length"
        else:
            assert lengths in ([], [str(len(response.body))]), (sent.target, lengths)
        told = [(name, self._ours(name.lower(), value)) for name, value in response.headers]
        response.headers = [(name, value) for name, value in told if value is not None]
        self.transcript.sent(sent, response)
        return response

    def close(self) -> None:
        """Close the other."""
        self._site.close()
