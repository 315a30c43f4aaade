"""Which addresses may be asked."""

import ipaddress

import pytest

from relay.outbound.addresses import networks, refusal
from relay.outbound.failures import Failure

REFUSED = {
    "0.0.0.0": Failure.UNSPECIFIED,
    "0.1.2.3": Failure.UNSPECIFIED,
    "10.0.0.1": Failure.PRIVATE,
    "100.64.0.1": Failure.CGNAT,
    "100.127.255.254": Failure.CGNAT,
    "127.0.0.1": Failure.LOOPBACK,
    "127.255.255.254": Failure.LOOPBACK,
    "169.254.169.254": Failure.LINK_LOCAL,
    "172.16.0.1": Failure.PRIVATE,
    "172.31.255.255": Failure.PRIVATE,
    "192.0.0.170": Failure.RESERVED,
    "192.0.2.1": Failure.RESERVED,
    "192.88.99.1": Failure.RESERVED,
    "192.168.1.1": Failure.PRIVATE,
    "198.18.0.1": Failure.RESERVED,
    "198.51.100.1": Failure.RESERVED,
    "203.0.113.1": Failure.RESERVED,
    "224.0.0.1": Failure.MULTICAST,
    "239.255.255.255": Failure.MULTICAST,
    "240.0.0.1": Failure.RESERVED,
    "255.255.255.255": Failure.RESERVED,
    "::": Failure.UNSPECIFIED,
    "::1": Failure.LOOPBACK,
    "::7f00:1": Failure.MAPPED,
    "::ffff:127.0.0.1": Failure.MAPPED,
    "::ffff:93.184.215.14": Failure.MAPPED,
    "::ffff:0:127.0.0.1": Failure.MAPPED,
    "64:ff9b::7f00:1": Failure.MAPPED,
    "64:ff9b:1::a00:1": Failure.MAPPED,
    "100::1": Failure.RESERVED,
    "2001:0:4136:e378:8000:63bf:80ff:fffe": Failure.MAPPED,
    "2001:2::1": Failure.RESERVED,
    "2001:db8::1": Failure.RESERVED,
    "2002:7f00:1::": Failure.MAPPED,
    "2606:2800::5efe:127.0.0.1": Failure.MAPPED,
    "2606:2800::200:5efe:10.0.0.1": Failure.MAPPED,
    "3fff::1": Failure.RESERVED,
    "4000::1": Failure.RESERVED,
    "5f00::1": Failure.RESERVED,
    "fc00::1": Failure.PRIVATE,
    "fd12:3456::1": Failure.PRIVATE,
    "fe80::1": Failure.LINK_LOCAL,
    "fe80::1%eth0": Failure.LINK_LOCAL,
    "fec0::1": Failure.PRIVATE,
    "ff02::1": Failure.MULTICAST,
}
ANYBODYS = (
    "1.1.1.1",
    "93.184.215.14",
    "100.63.255.255",
    "100.128.0.1",
    "172.15.255.255",
    "172.32.0.1",
    "223.255.255.255",
    "2606:2800:21f:cb07:6820:80da:af6b:8b2c",
    "2a00:1450:4001:82f::200e",
)


@pytest.mark.parametrize(("text", "failure"), REFUSED.items())
def test_an_address_that_is_nobodys_in_public_is_refused(text: str, failure: Failure) -> None:
    assert refusal(ipaddress.ip_address(text)) is failure


@pytest.mark.parametrize("text", ANYBODYS)
def test_an_address_of_anybodys_is_not(text: str) -> None:
    assert refusal(ipaddress.ip_address(text)) is None


def test_whatever_python_calls_special_is_refused() -> None:
    """The standard library has a list of its own; nothing on it may be missing from ours."""
    special = [
        address
        for address in map(ipaddress.ip_address, (*REFUSED, *ANYBODYS))
        if not address.is_global or address.is_multicast
    ]
    assert special
    assert all(refusal(address) for address in special)


def test_the_operator_may_allow_a_network_and_no_more_of_it() -> None:
    allowed = networks(["10.1.0.0/16", "fd00::/8", "127.0.0.1/32"])
    assert refusal(ipaddress.ip_address("10.1.2.3"), allowed) is None
    assert refusal(ipaddress.ip_address("fd00::1"), allowed) is None
    assert refusal(ipaddress.ip_address("127.0.0.1"), allowed) is None
    assert refusal(ipaddress.ip_address("10.2.0.1"), allowed) is Failure.PRIVATE
    assert refusal(ipaddress.ip_address("127.0.0.2"), allowed) is Failure.LOOPBACK
    # What is allowed was said of IPv4; a gateway's address for it is another one.
    assert refusal(ipaddress.ip_address("::ffff:127.0.0.1"), allowed) is Failure.MAPPED
