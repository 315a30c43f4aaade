"""What a run has shown: as one JSON object, and in words."""

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from relay.bench.distribution import Distribution


@attrs.frozen(kw_only=True)
class PublishReport:
    """Figures of `relay bench publish`; `seconds` and what follows count from when all publish."""

    url: str
    streams: int
    publishing: int
    """Have been on air."""
    refused: int
    refusals: Mapping[str, int]
    lost: int
    """Ended by the server."""
    backlogged: int
    """Had to wait for the server to read."""
    connect_s: float
    """From the first connection to the last one that publishes."""
    seconds: float
    bytes: int
    messages: int
    ticks: int
    late_ms: Distribution | None
    cpu_share: float
    limits: list[str]

    def as_json(self) -> dict[str, Any]:
        return attrs.asdict(self) | {
            "connects_per_s": rate_of(self.publishing, self.connect_s),
            "bits_per_s": rate_of(8 * self.bytes, self.seconds),
            "messages_per_s": rate_of(self.messages, self.seconds),
            "limited_by_load": bool(self.limits),
        }

    def lines(self) -> Iterator[str]:
        per_s = rate_of(self.publishing, self.connect_s)
        yield f"published    {self.publishing} of {self.streams}, {per_s:.0f} connects/s"
        yield from said_refusals(self.refused, self.refusals)
        if self.lost:
            yield f"lost         {self.lost}, ended by the server"
        if self.backlogged:
            yield f"backlogged   {self.backlogged}, because the server did not read in time"
        yield f"sent         {traffic(self.bytes, self.seconds)}"
        yield f"             {rate_of(self.messages, self.seconds):.0f} messages/s"
        yield f"ticks late   {spelled(self.late_ms)}"
        yield f"own CPU      {self.cpu_share:.0%} of a core"
        yield from said_limits(self.limits)


@attrs.frozen(kw_only=True)
class ViewReport:
    """Figures of `relay bench view`."""

    url: str
    viewers: int
    streams: int
    processes: int
    seconds: float
    connected: int
    """The server took the request."""
    playing: int
    """Media came."""
    refused: int
    refusals: Mapping[str, int]
    closed: int
    """Ended by the server after it had taken the request."""
    fed: int
    """Played all through the window, never stalled, at the pace of the others of that stream."""
    stalled: int
    bytes: int
    connect_ms: Distribution | None
    media_ms: Distribution | None
    keyframe_ms: Distribution | None
    """Of the parsed ones."""
    parsed: int
    frames: int
    lost: int
    out_of_order: int
    latency_ms: Distribution | None
    no_latency: str | None
    """Why there is none."""
    sweep_late_ms: Distribution | None
    cpu_share: list[float]
    """Of each process."""
    limits: list[str]

    def as_json(self) -> dict[str, Any]:
        return attrs.asdict(self) | {
            "bits_per_s": rate_of(8 * self.bytes, self.seconds),
            "limited_by_load": bool(self.limits),
        }

    def lines(self) -> Iterator[str]:
        yield f"viewers      {self.playing} of {self.viewers} play, {self.connected} connected"
        yield from said_refusals(self.refused, self.refusals)
        if self.closed:
            yield f"closed       {self.closed}, by the server"
        yield f"fed          {self.fed}; {self.stalled} stalled"
        yield f"received     {traffic(self.bytes, self.seconds)}"
        yield f"start-up     connected {spelled(self.connect_ms)}"
        yield f"             media     {spelled(self.media_ms)}"
        yield f"             keyframe  {spelled(self.keyframe_ms)}"
        yield f"latency      {self.no_latency or spelled(self.latency_ms)}"
        yield (
            f"frames       {self.frames} seen by {self.parsed} viewers, "
            f"{self.lost} lost, {self.out_of_order} out of order"
        )
        yield f"sweeps late  {spelled(self.sweep_late_ms)}"
        yield f"own CPU      {', '.join(f'{share:.0%}' for share in self.cpu_share)} of a core"
        yield from said_limits(self.limits)


def said_refusals(count: int, reasons: Mapping[str, int]) -> Iterator[str]:
    """How many were refused, and how many for each reason."""
    if count:
        yield f"refused      {count}"
    for reason, times in reasons.items():
        yield f"             {times}: {reason}"


def said_limits(sentences: list[str]) -> Iterator[str]:
    """Last, because it takes back what stands before."""
    for sentence in sentences:
        yield f"LIMITED BY THE LOAD: {sentence}"


def traffic(size: int, seconds: float) -> str:
    """Bytes, and how many bits per second that is."""
    rate = rate_of(8 * size, seconds)
    return f"{size / 1e6:.1f} MB in {seconds:.1f} s, {rate / 1e9:.3f} Gbit/s"


def spelled(found: Distribution | None) -> str:
    """Milliseconds."""
    if found is None:
        return "-"
    return f"p50 {found.p50:.1f}  p90 {found.p90:.1f}  p99 {found.p99:.1f}  max {found.max:.1f} ms"


def rate_of(count: float, seconds: float) -> float:
    """Per second."""
    return count / seconds if seconds else 0.0
