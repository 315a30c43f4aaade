"""The PROXY protocol, versions 1 and 2: who connected, said by the load balancer before all else.

Source: HAProxy's proxy-protocol.txt, sections 2.1 and 2.2.  Read only on connections from trusted
networks, and required there: whoever is asked to guess whether it is present can be lied to.
"""

import ipaddress
import re
import struct
from collections.abc import Callable
from typing import Literal

import attrs

from relay.errors import RemoteProtocolError
from relay.http.signals import NEED_DATA, Signal

_V1_PREFIX = b"PROXY "
_V1_BYTES = 107
_V2_SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
_V2_HEADER = struct.Struct("!12sBBH")
_V2_BYTES = 536
"""As much as every host must be able to take at once (2.2): addresses and their extensions."""


@attrs.frozen
class ProxyHeader:
    """What the load balancer said."""

    address: str | None
    """`HOST:PORT`, or None where it speaks for itself: a health check, or an unknown protocol."""
    consumed: int
    """Bytes of the header; what follows belongs to the client."""


def parse_proxy_header(data: bytes) -> ProxyHeader | Literal[Signal.NEED_DATA]:
    """The header at the start of a connection; never needs more than 536 bytes.

    Raises:
        RemoteProtocolError: there is none, or a malformed one.  Close without a word.
    """
    if data[:6] == _V1_PREFIX:
        return _parse_v1(data)
    if data[:12] == _V2_SIGNATURE:
        return _parse_v2(data)
    if _V1_PREFIX.startswith(data) or _V2_SIGNATURE.startswith(data):
        return NEED_DATA
    raise RemoteProtocolError("no PROXY header")


_V1_LINE = re.compile(
    rb"PROXY (?:UNKNOWN(?: [^\r\n]*)?"
    rb"|(TCP[46]) ([0-9A-Fa-f.:]+) ([0-9A-Fa-f.:]+) ([0-9]{1,5}) ([0-9]{1,5}))"
)
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_V1_ADDRESS: dict[bytes, Callable[[str], _Address]] = {
    b"TCP4": ipaddress.IPv4Address,
    b"TCP6": ipaddress.IPv6Address,
}


def _parse_v1(data: bytes) -> ProxyHeader | Literal[Signal.NEED_DATA]:
    end = data.find(b"\r\n", 0, _V1_BYTES)
    if end < 0 and len(data) < _V1_BYTES:
        return NEED_DATA
    found = _V1_LINE.fullmatch(data, 0, max(end, 0))
    if found is None:
        raise RemoteProtocolError("malformed PROXY header")
    family, source, _, port, _ = found.groups()
    if family is None:
        return ProxyHeader(None, end + 2)
    try:
        address = _V1_ADDRESS[family](source.decode())
    except ValueError:
        raise RemoteProtocolError("malformed address in PROXY header") from None
    return ProxyHeader(_host_port(address, int(port)), end + 2)


_V2_ADDRESSES: dict[int, tuple[struct.Struct, Callable[[bytes], _Address]]] = {
    0x11: (struct.Struct("!4s4sHH"), ipaddress.IPv4Address),
    0x21: (struct.Struct("!16s16sHH"), ipaddress.IPv6Address),
}
"""By family and transport: TCP over IPv4 and over IPv6.  Others carry no address for us."""


def _parse_v2(data: bytes) -> ProxyHeader | Literal[Signal.NEED_DATA]:
    if len(data) < _V2_HEADER.size:
        return NEED_DATA
    _, version_command, family, length = _V2_HEADER.unpack_from(data)
    consumed = _V2_HEADER.size + length
    if version_command not in (0x20, 0x21) or consumed > _V2_BYTES:
        raise RemoteProtocolError("malformed PROXY header")
    if len(data) < consumed:
        return NEED_DATA
    if version_command == 0x20 or family not in _V2_ADDRESSES:
        return ProxyHeader(None, consumed)
    layout, make = _V2_ADDRESSES[family]
    if length < layout.size:
        raise RemoteProtocolError("the PROXY header is too short for its addresses")
    source, _, port, _ = layout.unpack_from(data, _V2_HEADER.size)
    return ProxyHeader(_host_port(make(source), port), consumed)


def _host_port(address: _Address, port: int) -> str:
    if port > 0xFFFF:
        raise RemoteProtocolError("malformed port in PROXY header")
    return f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"
