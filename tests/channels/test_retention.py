"""A durable channel keeps what its namespace says, whether or not anybody opens it, and gently."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import attrs
import trio
from support.memory import SteadyCpu, in_virtual_time, ports
from support.stores import created
from support.storing import SlowStore

from relay.channels.hub import Hub
from relay.channels.retaining import BATCH
from relay.channels.retention import EVERY_S, MINUTES_KEPT, Retention
from relay.config.schema import ChannelsConfig, NamespaceConfig
from relay.fanout.budget import Budget
from relay.fanout.pump import Pump
from relay.publication import Publication
from relay.store.contract import Append, DeleteChannel, Trim
from relay.store.minutes import MINUTE_MS
from relay.store.writer import Writer

KINDS = ChannelsConfig(
    namespaces=(
        NamespaceConfig(name="few", durable=True, history=100, history_s=0),
        NamespaceConfig(name="day", durable=True, history=1 << 40, history_s=86_400),
        NamespaceConfig(name="all", durable=True, history=1 << 40, history_s=0),
    )
)


@attrs.define(eq=False)
class Keeping:
    store: SlowStore
    hub: Hub
    retention: Retention
    now_ms: int

    async def fill(self, name: str, count: int, *, age_s: float = 0, epoch: str = "first") -> None:
        """As many publications, a millisecond apart, the newest of that age."""
        newest = self.now_ms - round(age_s * 1000)
        said = tuple(
            Publication(offset=n, data=b"{}", at_ms=newest - count + n) for n in range(1, count + 1)
        )
        made = created(name, epoch=epoch)
        await self.store.commit([made, Append(channel=name, publications=said)])

    async def kept(self, name: str) -> tuple[int, int, int | None]:
        extent = await self.store.extent(name)
        assert extent is not None
        return extent.first_offset, extent.last_offset, extent.lowest


@asynccontextmanager
async def keeping() -> AsyncIterator[Keeping]:
    world, store = ports(3), SlowStore(commit_s=0.001)
    writer = Writer(store, world.monotonic)
    pump = Pump(trio.current_time, SteadyCpu())
    hub = Hub(KINDS, world, Budget(1 << 40), pump.wake, store, writer.submit_nowait, lambda _: None)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(writer.run)
        retention = Retention(hub, store, writer, world.wall)
        yield Keeping(store, hub, retention, round(world.wall() * 1000))
        nursery.cancel_scope.cancel()


@in_virtual_time
async def test_what_is_too_much_goes_a_few_hundred_at_a_time() -> None:
    async with keeping() as it:
        await it.fill("few:a", 5 * BATCH)
        await it.fill("all:a", 5 * BATCH)
        it.store.batches.clear()
        await it.retention.tidy()
        assert await it.kept("few:a") == (5 * BATCH - 99, 5 * BATCH, 5 * BATCH - 99)
        assert await it.kept("all:a") == (1, 5 * BATCH, 1)
        cuts = [
            (at, one) for at, batch in it.store.batches for one in batch if isinstance(one, Trim)
        ]
        firsts = [1, *(one.first_offset for _, one in cuts)]
        steps = [after - before for before, after in pairwise(firsts)]
        assert len(steps) == 5
        assert all(0 < step <= BATCH for step in steps)
        # Everybody else's commits come between.
        assert all(after - before > 0.01 for (before, _), (after, _) in pairwise(cuts))
        assert it.retention.statistics().publications == 5 * BATCH - 100


@in_virtual_time
async def test_what_is_too_old_goes_though_nobody_opens_its_channel() -> None:
    async with keeping() as it:
        await it.fill("day:old", BATCH + 7, age_s=86_401)
        await it.fill("day:new", 10, age_s=80_000)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(it.retention.run)
            await trio.sleep(EVERY_S + 10)
            nursery.cancel_scope.cancel()
        assert await it.kept("day:old") == (BATCH + 8, BATCH + 7, None)
        assert await it.kept("day:new") == (1, 10, 1)
        assert it.retention.statistics().rounds == 1


@in_virtual_time
async def test_a_channel_that_is_made_anew_meanwhile_is_not_cut() -> None:
    async with keeping() as it:
        await it.fill("few:a", 5 * BATCH)
        before = await it.store.extent("few:a")
        assert before is not None
        await it.store.commit([DeleteChannel("few:a")])
        await it.fill("few:a", 3, epoch="second")
        assert await it.retention._cut(before, 1 + BATCH)
        await trio.sleep(1)
        assert await it.kept("few:a") == (1, 3, 1)


@in_virtual_time
async def test_a_store_that_fails_is_asked_again_in_the_next_round() -> None:
    async with keeping() as it:
        await it.fill("few:a", 200)
        it.store.fails = lambda _: True
        async with trio.open_nursery() as nursery:
            nursery.start_soon(it.retention.run)
            await trio.sleep(EVERY_S + 10)
            assert await it.kept("few:a") == (1, 200, 1)
            it.store.fails = lambda _: False
            await trio.sleep(EVERY_S)
            assert await it.kept("few:a") == (101, 200, 101)
            nursery.cancel_scope.cancel()


@in_virtual_time
async def test_minutes_are_forgotten_in_time() -> None:
    async with keeping() as it:
        minute = it.now_ms // MINUTE_MS
        ages = [0, MINUTES_KEPT - 1, MINUTES_KEPT + 1]
        said = tuple(
            Publication(offset=n, data=b"{}", at_ms=(minute - age) * MINUTE_MS, message="m")
            for n, age in enumerate(reversed(ages), 1)
        )
        await it.store.commit([created("all:a"), Append(channel="all:a", publications=said)])
        await it.retention.tidy()
        found = await it.store.minutes("all:a", since=0, until=minute + 1)
        assert [minute - one.minute for one in found] == [MINUTES_KEPT - 1, 0]
        await it.store.commit([DeleteChannel("all:a")])
