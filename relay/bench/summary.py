"""What all viewing processes have seen, as one report."""

import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import attrs

from relay.bench.distribution import Distribution
from relay.bench.limits import limits
from relay.bench.plan import Figures, Tally, ViewPlan
from relay.bench.report import ViewReport
from relay.identity.redact import redact

FED_SHARE = 0.9
"""Of what the median viewer of a stream gets."""
LATE_MS = 20.0
"""Later than that, figures about milliseconds are the generator's own."""
NO_STAMPS = "no stamps were seen; `relay bench publish` writes them"
OTHER_CLOCK = "the stamps are of another machine's clock; publish from this one"


def total(tallies: Iterable[Tally]) -> Tally:
    """How far all processes have come."""
    sums: Counter[str] = Counter()
    for tally in tallies:
        sums.update(attrs.asdict(tally))
    return Tally(**sums)


def report(plan: ViewPlan, figures: Sequence[Figures], machine: str) -> ViewReport:
    """The figures of all processes as one report, made on `machine`."""

    def together(name: str) -> list[Any]:
        return [value for one in figures for value in getattr(one, name)]

    tally = total(one.tally for one in figures)
    late_ms = Distribution.of(together("late_ms"))
    cpu_share = [one.cpu_share for one in figures]
    no_latency = _doubt(set(together("machines")), machine)
    refusals: Counter[str] = Counter()
    for one in figures:
        refusals.update(one.refusals)
    return ViewReport(
        url=redact(plan.url),
        viewers=plan.viewers,
        streams=plan.streams,
        processes=plan.processes,
        seconds=max(one.seconds for one in figures),
        connected=tally.connected,
        playing=tally.playing,
        refused=tally.refused,
        refusals=dict(refusals),
        closed=tally.closed,
        fed=fed(one.steady for one in figures),
        stalled=sum(one.stalled for one in figures),
        bytes=tally.bytes,
        connect_ms=Distribution.of(together("connect_ms")),
        media_ms=Distribution.of(together("media_ms")),
        keyframe_ms=Distribution.of(together("keyframe_ms")),
        parsed=sum(one.parsed for one in figures),
        frames=sum(one.frames for one in figures),
        lost=sum(one.lost for one in figures),
        out_of_order=sum(one.out_of_order for one in figures),
        latency_ms=None if no_latency else Distribution.of(together("latency_ms")),
        no_latency=no_latency,
        sweep_late_ms=late_ms,
        cpu_share=cpu_share,
        limits=limits("sweeps", cpu_share, late_ms, max(LATE_MS, plan.sweep_ms)),
    )


def fed(steady: Iterable[dict[str, list[int]]]) -> int:
    """How many viewers got about as much as the others of their stream."""
    by_stream: dict[str, list[int]] = {}
    for streams in steady:
        for stream, sizes in streams.items():
            by_stream.setdefault(stream, []).extend(sizes)
    return sum(
        size > 0 and size >= FED_SHARE * statistics.median(sizes)
        for sizes in by_stream.values()
        for size in sizes
    )


def _doubt(machines: set[str], machine: str) -> str | None:
    """Why the stamps tell nothing about latency, if they do not."""
    if not machines:
        return NO_STAMPS
    return None if machines == {machine} else OTHER_CLOCK
