"""How far users have read: a mark in each room, which makes the room one of the user's."""

import attrs

from relay.channels.channel import Channel
from relay.chat.errors import TooManyRooms
from relay.store.committing import commit
from relay.store.contract import Store
from relay.store.rooms import DropMarker, Marker, MoveMarker
from relay.store.writer import Writer


@attrs.define(eq=False)
class Marks:
    """See the head of this module."""

    _most: int
    """Rooms of one user."""
    _store: Store
    _writer: Writer

    async def move(self, channel: Channel, user: str, offset: int) -> None:
        """A user has read up to here, and the room is one of the user's from now on.

        Raises:
            TooManyRooms: the user has as many as one may.
            StoreUnavailable: it is not kept.
        """
        room = channel.name.text
        rooms = await self._store.marked_rooms(user)
        if room not in rooms and len(rooms) >= self._most:
            raise TooManyRooms("this user has as many rooms as one may have")
        # Who claims to have read what is yet to come would miss that.
        offset = min(offset, channel.last_offset)
        marker = MoveMarker(user=user, room=room, epoch=channel.epoch, offset=offset)
        await commit(self._writer, marker)

    async def drop(self, room: str, user: str) -> None:
        """The room is none of the user's any more; done as well where it was none."""
        await commit(self._writer, DropMarker(user, room))

    async def all(self, user: str) -> list[Marker]:
        """The rooms of a user, where something was said last first."""
        found = await self._store.markers(user)
        return sorted(found, key=lambda it: -(it.last_ms or 0))
