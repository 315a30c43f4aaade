"""How messages are found in the log of their room: by their words, or by where the picture stood.

An index has the words of each message that says something, and none of one that was deleted; it
changes with the log, in the same transaction.  Nothing is found in another order than that of the
log, so a page of what was found goes on from an offset, as any page does.
"""

from typing import Protocol

import attrs

from relay.store.rooms import MessagePage
from relay.store.words import Wanted


@attrs.frozen
class MediaPlace:
    """Behind one message of a session."""

    media_ms: int
    offset: int


@attrs.frozen(kw_only=True)
class Span:
    """A piece of a session, by its media time; milliseconds, the end is not part of it."""

    session: str
    from_ms: int
    to_ms: int
    after: MediaPlace | None = None
    """Go on behind this one."""


class SearchReader(Protocol):
    """What a store can be asked for."""

    async def search(
        self,
        room: str,
        wanted: Wanted,
        *,
        after: int,
        limit: int,
        newest_first: bool = False,
        user: str = "",
    ) -> MessagePage | None:
        """As `RoomReader.messages`, with those alone that are wanted and not deleted."""

    async def spoken(self, room: str, span: Span, *, limit: int) -> MessagePage | None:
        """Messages, and tombstones, of a piece of a session, in the order of their media time.

        None where there is no channel.  Reactions are not asked for.
        """

    async def spoken_at(self, room: str, session: str, media_ms: int) -> int | None:
        """The offset of the first message at this media time of a session, or later in it."""
