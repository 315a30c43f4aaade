"""Why a round does not count: its figures would speak of something else than the server."""

from collections.abc import Iterator, Mapping
from typing import Any

OTHERS_SHARE = 0.15
"""Of the server's core.  Whoever takes more changes what is measured; of less the kernel's ticks,
which sample, are not sure.
"""
LOAD_SHARE = 0.97
"""Of the load's core.  A full one reads late, and the server seems to be slow."""


def doubts(
    others: float, load: float, viewed: Mapping[str, Any], published: Mapping[str, Any]
) -> Iterator[str]:
    """Sentences; `others` and `load` are shares of the server's core and of the load's."""
    for report in (viewed, published):
        for sentence in report.get("limits", ()):
            yield f"limited by the load: {sentence}"
    if load > LOAD_SHARE:
        yield f"limited by the load: its core was {load:.0%} busy"
    if others > OTHERS_SHARE:
        yield f"disturbed: something else took {others:.0%} of the server's core"
    yield from _publishers(published)
    if viewed:
        yield from _viewers(viewed)


def _publishers(published: Mapping[str, Any]) -> Iterator[str]:
    if refused := published["refused"]:
        yield f"the server refused {refused} publishers: {reasons(published)}"
    if lost := published["lost"]:
        yield f"the server ended {lost} publications"


def _viewers(viewed: Mapping[str, Any]) -> Iterator[str]:
    if refused := viewed["refused"]:
        yield f"the server refused {refused} viewers: {reasons(viewed)}"
    if closed := viewed["closed"]:
        yield f"the server closed {closed} viewers' connections"
    if stalled := viewed["stalled"]:
        yield f"{stalled} viewers stalled"
    if unfed := viewed["viewers"] - viewed["fed"]:
        yield f"{unfed} viewers got too little, or nothing"


def reasons(report: Mapping[str, Any]) -> str:
    """Why the server refused, in its own words."""
    return ", ".join(f"{times} x {reason}" for reason, times in report["refusals"].items())
