"""The fan-out pump: one task that writes to everybody who keeps up.

The textbook way in Trio is a memory channel and a task for each viewer: a frame is sent into every
channel, every task wakes, takes the frame out and awaits `send_all`.  `examples/plain_channels.py`
does that in 60 lines, and it is right; but a wake costs some ten times what the hand-over itself
costs, and at 300 viewers of one stream half a core goes into waking tasks that then do one `send`.

A task per viewer is needed for one thing only: to wait.  So the pump does the part that never
waits.  A memory channel between publisher and viewer whose queue is empty amounts to a direct send:
for each feed with news the pump joins what is new into one `bytes` and writes it to the outlet of
every follower, which is one non-blocking `send`.  Where the kernel does not take all of it, the
outlet's bounded memory channel and its drainer task begin: explicit back-pressure for exactly those
who need it, while nobody who keeps up is woken.

Back-pressure towards the publisher is not this module's business: it never waits for a viewer.

A pass yields to other tasks every 256 sends.  What a pass costs is the sum of the slices *between*
those yields: measured across them it would count other tasks' work, and the pace would spiral.
"""

from bisect import bisect_left
from collections.abc import Callable
from itertools import accumulate

import attrs
import trio

from relay.fanout.audience import SENDS_PER_SLICE
from relay.fanout.feed import Feed
from relay.fanout.pacing import AUDIO_RIDES_S, Pacer

LAG_BUCKETS_S = (0.001, 0.002, 0.005, 0.010, 0.020, 0.050, 0.100, 0.250, float("inf"))


@attrs.frozen
class PumpStatistics:
    """A snapshot for metrics."""

    passes: int
    writes: int
    busy_s: float
    pause_s: float
    """From the start of a pass to the earliest start of the next, as it is now."""
    lags: tuple[int, ...]
    """How often the event loop woke the pump so late, by `LAG_BUCKETS_S`, each with the former."""
    lag_s: float
    """The sum of those."""


@attrs.define(eq=False)
class _Slice:
    """Adds up the CPU time between the pump's own checkpoints."""

    _cpu: Callable[[], float]
    sends: int = 0
    _busy: float = 0.0
    _started: float = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._started = self._cpu()

    def pause(self) -> None:
        self._busy += self._cpu() - self._started
        self.sends = 0

    def go_on(self) -> None:
        self._started = self._cpu()

    def end(self) -> float:
        self.pause()
        return self._busy


@attrs.define(eq=False)
class Pump:
    """See the head of this module."""

    _clock: Callable[[], float]
    _cpu: Callable[[], float]
    _pacer: Pacer = attrs.field(factory=Pacer, init=False)
    _urgent: dict[Feed, None] = attrs.field(factory=dict, init=False)
    _patient: dict[Feed, float] = attrs.field(factory=dict, init=False)
    """Feeds whose news may wait for a ride, oldest first: the delay is the same for all."""
    _news: trio.Event = attrs.field(factory=trio.Event, init=False)
    _ride: trio.Event = attrs.field(factory=trio.Event, init=False)
    _slice: _Slice = attrs.field(init=False)
    _passes: int = attrs.field(default=0, init=False)
    _writes: int = attrs.field(default=0, init=False)
    _busy_s: float = attrs.field(default=0.0, init=False)
    _lags: list[int] = attrs.field(factory=lambda: [0] * len(LAG_BUCKETS_S), init=False)
    _lag_s: float = attrs.field(default=0.0, init=False)

    def wake(self, feed: Feed, urgent: bool) -> None:
        """`feed` has something for its followers: now, or within the time that audio rides."""
        if urgent:
            self._urgent[feed] = None
            self._news.set()
            self._ride.set()
        elif feed not in self._patient:
            self._patient[feed] = self._clock() + AUDIO_RIDES_S
            self._news.set()

    async def run(self) -> None:
        """Serve every feed until cancelled."""
        while True:
            await self._wait_for_news()
            if self._clock() < self._pacer.not_before:
                await trio.sleep_until(self._pacer.not_before)
                self._record_lag(self._clock() - self._pacer.not_before)
                await self._wait_for_ride()
            await self._run_pass(self._due())

    def statistics(self) -> PumpStatistics:
        return PumpStatistics(
            self._passes,
            self._writes,
            self._busy_s,
            self._pacer.pause,
            tuple(accumulate(self._lags)),
            self._lag_s,
        )

    def _record_lag(self, late: float) -> None:
        self._lags[bisect_left(LAG_BUCKETS_S, late)] += 1
        self._lag_s += late

    async def _wait_for_news(self) -> None:
        while not self._urgent:
            self._news = trio.Event()
            deadline = next(iter(self._patient.values()), float("inf"))
            if deadline <= self._clock():
                return
            with trio.move_on_at(deadline):
                await self._news.wait()

    async def _wait_for_ride(self) -> None:
        """What had to wait may as well wait for the frame that is about to come."""
        if self._clock() < self._pacer.not_after:
            self._ride = trio.Event()
            with trio.move_on_at(self._pacer.not_after):
                await self._ride.wait()

    def _due(self) -> list[Feed]:
        """The feeds to visit now; patient ones ride along when their time has come."""
        now = self._clock()
        due = self._urgent
        self._urgent = {}
        for feed in due:
            self._patient.pop(feed, None)
        for feed, deadline in list(self._patient.items()):
            if deadline > now:
                break
            del self._patient[feed]
            due[feed] = None
        return list(due)

    async def _run_pass(self, feeds: list[Feed]) -> None:
        started = self._clock()
        self._slice = _Slice(self._cpu)
        for feed in feeds:
            await self._visit(feed)
        busy = self._slice.end()
        self._pacer.record(started=started, busy=busy)
        self._passes += 1
        self._busy_s += busy
        await trio.lowlevel.checkpoint()

    async def _visit(self, feed: Feed) -> None:
        for sends in feed.visit():
            await self._count(sends)

    async def _count(self, sends: int) -> None:
        """Let other tasks run when it is time."""
        self._writes += sends
        self._slice.sends += sends
        if self._slice.sends >= SENDS_PER_SLICE:
            self._slice.pause()
            await trio.lowlevel.checkpoint()
            self._slice.go_on()
