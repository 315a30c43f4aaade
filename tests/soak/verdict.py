"""Whether a series of samples shows that something stays."""

from collections.abc import Iterator, Sequence
from statistics import linear_regression

import attrs

SETTLE_S = 300.0
"""Until an interpreter under a steady load has all the memory that it will ever need."""
SETTLE_SHARE = 0.25
"""Of a run that is too short for that."""
LIMIT_MB_PER_H = 1.0
FULL_S = 1190.0
"""Twenty minutes, less what may lie between the last sample and the end."""
LIMIT_OBJECTS = 10_000
"""What a process makes once and keeps, caches above all: it is there after a minute."""
NOISE_MB = 4.0
"""What memory may grow by in a shorter run, of which a slope says nothing yet."""


@attrs.frozen
class Sample:
    """A server at one moment."""

    at_s: float
    rss_mb: float
    descriptors: int
    tasks: int
    objects: int = 0
    """Blocks that Python's allocator has given out: exact, where `rss_mb` moves by whole arenas."""
    viewers: int = 0

    def line(self) -> str:
        return (
            f"{self.at_s:8.0f} s {self.rss_mb:9.2f} MB {self.descriptors:6} descriptors "
            f"{self.tasks:6} tasks {self.objects:8} objects {self.viewers:6} viewers"
        )


def slope(samples: Sequence[Sample]) -> float:
    """Memory over time by least squares, in MB per hour."""
    times = [sample.at_s / 3600 for sample in samples]
    return linear_regression(times, [sample.rss_mb for sample in samples]).slope


def settled(samples: Sequence[Sample]) -> list[Sample]:
    """What is judged: without the beginning."""
    length_s = samples[-1].at_s
    begin_s = min(SETTLE_S, SETTLE_SHARE * length_s)
    return [sample for sample in samples if sample.at_s >= begin_s]


def limit(samples: Sequence[Sample]) -> float:
    """How steep the slope may be in a run of this length, in MB per hour."""
    length_s = samples[-1].at_s
    if length_s >= FULL_S:
        return LIMIT_MB_PER_H
    judged = settled(samples)
    judged_h = (judged[-1].at_s - judged[0].at_s) / 3600
    return max(LIMIT_MB_PER_H, NOISE_MB / judged_h)


def faults(before: Sample, during: Sequence[Sample], after: Sample) -> Iterator[str]:
    """What has stayed, in sentences: before anybody came, under load, and when all have left."""
    found, allowed = slope(settled(during)), limit(during)
    if found >= allowed:
        yield f"memory grew by {found:.2f} MB/h; {allowed:.2f} are allowed in a run so long"
    for what in ("descriptors", "tasks"):
        left = getattr(after, what) - getattr(before, what)
        if left > 0:
            yield f"{left} {what} are left, with nobody there"
    left = after.objects - before.objects
    if left > LIMIT_OBJECTS:
        yield f"{left} objects are left, with nobody there; {LIMIT_OBJECTS} may be"
