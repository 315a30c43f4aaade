"""What Relay itself says about its event loop: how late it woke the pump, and how often.

Asked at both ends of the window only: an answer has to sum up every connection.
"""

import re
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import attrs
import trio
from benchmarks.beside import Scene, Seen, When
from benchmarks.servers import HOST

_REQUEST = b"GET /metrics HTTP/1.1\r\nHost: relay\r\nConnection: close\r\n\r\n"
_BUCKET = re.compile(r'^relay_pump_lag_seconds_bucket\{le="(.+)"\} (.+)$', re.MULTILINE)
_PASSES = re.compile(r"^relay_pump_passes_total (.+)$", re.MULTILINE)
_LONGEST = re.compile(r"^relay_pump_longest_pause_seconds (.+)$", re.MULTILINE)
ADMIN_PORT = 8081


@attrs.frozen
class Pump:
    """The pump's own figures for the window."""

    when: When = When.WINDOW

    @asynccontextmanager
    async def happen(self, scene: Scene) -> AsyncIterator[Seen]:
        seen, began = Seen(), time.monotonic()
        before = await _metrics()
        yield seen
        after, seconds = await _metrics(), time.monotonic() - began
        seen.figures["passes_per_s"] = (_passes(after) - _passes(before)) / seconds
        # Of the server's whole life: its viewers' arrival was the hardest for it.
        seen.figures["longest_pause_ms"] = 1000 * float(_LONGEST.findall(after)[0])
        earlier, later = _lags(before), _lags(after)
        lags = [(bound, later[bound] - n) for bound, n in earlier.items()]
        if found := quantile(0.99, lags):
            seen.figures["lag_p99_ms"] = 1000 * found


def quantile(share: float, buckets: Sequence[tuple[float, float]]) -> float:
    """Where in a cumulative histogram a share of all lies, on a straight line within a bucket.

    Beyond the last finite bound it is that bound; 0 when there is nothing.
    """
    wanted = share * buckets[-1][1]
    low, below = 0.0, 0.0
    for bound, count in buckets:
        if count >= wanted and count > below:
            inside = (wanted - below) / (count - below)
            return low if bound == float("inf") else low + inside * (bound - low)
        low, below = bound, count
    return 0.0


async def _metrics() -> str:
    data = bytearray()
    async with await trio.open_tcp_stream(HOST, ADMIN_PORT) as stream:
        await stream.send_all(_REQUEST)
        async for more in stream:
            data += more
    return data.decode()


def _passes(metrics: str) -> float:
    return sum(map(float, _PASSES.findall(metrics)))


def _lags(metrics: str) -> dict[float, float]:
    return {float(bound): float(count) for bound, count in _BUCKET.findall(metrics)}
