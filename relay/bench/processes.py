"""Processes that make load: started together, begun at one moment, and heard to their end.

Each reads what it is to do as a line of JSON, says that it is ready, reads when to begin, and says
a line of JSON whenever there is something to tell: a tally, a mark, and at last its figures.
"""

import functools
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import attrs
import trio

from relay.errors import RelayError

HEAD_START_S = 0.1


class LoadFailed(RelayError):
    """A process ended without figures; it has said why on standard error."""


@attrs.define(eq=False)
class LoadProcess:
    """One process, and what it has said."""

    process: trio.Process
    ready: trio.Event = attrs.field(factory=trio.Event)
    tally: dict[str, Any] = attrs.field(factory=dict)
    marks: list[str] = attrs.field(factory=list)
    figures: dict[str, Any] | None = None

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
            raise LoadFailed("a process that makes load ended without a result")

    def _take(self, said: dict[str, Any]) -> None:
        match said:
            case {"ready": True}:
                self.ready.set()
            case {"mark": str(where)}:
                self.marks.append(where)
            case {"tally": dict(values)}:
                self.tally = values
            case {"figures": dict(values)}:
                self.figures = values


async def start(nursery: trio.Nursery, module: str, ask: Any) -> LoadProcess:
    """`python -m MODULE`, and what it is asked to do."""
    run = functools.partial(
        trio.run_process,
        [sys.executable, "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        check=False,
    )
    process = LoadProcess(await nursery.start(run))
    await process.tell(ask)
    return process


async def begin_together(processes: Sequence[LoadProcess]) -> None:
    """Wait until all are ready, and tell them when to begin.  Somebody must listen to them."""
    for process in processes:
        await process.ready.wait()
    begin = time.monotonic() + HEAD_START_S
    for process in processes:
        await process.tell(begin)


@contextmanager
def failing_alone() -> Iterator[None]:
    """Raise the first failure of a process by itself, and not in groups.

    Raises:
        LoadFailed: a process did not live to tell.
    """
    try:
        yield
    except* LoadFailed as group:
        failure: BaseException = group
        while isinstance(failure, BaseExceptionGroup):
            failure = failure.exceptions[0]
        raise LoadFailed(str(failure)) from None


@attrs.define
class Hearing:
    """Passes on what all processes of one kind have said."""

    processes: Sequence[LoadProcess]
    landmark: Callable[[str], None]
    progress: Callable[[list[dict[str, Any]]], None]
    _marked: int = attrs.field(default=0, init=False)

    def heard(self) -> None:
        whole = min(self.processes, key=lambda process: len(process.marks))
        for mark in whole.marks[self._marked :]:
            self.landmark(mark)
            self._marked += 1
        self.progress([process.tally for process in self.processes])


# In such a process.


def asked() -> Any:
    """The next thing that whoever started this process says."""
    return json.loads(sys.stdin.readline())


def say(what: str, value: Any) -> None:
    """Tell whoever started this process."""
    sys.stdout.write(json.dumps({what: value}) + "\n")
    sys.stdout.flush()


def do(work: Callable[[Any], None]) -> None:
    """Run a process that makes load: `work` gets what it is asked to do."""
    # Ctrl-C reaches every process of a terminal; whoever started this one decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        work(asked())
    except BrokenPipeError:
        sys.exit(1)
