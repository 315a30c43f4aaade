"""An announcer over a hub and a store in memory; what it sees is what a test puts on stage."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import attrs
import trio
from support.memory import ports
from support.storing import SlowStore

from relay.channels.hub import Hub
from relay.config.schema import ChannelsConfig, NamespaceConfig, NotifyConfig
from relay.fanout.budget import Budget
from relay.notify.announcer import Announcer
from relay.notify.events import Described, Event
from relay.notify.fan_out import FanOuts
from relay.notify.follows import Follows
from relay.notify.session_events import Sight
from relay.publication import Publication
from relay.store.contract import Store
from relay.store.writer import Writer

STREAM = "live/cat"
LIVE = Sight(session="s-1", is_live=True, viewers=1, visits=2)


@attrs.define(eq=False)
class Newsroom:
    """See the head of this module."""

    store: Store
    hub: Hub
    announcer: Announcer = attrs.field(init=False)
    follows: Follows = attrs.field(init=False)
    fan_outs: FanOuts = attrs.field(init=False)
    stage: dict[str, Sight] = attrs.field(factory=dict)
    said: dict[str, Described] = attrs.field(factory=dict)
    endpoints: tuple[str, ...] = ()
    woken: list[list[str]] = attrs.field(factory=list)

    def show(self, sight: Sight | None, stream: str = STREAM) -> None:
        """Let this be seen from now on."""
        if sight is None:
            self.stage.pop(stream, None)
        else:
            self.stage[stream] = sight
        self.announcer.changed(stream)

    def describe(self, stream: str) -> Described:
        nothing = Described(title=None, category=None, user=None, is_listed=True)
        return self.said.get(stream, nothing)

    def recipients(self, event: Event) -> tuple[str, ...]:
        return self.endpoints

    def queued(self, endpoints: Sequence[str]) -> None:
        self.woken.append(list(endpoints))

    async def published(self, channel: str) -> list[dict[str, Any]]:
        """Events on a channel, oldest first."""
        found: Sequence[Publication] = await self.hub.read_after(
            await self.hub.open(channel), 0, 99
        )
        return [json.loads(each.data) for each in found]

    async def types(self, channel: str) -> list[str]:
        return [event["type"] for event in await self.published(channel)]


@asynccontextmanager
async def newsroom(
    store: Store | None = None, *configured: NamespaceConfig, seed: int = 3, **config: Any
) -> AsyncIterator[Newsroom]:
    """One that runs."""
    store = SlowStore() if store is None else store
    world = ports(seed)
    writer = Writer(store, trio.current_time)
    hub = Hub(
        ChannelsConfig(namespaces=configured),
        world,
        Budget(1 << 40),
        lambda *_: None,
        store,
        writer.submit_nowait,
        lambda _: None,
    )
    room = Newsroom(store, hub)
    room.follows = Follows(store, writer, world, 1000)
    room.fan_outs = FanOuts(world, hub, store, writer, room.follows.count)
    room.announcer = Announcer(
        NotifyConfig(**config),
        world,
        hub,
        store,
        writer,
        room.stage.get,
        room.describe,
        room.recipients,
        room.queued,
        carriers=(room.fan_outs,),
    )
    await room.follows.load()
    await room.fan_outs.load()
    await room.announcer.load()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(writer.run)
        nursery.start_soon(room.announcer.run)
        nursery.start_soon(room.fan_outs.run)
        yield room
        nursery.cancel_scope.cancel()
