"""URLs that may be asked, taken apart by a stricter rule than any resolver's.

`http://2130706433/`, `http://0x7f.1/` and `http://017700000001/` are 127.0.0.1 to the C library and
to browsers, and a name to whoever looks for dots.  Here what ends in a number is four decimal
numbers or refused (the WHATWG's URL standard calls this the ends-in-a-number checker); everything
else is a name of letters, digits and hyphens, in ASCII: that `①②⑦` is 127 is a resolver's idea.
"""

import ipaddress
import re
from typing import NoReturn
from urllib.parse import SplitResult, urlsplit

import attrs

from relay.outbound.addresses import Address
from relay.outbound.failures import Failure, Forbidden

MOST_CHARACTERS = 2048
_PORTS = {"https": 443, "http": 80}
_PLAIN = re.compile(r"[!-~]+")
"""Nothing that would end a line of a request, or that some parsers drop."""
_AUTHORITY = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^\[\]:]+)(?::[0-9]{1,5})?")
"""Some parsers stop at the bracket, others at the colon: what they could differ about is none."""
_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9_-]{1,63}(?<!-))*")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


@attrs.frozen(kw_only=True)
class Target:
    """Where a request goes."""

    is_tls: bool
    host: str
    """A name in small letters, or an address."""
    port: int
    path: str
    """With its query, as it stands in the request line."""
    address: Address | None
    """Of a host that is one."""

    @property
    def authority(self) -> str:
        """The field Host."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = _PORTS["https" if self.is_tls else "http"]
        return host if self.port == usual else f"{host}:{self.port}"


def parse_url(text: str, *, allow_http: bool = False) -> Target:
    """Take a URL apart.

    Raises:
        Forbidden: it cannot, or may not, be asked.
    """
    split = _split(text)
    if split.scheme not in _PORTS or (split.scheme == "http" and not allow_http):
        _refuse(Failure.SCHEME, split.scheme[:20])
    if "@" in split.netloc:
        _refuse(Failure.USERINFO)
    if not _AUTHORITY.fullmatch(split.netloc):
        _refuse(Failure.MALFORMED, "behind https:// come a host and perhaps a port")
    host, address = _host(split)
    return Target(
        is_tls=split.scheme == "https",
        host=host,
        port=_port(split),
        path=(split.path or "/") + (f"?{split.query}" if split.query else ""),
        address=address,
    )


def _split(text: str) -> SplitResult:
    if len(text) > MOST_CHARACTERS or not _PLAIN.fullmatch(text) or "\\" in text:
        _refuse(Failure.MALFORMED, "it has at most 2048 printable ASCII characters and no spaces")
    try:
        split = urlsplit(text)
    except ValueError:
        _refuse(Failure.MALFORMED)
    if not split.scheme or not split.netloc:
        _refuse(Failure.MALFORMED, "a URL begins with https:// and a host")
    return split


def _port(split: SplitResult) -> int:
    try:
        port = split.port
    except ValueError:
        _refuse(Failure.MALFORMED, "the port is a number up to 65535")
    if port == 0:
        _refuse(Failure.MALFORMED, "there is no port 0")
    return port or _PORTS[split.scheme]


def _host(split: SplitResult) -> tuple[str, Address | None]:
    host = (split.hostname or "").removesuffix(".")
    if split.netloc.startswith("["):
        return _address(host, ipaddress.IPv6Address)
    if _NUMBER.fullmatch(host.rpartition(".")[2]):
        return _address(host, ipaddress.IPv4Address)
    if len(host) > 253 or not _NAME.fullmatch(host):
        _refuse(Failure.MALFORMED, "the host is no name; write international ones as xn--...")
    return host, None


def _address(host: str, kind: type[Address]) -> tuple[str, Address]:
    try:
        address = kind(host)
    except ValueError:
        _refuse(Failure.ODD_ADDRESS)
    return str(address), address


def _refuse(failure: Failure, about: str = "") -> NoReturn:
    raise Forbidden(failure, about)
