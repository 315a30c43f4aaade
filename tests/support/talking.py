"""One room over any store, with people who talk there."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

import attrs
import trio
from support.memory import SteadyCpu, ports
from support.storing import SlowStore

from relay.channels.channel import Channel
from relay.channels.hub import Hub
from relay.channels.names import ChannelName
from relay.channels.rooms import RoomKind
from relay.chat.chat import Chat
from relay.chat.groups import Groups
from relay.chat.message import Sent
from relay.chat.moderation.moderation import Moderation
from relay.config.schema import ChannelsConfig, ChatConfig
from relay.fanout.budget import Budget
from relay.fanout.pump import Pump
from relay.identity.caller import Caller, Kind
from relay.publication import Publication
from relay.store.rooms import MessagePage
from relay.store.writer import Writer

ROOM = "chat:live/cat"
OWNER = Caller(kind=Kind.USER, sub="olga", name="Olga")


def owners(_: ChannelName) -> Collection[str]:
    """Olga's, all of them."""
    return (OWNER.sub,)


@attrs.define(eq=False)
class Talk:
    """A room, and everything that it needs."""

    chat: Chat
    hub: Hub
    store: SlowStore
    channel: Channel
    budget: Budget

    async def say(self, caller: Caller, text: str, key: str = "") -> Publication:
        return (await self.chat.send(self.channel, caller, Sent(text=text), key=key))[0]

    async def log(self) -> list[Publication]:
        """As the store has it."""
        return await self.store.read(ROOM, after=0, limit=10_000)

    async def page(self, user: str = "") -> MessagePage:
        found = await self.store.messages(ROOM, after=0, limit=10_000, user=user)
        assert found is not None
        return found


@asynccontextmanager
async def talk(
    store: SlowStore | None = None, config: ChatConfig | None = None
) -> AsyncIterator[Talk]:
    """A room whose store, if it is given one, may know of it already."""
    world, store, config = ports(3), store or SlowStore(), config or ChatConfig()
    budget, pump = Budget(1 << 40), Pump(trio.current_time, SteadyCpu())
    writer = Writer(store, world.monotonic)
    hub = Hub(
        ChannelsConfig(), world, budget, pump.wake, store, writer.submit_nowait, lambda _: None
    )
    groups = Groups(10, store, writer)
    moderation = Moderation.assembled(config, world, hub, store, writer, owners)
    chat = Chat(config, world, hub, store, writer, groups, moderation)
    hub.rulers |= {kind.value: chat.rules for kind in RoomKind}
    async with trio.open_nursery() as nursery:
        nursery.start_soon(writer.run)
        nursery.start_soon(pump.run)
        await moderation.load()
        nursery.start_soon(moderation.purges.run)
        yield Talk(chat, hub, store, await hub.open(ROOM), budget)
        nursery.cancel_scope.cancel()
