"""When tokens expire: one task for all of them, and nothing held of who has gone.

Ten thousand connections whose tokens last for a month would be ten thousand tasks that sleep for a
month.  Here each is an entry in a heap.  A heap cannot drop an entry from its middle, so one that
is cancelled only lets go of what it would have called, and the heap is rebuilt when most of it is
such.
"""

import heapq
from collections.abc import Callable

import attrs
import trio

FEW = 64
"""Cancelled entries that are not worth a rebuild."""


@attrs.define(order=True)
class Deadline:
    """Something that will be done, unless it is cancelled."""

    when: float
    _number: int
    """In the order of arrival; two are never compared by what they call."""
    _owner: "Deadlines" = attrs.field(order=False, repr=False)
    _call: Callable[[], None] | None = attrs.field(order=False, repr=False)

    def cancel(self) -> None:
        """May be called twice, and after it was done."""
        if self._call is not None:
            self._call = None
            self._owner.cancelled_one()

    def come(self) -> None:
        """Do it."""
        call, self._call = self._call, None
        if call is None:
            self._owner.dropped_one()
        else:
            call()

    @property
    def is_cancelled(self) -> bool:
        return self._call is None


@attrs.define(eq=False)
class Deadlines:
    """See the head of this module."""

    _heap: list[Deadline] = attrs.field(factory=list, init=False)
    _count: int = attrs.field(default=0, init=False)
    _cancelled: int = attrs.field(default=0, init=False)
    _sooner: trio.Event = attrs.field(factory=trio.Event, init=False)

    def __len__(self) -> int:
        return len(self._heap)

    def at(self, when: float, call: Callable[[], None]) -> Deadline:
        """Call this at a time of Trio's clock."""
        self._count += 1
        deadline = Deadline(when, self._count, self, call)
        heapq.heappush(self._heap, deadline)
        if self._heap[0] is deadline:
            self._sooner.set()
        return deadline

    def cancelled_one(self) -> None:
        """An entry of the heap is none any more."""
        self._cancelled += 1
        if self._cancelled > FEW + len(self._heap) // 2:
            self._heap = [entry for entry in self._heap if not entry.is_cancelled]
            heapq.heapify(self._heap)
            self._cancelled = 0

    def dropped_one(self) -> None:
        """A cancelled entry has left the heap by itself."""
        self._cancelled -= 1

    async def run(self) -> None:
        """Do everything in its time until cancelled."""
        while True:
            self._sooner = trio.Event()
            with trio.move_on_at(self._heap[0].when if self._heap else float("inf")):
                await self._sooner.wait()
            while self._heap and self._heap[0].when <= trio.current_time():
                heapq.heappop(self._heap).come()
                await trio.lowlevel.checkpoint()
