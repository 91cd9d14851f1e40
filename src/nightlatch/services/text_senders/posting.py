"""Posting to a provider over TLS, and telling *not now* from *never*."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlsplit

from nightlatch.errors import ConfigurationError
from nightlatch.ports import Undeliverable
from nightlatch.primitives.origins import is_loopback

__all__ = ["NotTaken", "post", "secure_url"]

_LONGEST_ANSWER = 65536
_TRY_AGAIN = {408, 425, 429}


class NotTaken(Exception):
    """The provider did not take a text, this time. It carries the status alone: answers quote numbers and texts."""


def secure_url(url: str) -> str:
    """Return an address that texts may be posted to: https, or this machine.

    Raises:
        ConfigurationError: it is neither.
    """
    parts = urlsplit(url)
    if not parts.hostname or (parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname))):
        raise ConfigurationError(f"sms.url must be https (http only on this machine), not {url!r}")
    return url


def post(url: str, body: bytes, headers: Mapping[str, str], *, timeout: timedelta) -> bytes:
    """Post a request and return what was answered. Redirects are not followed: they would take credentials along.

    Args:
        url: https; the certificate is verified (ASVS 12.3.2).
        body: as it is signed.
        headers: beside the length.
        timeout: for connecting, and for each wait.

    Raises:
        Undeliverable: refused for good (4xx).
        NotTaken: not taken this time (5xx, 429, an answer that is none).
        OSError: not reached, or too slow.
    """
    parts = urlsplit(url)
    host, seconds = parts.hostname or "", timeout.total_seconds()
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(host, parts.port, timeout=seconds, context=context)
    else:
        connection = http.client.HTTPConnection(host, parts.port, timeout=seconds)
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", target, body, dict(headers))
        response = connection.getresponse()
        answer = response.read(_LONGEST_ANSWER)
    except http.client.HTTPException as error:
        raise NotTaken(type(error).__name__) from None
    finally:
        connection.close()
    status = response.status
    if 200 <= status < 300:  # noqa: PLR2004 - RFC 9110 15.3
        return answer
    if 400 <= status < 500 and status not in _TRY_AGAIN:  # noqa: PLR2004
        raise Undeliverable(f"status {status}")
    raise NotTaken(f"status {status}")
