"""Deleting all that somebody has said in a room.

It may be a hundred thousand messages, and everybody's commits stand behind each; so it is done in
the background, a few at a time and the newest first, and goes on after a restart from what the
store has of it.  Whoever follows the room has heard at once that they are gone.

The log of the room is gone through from there on, because nothing else finds all that a user has
said: an index knows words, and there are messages without any.
"""

from collections.abc import Sequence

import attrs
import trio

from relay.channels.channel import Channel
from relay.channels.errors import ChannelError
from relay.channels.hub import Hub
from relay.chat.deciding import Said, tombstone
from relay.chat.message import Delete, Message, read_message
from relay.chat.moderation.rooms import Purge, Rooms
from relay.chat.replacing import replaced
from relay.publication import Publication
from relay.store.committing import commit
from relay.store.contract import Store, StoreUnavailable
from relay.store.moderation import DropOrder
from relay.store.rooms import DropReactions
from relay.store.writer import Writer

AT_ONCE = 200
"""Messages that are looked at."""
AGAIN_S = 1.0
"""Where the store cannot be reached."""


@attrs.define(eq=False)
class Purges:
    """See the head of this module."""

    _hub: Hub
    _store: Store
    _writer: Writer
    _rooms: Rooms
    _news: trio.Event = attrs.field(factory=trio.Event, init=False)
    _done: trio.Event = attrs.field(factory=trio.Event, init=False)

    def begin(self, room: str, user: str, purge: Purge) -> None:
        """There is this to do."""
        self._rooms.purges[room, user] = purge
        self._news.set()

    async def wait_done(self, room: str, user: str) -> None:
        """Wait until nothing of this user's has to go any more."""
        await trio.lowlevel.checkpoint()
        while (room, user) in self._rooms.purges:
            await self._done.wait()

    async def run(self) -> None:
        """Do what there is to do, for ever."""
        while True:
            while (first := next(iter(self._rooms.purges.items()), None)) is not None:
                (room, user), purge = first
                await self._see_through(room, user, purge)
            self._news = trio.Event()
            await self._news.wait()

    async def _see_through(self, room: str, user: str, purge: Purge) -> None:
        below = purge.offset
        # Another one of the same user begins further up.
        while self._rooms.purges.get((room, user)) is purge:
            try:
                below = await self._some(room, user, purge, below)
            except (StoreUnavailable, ChannelError):
                # Others first.
                self._rooms.purges[room, user] = self._rooms.purges.pop((room, user))
                await trio.sleep(AGAIN_S)
                return
        self._done.set()
        self._done = trio.Event()

    async def _some(self, room: str, user: str, purge: Purge, below: int) -> int:
        """Delete the newest of them below an offset, or end; and where to go on."""
        channel = await self._hub.open(room)
        with channel.held():
            async with channel.conditional:
                page = await self._store.messages(
                    room, after=below, limit=AT_ONCE, newest_first=True
                )
                if page is None or page.epoch != purge.epoch or not page.messages:
                    await self._end(room, user, purge)
                    return 0
                await self._delete(channel, _said_by(user, page.messages), purge)
        return page.messages[-1].offset

    async def _delete(self, channel: Channel, them: Sequence[Said], purge: Purge) -> None:
        room = channel.name.text
        rewrites = [
            rewrite for said in them for rewrite in replaced(room, said, _tombstone(said, purge))
        ]
        if rewrites:
            reactions = [DropReactions(room, said.offset) for said in them]
            await commit(self._writer, *rewrites, *reactions)
        for rewrite in rewrites:
            self._hub.changes.amend(channel, rewrite.offset, rewrite.data)

    async def _end(self, room: str, user: str, purge: Purge) -> None:
        await commit(self._writer, DropOrder(room=room, kind="purge", subject=user))
        if self._rooms.purges.get((room, user)) is purge:
            del self._rooms.purges[room, user]


def _said_by(user: str, them: Sequence[Publication]) -> list[Said]:
    """Those of one user that say something."""
    theirs = (one for one in them if one.author is not None and one.author.user == user)
    found = (
        Said(offset=one.offset, at_ms=one.at_ms, message=read_message(one.data)) for one in theirs
    )
    return [said for said in found if said.message.deleted is None]


def _tombstone(said: Said, purge: Purge) -> Message:
    event = Delete(id=said.message.id, of=said.offset, by=purge.by)
    return tombstone(said, event, at_ms=purge.at_ms, offset=purge.offset)
