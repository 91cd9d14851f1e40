"""Cookies: their names, their rules, and reading them without trust.

Over https the one name accepted carries the ``__Host-Http-`` prefix (older browsers read it as ``__Host-``): no
subdomain and no script can plant it ("Cookie Crumbles", USENIX Security 2023). Over loopback http there is no prefix
and no ``Secure``. ``base_url`` decides which, never the request's scheme. A name sent twice is no cookie.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from nightlatch.settings import Settings

__all__ = ["Cookies", "read"]

_LONGEST_HEADER = 16_384


class Cookies:
    """The cookies of one installation.

    Args:
        settings: for the name, and whether ``base_url`` is https.
    """

    def __init__(self, settings: Settings) -> None:
        prefix = "__Host-Http-" if settings.secure else ""
        self.session = f"{prefix}{settings.cookie_name}"
        self.device = f"{prefix}{settings.cookie_name}_device"
        self.attempt = f"{prefix}{settings.cookie_name}_attempt"
        self.visitor = f"{prefix}{settings.cookie_name}_visitor"
        # On the hosts of applications that ask us (`forward`): each has one of its own.
        self.forward = f"{prefix}{settings.cookie_name}_forward"
        self.forward_state = f"{prefix}{settings.cookie_name}_forward_state"
        self.notice = f"{prefix}{settings.cookie_name}_notice"
        self.offered = f"{prefix}{settings.cookie_name}_offered"
        # Path=/ and no Domain, as the prefix demands; Lax, so that a link from a mail finds its session.
        self._rules = "Path=/; HttpOnly; SameSite=Lax" + ("; Secure" if settings.secure else "")

    def set(self, name: str, value: str, *, life: timedelta | None) -> tuple[str, str]:
        """Return the header that sets a cookie; without a life it ends with the browser."""
        age = "" if life is None else f"; Max-Age={int(life.total_seconds())}"
        return ("Set-Cookie", f"{name}={value}; {self._rules}{age}")

    def clear(self, name: str) -> tuple[str, str]:
        """Return the header that takes a cookie away."""
        return ("Set-Cookie", f"{name}=; {self._rules}; Max-Age=0")


def read(headers: Iterable[str], name: str) -> str | None:
    """Return a cookie's value.

    Args:
        headers: every ``Cookie`` header of the request.
        name: the cookie's.

    Returns:
        its value; None where it is missing, empty, sent twice (one of the two may be an attacker's), or where the
        header is longer than any that we cause.
    """
    found: str | None = None
    for header in headers:
        if len(header) > _LONGEST_HEADER:
            return None
        for pair in header.split(";"):
            each, _, value = pair.partition("=")
            if each.strip() == name:
                if found is not None:
                    return None
                found = value.strip()
    return found or None
