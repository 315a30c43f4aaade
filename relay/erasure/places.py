"""Where a user's things are that nobody has to go through a log for: each step takes a kind away.

How much there is is written down before it goes, so that a crash between the two loses no count.
"""

from collections.abc import Awaitable, Callable

import attrs
import trio

from relay.channels.channel import Channel
from relay.channels.errors import ChannelsFull, UnknownChannel
from relay.channels.hub import Hub
from relay.channels.namespaces import Namespaces, owned_names
from relay.channels.rooms import RoomKind, pair_of
from relay.erasure.job import Job
from relay.notify.follows import Follows
from relay.settings.settings import Settings
from relay.store.contract import Store, StoreUnavailable
from relay.store.erasures import ForgetKeysOf
from relay.store.push import DropPushSubscription
from relay.store.rooms import DropMarker, DropReaction, DropRoom

AT_ONCE = 200
FOLLOWS_MOST = 1_000_000
Step = Callable[[Job], Awaitable[None]]


@attrs.define(eq=False)
class Places:
    """See the head of this module."""

    _hub: Hub
    _store: Store
    _follows: Follows
    _settings: Settings
    _namespaces: Namespaces

    async def settings(self, job: Job) -> None:
        """Documents, with all of their versions, and that there were any."""
        held = await self._settings.read(job.user)
        await job.put(job.receipt.all_of("settings", len(tuple(held.namespaces()))))
        await self._settings.forget(job.user)

    async def follows(self, job: Job) -> None:
        found = await self._store.follows(job.user, limit=FOLLOWS_MOST)
        await job.put(job.receipt.all_of("follows", len(found)))
        for follow in found:
            await self._follows.unfollow(job.user, follow.stream)

    async def push_subscriptions(self, job: Job) -> None:
        found = await self._store.push_subscriptions(job.user)
        drops = [DropPushSubscription(device.id) for device in found]
        await job.put(job.receipt.plus(push_subscriptions=len(found)), *drops)

    async def direct_rooms(self, job: Job) -> None:
        """Whole, with what the other has said there: their names are the ids of both."""
        prefix = f"{RoomKind.DIRECT.value}:"
        theirs = [
            name
            for name in await self._store.names(prefix)
            if job.user in (pair_of(name.removeprefix(prefix)) or ())
        ]
        # Nobody has a room among theirs that is about to go.
        await job.put(job.receipt.all_of("direct_rooms", len(theirs)), *map(DropRoom, theirs))
        for name in theirs:
            await self._delete(name)

    async def channels(self, job: Job) -> None:
        """Those that are the user's own."""
        names = owned_names(job.user, self._namespaces)
        theirs = [name for name in names if await self._is_there(name)]
        await job.put(job.receipt.all_of("channels", len(theirs)))
        for name in theirs:
            await self._delete(name)

    async def read_marks(self, job: Job) -> None:
        rooms = await self._store.marked_rooms(job.user)
        drops = [DropMarker(job.user, room) for room in rooms]
        await job.put(job.receipt.plus(read_marks=len(rooms)), *drops)

    async def reactions(self, job: Job) -> None:
        while found := await self._store.reactions_of(job.user, limit=AT_ONCE):
            drops = [
                DropReaction(room=it.room, offset=it.offset, reaction=it.reaction, user=job.user)
                for it in found
            ]
            await job.put(job.receipt.plus(reactions=len(found)), *drops)
            await job.rest()

    async def keys(self, job: Job) -> None:
        await job.put(job.receipt, ForgetKeysOf(job.user))

    async def _is_there(self, name: str) -> bool:
        return self._hub.find(name) is not None or await self._store.extent(name) is not None

    async def _delete(self, name: str) -> None:
        """Delete a channel, in the order in which things happen to it."""
        try:
            channel = await self._hub.open(name)
        except UnknownChannel:
            raise StoreUnavailable(f"there are no rules for {name}") from None
        except ChannelsFull:
            raise StoreUnavailable("there are as many channels as there may be") from None
        with channel.held():
            await _deleted(self._hub, channel)


async def _deleted(hub: Hub, channel: Channel) -> None:
    decided, errors = trio.Event(), list[StoreUnavailable | None]()

    def told(error: StoreUnavailable | None) -> None:
        errors.append(error)
        decided.set()

    try:
        hub.changes.delete_nowait(channel, told)
    except trio.WouldBlock:
        raise StoreUnavailable("the store has too much to do") from None
    await decided.wait()
    if errors[0] is not None:
        raise errors[0]
