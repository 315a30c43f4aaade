"""Messages: processes that subscribe and one that publishes, and their figures put together."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import attrs
import trio

from relay.bench.machine import machine_id
from relay.bench.messages_plan import (
    MessagesPlan,
    MessagesTally,
    PublisherFigures,
    SubscriberFigures,
)
from relay.bench.messages_report import MessagesReport
from relay.bench.messages_summary import report, total
from relay.bench.processes import Hearing, LoadProcess, begin_together, failing_alone, start

MODULE = "relay.bench.messages_process"


@attrs.define
class Watch:
    """Who is told how it goes."""

    landmark: Callable[[str], None]
    progress: Callable[[MessagesTally], None]


async def run(plan: MessagesPlan, watch: Watch) -> MessagesReport:
    """Run a plan.

    Raises:
        LoadFailed: a process did not live to tell.
    """
    numbers = [*range(plan.processes), *([None] if plan.rate else [])]
    with failing_alone():
        async with trio.open_nursery() as nursery:
            asks = [{"plan": attrs.asdict(plan), "process": number} for number in numbers]
            processes = [await start(nursery, MODULE, ask) for ask in asks]
            await _listen(processes[: plan.processes], processes[plan.processes :], watch)
    *found, publisher = [p.figures for p in processes] + ([] if plan.rate else [None])
    return report(
        plan,
        [_subscribers(figures) for figures in found if figures],
        PublisherFigures(**publisher) if publisher else None,
        machine_id(),
    )


async def _listen(
    subscribers: list[LoadProcess], publishers: list[LoadProcess], watch: Watch
) -> None:
    """Hear the subscribers to their end; the publisher stops when they have."""

    def progress(tallies: list[dict[str, Any]]) -> None:
        watch.progress(total(MessagesTally(**tally) for tally in tallies))

    hearing = Hearing(subscribers, watch.landmark, progress)
    async with trio.open_nursery() as publishing:
        for publisher in publishers:
            publishing.start_soon(publisher.listen, _ignore)
        async with trio.open_nursery() as subscribing:
            for process in subscribers:
                subscribing.start_soon(process.listen, hearing.heard)
            await begin_together([*subscribers, *publishers])
        for publisher in publishers:
            await _stop(publisher)


def _ignore() -> None:
    """The publisher has nothing to tell on its way."""


async def _stop(publisher: LoadProcess) -> None:
    # It may have ended already.
    with suppress(trio.BrokenResourceError):
        await publisher.tell("stop")


def _subscribers(found: dict[str, Any]) -> SubscriberFigures:
    return SubscriberFigures(**found | {"tally": MessagesTally(**found["tally"])})
