"""Which IP addresses are of the public internet: what a configured address of somebody else's may lead to.

What is not surely public is refused: a name may lead to this machine, to a cloud's metadata or to a neighbour in many
spellings (adversary 23), and an IPv6 address may carry an IPv4 one.
"""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

__all__ = ["is_public"]

_V6_IN_USE = IPv6Network("2000::/3")
"""IANA gives out global unicast addresses from here alone; mapped, translated and local ones are all outside."""
_V6_SPECIAL = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))
"""Teredo and protocol assignments, documentation, 6to4."""
_V4_SPECIAL = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/3",
        ),
    )
)
"""IANA's special-purpose registry, multicast and what is reserved."""


def is_public(address: str) -> bool:
    """Tell whether an address is one of the public internet.

    Args:
        address: as the resolver gives it.
    """
    try:
        found = ip_address(address)
    except ValueError:
        return False  # a zone (fe80::1%eth0) too
    if isinstance(found, IPv6Address):
        return found in _V6_IN_USE and not any(found in network for network in _V6_SPECIAL)
    return not any(found in network for network in _V4_SPECIAL)
