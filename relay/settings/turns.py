"""One at a time for each user, in the order in which they came.

A turn that something is committed in ends with the commit, and not with whoever waits for it: a
client that goes away must not let the next one look before it is known what there is to see.
"""

from collections.abc import Callable, Sequence
from functools import partial

import attrs
import trio

from relay.notify.announcement import Announcement
from relay.store.contract import Change, StoreUnavailable
from relay.store.writer import Writer


@attrs.define(eq=False)
class Turn:
    """A user's settings are in somebody's hands."""

    user: str
    _end: Callable[[], None]
    _is_with_writer: bool = attrs.field(default=False, init=False)

    async def commit(self, writer: Writer, announcement: Announcement, change: Change) -> None:
        """Make one change with what is announced of it; returns when it is on the disk.

        Raises:
            StoreUnavailable: nothing of it has happened.
        """
        announcement.more.append(change)
        try:
            writer.submit_nowait(_Ending(announcement, self._end))
        except trio.WouldBlock:
            announcement.done(StoreUnavailable("the store has too much to do"))
        except StoreUnavailable as error:
            announcement.done(error)
        else:
            self._is_with_writer = True
        await announcement.decided.wait()
        if announcement.error is not None:
            raise announcement.error

    def leave(self) -> None:
        """Whoever had it is done with it; what the writer has ends it by itself."""
        if not self._is_with_writer:
            self._end()


@attrs.frozen(eq=False)
class _Ending:
    """A pending of the writer, with which a turn ends."""

    _announcement: Announcement
    _end: Callable[[], None]

    @property
    def size(self) -> int:
        return self._announcement.size

    def changes(self) -> Sequence[Change]:
        return self._announcement.changes()

    def done(self, error: StoreUnavailable | None) -> None:
        self._announcement.done(error)
        self._end()


@attrs.define(eq=False)
class Turns:
    """See the head of this module."""

    _waiting: dict[str, trio.lowlevel.ParkingLot] = attrs.field(factory=dict, init=False)
    """By user, of whom somebody has the turn."""

    async def take(self, user: str) -> Turn:
        """Wait for one's turn, behind all who wait already."""
        await trio.lowlevel.checkpoint()
        if (waiting := self._waiting.get(user)) is not None:
            # Whoever is let in has the turn, and comes to no checkpoint in which to lose it.
            await waiting.park()
        else:
            self._waiting[user] = trio.lowlevel.ParkingLot()
        return Turn(user, partial(self._end, user))

    def _end(self, user: str) -> None:
        """Let the next one in."""
        if self._waiting[user]:
            self._waiting[user].unpark()
        else:
            del self._waiting[user]

    def __len__(self) -> int:
        """Of how many users somebody has the turn."""
        return len(self._waiting)
