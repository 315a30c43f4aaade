"""What is to be viewed, and what each viewing process answers: both cross a pipe as JSON."""

import attrs


@attrs.frozen(kw_only=True)
class ViewPlan:
    """A whole run."""

    url: str
    """`%` is the number of a stream."""
    viewers: int
    streams: int
    seconds: float
    warm_s: float
    """Between the last viewer's arrival and the window."""
    ramp_s: float
    """Within which they arrive."""
    parsed: int
    sweep_ms: float
    """How often a viewer reads; 0 is at once."""
    processes: int

    def numbers(self, process: int) -> range:
        """The viewers of one process."""
        return range(process, self.viewers, self.processes)

    def parsed_numbers(self) -> frozenset[int]:
        """The viewers that are parsed, evenly spread."""
        count = min(self.parsed, self.viewers)
        return frozenset(index * self.viewers // count for index in range(count))

    def stream(self, number: int) -> int:
        """What a viewer views."""
        return number % self.streams

    def arrives_s(self, number: int) -> float:
        """When a viewer does, from the beginning."""
        return self.ramp_s * number / self.viewers


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
