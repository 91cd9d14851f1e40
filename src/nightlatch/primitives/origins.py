"""Addresses of sites as settings name them: in the one form that browsers send, or refused."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from nightlatch.errors import ConfigurationError

__all__ = ["base_url_of", "is_loopback", "origin_of"]

_PATH = re.compile(r"(/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)*/*")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address is this machine itself."""
    if host in {"localhost", "localhost."} or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def base_url_of(url: str) -> str:
    """Return the public address of an application's root.

    Args:
        url: as it was written.

    Raises:
        ConfigurationError: it is no such address, or a plain one of another machine.
    """
    parts = _split(url)
    if parts is None or not parts.hostname:
        raise ConfigurationError(f"base_url must be an address such as https://app.example.com, not {url!r}")
    if parts.query or parts.fragment or "@" in parts.netloc:
        raise ConfigurationError("base_url has no query, fragment, user or password")
    if _PATH.fullmatch(parts.path) is None or {".", ".."} & set(parts.path.split("/")):
        raise ConfigurationError(f"base_url must be an address such as https://app.example.com/shop, not {url!r}")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        # NIST SP 800-63B-4 5.1: a session secret never travels over plain HTTP.
        raise ConfigurationError(
            f"base_url is {url}: plain http is for this machine only (http://localhost:8000); elsewhere write https://"
        )
    return _site(parts) + parts.path.rstrip("/")


def origin_of(name: str, url: str, *, secure: bool) -> str:
    """Return an origin: scheme, host and port.

    Args:
        name: of the setting.
        url: as it was written.
        secure: whether it must be https, on this machine aside: whoever is on the way to a plain one speaks for it.

    Raises:
        ConfigurationError: it is none.
    """
    parts = _split(url)
    if parts is None or not parts.hostname or parts.path.strip("/") or parts.query or "@" in parts.netloc:
        raise ConfigurationError(f"{name}: {url!r} is not an origin such as https://shop.example.com")
    if secure and parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ConfigurationError(
            f"{name}: {url!r} is plain http, so that anybody on the way to it could act as its pages"
        )
    return _site(parts)


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port  # a number that is none raises here
    except ValueError:
        return None
    if parts.scheme not in _DEFAULT_PORTS or not parts.netloc.isascii() or not parts.netloc.isprintable():
        return None  # a name in other letters is written as browsers send it: xn--...
    return parts if set(parts.netloc).isdisjoint(" \"<>\\^`{|}'") else None


def _site(parts: SplitResult) -> str:
    """Return scheme, host and port as a browser has them in ``Origin``: lower case, the default port unsaid."""
    netloc = parts.netloc.lower()
    if parts.port == _DEFAULT_PORTS[parts.scheme] or netloc.endswith(":"):
        netloc = netloc.rpartition(":")[0]
    return f"{parts.scheme}://{netloc}"
