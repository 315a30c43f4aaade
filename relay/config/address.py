"""Listen addresses as operators write them: `PORT`, `HOST:PORT` or `[IPV6]:PORT`."""

import ipaddress
import re

from relay.errors import ConfigError

ALL_ADDRESSES = ""
"""The host of an address that is a port alone: every IPv4 and IPv6 address of the machine."""

_PORT = re.compile(r"[0-9]{1,5}")
# RFC 1123, 2.1, and the underscore that container networks put in names.
_HOST_NAME = re.compile(
    r"(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_-]+)*"
)


def parse_address(text: str) -> tuple[str, int]:
    """Split an address into host (`ALL_ADDRESSES` for a port alone) and port, 0-65535.

    Raises:
        ConfigError: the text is no address; the message says what one looks like.
    """
    host, colon, port = text.rpartition(":")
    if _PORT.fullmatch(port) is None or int(port) > 65535:
        raise _not_an_address(text)
    if not colon:
        return ALL_ADDRESSES, int(port)
    return _parse_host(host, text), int(port)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches `host`, which `parse_address` returned."""
    if host.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    # Python 3.11 calls ::ffff:127.0.0.1 no loopback; the kernel does.
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _parse_host(host: str, text: str) -> str:
    if host.startswith("[") and host.endswith("]"):
        return _parse_ipv6(host[1:-1], text)
    # Without brackets nobody can tell where an IPv6 address ends and the port begins.
    if _HOST_NAME.fullmatch(host) is None:
        raise _not_an_address(text)
    # "10.0.0.256" is neither an address nor a name that any resolver answers.
    if re.fullmatch(r"[0-9.]+", host):
        return _parse_ipv4(host, text)
    return host


def _parse_ipv4(host: str, text: str) -> str:
    try:
        return str(ipaddress.IPv4Address(host))
    except ValueError:
        raise _not_an_address(text) from None


def _parse_ipv6(host: str, text: str) -> str:
    try:
        return str(ipaddress.IPv6Address(host))
    except ValueError:
        raise _not_an_address(text) from None


def _not_an_address(text: str) -> ConfigError:
    return ConfigError(f"`{text}` is no address; write PORT, HOST:PORT or [IPV6]:PORT")
