"""The pump: when passes start, and that nobody else waits for one."""

import functools
import itertools
from collections.abc import Callable

import attrs
import pytest
import trio
from support.following import Peer, Preludes, open_crowd, open_peer
from support.memory import in_virtual_time

from relay.fanout.audience import SENDS_PER_SLICE
from relay.fanout.feed import Feed
from relay.fanout.follower import Follower
from relay.fanout.pacing import LONGEST_PAUSE_S
from relay.fanout.pump import LAG_BUCKETS_S, SLICE_BEHIND_S, Pump


@attrs.define(eq=False)
class Meter:
    """CPU time as a test has it."""

    step: float = 0.0
    now: float = 0.0

    def __call__(self) -> float:
        self.now += self.step
        return self.now


@attrs.define(eq=False)
class Visit:
    """A feed of one byte per piece, and when its follower got each."""

    feed: Feed
    arrivals: list[tuple[float, bytes]] = attrs.field(factory=list)
    during: Callable[[], None] | None = None
    """What happens while a pass is under way."""

    def append(self, data: bytes, *, urgent: bool, resync: bool = False) -> None:
        self.feed.append(data, packets=1, media_ms=0, is_resync=resync, urgent=urgent)

    def sent(self, data: bytes | memoryview, /) -> int:
        self.arrivals.append((trio.current_time(), bytes(data)))
        if self.during is not None:
            self.during()
        return len(data)

    def times(self) -> list[float]:
        return [when for when, _ in self.arrivals]


async def followed(pump: Pump, nursery: trio.Nursery) -> Visit:
    """A feed with one live follower, looked at from now on."""
    visit = Visit(Feed("test", Preludes(), pump.wake))
    await nursery.start(_follow, visit)
    visit.append(b"K", urgent=True, resync=True)
    await trio.sleep(1)
    visit.arrivals.clear()
    return visit


async def _follow(visit: Visit, *, task_status: trio.TaskStatus[None]) -> None:
    async with open_peer() as peer:
        peer.outlet.send = visit.sent
        visit.feed.add(Follower(visit.feed, peer.outlet, trio.current_time, 12))
        task_status.started()
        await trio.sleep_forever()


@in_virtual_time
async def test_urgent_news_goes_out_at_once() -> None:
    async with trio.open_nursery() as nursery:
        pump = Pump(trio.current_time, Meter())
        nursery.start_soon(pump.run)
        visit = await followed(pump, nursery)
        now = trio.current_time()
        visit.append(b"v", urgent=True)
        await trio.sleep(1)
        assert visit.arrivals == [(now, b"v")]
        nursery.cancel_scope.cancel()


@in_virtual_time
async def test_audio_rides_with_the_next_video() -> None:
    async with trio.open_nursery() as nursery:
        pump = Pump(trio.current_time, Meter())
        nursery.start_soon(pump.run)
        visit = await followed(pump, nursery)
        now = trio.current_time()
        visit.append(b"a", urgent=False)
        await trio.sleep(0.02)
        visit.append(b"v", urgent=True)
        await trio.sleep(1)
        assert visit.times() == [pytest.approx(now + 0.02)]
        assert visit.arrivals[0][1] == b"av"
        nursery.cancel_scope.cancel()


@in_virtual_time
async def test_audio_waits_no_longer_than_forty_milliseconds() -> None:
    async with trio.open_nursery() as nursery:
        pump = Pump(trio.current_time, Meter())
        nursery.start_soon(pump.run)
        visit = await followed(pump, nursery)
        now = trio.current_time()
        for _ in range(3):
            visit.append(b"a", urgent=False)
            await trio.sleep(0.015)
        await trio.sleep(1)
        assert visit.times() == [pytest.approx(now + 0.040)]
        assert visit.arrivals[0][1] == b"aaa"
        nursery.cancel_scope.cancel()


@in_virtual_time
async def test_feeds_that_wait_go_each_in_their_own_time() -> None:
    async with trio.open_nursery() as nursery:
        pump = Pump(trio.current_time, Meter())
        nursery.start_soon(pump.run)
        one, two = await followed(pump, nursery), await followed(pump, nursery)
        now = trio.current_time()
        one.append(b"1", urgent=False)
        await trio.sleep(0.030)
        two.append(b"2", urgent=False)
        await trio.sleep(1)
        assert one.times() == [pytest.approx(now + 0.040)]
        assert two.times() == [pytest.approx(now + 0.070)]
        nursery.cancel_scope.cancel()


@in_virtual_time
async def test_two_frames_leave_together_when_the_second_comes() -> None:
    async with trio.open_nursery() as nursery:
        meter = Meter()
        pump = Pump(trio.current_time, meter)
        nursery.start_soon(pump.run)
        visit = await followed(pump, nursery)
        meter.step = 0.0140
        frames: list[float] = []
        for _ in range(60):
            frames.append(trio.current_time())
            visit.append(b"v", urgent=True)
            await trio.sleep(1 / 30)
        assert [data for _, data in visit.arrivals[-5:]] == [b"vv"] * 5
        assert set(visit.times()[-5:]) <= set(frames)
        nursery.cancel_scope.cancel()


@in_virtual_time
async def test_news_that_comes_during_a_pass_waits_for_the_time_of_the_next() -> None:
    async with trio.open_nursery() as nursery:
        meter = Meter()
        pump = Pump(trio.current_time, meter)
        nursery.start_soon(pump.run)
        visit = await followed(pump, nursery)
        meter.step = 0.0140
        for _ in range(30):
            visit.append(b"v", urgent=True)
            await trio.sleep(0.1)
        visit.during = lambda: visit.append(b"w", urgent=True)
        visit.append(b"w", urgent=True)
        await trio.sleep(1)
        visit.during = None
        times = [when for when, data in visit.arrivals if b"w" in data]
        assert len(times) > 5
        assert min(b - a for a, b in itertools.pairwise(times)) > 0.060
        nursery.cancel_scope.cancel()


@in_virtual_time
async def test_a_pump_that_the_loop_wakes_late_says_so() -> None:
    async with trio.open_nursery() as nursery:
        late = 0.0
        pump = Pump(lambda: trio.current_time() + late, meter := Meter())
        nursery.start_soon(pump.run)
        visit = await followed(pump, nursery)
        meter.step = 0.003
        for _ in range(30):
            visit.append(b"v", urgent=True)
            await trio.sleep(0.010)
        assert pump.statistics().lags[0] > 0
        assert pump.statistics().lags[-1] == pump.statistics().lags[0]
        visit.append(b"v", urgent=True)
        await trio.sleep(0.001)
        late = 0.030
        await trio.sleep(1)
        lags = dict(zip(LAG_BUCKETS_S, pump.statistics().lags, strict=True))
        assert lags[0.050] == lags[0.020] + 1
        nursery.cancel_scope.cancel()


@in_virtual_time
async def test_a_frame_that_comes_late_waits_for_no_other() -> None:
    async with trio.open_nursery() as nursery:
        meter = Meter()
        pump = Pump(trio.current_time, meter)
        nursery.start_soon(pump.run)
        visit = await followed(pump, nursery)
        meter.step = 0.0140
        frames: list[float] = []
        for _ in range(30):
            frames.append(trio.current_time())
            visit.append(b"v", urgent=True)
            await trio.sleep(0.5)
        assert pump.statistics().pause_s > 0.05
        assert visit.times() == frames
        nursery.cancel_scope.cancel()


@in_virtual_time
async def test_dear_passes_gather_news() -> None:
    async with trio.open_nursery() as nursery:
        meter = Meter()
        pump = Pump(trio.current_time, meter)
        nursery.start_soon(pump.run)
        visit = await followed(pump, nursery)
        meter.step = 0.048
        for _ in range(400):
            visit.append(b"v", urgent=True)
            await trio.sleep(0.010)
        await trio.sleep(1)
        gaps = [b - a for a, b in zip(visit.times()[-4:-1], visit.times()[-3:], strict=True)]
        assert all(0.095 < gap < 0.130 for gap in gaps)
        assert max(gaps) <= pump.statistics().longest_pause_s <= LONGEST_PAUSE_S + 1e-9
        assert b"".join(data for _, data in visit.arrivals) == b"v" * 400
        assert pump.statistics().busy_s > 0
        nursery.cancel_scope.cancel()


@in_virtual_time
async def test_a_storm_of_newcomers_goes_between_passes_in_short_slices() -> None:
    async with trio.open_nursery() as nursery:
        meter = Meter()
        pump = Pump(trio.current_time, meter)
        nursery.start_soon(pump.run)
        visit = await followed(pump, nursery)
        served = 0

        def costly(_peer: Peer, data: bytes | memoryview, /) -> int:
            nonlocal served
            served += data != b"v"
            meter.now += 0.0005
            return len(data)

        async with open_crowd(100) as peers:
            for peer in peers:
                peer.outlet.send = functools.partial(costly, peer)
                visit.feed.add(Follower(visit.feed, peer.outlet, trio.current_time, 12))
            for _ in itertools.takewhile(lambda _: served < 50, itertools.count()):
                await trio.lowlevel.checkpoint()
            visit.append(b"v", urgent=True)
            asked = served
            for _ in itertools.takewhile(lambda _: not visit.arrivals, itertools.count()):
                await trio.lowlevel.checkpoint()
            # Two sends for each newcomer; of two tasks in one batch either may be first.
            assert served - asked <= 2 * (SLICE_BEHIND_S / 0.0005 + 2)
            assert served < 200
            await trio.sleep(1)
            assert visit.feed.statistics().live == 101
        assert pump.statistics().pause_s == 0
        nursery.cancel_scope.cancel()


@in_virtual_time
async def test_other_tasks_run_within_a_long_pass() -> None:
    async with trio.open_nursery() as nursery:
        pump = Pump(trio.current_time, Meter())
        nursery.start_soon(pump.run)
        feed = Feed("test", Preludes(), pump.wake)
        count = 4 * SENDS_PER_SLICE
        async with open_crowd(count) as peers:
            for peer in peers:
                feed.add(Follower(feed, peer.outlet, trio.current_time, 12))
            feed.append(b"K", packets=1, media_ms=0, is_resync=True, urgent=True)
            await trio.sleep(1)
            assert feed.statistics().live == count
            seen = [0]
            for peer in peers:
                peer.take()
            feed.append(b"v", packets=1, media_ms=0, is_resync=False, urgent=True)
            while seen[-1] < count:
                await trio.lowlevel.checkpoint()
                seen.append(sum(bool(peer.client.incoming.buffer) for peer in peers))
            # Of two tasks in one batch either may be first.
            assert max(b - a for a, b in itertools.pairwise(seen)) <= 2 * SENDS_PER_SLICE
        nursery.cancel_scope.cancel()


@in_virtual_time
async def test_the_cost_of_a_pass_leaves_out_what_others_do_meanwhile() -> None:
    async with trio.open_nursery() as nursery:
        meter = Meter()
        pump = Pump(trio.current_time, meter)
        nursery.start_soon(pump.run)
        feed = Feed("test", Preludes(), pump.wake)

        async def burn() -> None:
            for _ in range(100):
                meter.now += 1.0
                await trio.lowlevel.checkpoint()

        def costly(_peer: Peer, data: bytes | memoryview, /) -> int:
            meter.now += 0.001
            return len(data)

        async with open_crowd(3 * SENDS_PER_SLICE) as peers:
            for peer in peers:
                peer.outlet.send = functools.partial(costly, peer)
                feed.add(Follower(feed, peer.outlet, trio.current_time, 12))
            feed.append(b"K", packets=1, media_ms=0, is_resync=True, urgent=True)
            nursery.start_soon(burn)
            await trio.sleep(1)
            # Each newcomer is sent a prelude and a burst.
            assert pump.statistics().busy_s == pytest.approx(3 * SENDS_PER_SLICE * 2 * 0.001)
        nursery.cancel_scope.cancel()
