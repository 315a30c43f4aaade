"""Publishers' reads, gathered when there are many of them.

When reading costs much (`relay.server.ingest_pace`) a publisher's task that has just read waits
here before it reads again, and then finds several messages at once.  Its socket is not watched
meanwhile, so nothing wakes it early: cancelling does, of course, and the kernel holds what comes.

One task wakes all who are due, every few milliseconds.  A thousand timers of their own would cost
as much as is to be saved, and one wake for all would hold up the pump until the last has read.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import attrs
import trio

from relay.server.ingest_pace import IngestPace

STEP_S = 0.005


@attrs.define(eq=False)
class Rounds:
    """See the head of this module."""

    _clock: Callable[[], float]
    cpu: Callable[[], float]
    pace: IngestPace = attrs.field(factory=IngestPace, init=False)
    _waiting: dict[trio.lowlevel.Task, float] = attrs.field(factory=dict, init=False)
    """Who waits until when, in the order of arrival."""
    _arrival: trio.Event = attrs.field(factory=trio.Event, init=False)

    @contextmanager
    def publishing(self) -> Iterator[None]:
        """Somebody's media is read for as long as the context lasts."""
        self.pace.publishers += 1
        try:
            yield
        finally:
            self.pace.publishers -= 1

    async def wait(self, pause: float) -> None:
        """Wait for `pause` seconds, and at most a step longer."""
        task = trio.lowlevel.current_task()
        self._waiting[task] = self._clock() + pause
        self._arrival.set()

        def abort(_: trio.lowlevel.RaiseCancelT) -> trio.lowlevel.Abort:
            del self._waiting[task]
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)

    async def run(self) -> None:
        """Wake who is due until cancelled."""
        while True:
            if not self._waiting:
                self._arrival = trio.Event()
                await self._arrival.wait()
            await trio.sleep(STEP_S)
            self._wake(self._clock())

    def _wake(self, now: float) -> None:
        for task, due in list(self._waiting.items()):
            if due > now:
                # Pauses change slowly: who came later is due later, or hardly earlier.
                return
            del self._waiting[task]
            trio.lowlevel.reschedule(task)
