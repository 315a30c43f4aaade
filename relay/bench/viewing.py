"""Viewing processes: started together, begun at one moment, and their figures put together."""

from collections.abc import Callable
from typing import Any

import attrs
import trio

from relay.bench.machine import machine_id
from relay.bench.plan import Figures, Tally, ViewPlan
from relay.bench.processes import Hearing, begin_together, failing_alone, start
from relay.bench.report import ViewReport
from relay.bench.summary import report, total

MODULE = "relay.bench.view_process"


@attrs.define
class Watch:
    """Who is told how it goes."""

    landmark: Callable[[str], None]
    progress: Callable[[Tally], None]


async def view(plan: ViewPlan, watch: Watch) -> ViewReport:
    """Run a plan.

    Raises:
        LoadFailed: a process did not live to tell.
    """

    def progress(tallies: list[dict[str, Any]]) -> None:
        watch.progress(total(Tally(**tally) for tally in tallies))

    with failing_alone():
        async with trio.open_nursery() as nursery:
            asks = [{"plan": attrs.asdict(plan), "process": i} for i in range(plan.processes)]
            processes = [await start(nursery, MODULE, ask) for ask in asks]
            hearing = Hearing(processes, watch.landmark, progress)
            async with trio.open_nursery() as listening:
                for process in processes:
                    listening.start_soon(process.listen, hearing.heard)
                await begin_together(processes)
    found = [process.figures for process in processes if process.figures]
    figures = [Figures(**one | {"tally": Tally(**one["tally"])}) for one in found]
    return report(plan, figures, machine_id())
