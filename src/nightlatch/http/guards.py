"""What is looked at before a handler runs: where a request came from, whose it is, from which address."""

from __future__ import annotations

import ipaddress
from datetime import datetime, timedelta
from functools import lru_cache

from nightlatch.errors import CrossSite, Forbidden, NotAuthenticated, ReauthenticationRequired
from nightlatch.http.messages import Request
from nightlatch.primitives.assurance import meets
from nightlatch.records import Session
from nightlatch.settings import Settings

__all__ = ["SAFE_METHODS", "Origins", "Proxies", "admit", "clean_user_agent"]

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

_LONGEST_USER_AGENT = 400
_LONGEST_ADDRESS = 45


class Origins:
    """Tell whether an unsafe request comes from this site's own pages (OWASP CSRF, Fetch Metadata).

    Args:
        settings: for the origins that may.
    """

    def __init__(self, settings: Settings) -> None:
        self.allowed = frozenset({settings.origin, *settings.allowed_origins})
        self.foreign = frozenset(settings.allowed_origins) - {settings.origin}

    def own(self, request: Request) -> bool:
        """Tell whether a request may act with this site's cookies.

        `same-site` is not enough: a neighbour on the same domain may be somebody else's. With neither header (no
        current browser leaves both out) the request is a program's, which no page has made it send.
        """
        origins = request.header_list("origin")
        site = request.header("sec-fetch-site")
        if site is not None:
            return site in {"same-origin", "none"} or (len(origins) == 1 and origins[0] in self.foreign)
        if origins:
            return len(origins) == 1 and origins[0] in self.allowed
        return True

    def guard(self, request: Request) -> None:
        """Refuse an unsafe request that comes from elsewhere.

        Raises:
            CrossSite: it does.
        """
        if request.method not in SAFE_METHODS and not self.own(request):
            raise CrossSite("cross-origin unsafe request")


def admit(
    session: Session | None,
    *,
    role: str | None = None,
    aal: int | None = None,
    max_age: timedelta | None = None,
    phishing_resistant: bool = False,
    now: datetime,
) -> Session:
    """Let a session pass to a host application's own route.

    Args:
        session: the living session of the request, or None.
        role: one that the user must have.
        aal: the assurance level that the session must have reached.
        max_age: how old its proof may be.
        phishing_resistant: whether a proof that cannot be phished (a passkey) must be among them.
        now: the time.

    Returns:
        the session.

    Raises:
        NotAuthenticated: nobody is signed in.
        Forbidden: the user does not have the role.
        ReauthenticationRequired: the session is not sure or not fresh enough.
    """
    if session is None:
        raise NotAuthenticated("nobody is signed in")
    if role is not None and role not in session.roles:
        raise Forbidden(f"role {role}")
    asks = aal is not None or max_age is not None or phishing_resistant
    if asks and not meets(
        session.evidence, aal=aal or 1, max_age=max_age, phishing_resistant=phishing_resistant, now=now
    ):
        raise ReauthenticationRequired(
            "session not sure enough", aal=aal, max_age=max_age, phishing_resistant=phishing_resistant
        )
    return session


class Proxies:
    """Tell a client's address.

    Args:
        settings: for ``trusted_proxies``. Without them no header is believed (adversary 74).
    """

    def __init__(self, settings: Settings) -> None:
        self._trusted = tuple(ipaddress.ip_network(each, strict=False) for each in settings.trusted_proxies)

    def trusts(self, address: str | None) -> bool:
        """Tell whether an address may say whom it forwards for."""
        parsed = _address(address or "")
        return parsed is not None and any(parsed in network for network in self._trusted)

    def client(self, request: Request) -> str | None:
        """Return the client's address: right to left, the first that no trusted proxy has.

        Garbage on the way ends the walk at the last address that is certain: the stricter budget.
        """
        peer = _address((request.peer or "").partition("%")[0])
        if peer is None:
            return None
        certain = str(peer)
        if not self._trusted or not self.trusts(certain):
            return certain
        for text in reversed(",".join(request.header_list("x-forwarded-for")).split(",")):
            parsed = _address(text.strip())
            if parsed is None:
                return certain
            certain = str(parsed)
            if not self.trusts(certain):
                return certain
        return certain


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    # A zone (fe80::1%eth0) means something on this machine alone, and may be a text of any length.
    return _parsed(text) if len(text) <= _LONGEST_ADDRESS and "%" not in text else None


@lru_cache(maxsize=4096)
def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        parsed = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return mapped or parsed


def clean_user_agent(text: str | None) -> str | None:
    """Return what a client calls itself, short and without control characters (log injection, ASVS 16.4.1)."""
    if not text:
        return None
    cleaned = "".join(each if each.isprintable() else " " for each in text[:_LONGEST_USER_AGENT])
    return cleaned.strip() or None
