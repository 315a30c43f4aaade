"""Viewing processes: started together, begun at one moment, and their figures put together."""

import functools
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import attrs
import trio

from relay.bench.machine import machine_id
from relay.bench.plan import Figures, Tally, ViewPlan
from relay.bench.report import ViewReport
from relay.bench.summary import report, total
from relay.errors import RelayError

HEAD_START_S = 0.1


class ViewingFailed(RelayError):
    """A process of viewers ended without figures; it has said why on standard error."""


@attrs.define
class Watch:
    """Who is told how it goes."""

    landmark: Callable[[str], None]
    progress: Callable[[Tally], None]


@attrs.define(eq=False)
class ViewingProcess:
    """One process, and what it has said."""

    process: trio.Process
    ready: trio.Event = attrs.field(factory=trio.Event)
    tally: Tally = attrs.field(factory=Tally)
    marks: list[str] = attrs.field(factory=list)
    figures: Figures | None = None

    async def tell(self, value: Any) -> None:
        assert self.process.stdin is not None
        await self.process.stdin.send_all(json.dumps(value).encode() + b"\n")

    async def listen(self, heard: Callable[[], None]) -> None:
        """Take what it says, to its end, which must not come before its figures."""
        assert self.process.stdout is not None
        rest = b""
        async for data in self.process.stdout:
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                self._take(json.loads(line))
                heard()
        if self.figures is None:
            raise ViewingFailed("a viewing process ended without a result")

    def _take(self, said: dict[str, Any]) -> None:
        match said:
            case {"ready": True}:
                self.ready.set()
            case {"mark": str(where)}:
                self.marks.append(where)
            case {"tally": dict(values)}:
                self.tally = Tally(**values)
            case {"figures": dict(values)}:
                self.figures = Figures(**values | {"tally": Tally(**values["tally"])})


async def view(plan: ViewPlan, watch: Watch) -> ViewReport:
    """Run a plan.

    Raises:
        ViewingFailed: a process did not live to tell.
    """
    try:
        async with trio.open_nursery() as nursery:
            processes = [await _start(nursery, plan, index) for index in range(plan.processes)]
            async with trio.open_nursery() as listening:
                hearing = _Hearing(processes, watch)
                for process in processes:
                    listening.start_soon(process.listen, hearing.heard)
                for process in processes:
                    await process.ready.wait()
                begin = time.monotonic() + HEAD_START_S
                for process in processes:
                    await process.tell(begin)
    except* ViewingFailed as group:
        raise ViewingFailed(str(group.exceptions[0])) from None
    return report(plan, [process.figures for process in processes if process.figures], machine_id())


async def _start(nursery: trio.Nursery, plan: ViewPlan, index: int) -> ViewingProcess:
    run = functools.partial(
        trio.run_process,
        [sys.executable, "-m", "relay.bench.view_process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        check=False,
    )
    process = ViewingProcess(await nursery.start(run))
    await process.tell({"plan": attrs.asdict(plan), "process": index})
    return process


@attrs.define
class _Hearing:
    """Passes on what all processes have said."""

    processes: Sequence[ViewingProcess]
    watch: Watch
    _marked: int = attrs.field(default=0, init=False)

    def heard(self) -> None:
        whole = min(self.processes, key=lambda process: len(process.marks))
        for mark in whole.marks[self._marked :]:
            self.watch.landmark(mark)
            self._marked += 1
        self.watch.progress(total(process.tally for process in self.processes))
