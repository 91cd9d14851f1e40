"""What this server sends to a configured address goes nowhere else (adversary 23)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nightlatch.services.outgoing import NotDelivered, Outgoing
from receiver import Receiver

PRIVATE = """
127.0.0.1 127.1 127.0.0.2 2130706433 0x7f000001 0x7f.1 017700000001 0177.0.0.1 0.0.0.0 0 10.0.0.1 10.255.255.255
172.16.0.1 172.31.255.255 192.168.0.1 169.254.169.254 169.254.170.2 100.64.0.1 100.100.100.200 192.0.0.8 192.0.0.192
192.0.2.1 198.18.0.1 198.51.100.1 203.0.113.1 192.88.99.1 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255
localhost [::1] [::] [::ffff:127.0.0.1] [::ffff:7f00:1] [::ffff:a9fe:a9fe] [::ffff:0:127.0.0.1] [::127.0.0.1]
[fe80::1] [fec0::1] [fc00::1] [fd00:ec2::254] [ff02::1] [64:ff9b::7f00:1] [64:ff9b::a9fe:a9fe] [64:ff9b:1::1]
[2002:7f00:1::] [2002:a9fe:a9fe::] [2001:0:7f00:1::1] [2001:db8::1] [2001:10::1] [3fff::1] [100::1] [5f00::1]
"""


@pytest.mark.parametrize("host", PRIVATE.split())
def test_023_no_spelling_of_a_private_address_is_connected_to(host: str) -> None:
    """Numbers in any notation, mapped and translated addresses, metadata services: refused before a connection."""
    with pytest.raises(NotDelivered) as refused:
        Outgoing().post(f"https://{host}:9/", b"{}", {})
    assert refused.value.reason in {"its address is not a public one", "gaierror"}


def test_023_a_name_that_leads_inside_is_refused_whatever_else_it_leads_to(receiver: Receiver) -> None:
    """A name is looked up once; one private address among public ones is enough to refuse, in either order."""
    asked: list[str] = []

    def leads_to(*addresses: str) -> Callable[[str, int], list[str]]:
        def resolve(host: str, _: int) -> list[str]:
            asked.append(host)
            return list(addresses)

        return resolve

    url = f"https://hooks.example.com:{receiver.port}/"
    for addresses in (("127.0.0.1",), ("93.184.216.34", "127.0.0.1"), ("127.0.0.1", "93.184.216.34"), ()):
        with pytest.raises(NotDelivered, match="not a public one"):
            Outgoing(leads_to(*addresses)).post(url, b"{}", {})
    assert (receiver.got, len(asked)) == ([], 4)
    # Where that is allowed it is connected to, by the address that was looked at and no other.
    plain = f"http://hooks.example.com:{receiver.port}/"
    Outgoing(leads_to("127.0.0.1")).post(plain, b"{}", {}, allow_private=True)
    assert receiver.got[0][0]["host"] == f"hooks.example.com:{receiver.port}"
    assert len(asked) == 5


def test_023_a_redirect_is_a_refusal(receiver: Receiver) -> None:
    """It is not followed, wherever it leads."""
    receiver.status, receiver.location = 307, f"http://127.0.0.1:{receiver.port}/other"
    with pytest.raises(NotDelivered, match="status 307"):
        Outgoing().post(receiver.url, b"{}", {}, allow_private=True)
    assert len(receiver.got) == 1
