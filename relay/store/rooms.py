"""What a store keeps of rooms, beside the log of each, which is its channel's publications.

A message is a publication that has an id (`Publication.message`), and there is no second copy of
it: it is found by its id, its offset or its time where it stands.  What is said of it later is a
publication as well; but an edit or a deletion also puts something else where the words were, in the
same transaction (`Rewrite`).  So whoever reads the log, by whatever protocol, reads what holds now.

Reactions are counted by message and by user, and how far a user has read is a mark in each room.
"""

from collections.abc import Collection, Mapping
from typing import Protocol

import attrs

from relay.publication import Publication

UNREAD_MOST = 100
"""Nobody reads a larger number, and counting to it must not cost more with each message."""


@attrs.frozen(kw_only=True)
class Rewrite:
    """Put other data into a publication; where it is not kept any more, nothing happens."""

    channel: str
    offset: int
    data: bytes
    is_tombstone: bool = False
    """Whether it is a message no longer, but the place where one was."""
    is_nobodys: bool = False
    """Whether it is not known any more who has published it."""


@attrs.frozen
class PutRoom:
    """What the site says of a room that it has made: a JSON object, whole."""

    room: str
    value: bytes


@attrs.frozen
class DropRoom:
    room: str


@attrs.frozen(kw_only=True)
class MoveMarker:
    """A user has read a room up to here; a mark is made, or moves, and never back."""

    user: str
    room: str
    epoch: str
    """Of the room's channel: in another one, offsets begin again."""
    offset: int


@attrs.frozen
class DropMarker:
    """The room is none of this user's any more."""

    user: str
    room: str


@attrs.frozen(kw_only=True)
class PutReaction:
    """One reaction of one user to one message; twice is once."""

    room: str
    offset: int
    reaction: str
    user: str


@attrs.frozen(kw_only=True)
class DropReaction:
    room: str
    offset: int
    reaction: str
    user: str


@attrs.frozen
class DropReactions:
    """All of them to one message."""

    room: str
    offset: int


RoomChange = (
    Rewrite
    | PutRoom
    | DropRoom
    | MoveMarker
    | DropMarker
    | PutReaction
    | DropReaction
    | DropReactions
)


@attrs.frozen
class Reaction:
    """One kind of reaction to one message."""

    reaction: str
    count: int
    is_mine: bool
    """Whether whoever asked is among them."""


Reactions = Mapping[int, tuple[Reaction, ...]]
"""By the message's offset, sorted by reaction; messages that have none are not there."""


@attrs.frozen(kw_only=True)
class MessagePage:
    """Messages as they were at one moment."""

    epoch: str
    last_offset: int
    """Of the newest publication then, message or not: live news go on behind it."""
    messages: tuple[Publication, ...]
    reactions: Reactions


@attrs.frozen(kw_only=True)
class Marker:
    """A room of a user's, and what is new there."""

    room: str
    offset: int
    """Read up to here, in the channel's present epoch."""
    unread: int
    """Messages of others above that, at most `UNREAD_MOST`."""
    last_ms: int | None
    """When the newest message was sent; None where there is none."""


class RoomReader(Protocol):
    """What a store can be asked about rooms."""

    async def rooms(self) -> dict[str, bytes]:
        """What is said of each room that the site has made, by its name."""

    async def message(self, room: str, message: str) -> Publication | None:
        """The message with this id, or its tombstone, if it is kept."""

    async def messages(
        self, room: str, *, after: int, limit: int, newest_first: bool = False, user: str = ""
    ) -> MessagePage | None:
        """Up to `limit` messages with an offset above `after`; None where there is no channel.

        With `newest_first`, those below `after` (0 for the end), the newest of them first.
        `user` asks, for `Reaction.is_mine`.
        """

    async def offset_at(self, room: str, at_ms: int) -> int | None:
        """The offset of the first message that was sent then or later."""

    async def reactions(self, room: str, offsets: Collection[int], *, user: str = "") -> Reactions:
        """Reactions to these messages."""

    async def marked_rooms(self, user: str) -> list[str]:
        """The rooms that a user has a mark in, by name."""

    async def markers(self, user: str) -> list[Marker]:
        """All rooms of a user, by name."""
