"""What all processes of a run have seen, as one report."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import attrs

from relay.bench.distribution import Distribution
from relay.bench.limits import limits
from relay.bench.messages_plan import (
    MessagesPlan,
    MessagesTally,
    PublisherFigures,
    SubscriberFigures,
)
from relay.bench.messages_report import MessagesReport, PublisherReport
from relay.bench.summary import LATE_MS
from relay.identity.redact import redact

PUBLISHED_SHARE = 0.98
"""Of what was asked for: with less the publisher was the limit, or the server refused some."""
NO_STAMPS = "no messages of this run were seen"
OTHER_CLOCK = "the stamps are of another machine's clock; publish from this one"


def total(tallies: Iterable[MessagesTally]) -> MessagesTally:
    """How far all processes have come."""
    sums: Counter[str] = Counter()
    for tally in tallies:
        sums.update(attrs.asdict(tally))
    return MessagesTally(**sums)


def report(
    plan: MessagesPlan,
    figures: Sequence[SubscriberFigures],
    publisher: PublisherFigures | None,
    machine: str,
) -> MessagesReport:
    """The figures of all processes as one report, made on `machine`."""

    def together(name: str) -> list[Any]:
        return [value for one in figures for value in getattr(one, name)]

    tally = total(one.tally for one in figures)
    refusals: Counter[str] = Counter()
    for one in figures:
        refusals.update(one.refusals)
    seconds = max(one.seconds for one in figures)
    no_latency = _doubt(set(together("machines")), machine)
    late_ms = Distribution.of(together("late_ms"))
    cpu_share = [one.cpu_share for one in figures]
    return MessagesReport(
        url=redact(plan.url),
        channels=plan.channels,
        subscribers=plan.subscribers,
        idle=plan.idle,
        rate=plan.rate,
        processes=plan.processes,
        seconds=seconds,
        subscribed=tally.subscribed,
        refused=tally.refused,
        refusals=dict(refusals),
        closed=tally.closed,
        messages=tally.messages,
        bytes=sum(one.bytes for one in figures),
        lost=sum(one.lost for one in figures),
        repeated=sum(one.repeated for one in figures),
        subscribe_ms=Distribution.of(together("subscribe_ms")),
        recovered=len(together("recover_ms")) - sum(one.unrecovered for one in figures),
        unrecovered=sum(one.unrecovered for one in figures),
        recover_ms=Distribution.of(together("recover_ms")),
        latency_ms=None if no_latency else Distribution.of(together("latency_ms")),
        no_latency=no_latency,
        publisher=None if publisher is None else _published(publisher),
        sweep_late_ms=late_ms,
        cpu_share=cpu_share,
        limits=[
            *limits("sweeps", cpu_share, late_ms, LATE_MS),
            *_publishers_limits(plan, publisher),
        ],
    )


def _published(found: PublisherFigures) -> PublisherReport:
    return PublisherReport(
        published=found.published,
        acknowledged=found.acknowledged,
        refusals=found.refusals,
        acknowledge_ms=Distribution.of(found.acknowledge_ms),
        late_ms=Distribution.of(found.late_ms),
        cpu_share=found.cpu_share,
    )


def _publishers_limits(plan: MessagesPlan, found: PublisherFigures | None) -> list[str]:
    if found is None:
        return []
    said = limits("publications", [found.cpu_share], Distribution.of(found.late_ms), LATE_MS)
    if found.published < PUBLISHED_SHARE * plan.rate * plan.channels * found.seconds:
        said.append("fewer messages were published than asked for")
    return said


def _doubt(machines: set[str], machine: str) -> str | None:
    """Why the stamps tell nothing about latency, if they do not."""
    if not machines:
        return NO_STAMPS
    return None if machines == {machine} else OTHER_CLOCK
