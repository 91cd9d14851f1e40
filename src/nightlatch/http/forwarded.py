"""What a proxy tells of the request that it asks for: believed from ``trusted_proxies`` alone."""

from __future__ import annotations

import re

from nightlatch.errors import Forbidden
from nightlatch.http.exchange import Exchange
from nightlatch.http.guards import SAFE_METHODS
from nightlatch.http.messages import Request
from nightlatch.services.forward_rules import Asked

__all__ = ["asked_request", "asked_site", "is_foreign"]

_HOST = re.compile(r"[A-Za-z0-9.-]{1,190}(:[0-9]{1,5})?|\[[0-9A-Fa-f:]{2,45}\](:[0-9]{1,5})?", re.ASCII)
_METHOD = re.compile(r"[A-Z]{1,20}", re.ASCII)
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def asked_site(exchange: Exchange) -> str:
    """Return the origin of the application that a proxy asks for.

    Raises:
        Forbidden: whoever asks may not, or there is no such application.
    """
    if not exchange.app.proxies.trusts(exchange.request.peer):
        raise Forbidden("asked by nobody in trusted_proxies")
    scheme, host = _one(exchange.request, "x-forwarded-proto"), _one(exchange.request, "x-forwarded-host").lower()
    if scheme not in _DEFAULT_PORTS or _HOST.fullmatch(host) is None:
        raise Forbidden("no scheme, or no host")
    site = f"{scheme}://{host.removesuffix(_DEFAULT_PORTS[scheme])}"
    if not exchange.auth.forward.knows(site):
        raise Forbidden(f"no rule for {site}")
    return site


def asked_request(exchange: Exchange) -> Asked:
    """Return the request that a proxy asks for.

    Raises:
        Forbidden: as `asked_site`; or what it tells of the request is missing, or there twice.
    """
    site, request = asked_site(exchange), exchange.request
    method, target = _one(request, "x-forwarded-method"), _one(request, "x-forwarded-uri")
    if _METHOD.fullmatch(method) is None:
        raise Forbidden("no method")
    return Asked(site=site, method=method, target=target)


def is_foreign(request: Request, asked: Asked) -> bool:
    """Tell whether a request that may change something, or opens a WebSocket, comes from another site's page.

    The application's own guard is not ours to count on, and `same-site` is not enough (a neighbour on the same domain
    may be somebody else's). The proxy hands on what the browser says of it.
    """
    opens_socket = request.header("sec-websocket-key") is not None or request.header("sec-fetch-mode") == "websocket"
    if asked.method in SAFE_METHODS and not opens_socket:
        return False
    site = request.header("sec-fetch-site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origins = request.header_list("origin")
    return bool(origins) and origins != [asked.site]


def _one(request: Request, name: str) -> str:
    """Return a header that came exactly once: of two, or of a list, one may be the client's."""
    values = request.header_list(name)
    if len(values) != 1:
        raise Forbidden(f"{name} missing, or more than once")
    return values[0]
