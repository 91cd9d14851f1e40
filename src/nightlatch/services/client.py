"""Who is asking, as far as the connection tells."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, replace

from nightlatch.primitives.secret import Secret

__all__ = ["NOBODY", "Client"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """The other end of a request. Nothing here is evidence: it only chooses which budget a try is counted against.

    Args:
        ip: its address, after ``trusted_proxies``; None where it is unknown (all unknown ones share one budget).
        user_agent: what it calls itself, cut and cleaned.
        device: the text of its device cookie.
        request_id: names the request in logs and audit events.
    """

    ip: str | None = None
    user_agent: str | None = None
    device: Secret | None = None
    request_id: str | None = None

    def without_cookies(self) -> Client:
        """Return the same, for a client that asked for tokens: no cookie that it may have sent is read."""
        return replace(self, device=None)

    @property
    def address(self) -> str:
        """The narrow network that a budget is kept for: IPv4 /32, IPv6 /64."""
        return self._network(32, 64)

    @property
    def network(self) -> str:
        """The wider network: IPv4 /24, IPv6 /48 (what one customer commonly holds)."""
        return self._network(24, 48)

    def _network(self, v4: int, v6: int) -> str:
        try:
            address = ipaddress.ip_address(self.ip or "")
        except ValueError:
            return "unknown"  # adversary 78: no address is one shared budget, not no budget
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        prefix = v4 if address.version == 4 else v6  # noqa: PLR2004 - IP versions
        return str(ipaddress.ip_network((address, prefix), strict=False))


NOBODY = Client()
"""The command line and other callers without a connection."""
