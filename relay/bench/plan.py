"""What is to be viewed, and what each viewing process answers: both cross a pipe as JSON."""

import attrs

from relay.bench.crowd_plan import CrowdPlan


@attrs.frozen(kw_only=True)
class ViewPlan(CrowdPlan):
    """A whole run; `%` is the number of a stream."""

    viewers: int
    streams: int

    @property
    def connections(self) -> int:
        return self.viewers

    @property
    def receivers(self) -> int:
        return self.viewers

    def stream(self, number: int) -> int:
        """What a viewer views."""
        return number % self.streams


@attrs.define(kw_only=True)
class Tally:
    """How far a process has come."""

    connected: int = 0
    playing: int = 0
    refused: int = 0
    closed: int = 0
    bytes: int = 0


@attrs.define(kw_only=True)
class Figures:
    """What one process has seen; times in milliseconds."""

    tally: Tally
    """`bytes` of the window."""
    refusals: dict[str, int]
    seconds: float
    stalled: int
    steady: dict[str, list[int]]
    """By stream: bytes of each viewer who played all through the window and never stalled."""
    connect_ms: list[float]
    media_ms: list[float]
    keyframe_ms: list[float]
    parsed: int
    frames: int
    lost: int
    out_of_order: int
    latency_ms: list[float]
    machines: list[str]
    """Whose clocks the stamps are from."""
    late_ms: list[float]
    cpu_share: float
