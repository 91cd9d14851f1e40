"""Ask a service for leaked passwords without telling it the password: k-anonymity by ranges of hashes.

The service is told the first 20 bits of a SHA-1 and answers with every leaked hash that begins so. It is the protocol
of Pwned Passwords v3, which others can serve as well.
"""

from __future__ import annotations

import http.client
import time
from datetime import timedelta
from urllib.parse import urlsplit

from nightlatch.primitives.hash_list import hash_of

__all__ = ["PwnedPasswords", "RangeUnavailable"]

_PREFIX = 5
_MOST_BYTES = 1 << 20
"""A padded range has under 100 kB."""


class RangeUnavailable(Exception):
    """The service did not answer in time, or not as the protocol says."""


class PwnedPasswords:
    """Look passwords up at a range service. One connection for each question; redirects are not followed.

    Args:
        url: of the ranges, to which the first five digits of a hash are added.
        timeout: for the whole answer.
    """

    def __init__(self, url: str, timeout: timedelta) -> None:
        self._url = urlsplit(url if url.endswith("/") else f"{url}/")
        self._timeout = timeout.total_seconds()

    def contains(self, password: str) -> bool:
        """Tell whether a password has leaked.

        Raises:
            RangeUnavailable: nobody can tell.
        """
        digits = hash_of(password).hex().upper()
        wanted = digits[_PREFIX:]
        for line in self._range(digits[:_PREFIX]).splitlines():
            suffix, _, count = line.strip().partition(":")
            if suffix.upper() == wanted:
                return count != "0"  # padding counts nothing
        return False

    def _range(self, prefix: str) -> str:
        ends_at = time.monotonic() + self._timeout
        kind = http.client.HTTPSConnection if self._url.scheme == "https" else http.client.HTTPConnection
        connection = kind(self._url.hostname or "", self._url.port, timeout=self._timeout)
        try:
            # Padded, so that not even the length of what goes over the wire tells which range was asked for.
            headers = {"Add-Padding": "true", "User-Agent": "nightlatch", "Accept-Encoding": "identity"}
            connection.request("GET", f"{self._url.path}{prefix}", headers=headers)
            answer = connection.getresponse()
            if answer.status != 200:  # noqa: PLR2004 - OK
                raise RangeUnavailable(f"status {answer.status}")
            return self._read(answer, ends_at).decode("ascii")
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise RangeUnavailable(type(error).__name__) from None
        finally:
            connection.close()

    def _read(self, answer: http.client.HTTPResponse, ends_at: float) -> bytes:
        """Read the answer within the time for all of it: a socket's own time-out begins anew with each byte."""
        body = b""
        while part := answer.read1(1 << 16):
            body += part
            if len(body) > _MOST_BYTES:
                raise RangeUnavailable("answer too long")
            if time.monotonic() > ends_at:
                raise RangeUnavailable("answer too slow")
        return body
