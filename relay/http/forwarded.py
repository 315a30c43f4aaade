"""Whose request a proxy forwards.

Anybody can write these headers, so only what trusted proxies appended counts: the list is walked
from its right end, and the first address that is no trusted proxy is the client.  What stands
further left is the client's own claim.
"""

import ipaddress
import re
from collections.abc import Iterable, Sequence

from relay.errors import ConfigError
from relay.http.request import header
from relay.http.response import Headers

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_HOPS = 32
"""More proxies in a row than anybody has; what is left of them stays unread, in one piece."""


def trusted_networks(networks: Iterable[str]) -> tuple[Network, ...]:
    """`http.trusted_proxies`, read.

    Raises:
        ConfigError: an entry is neither an address nor a network.
    """
    try:
        return tuple(ipaddress.ip_network(network) for network in networks)
    except ValueError as error:
        raise ConfigError(f"http.trusted_proxies: {error}") from error


def client_address(peer: str, headers: Headers, trusted: Sequence[Network]) -> str:
    """The address of whoever sent a request, without a port.

    `peer` is the other end of the connection, `HOST` or `HOST:PORT`.  Nobody's word is taken
    beyond an entry that is no address: then the last known hop stands for the client.
    """
    address = parse_address(peer)
    if address is None:
        return peer
    for claim in _claims(headers):
        if not is_trusted(address, trusted):
            break
        before = parse_address(claim)
        if before is None:
            break
        address = before
    return str(address)


def is_trusted(address: Address, trusted: Sequence[Network]) -> bool:
    """Whether an address lies in one of the networks."""
    return any(address in network for network in trusted)


_BRACKETED = re.compile(r"\[([0-9A-Fa-f:.]{2,45})(?:%[\w.-]{1,32})?\](?::\d{1,5})?")
"""The zone of a link-local address is left out: it names one of our interfaces."""
_IPV4 = re.compile(r"([0-9.]{7,15})(?::\d{1,5})?")
_IPV6 = re.compile(r"([0-9A-Fa-f:.]{2,45})")


def parse_address(claim: str) -> Address | None:
    """An address from `HOST`, `HOST:PORT`, `[HOST]` or `[HOST]:PORT`; None for anything else.

    An IPv4 address that a dual-stack socket shows as `::ffff:192.0.2.1` becomes 192.0.2.1.
    """
    for form in (_BRACKETED, _IPV4, _IPV6):
        if found := form.fullmatch(claim):
            return _address(found[1])
    return None


def _address(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


_FOR = re.compile(r'(?:^|;)\s*for\s*=\s*(?:"([^"\\]*)"|([^";\s]+))\s*(?:;|$)', re.IGNORECASE)


def _claims(headers: Headers) -> list[str]:
    """Addresses as the proxies appended them, the nearest first.

    X-Forwarded-For is what proxies write unasked; they pass a Forwarded header of the client's
    own making along untouched.  So the latter counts only where the former is missing.
    """
    legacy = header(headers, "x-forwarded-for")
    if legacy is not None:
        return [item.strip() for item in reversed(legacy.rsplit(",", _HOPS))]
    standard = header(headers, "forwarded")
    if standard is None:
        return []
    return [_forwarded_for(item) for item in reversed(standard.rsplit(",", _HOPS))]


def _forwarded_for(element: str) -> str:
    """`for` of one element (RFC 7239, 4); empty where there is none to read."""
    found = _FOR.search(element)
    return (found[1] or found[2] or "") if found else ""
