"""How often one address may do what costs us something, as showing a wrong key does.

Nobody guesses 256 bits; this keeps the encoder with last year's key, which retries many times a
second, and the curious from costing more than a comparison each.
"""

import ipaddress
from collections import OrderedDict

import attrs

MINUTE_S = 60.0


@attrs.define
class _Record:
    since: float
    times: int = 0
    blocked_until: float = float("-inf")


@attrs.define(eq=False)
class Throttle:
    """Counts by address; after `per_minute` times, refuses for a minute.

    Keeps `max_addresses` records; beyond that, the one longest without another is forgotten.
    """

    per_minute: int
    max_addresses: int = 4096
    _records: OrderedDict[str, _Record] = attrs.field(factory=OrderedDict, init=False)

    def allowed(self, address: str, now: float) -> bool:
        """Whether this host may go on.  `now` in seconds, any steady clock."""
        return self.wait_s(address, now) <= 0

    def wait_s(self, address: str, now: float) -> float:
        """How long it may not; 0 if it may."""
        record = self._records.get(neighbourhood(address))
        return 0.0 if record is None else max(0.0, record.blocked_until - now)

    def count(self, address: str, now: float) -> None:
        """This host has done it once more."""
        record = self._record(neighbourhood(address), now)
        record.times += 1
        if record.times >= self.per_minute:
            record.blocked_until = now + MINUTE_S

    def __len__(self) -> int:
        return len(self._records)

    def _record(self, place: str, now: float) -> _Record:
        record = self._records.pop(place, None)
        if record is None or now >= max(record.since + MINUTE_S, record.blocked_until):
            record = _Record(now)
        self._records[place] = record
        if len(self._records) > self.max_addresses:
            self._records.popitem(last=False)
        return record


def neighbourhood(address: str) -> str:
    """What one party controls: an IPv4 address, or the /64 of an IPv6 one (RFC 6177)."""
    try:
        host = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(host, ipaddress.IPv4Address):
        return str(host)
    if host.ipv4_mapped is not None:
        return str(host.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(host) >> 64 << 64, 64)))
