"""Rooms in a store that keeps nothing."""

from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from typing import Protocol

import attrs

from relay.publication import Publication
from relay.store.erasures import ReactionOf
from relay.store.rooms import (
    UNREAD_MOST,
    DropMarker,
    DropReaction,
    DropReactions,
    DropRoom,
    Marker,
    MessagePage,
    MoveMarker,
    PutReaction,
    PutRoom,
    Reaction,
    Reactions,
    Rewrite,
    RoomChange,
)
from relay.store.searching import Span
from relay.store.words import Wanted, beside, message_words


class Record(Protocol):
    """Of a channel."""

    @property
    def epoch(self) -> str: ...
    @property
    def last_offset(self) -> int: ...


class Kept(Protocol):
    """A channel, as this store keeps it."""

    @property
    def record(self) -> Record: ...
    @property
    def publications(self) -> list[Publication]:
        """Without gaps, oldest first."""


@attrs.define(eq=False)
class MemoryRooms:
    """See `store.rooms`."""

    _channels: Mapping[str, Kept]
    rooms: dict[str, bytes] = attrs.field(factory=dict, init=False)
    _markers: dict[str, dict[str, tuple[str, int]]] = attrs.field(factory=dict, init=False)
    """By user and by room: epoch and offset."""
    _reactions: dict[str, dict[int, set[tuple[str, str]]]] = attrs.field(factory=dict, init=False)
    """By room and by offset: what, and whose."""
    _tombstones: dict[str, set[int]] = attrs.field(factory=dict, init=False)

    def make(self, change: RoomChange) -> None:
        """Make one change."""
        match change:
            case Rewrite():
                self._rewrite(change)
            case PutRoom(room, value):
                self.rooms[room] = value
            case DropRoom(room):
                self._drop(room)
            case MoveMarker():
                self._move(change)
            case DropMarker(user, room):
                self._markers.get(user, {}).pop(room, None)
            case _:
                self._react(change)

    def forget(self, channel: str) -> None:
        """This channel has been deleted."""
        self._reactions.pop(channel, None)
        self._tombstones.pop(channel, None)

    def search(
        self,
        room: str,
        wanted: Wanted,
        after: int,
        limit: int,
        *,
        newest_first: bool,
        user: str,
    ) -> MessagePage | None:
        """See `Store.search`: a look at every message."""
        page = self.page(room, 0, 0, newest_first=False, user=user)
        if page is None:
            return None
        found = (
            one
            for one in self._messages(room, newest_first=newest_first)
            if _is_wanted(one, beside(wanted, after, newest_first=newest_first))
        )
        gone = self._tombstones.get(room, ())
        taken = tuple(islice((one for one in found if one.offset not in gone), limit))
        reactions = self.counts(room, [one.offset for one in taken], user)
        return attrs.evolve(page, messages=taken, reactions=reactions)

    def spoken(self, room: str, span: Span, limit: int) -> MessagePage | None:
        """See `Store.spoken`."""
        page = self.page(room, 0, 0, newest_first=False, user="")
        if page is None:
            return None
        after = (span.from_ms, 0) if span.after is None else attrs.astuple(span.after)
        found = [
            (at, one)
            for at, one in self._of_session(room, span.session)
            if after < at < (span.to_ms, 0)
        ]
        found.sort(key=lambda pair: pair[0])
        return attrs.evolve(page, messages=tuple(one for _, one in found[:limit]))

    def spoken_at(self, room: str, session: str, media_ms: int) -> int | None:
        """See `Store.spoken_at`."""
        then = [at for at, _ in self._of_session(room, session) if at[0] >= media_ms]
        return min(then)[1] if then else None

    def _of_session(self, room: str, session: str) -> Iterator[tuple[tuple[int, int], Publication]]:
        """Messages, with media time and offset."""
        for one in self._messages(room):
            if one.moment is not None and one.moment.session == session:
                yield (one.moment.media_ms, one.offset), one

    def find(self, room: str, message: str) -> Publication | None:
        """See `Store.message`."""
        return next((one for one in self._messages(room) if one.message == message), None)

    def page(
        self, room: str, after: int, limit: int, *, newest_first: bool, user: str
    ) -> MessagePage | None:
        """See `Store.messages`."""
        if (kept := self._channels.get(room)) is None:
            return None
        found = self._messages(room, newest_first=newest_first)
        if not newest_first:
            found = (one for one in found if one.offset > after)
        elif after:
            found = (one for one in found if one.offset < after)
        taken = tuple(islice(found, limit))
        return MessagePage(
            epoch=kept.record.epoch,
            last_offset=kept.record.last_offset,
            messages=taken,
            reactions=self.counts(room, [one.offset for one in taken], user),
        )

    def offset_at(self, room: str, at_ms: int) -> int | None:
        """See `Store.offset_at`."""
        then = ((one.at_ms, one.offset) for one in self._messages(room) if one.at_ms >= at_ms)
        return min(then, default=(0, None))[1]

    def counts(self, room: str, offsets: Collection[int], user: str) -> Reactions:
        """See `Store.reactions`."""
        given = {offset: self._reactions.get(room, {}).get(offset) for offset in offsets}
        return {offset: _counted(of_it, user) for offset, of_it in given.items() if of_it}

    def reactions_of(self, user: str) -> list[ReactionOf]:
        """See `Store.reactions_of`."""
        return [
            ReactionOf(room, offset, reaction)
            for room, messages in self._reactions.items()
            for offset, given in messages.items()
            for reaction, one in given
            if one == user
        ]

    def marked(self, user: str) -> list[str]:
        """See `Store.marked_rooms`."""
        return sorted(self._markers.get(user, ()))

    def all_markers(self, user: str) -> list[Marker]:
        """See `Store.markers`."""
        marked = self._markers.get(user, {})
        return [self._marker(user, room, *marked[room]) for room in sorted(marked)]

    def _marker(self, user: str, room: str, epoch: str, offset: int) -> Marker:
        kept = self._channels.get(room)
        read = offset if kept is not None and kept.record.epoch == epoch else 0
        newest = next(self._messages(room, newest_first=True), None)
        unread = islice((one for one in self._news(room, read, user)), UNREAD_MOST)
        return Marker(
            room=room,
            offset=read,
            unread=sum(1 for _ in unread),
            last_ms=None if newest is None else newest.at_ms,
        )

    def _news(self, room: str, read: int, user: str) -> Iterator[Publication]:
        gone = self._tombstones.get(room, ())
        for one in self._messages(room):
            is_own = one.author is not None and one.author.user == user
            if one.offset > read and one.offset not in gone and not is_own:
                yield one

    def _messages(self, room: str, *, newest_first: bool = False) -> Iterator[Publication]:
        kept = self._channels.get(room)
        if kept is None:
            return iter(())
        them = reversed(kept.publications) if newest_first else iter(kept.publications)
        return (one for one in them if one.message)

    def _react(self, change: PutReaction | DropReaction | DropReactions) -> None:
        if change.room not in self._channels:
            return
        room = self._reactions.setdefault(change.room, {})
        match change:
            case PutReaction():
                room.setdefault(change.offset, set()).add((change.reaction, change.user))
            case DropReaction():
                room.get(change.offset, set()).discard((change.reaction, change.user))
            case DropReactions():
                room.pop(change.offset, None)

    def _drop(self, room: str) -> None:
        self.rooms.pop(room, None)
        for marked in self._markers.values():
            marked.pop(room, None)

    def _rewrite(self, change: Rewrite) -> None:
        kept = self._channels.get(change.channel)
        if kept is None or not kept.publications:
            return
        index = change.offset - kept.publications[0].offset
        if 0 <= index < len(kept.publications):
            before = kept.publications[index]
            author = None if change.is_nobodys else before.author
            kept.publications[index] = attrs.evolve(before, data=change.data, author=author)
            if change.is_tombstone:
                self._tombstones.setdefault(change.channel, set()).add(change.offset)

    def _move(self, change: MoveMarker) -> None:
        marked = self._markers.setdefault(change.user, {})
        epoch, offset = marked.get(change.room, (change.epoch, 0))
        further = max(offset, change.offset) if epoch == change.epoch else change.offset
        marked[change.room] = change.epoch, further


def _is_wanted(one: Publication, wanted: Wanted) -> bool:
    if one.offset <= wanted.above or (wanted.below is not None and one.offset >= wanted.below):
        return False
    author = None if one.author is None else one.author.user
    return set(wanted.terms) <= set(message_words(one.data, author))


def _counted(given: set[tuple[str, str]], user: str) -> tuple[Reaction, ...]:
    kinds = sorted({reaction for reaction, _ in given})
    return tuple(
        Reaction(kind, sum(1 for one, _ in given if one == kind), (kind, user) in given)
        for kind in kinds
    )
