"""The textbook fan-out and the pump, side by side."""

import attrs
import trio
from support import media
from support.following import open_peer
from support.memory import Faults, SteadyCpu

from examples.plain_channels import QUEUE_PIECES, Fanout
from relay.fanout.feed import Feed
from relay.fanout.follower import Follower
from relay.fanout.pump import Pump
from relay.flv import writer

FOUND = media.packets(media.flv_file())
FRAMES = [packet for packet in FOUND if not packet.is_config]
CONFIGURATIONS = [writer.config(packet, 0) for packet in FOUND if packet.is_config]
OPENING = writer.header(media.tracks_of(FOUND)) + b"".join(CONFIGURATIONS)
TAGS = [writer.tag(frame) for frame in FRAMES]
JOINS = range(0, len(FRAMES), 13)
"""A viewer comes before each of these frames."""
ROOMY = Faults(capacity=1 << 30)


class Prelude:
    def opening(self, media_ms: int) -> bytes:
        return OPENING

    def resume(self, from_ms: int, to_ms: int) -> bytes:
        return b""


@attrs.define(eq=False)
class Viewer:
    """Reads whatever it is sent, once it is allowed to."""

    may_read: trio.Event = attrs.field(factory=trio.Event)
    received: bytearray = attrs.field(factory=bytearray)

    async def send_all(self, data: bytes) -> None:
        await self.may_read.wait()
        self.received += data


async def by_channels() -> list[bytes]:
    """What each viewer has got in the end."""
    fanout, viewers = Fanout(OPENING), []
    async with trio.open_nursery() as nursery:
        for i, tag in enumerate(TAGS):
            if i in JOINS:
                viewers.append(Viewer())
                viewers[-1].may_read.set()
                nursery.start_soon(fanout.serve, viewers[-1])
            await trio.testing.wait_all_tasks_blocked()
            fanout.append(tag, is_resync=FRAMES[i].is_keyframe)
        fanout.end()
    return [bytes(viewer.received) for viewer in viewers]


async def by_pump() -> list[bytes]:
    """The same viewers."""
    pump = Pump(trio.current_time, SteadyCpu())
    feed, got = Feed("test", Prelude(), pump.wake), dict.fromkeys(JOINS, b"")

    async def view(i: int) -> None:
        async with open_peer(ROOMY) as peer:
            feed.add(Follower(feed, peer.outlet, trio.current_time, 12))
            try:
                await trio.sleep_forever()
            finally:
                got[i] = peer.take()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(pump.run)
        for i, tag in enumerate(TAGS):
            if i in JOINS:
                nursery.start_soon(view, i)
            await trio.sleep(0.3)
            frame = FRAMES[i]
            feed.append(
                tag, packets=1, media_ms=frame.dts, is_resync=frame.is_keyframe, urgent=True
            )
        await trio.sleep(0.3)
        nursery.cancel_scope.cancel()
    return list(got.values())


async def test_plain_channels_and_the_pump_give_the_same_bytes(
    autojump_clock: trio.testing.MockClock,  # noqa: ARG001  # the pump's pauses take no time
) -> None:
    plain = await by_channels()
    assert plain == await by_pump()
    assert plain[0] == OPENING + b"".join(TAGS)
    assert len(set(map(len, plain))) > 1


async def test_who_does_not_read_is_let_go_and_costs_nobody_anything() -> None:
    fanout, stuck, quick = Fanout(b""), Viewer(), Viewer()
    quick.may_read.set()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(fanout.serve, stuck)
        nursery.start_soon(fanout.serve, quick)
        for i in range(QUEUE_PIECES + 10):
            fanout.append(b"%4d" % i, is_resync=i == 0)
            await trio.testing.wait_all_tasks_blocked()
        stuck.may_read.set()
        fanout.end()
    assert len(quick.received) == 4 * (QUEUE_PIECES + 10)
    assert len(stuck.received) == 4 * (1 + QUEUE_PIECES)
