"""A broadcast that runs, its publishers, and viewers who get what its feeds send."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import attrs
import trio
from support.following import LIMITS
from support.memory import Faults, memory_wires, ports

from relay.fanout.budget import Budget
from relay.fanout.follower import Follower
from relay.fanout.outlet import Outlet
from relay.fanout.pump import Pump
from relay.live.broadcast import Broadcast
from relay.live.encodings import Format
from relay.live.run import Publisher, Run
from relay.live.stage import Stage
from relay.live.statistics import BroadcastSettings
from relay.packet import Packet
from relay.reasons import Reason

NAME = "live/cat"
HOLD_S = 30.0
SETTINGS = BroadcastSettings(hold_s=HOLD_S, gop_bytes=1 << 20, gop_s=20.0)


@attrs.define(eq=False)
class Viewer:
    """Follows one format with all the room there is."""

    follower: Follower
    outlet: Outlet
    buffer: bytearray

    def take(self) -> bytes:
        data = bytes(self.buffer)
        self.buffer.clear()
        return data


@attrs.define(eq=False)
class Studio:
    """A stage with its pump."""

    stage: Stage
    budget: Budget
    evicted: list[Reason] = attrs.field(factory=list)

    @property
    def broadcast(self) -> Broadcast:
        broadcast = self.stage.broadcast(NAME)
        assert broadcast is not None
        return broadcast

    def publisher(self, *, exclusive: bool = False) -> Publisher:
        return Publisher(
            address="192.0.2.1:1",
            encoder="test",
            key_id=None,
            exclusive=exclusive,
            evict=self.evicted.append,
        )

    @contextmanager
    def publishing(self, name: str = NAME) -> Iterator[Run]:
        with self.stage.publishing(name, self.publisher()) as run:
            yield run

    def watch(self, output_format: Format) -> Viewer:
        server, client = memory_wires(Faults(capacity=1 << 30))
        outlet = Outlet(
            server,
            limits=LIMITS,
            budget=self.budget,
            clock=trio.current_time,
            spawn=lambda _: None,
            on_fail=lambda: None,
        )
        feed = self.broadcast.feed(output_format)
        follower = Follower(feed, outlet, trio.current_time, 12)
        feed.add(follower)
        return Viewer(follower, outlet, client.incoming.buffer)


async def send(run: Run, *packets: Packet) -> None:
    """Hand over copies, and let everybody have their turn."""
    await run.send([attrs.evolve(packet) for packet in packets])
    await settle()


async def settle() -> None:
    """Longer than audio waits for a ride."""
    await trio.sleep(0.3)


@asynccontextmanager
async def studio(settings: BroadcastSettings = SETTINGS) -> AsyncIterator[Studio]:
    """A stage in service."""
    world = ports(1)
    budget = Budget(1 << 40)
    pump = Pump(world.monotonic, world.cpu)
    stage = Stage(settings, world, budget, pump.wake)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(pump.run)
        await nursery.start(stage.serve_broadcasts)
        yield Studio(stage, budget)
        nursery.cancel_scope.cancel()
