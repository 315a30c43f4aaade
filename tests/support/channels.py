"""Channels and their hub over a memory store, for tests of everything that speaks of messages."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import trio
from support.following import Peer
from support.memory import SteadyCpu, ports

from relay.channels.channel import Channel
from relay.channels.hub import Hub
from relay.channels.tidying import Tidying
from relay.config.schema import ChannelsConfig, NamespaceConfig
from relay.fanout.budget import Budget
from relay.fanout.follower import Follower
from relay.fanout.pump import Pump
from relay.publication import Author, Draft, Moment, Position, Publication
from relay.store.contract import StoreUnavailable
from relay.store.memory import MemoryStore
from relay.store.writer import Pending

ANYONE = NamespaceConfig(
    name="open", subscribe="anyone", publish="anyone", presence=True, join_leave=True
)
DURABLE = NamespaceConfig(
    name="kept", durable=True, history=10_000, history_s=0, subscribe="anyone", publish="anyone"
)


IDLE_S = 60.0


class PlainEncoding:
    """`<offset data>` for a publication; what a test can read at a glance."""

    name = "plain"

    def publication(self, channel: str, epoch: str, publication: Publication) -> bytes:
        return b"<%d %s>" % (publication.offset, publication.data)

    def signal(self, channel: str, publication: Publication) -> bytes:
        return b"<! %s>" % publication.data

    def joined(self, channel: str, who: Author) -> bytes:
        return f"<+{who.client}>".encode()

    def left(self, channel: str, who: Author) -> bytes:
        return f"<-{who.client}>".encode()

    def closed(self, channel: str, position: Position) -> bytes:
        return b"<end>"


PLAIN = PlainEncoding()


@attrs.define(eq=False)
class Commits:
    """Group commit by hand: what was submitted waits until a test lets it be committed."""

    store: MemoryStore
    waiting: list[Pending] = attrs.field(factory=list)
    has_room: bool = True

    def submit(self, pending: Pending) -> None:
        if not self.has_room:
            raise trio.WouldBlock
        self.waiting.append(pending)

    async def commit(self, *, fails: bool = False) -> None:
        """Commit everything that waits, as one batch."""
        batch, self.waiting = self.waiting, []
        changes = [change for pending in batch for change in pending.changes()]
        error = StoreUnavailable("the disk is on fire") if fails else None
        if not fails:
            await self.store.commit(changes)
        for pending in batch:
            pending.done(error)


@attrs.define(eq=False)
class House:
    """A hub whose pump runs."""

    hub: Hub
    pump: Pump
    budget: Budget
    store: MemoryStore
    commits: Commits
    moments: dict[str, Moment]
    """Where broadcasts stand, by name."""

    async def settle(self) -> None:
        """Let the pump do everything that it can do now."""
        await trio.sleep(0.3)

    def follow(self, channel: Channel, peer: Peer, gaps: list[str] | None = None) -> Follower:
        """Follow a channel from here on."""

        def gap() -> None:
            assert gaps is not None, "this follower must not fall behind"
            gaps.append(channel.name.text)

        feed = channel.feed(PLAIN)
        follower = Follower(feed, peer.outlet, trio.current_time, 0, on_gap=gap)
        feed.add_at_end(follower)
        return follower


@asynccontextmanager
async def house(
    *configured: NamespaceConfig, store: MemoryStore | None = None, seed: int = 7
) -> AsyncIterator[House]:
    """A hub with the built-in namespaces, `open:` and `kept:`."""
    moments = dict[str, Moment]()
    budget, pump = Budget(1 << 40), Pump(trio.current_time, SteadyCpu())
    store = MemoryStore() if store is None else store
    commits = Commits(store)
    world = ports(seed)
    hub = Hub(
        ChannelsConfig(namespaces=(ANYONE, DURABLE, *configured), open_channels=1000),
        world,
        budget,
        pump.wake,
        store,
        commits.submit,
        moments.get,
    )
    tidying = Tidying(hub, store, world.monotonic, world.wall, IDLE_S)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(pump.run)
        nursery.start_soon(tidying.run)
        yield House(hub, pump, budget, store, commits, moments)
        nursery.cancel_scope.cancel()


def draft(text: str, user: str = "") -> Draft:
    """A draft whose data is a JSON text."""
    return Draft(data=f'"{text}"'.encode(), author=Author(user, "c1") if user else None)
