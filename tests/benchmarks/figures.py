"""Medians, spreads and ratios.

A figure of one run means little: the machine, the kernel and its neighbours make repeats differ by
a fifth.  Two contenders in one round share most of that, so a *ratio* is taken within each round,
and what is shown is the median of the ratios with the lowest and the highest of them.
"""

from collections.abc import Iterable, Mapping
from statistics import median

import attrs


@attrs.frozen
class Spread:
    """What several rounds have shown."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread | None":
        """None when there are none."""
        found = list(values)
        if not found:
            return None
        return cls(median(found), min(found), max(found))

    def text(self, digits: int, times: float = 1.0) -> str:
        """As in `2.84 (2.71-3.02)`."""
        middle, low, high = (f"{times * x:,.{digits}f}" for x in (self.median, self.low, self.high))
        return middle if low == high else f"{middle} ({low}-{high})"


def ratios(ours: Mapping[int, float], theirs: Mapping[int, float]) -> Spread | None:
    """Ours to theirs over the rounds, by number, in which both were measured."""
    both = sorted(n for n in ours.keys() & theirs.keys() if theirs[n])
    return Spread.of(ours[n] / theirs[n] for n in both)
