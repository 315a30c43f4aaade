"""Whether a figure speaks of the server, or of the generator that made it."""

from collections.abc import Sequence

from relay.bench.distribution import Distribution

BUSY_SHARE = 0.8
"""Of a core.  Above it, queues form in front of whatever is measured."""


def limits(
    what: str, cpu_share: Sequence[float], late_ms: Distribution | None, at_most_ms: float
) -> list[str]:
    """Sentences about what the load generator lacked; none when it had enough of everything.

    `late_ms` is how late it did `what`; up to `at_most_ms` this is no matter.
    """
    said = []
    busiest = max(cpu_share, default=0.0)
    if busiest > BUSY_SHARE:
        said.append(
            f"the load generator itself took {busiest:.0%} of a core; "
            "spread it over more processes or machines"
        )
    if late_ms is not None and late_ms.p99 > at_most_ms:
        said.append(
            f"the load generator's own {what} were {late_ms.p99:.0f} ms late (p99); "
            "something else is using its core"
        )
    return said
