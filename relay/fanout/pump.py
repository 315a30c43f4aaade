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

Who has just come, or has fallen behind, is served between passes, in slices of 2 ms: a storm of
newcomers gets all the time that the live edge leaves, never delays it by more than a slice, and
does not count for its pace.
"""

from bisect import bisect_left
from collections.abc import Callable
from itertools import accumulate
from math import inf

import attrs
import trio

from relay.fanout.audience import SENDS_PER_SLICE
from relay.fanout.feed import Due, Feed
from relay.fanout.pacing import AUDIO_RIDES_S, MessagePace, PicturePace

SLICE_BEHIND_S = 0.002
"""CPU seconds."""

LAG_BUCKETS_S = (0.001, 0.002, 0.005, 0.010, 0.020, 0.050, 0.100, 0.250, float("inf"))


@attrs.frozen
class PumpStatistics:
    """A snapshot for metrics."""

    passes: int
    writes: int
    busy_s: float
    pause_s: float
    """From the start of a pass to the earliest start of the next, as it is now."""
    longest_pause_s: float
    """From start to start: the longest that there was while news waited."""
    lags: tuple[int, ...]
    """How often the event loop woke the pump so late, by `LAG_BUCKETS_S`, each with the former."""
    lag_s: float
    """The sum of those."""


@attrs.define(eq=False)
class Pump:
    """See the head of this module."""

    _clock: Callable[[], float]
    _cpu: Callable[[], float]
    _picture_pace: PicturePace = attrs.field(factory=PicturePace, init=False)
    _pictures: "_Lane" = attrs.field(init=False)
    _messages: "_Lane" = attrs.field(init=False)
    _behind: dict[Feed, None] = attrs.field(factory=dict, init=False)
    """Feeds with followers that are behind and can have something now."""
    _sleeps_until: float = attrs.field(default=-inf, init=False)
    _news: trio.Event = attrs.field(factory=trio.Event, init=False)
    _passes: int = attrs.field(default=0, init=False)
    _writes: int = attrs.field(default=0, init=False)
    _busy_s: float = attrs.field(default=0.0, init=False)
    _lags: list[int] = attrs.field(factory=lambda: [0] * len(LAG_BUCKETS_S), init=False)
    _lag_s: float = attrs.field(default=0.0, init=False)

    def __attrs_post_init__(self) -> None:
        pictures = self._picture_pace
        self._pictures = _Lane(pictures)
        self._messages = _Lane(MessagePace(lambda: pictures.share))

    def wake(self, feed: Feed, due: Due) -> None:
        """`feed` has something for its followers."""
        match due:
            case Due.NOW:
                self._be_awake_at(self._pictures.call(feed, self._clock()))
            case Due.PROMPT:
                self._be_awake_at(self._messages.call(feed, self._clock()))
            case Due.SOON:
                self._be_awake_at(self._pictures.call_soon(feed, self._clock()))
            case Due.BEHIND:
                self._behind[feed] = None
                self._be_awake_at(-inf)

    async def run(self) -> None:
        """Serve every feed until cancelled."""
        while True:
            lane = min(self._pictures, self._messages, key=_Lane.next_pass)
            due = lane.next_pass()
            if due <= self._clock():
                await self._run_pass(lane)
            elif self._behind:
                await self._serve_behind()
            else:
                await self._sleep_until(due)

    def statistics(self) -> PumpStatistics:
        return PumpStatistics(
            self._passes,
            self._writes,
            self._busy_s,
            max(self._pictures.pace.pause, self._messages.pace.pause),
            max(self._pictures.pace.longest, self._messages.pace.longest),
            tuple(accumulate(self._lags)),
            self._lag_s,
        )

    # When.

    def _be_awake_at(self, when: float) -> None:
        if when < self._sleeps_until:
            self._news.set()

    async def _sleep_until(self, when: float) -> None:
        self._news = trio.Event()
        self._sleeps_until = when
        with trio.move_on_at(when) as sleep:
            await self._news.wait()
        self._sleeps_until = -inf
        if sleep.cancelled_caught:
            self._record_lag(self._clock() - when)

    def _record_lag(self, late: float) -> None:
        self._lags[bisect_left(LAG_BUCKETS_S, late)] += 1
        self._lag_s += late

    # What.

    async def _run_pass(self, lane: "_Lane") -> None:
        now = self._clock()
        feeds = lane.take_due(now)
        lane.pace.begin_pass(now)
        busy, sends = 0.0, 0
        slice_began = self._cpu()
        for feed in feeds:
            for more in feed.write_news():
                self._writes += more
                sends += more
                if sends >= SENDS_PER_SLICE:
                    busy += self._cpu() - slice_began
                    await trio.lowlevel.checkpoint()
                    sends, slice_began = 0, self._cpu()
        busy += self._cpu() - slice_began
        lane.pace.end_pass(busy)
        self._passes += 1
        self._busy_s += busy
        await trio.lowlevel.checkpoint()

    async def _serve_behind(self) -> None:
        """One short slice for those who are behind; feeds take turns."""
        feed = next(iter(self._behind))
        del self._behind[feed]
        began = self._cpu()
        busy, more = 0.0, True
        while more and busy < SLICE_BEHIND_S:
            more = feed.advance_one()
            busy = self._cpu() - began
        if more:
            self._behind[feed] = None
        self._busy_s += busy
        await trio.lowlevel.checkpoint()


@attrs.define(eq=False)
class _Lane:
    """Feeds with news, whose passes have one pace."""

    pace: PicturePace | MessagePace
    _urgent: dict[Feed, None] = attrs.field(factory=dict, init=False)
    _pass_at: float = attrs.field(default=inf, init=False)
    """When the urgent ones are to be visited."""
    _patient: dict[Feed, float] = attrs.field(factory=dict, init=False)
    """Feeds whose news may wait for a ride, oldest first: the delay is the same for all."""

    def call(self, feed: Feed, now: float) -> float:
        """Visit `feed` in the next pass; when that may be."""
        self._urgent[feed] = None
        self._pass_at = min(self._pass_at, self.pace.start_of_pass(now))
        return self._pass_at

    def call_soon(self, feed: Feed, now: float) -> float:
        """Visit `feed` a little later, or with the next urgent news."""
        deadline = self._patient.setdefault(feed, now + AUDIO_RIDES_S)
        return max(deadline, self.pace.not_before)

    def next_pass(self) -> float:
        """When there is something to do; infinity while there is no news."""
        patient = next(iter(self._patient.values()), inf)
        return max(min(self._pass_at, patient), self.pace.not_before)

    def take_due(self, now: float) -> list[Feed]:
        """The feeds to visit now; patient ones ride along when their time has come."""
        due, self._urgent, self._pass_at = self._urgent, {}, inf
        for feed in due:
            self._patient.pop(feed, None)
        for feed, deadline in list(self._patient.items()):
            if deadline > now:
                break
            del self._patient[feed]
            due[feed] = None
        return list(due)
