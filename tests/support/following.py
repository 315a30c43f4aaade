"""Feeds, followers and outlets over wires in memory, for tests of the fan-out."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import attrs
import trio
from support.memory import FAULTLESS, Faults, MemoryWire, SteadyCpu, memory_wires

from relay.fanout.budget import Budget
from relay.fanout.feed import Feed
from relay.fanout.follower import Follower
from relay.fanout.outlet import Outlet, OutletLimits
from relay.fanout.piece import Piece
from relay.fanout.pump import Pump

LIMITS = OutletLimits(queued_bytes=1 << 20, queued_s=4.0, stalled_s=30.0)
GAPS_PER_MINUTE = 12


@attrs.define(eq=False)
class Peer:
    """An outlet, and the client who reads what it writes."""

    outlet: Outlet
    client: MemoryWire
    budget: Budget
    nursery: trio.Nursery
    drainers: int = 0
    failures: int = 0

    def take(self, max_bytes: int = 1 << 30) -> bytes:
        """What has arrived, without waiting; the drainer can go on when it next runs."""
        pipe = self.client.incoming
        data = bytes(pipe.buffer[:max_bytes])
        del pipe.buffer[:max_bytes]
        pipe.changed.unpark_all()
        return data

    async def take_all(self) -> bytes:
        """Everything, until the outlet has nothing more."""
        data = self.take()
        while self.outlet.backlogged:
            await trio.testing.wait_all_tasks_blocked()
            data += self.take()
        return data + self.take()


@asynccontextmanager
async def open_peer(
    faults: Faults = FAULTLESS,
    *,
    limits: OutletLimits = LIMITS,
    budget: Budget | None = None,
    seed: int = 0,
) -> AsyncIterator[Peer]:
    """A connection; at the end it is closed, and whoever still drains it is cancelled."""
    budget = Budget(1 << 40) if budget is None else budget
    async with trio.open_nursery() as nursery:
        peer = _peer(nursery, memory_wires(faults, seed=seed), limits, budget)
        yield peer
        peer.outlet.abort()
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def open_crowd(count: int) -> AsyncIterator[list[Peer]]:
    """Many connections."""
    budget = Budget(1 << 40)
    async with trio.open_nursery() as nursery:
        peers = [
            _peer(nursery, memory_wires(FAULTLESS, seed=seed), LIMITS, budget)
            for seed in range(count)
        ]
        yield peers
        for peer in peers:
            peer.outlet.abort()
        nursery.cancel_scope.cancel()


def _peer(
    nursery: trio.Nursery,
    wires: tuple[MemoryWire, MemoryWire],
    limits: OutletLimits,
    budget: Budget,
) -> Peer:
    def spawn(drain: Callable[[], object]) -> None:
        peer.drainers += 1
        nursery.start_soon(drain)  # type: ignore[arg-type] # a coroutine function in fact

    def fail() -> None:
        peer.failures += 1

    server, client = wires
    outlet = Outlet(
        server,
        limits=limits,
        budget=budget,
        clock=trio.current_time,
        spawn=spawn,
        on_fail=fail,
    )
    return (peer := Peer(outlet, client, budget, nursery))


@attrs.define(eq=False)
class Source:
    """Stands behind pieces, and remembers what it was told."""

    marks: list[Piece] = attrs.field(factory=list)
    held_up_times: int = 0
    caught_up_times: int = 0
    sent: tuple[int, int] = (0, 0)

    def held_up(self) -> None:
        self.held_up_times += 1

    def sent_directly(self) -> tuple[int, int]:
        return self.sent

    def fell_behind(self, mark: Piece) -> None:
        self.marks.append(mark)

    def caught_up(self) -> None:
        self.caught_up_times += 1


def piece(position: int, data: bytes = b"") -> Piece:
    return Piece(data, position, 1, position, 40 * position, False)


class Preludes:
    """Says in brackets what stands before a start."""

    def opening(self, media_ms: int) -> bytes:
        return b"[open %d]" % media_ms

    def resume(self, from_ms: int, to_ms: int) -> bytes:
        return b"[resume %d %d]" % (from_ms, to_ms)


@attrs.define(eq=False)
class Programme:
    """A feed with a pump; packet `i` is `<i>`, filled up to a size, 40 ms after the last."""

    feed: Feed
    pump: Pump
    size: int = 16
    count: int = 0

    @classmethod
    def make(cls, *, size: int = 16) -> "Programme":
        pump = Pump(trio.current_time, SteadyCpu())
        return cls(Feed("test", Preludes(), pump.wake), pump, size)

    def packet(self, index: int) -> bytes:
        return (b"<%d" % index).ljust(self.size - 1, b".") + b">"

    def packets(self, start: int, stop: int) -> bytes:
        return b"".join(self.packet(index) for index in range(start, stop))

    def append(self, *, resync: bool = False, urgent: bool = True) -> None:
        """The next packet."""
        self.feed.append(
            self.packet(self.count),
            packets=1,
            media_ms=40 * self.count,
            is_resync=resync,
            urgent=urgent,
        )
        self.count += 1

    async def send(self, count: int, *, gop: int) -> None:
        """Packets, each in a pass of its own; every `gop`-th of all is a keyframe."""
        for _ in range(count):
            self.append(resync=self.count % gop == 0)
            await self.settle()

    async def settle(self) -> None:
        """Let the pump do everything that it can do now."""
        await trio.sleep(0.3)

    def follow(self, peer: Peer, *, gaps_per_minute: int = GAPS_PER_MINUTE) -> Follower:
        follower = Follower(self.feed, peer.outlet, trio.current_time, gaps_per_minute)
        self.feed.add(follower)
        return follower


@asynccontextmanager
async def programme(*, size: int = 16) -> AsyncIterator[Programme]:
    """A programme whose pump runs."""
    made = Programme.make(size=size)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(made.pump.run)
        yield made
        nursery.cancel_scope.cancel()
