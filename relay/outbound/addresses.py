"""Which addresses may be asked: those of everybody, and no others.

Whoever may name a URL that Relay calls would otherwise reach what only Relay can: the database on
the loopback address, the cloud's metadata on the link, the router's own pages.  So an address is
judged by IANA's registries of special addresses (RFC 6890), for IPv6 the other way round: only
global unicast (2000::/3) is anybody's.  An IPv4 address inside of an IPv6 address is refused
whatever it is, because which machine answers there depends on gateways that nobody here knows.

What the operator allows is allowed first: a receiver in one's own network is no attack.
"""

import ipaddress
from collections.abc import Iterable

from relay.outbound.failures import Failure

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_FORBIDDEN: tuple[tuple[Network, Failure], ...] = tuple(
    (ipaddress.ip_network(network), failure)
    for network, failure in (
        ("0.0.0.0/8", Failure.UNSPECIFIED),
        ("10.0.0.0/8", Failure.PRIVATE),
        ("100.64.0.0/10", Failure.CGNAT),
        ("127.0.0.0/8", Failure.LOOPBACK),
        ("169.254.0.0/16", Failure.LINK_LOCAL),
        ("172.16.0.0/12", Failure.PRIVATE),
        ("192.0.0.0/24", Failure.RESERVED),
        ("192.0.2.0/24", Failure.RESERVED),
        # 6to4 relays (RFC 7526), and the sinks of AS112 (RFC 7534, 7535): nobody's own.
        ("192.31.196.0/24", Failure.RESERVED),
        ("192.52.193.0/24", Failure.RESERVED),
        ("192.88.99.0/24", Failure.RESERVED),
        ("192.168.0.0/16", Failure.PRIVATE),
        ("192.175.48.0/24", Failure.RESERVED),
        ("198.18.0.0/15", Failure.RESERVED),
        ("198.51.100.0/24", Failure.RESERVED),
        ("203.0.113.0/24", Failure.RESERVED),
        ("224.0.0.0/4", Failure.MULTICAST),
        ("240.0.0.0/4", Failure.RESERVED),
        ("::/128", Failure.UNSPECIFIED),
        ("::1/128", Failure.LOOPBACK),
        ("::/96", Failure.MAPPED),  # IPv4-compatible (RFC 4291, 2.5.5.1)
        ("::ffff:0:0/96", Failure.MAPPED),
        ("::ffff:0:0:0/96", Failure.MAPPED),  # translated (RFC 2765, 2.1)
        ("64:ff9b::/96", Failure.MAPPED),  # NAT64 (RFC 6052)
        ("64:ff9b:1::/48", Failure.MAPPED),  # NAT64 with a prefix of one's own (RFC 8215)
        ("2001::/32", Failure.MAPPED),  # Teredo
        ("2001::/23", Failure.RESERVED),
        ("2001:db8::/32", Failure.RESERVED),
        ("2002::/16", Failure.MAPPED),  # 6to4
        ("2620:4f:8000::/48", Failure.RESERVED),
        ("3fff::/20", Failure.RESERVED),
        ("fc00::/7", Failure.PRIVATE),
        ("fec0::/10", Failure.PRIVATE),  # site-local, before RFC 3879
        ("fe80::/10", Failure.LINK_LOCAL),
        ("ff00::/8", Failure.MULTICAST),
    )
)
"""The first that fits says why."""

_ANYBODYS = ipaddress.ip_network("2000::/3")
_ISATAP = (0x0000_5EFE, 0x0200_5EFE)
"""The interface identifiers' upper halves that an IPv4 address stands behind (RFC 5214, 6.1)."""


def refusal(address: Address, allowed: Iterable[Network] = ()) -> Failure | None:
    """Why this address may not be asked; None when it may."""
    if any(address in network for network in allowed):
        return None
    for network, failure in _FORBIDDEN:
        if address in network:
            return failure
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address not in _ANYBODYS:
        return Failure.RESERVED
    return Failure.MAPPED if (int(address) >> 32) & 0xFFFF_FFFF in _ISATAP else None


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Networks as the configuration has them.

    Raises:
        ValueError: one of them is none.
    """
    return tuple(ipaddress.ip_network(text) for text in texts)
