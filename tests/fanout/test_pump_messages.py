"""Messages and pictures have passes of their own, each at its own pace."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import trio
from support.following import Preludes, open_peer
from support.memory import in_virtual_time

from relay.fanout.feed import Due, Feed
from relay.fanout.follower import Follower
from relay.fanout.pump import Pump


@attrs.define(eq=False)
class Followed:
    """A feed with one follower, and what a send to it costs."""

    feed: Feed
    pump: "Measured"
    cost: float = 0.0
    arrivals: list[float] = attrs.field(factory=list)

    def sent(self, data: bytes | memoryview, /) -> int:
        self.arrivals.append(trio.current_time())
        self.pump.cpu += self.cost
        return len(data)

    def say(self) -> float:
        """Something new; when that was."""
        self.feed.append(b"m", packets=1, media_ms=0, is_resync=False, urgent=True)
        return trio.current_time()

    async def say_often(self, every_s: float, times: int) -> list[float]:
        said = []
        for _ in range(times):
            said.append(self.say())
            await trio.sleep(every_s)
        return said


@attrs.define(eq=False)
class Measured:
    """A pump whose CPU time a test decides."""

    pump: Pump = attrs.field(init=False)
    cpu: float = 0.0

    def __attrs_post_init__(self) -> None:
        self.pump = Pump(trio.current_time, lambda: self.cpu)

    @asynccontextmanager
    async def followed(self, urgent: Due) -> AsyncIterator[Followed]:
        feed = Feed("test", Preludes(), self.pump.wake, urgent=urgent)
        found = Followed(feed, self)
        async with open_peer() as peer:
            peer.outlet.send = found.sent
            feed.add_at_end(Follower(feed, peer.outlet, trio.current_time, 12))
            yield found


@asynccontextmanager
async def measured() -> AsyncIterator[Measured]:
    made = Measured()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(made.pump.run)
        yield made
        nursery.cancel_scope.cancel()


@in_virtual_time
async def test_messages_that_leave_room_go_out_one_by_one_and_pictures_go_together() -> None:
    async with measured() as made:
        for urgent, is_alone in ((Due.PROMPT, True), (Due.NOW, False)):
            async with made.followed(urgent) as one:
                one.cost = 0.034
                said = await one.say_often(0.050, 60)
                assert (one.arrivals[-20:] == said[-20:]) is is_alone
                assert (len(one.arrivals) < 50) is not is_alone
            await trio.sleep(1)


@in_virtual_time
async def test_more_messages_than_there_is_room_for_are_joined() -> None:
    async with measured() as made, made.followed(Due.PROMPT) as one:
        one.cost = 0.034
        await one.say_often(0.005, 400)
        gaps = {
            round(b - a, 3) for a, b in zip(one.arrivals[-11:-1], one.arrivals[-10:], strict=True)
        }
        assert gaps == {0.034}


@in_virtual_time
async def test_a_picture_is_not_late_for_dear_messages_nor_a_message_for_dear_pictures() -> None:
    async with (
        measured() as made,
        made.followed(Due.NOW) as picture,
        made.followed(Due.PROMPT) as message,
    ):
        picture.cost = 0.034
        await picture.say_often(0.033, 60)
        # Pictures wait for each other now.
        assert picture.say() not in picture.arrivals
        said = message.say()
        await trio.sleep(0.001)
        assert message.arrivals == [said]
        picture.cost, message.cost = 0.0, 0.034
        await picture.say_often(1, 20)
        await message.say_often(0.005, 100)
        said = picture.say()
        await trio.sleep(0.001)
        assert picture.arrivals[-1] == said
