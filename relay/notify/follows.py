"""Who follows what: the changes, how many there are, and who else has to know of them.

In memory is how many follow each stream, because every list of streams shows it, and nothing of
who they are.  Changes of what one user follows are made one at a time: each looks at what is there,
decides, and commits, and nobody else changes it between the look and the commit.  A change that has
begun outlasts whoever asked for it, and its turn with it.
"""

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager

import attrs
import trio

from relay.errors import RelayError
from relay.ports import Ports
from relay.store.contract import Store, StoreUnavailable
from relay.store.follows import DropFollow, Follow, FollowChange, PutFollow
from relay.store.writer import Writer

OUTLIVED_AT_ONCE = 100


class TooManyFollows(RelayError):
    """One user follows as many streams as one may."""


@attrs.frozen
class Changed:
    """A user follows a stream from now on, or does not any more."""

    user: str
    stream: str
    follows: bool


@attrs.define(eq=False)
class Follows:
    """See the head of this module."""

    _store: Store
    _writer: Writer
    _ports: Ports
    _most: int
    """Streams that one user may follow."""
    on_change: Callable[[Changed], None] = lambda _: None
    """Told when it is on the disk."""
    _counts: dict[str, int] = attrs.field(factory=dict, init=False)
    _turns: dict[str, "_Turn"] = attrs.field(factory=dict, init=False)
    """By user."""

    async def load(self) -> None:
        """Count.

        Raises:
            StoreUnavailable: it cannot be read.
        """
        self._counts = await self._store.follower_counts()

    def count(self, stream: str) -> int:
        """How many follow it."""
        return self._counts.get(stream, 0)

    @property
    def total(self) -> int:
        """How many follows there are."""
        return sum(self._counts.values())

    async def follow(self, user: str, stream: str, *, until_ms: int | None) -> tuple[Follow, bool]:
        """Follow a stream, or go on doing so; and whether it is new.

        Args:
            user: who.
            stream: `APP/NAME`, whether or not there is one now.
            until_ms: from when on nobody can be this user any more; None for never.

        Raises:
            TooManyFollows: it would be one too many.
            StoreUnavailable: it was not kept.
        """
        turn = await self._turn(user)
        try:
            found = await self._store.follow(user, stream)
            if found is not None:
                return found, False
            if await self._store.follow_count(user) >= self._most:
                raise TooManyFollows(f"a user follows at most {self._most} streams")
            since_ms = round(self._ports.wall() * 1000)
            change = PutFollow(user=user, stream=stream, since_ms=since_ms, until_ms=until_ms)
            await turn.commit(self._writer, change)
        finally:
            turn.leave()
        return Follow(id=0, user=user, stream=stream, since_ms=since_ms, until_ms=until_ms), True

    async def unfollow(self, user: str, stream: str) -> None:
        """Follow a stream no longer.

        Raises:
            StoreUnavailable: it goes on.
        """
        turn = await self._turn(user)
        try:
            if await self._store.follow(user, stream) is not None:
                await turn.commit(self._writer, DropFollow(user, stream))
        finally:
            turn.leave()

    @asynccontextmanager
    async def steady(self, user: str) -> AsyncIterator[Collection[str]]:
        """The streams that a user follows, none of which changes until the context is left.

        Raises:
            StoreUnavailable: they cannot be read.
        """
        turn = await self._turn(user)
        try:
            # Whoever lowers the bound takes nothing away.
            limit = max(self._most, await self._store.follow_count(user))
            found = await self._store.follows(user, limit=limit)
            yield {follow.stream for follow in found}
        finally:
            turn.leave()

    async def drop_outlived(self) -> None:
        """Let go of follows of users that nobody can be any more.

        Raises:
            StoreUnavailable: some are still there.
        """
        now_ms = round(self._ports.wall() * 1000)
        while found := await self._store.outlived_follows(now_ms, limit=OUTLIVED_AT_ONCE):
            for follow in found:
                await self.unfollow(follow.user, follow.stream)

    async def _turn(self, user: str) -> "_Turn":
        await trio.lowlevel.checkpoint()
        while (others := self._turns.get(user)) is not None:
            await others.over.wait()
        turn = self._turns[user] = _Turn(user, self._end)
        return turn

    def _end(self, turn: "_Turn") -> None:
        del self._turns[turn.user]
        match turn.change:
            case PutFollow(user=user, stream=stream):
                self._changed(user, stream, +1)
            case DropFollow(user, stream):
                self._changed(user, stream, -1)

    def _changed(self, user: str, stream: str, more: int) -> None:
        self._counts[stream] = self._counts.get(stream, 0) + more
        if not self._counts[stream]:
            del self._counts[stream]
        self.on_change(Changed(user, stream, more > 0))


@attrs.define(eq=False)
class _Turn:
    """One user's follows are in somebody's hands, until it is known what has become of them."""

    user: str
    _end: Callable[["_Turn"], None]
    change: FollowChange | None = attrs.field(default=None, init=False)
    """What has happened."""
    over: trio.Event = attrs.field(factory=trio.Event, init=False)
    size: int = 512
    _asked: FollowChange | None = attrs.field(default=None, init=False)
    _error: StoreUnavailable | None = attrs.field(default=None, init=False)

    async def commit(self, writer: Writer, change: FollowChange) -> None:
        """Make one change, and return when it is on the disk.

        Raises:
            StoreUnavailable: it was not made.
        """
        try:
            writer.submit_nowait(self)
        except trio.WouldBlock:
            raise StoreUnavailable("the store has too much to do") from None
        self._asked = change
        await self.over.wait()
        if self._error is not None:
            raise self._error

    def leave(self) -> None:
        """Whoever had it looks no longer; a change that is under way ends the turn by itself."""
        if self._asked is None:
            self._finish()

    def changes(self) -> tuple[FollowChange, ...]:
        assert self._asked is not None
        return (self._asked,)

    def done(self, error: StoreUnavailable | None) -> None:
        self._error = error
        self.change = self._asked if error is None else None
        self._finish()

    def _finish(self) -> None:
        self._end(self)
        self.over.set()
