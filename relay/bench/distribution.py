"""Percentiles that are values which did occur."""

import math
from collections.abc import Iterable

import attrs


@attrs.frozen
class Distribution:
    """How often what, in few words.  Percentiles are by nearest rank."""

    count: int
    p50: float
    p90: float
    p99: float
    max: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Distribution | None":
        """None when there are none."""
        ranked = sorted(values)
        if not ranked:
            return None
        p50, p90, p99 = (ranked[math.ceil(share * len(ranked)) - 1] for share in (0.5, 0.9, 0.99))
        return cls(len(ranked), p50, p90, p99, ranked[-1])
