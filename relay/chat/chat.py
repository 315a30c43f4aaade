"""What can be done in a room.

A room is a channel, and its log is the channel's: the publications, in the order of their offsets,
in memory and in the store.  There is no second copy of anything that was said.

- A *message* is a publication with an id (`Publication.message`).  By it, by its offset and by its
  time the store finds it where it stands; session and media time stand beside it.  So history,
  search and chunks by media time are questions to the log, and need nothing of their own but an
  index; and what else a site publishes in a room is passed over by all of them.
- An *edit* or a *deletion* is a publication, too, so whoever follows hears of it in order, and who
  was away recovers it.  In the same transaction it puts into the message's own place what holds
  from then on: the new text, or a tombstone with nothing of what was said.  The words of the edit
  before go as well.  Hence a text stands in the log twice at most, its message and its newest edit,
  and once it is deleted nowhere; no reader has to know of that, whatever protocol it reads by.
- A moderator's deletion is the same, by somebody else.  Offsets never change and have no gaps.
- *Reactions* are counted in a table of their own, because they are many; each is told as a
  publication that says how many there are then.
- *Typing* is a signal: it has no offset, and whoever does not follow at that moment missed nothing.
- How far a user has read is a mark in the store for each room, and what is unread is counted from
  it.

Sending is publishing, by whatever protocol, through the hub: one order, one acknowledgement when
the store has it, and keys that let the same message be sent again.  What looks at a message before
it is changed holds the channel's `conditional`, until the store has spoken.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

import attrs
import trio

from relay.channels.channel import Channel
from relay.channels.hub import Hub
from relay.channels.names import ChannelName
from relay.channels.publishing import Outcome, Published, Submit
from relay.channels.rooms import RoomKind, pair_of, room_kind
from relay.chat.deciding import (
    Said,
    check_delete,
    check_edit,
    check_reaction,
    edited,
    overtaken,
    tombstone,
)
from relay.chat.errors import NoSuchMessage, TooManyRooms
from relay.chat.groups import Groups
from relay.chat.ids import RANDOM_BYTES, message_id, read_id
from relay.chat.message import (
    Change,
    Delete,
    Edit,
    Entry,
    Message,
    Reacted,
    ReplyTo,
    Sender,
    Sent,
    Typing,
    encode,
    read_message,
    read_sent,
)
from relay.chat.typists import Typists
from relay.config.schema import ChatConfig, NamespaceConfig
from relay.identity.caller import Caller, Kind
from relay.notify.committing import commit
from relay.ports import Ports
from relay.publication import Author, Draft, Publication
from relay.store.contract import Append, Store, StoreUnavailable
from relay.store.contract import Change as StoreChange
from relay.store.rooms import (
    DropMarker,
    DropReaction,
    DropReactions,
    Marker,
    MessagePage,
    MoveMarker,
    PutReaction,
    Rewrite,
)
from relay.store.writer import Pending, Writer

COMMIT_S = 10.0
"""For how long a change is seen through, whose answer nobody may wait for any more."""
Beside = Callable[[int], Sequence[StoreChange]]
"""What the store is to do together with a publication, by its offset."""


@attrs.frozen
class _Together:
    """A publication, and what belongs to it, in one transaction."""

    _publishing: Pending
    _beside: Beside

    @property
    def size(self) -> int:
        return self._publishing.size + 2048

    def changes(self) -> Sequence[StoreChange]:
        changes = self._publishing.changes()
        last = next(it for it in reversed(changes) if isinstance(it, Append))
        return [*changes, *self._beside(last.publications[-1].offset)]

    def done(self, error: StoreUnavailable | None) -> None:
        self._publishing.done(error)


@attrs.define(eq=False)
class Chat:
    """See the head of this module."""

    _config: ChatConfig
    _ports: Ports
    _hub: Hub
    _store: Store
    _writer: Writer
    groups: Groups
    _typists: Typists = attrs.field(factory=Typists, init=False)

    def rules(self, name: ChannelName, namespace: NamespaceConfig) -> NamespaceConfig | None:
        """Whose rules hold for a channel in a namespace of rooms; None where it is no room."""
        match room_kind(name):
            case None:
                return None
            case RoomKind.GROUP:
                return self.groups.rules(name.text, namespace)
            case _:
                return namespace

    # Saying something.

    def read(self, data: bytes) -> Sent:
        """What a client publishes.

        Raises:
            FormatError: it cannot be said.
        """
        return read_sent(data, self._config.text_characters)

    async def answered(self, room: str, sent: Sent) -> ReplyTo | None:
        """The message that this one answers.

        Raises:
            NoSuchMessage: it answers none that was said here.
            StoreUnavailable: that cannot be known now.
        """
        if sent.reply_to is None:
            return None
        said = await self._said(room, sent.reply_to)
        return ReplyTo(id=said.message.id, offset=said.offset, author=said.message.author)

    def draft(
        self, caller: Caller, author: Author | None, sent: Sent, reply_to: ReplyTo | None
    ) -> Draft:
        """The message, ready to be published."""
        random = self._ports.random.randbytes(RANDOM_BYTES)
        message = Message(
            id=message_id(self._now_ms(), random),
            author=Sender.of(caller),
            text=sent.text,
            reply_to=reply_to,
            mentions=sent.mentions,
        )
        return Draft(data=encode(message), author=author, message=message.id)

    def submit_for(self, channel: Channel) -> Submit | None:
        """What takes messages of this channel to the store: with a direct room's goes a mark for
        each of the two, so that they have it among their rooms.  None where nothing goes along.
        """
        return self._together(self._marks(channel))

    async def send(
        self, channel: Channel, caller: Caller, sent: Sent, *, key: str
    ) -> tuple[Publication, bool]:
        """Say something; it is in the store once this returns.  The same key says it once, and the
        answer says whether that was now.

        Raises:
            ChannelError, ChatError: it is not said.
            StoreUnavailable: it is not in the store, or nobody knows.
        """
        reply_to = await self.answered(channel.name.text, sent)
        draft = self.draft(caller, author_of(caller), sent, reply_to)
        published = await self._publish(channel, draft, self._marks(channel), key=key)
        said = await self._at(channel, published.position.offset)
        return said, not published.is_repeated

    def tell_typing(self, channel: Channel, caller: Caller) -> None:
        """Tell everybody who is there that somebody is writing, unless they hear enough of that."""
        if not self._typists.may_tell(channel.name.text, caller.sub, self._ports.monotonic()):
            return
        data = encode(Typing(author=Sender.of(caller)))
        author = author_of(caller)
        channel.signal(Publication(offset=0, data=data, at_ms=self._now_ms(), author=author))

    # Changing what was said.

    async def edit(self, channel: Channel, caller: Caller, message: str, change: Change) -> None:
        """Have a message say something else.

        Raises:
            ChannelError, ChatError: it stays as it is.
            StoreUnavailable: so it does, or nobody knows.
        """
        async with channel.conditional:
            said = await self._said(channel.name.text, message)
            now_ms = self._now_ms()
            check_edit(caller, said, now_ms=now_ms, window_ms=self._window_ms)
            event = Edit(
                id=said.message.id, of=said.offset, text=change.text, mentions=change.mentions
            )
            await self._replace(
                channel,
                caller,
                event,
                said,
                lambda offset: edited(said, change, at_ms=now_ms, offset=offset),
            )

    async def delete(self, channel: Channel, caller: Caller, message: str) -> None:
        """Have nothing of what a message said be readable any more.

        Raises:
            ChannelError, ChatError: it stays as it is.
            StoreUnavailable: so it does, or nobody knows.
        """
        async with channel.conditional:
            said = await self._said(channel.name.text, message)
            now_ms = self._now_ms()
            check_delete(caller, said, now_ms=now_ms, window_ms=self._window_ms)
            by_site = caller.kind is Kind.OPERATOR
            event = Delete(id=said.message.id, of=said.offset, by="site" if by_site else "author")
            await self._replace(
                channel,
                caller,
                event,
                said,
                lambda offset: tombstone(said, event, at_ms=now_ms, offset=offset),
            )

    async def react(
        self, channel: Channel, caller: Caller, message: str, reaction: str, *, is_on: bool
    ) -> None:
        """React to a message, or take that back; done as well where it was so before.

        Raises:
            ChannelError, ChatError: all stays as it is.
            StoreUnavailable: so it does, or nobody knows.
        """
        room = channel.name.text
        async with channel.conditional:
            said = await self._said(room, message)
            found = await self._store.reactions(room, [said.offset], user=caller.sub)
            there = found.get(said.offset, ())
            check_reaction(caller, said, reaction, there)
            of_kind = next((one for one in there if one.reaction == reaction), None)
            if is_on is (of_kind is not None and of_kind.is_mine):
                return
            before = 0 if of_kind is None else of_kind.count
            event = Reacted(
                id=said.message.id,
                of=said.offset,
                reaction=reaction,
                user=caller.sub,
                is_on=is_on,
                count=before + (1 if is_on else -1),
            )
            kind = PutReaction if is_on else DropReaction
            change = kind(room=room, offset=said.offset, reaction=reaction, user=caller.sub)
            await self._publish(channel, _event(caller, event), lambda _: [change])

    async def message(self, room: str, message: str, *, user: str) -> MessagePage:
        """One message as a page of its own.

        Raises:
            NoSuchMessage: it was never said here, or is not kept any more.
            StoreUnavailable: that cannot be known now.
        """
        said = await self._said(room, message)
        page = await self._store.messages(room, after=said.offset - 1, limit=1, user=user)
        if page is None or not page.messages or page.messages[0].offset != said.offset:
            raise NoSuchMessage("it is not kept any more")
        return page

    # What was read.

    async def mark(self, channel: Channel, user: str, offset: int) -> None:
        """A user has read up to here, and the room is one of the user's from now on.

        Raises:
            TooManyRooms: the user has as many as one may.
            StoreUnavailable: it is not kept.
        """
        room = channel.name.text
        rooms = await self._store.marked_rooms(user)
        if room not in rooms and len(rooms) >= self._config.rooms_per_user:
            raise TooManyRooms("this user has as many rooms as one may have")
        # Who claims to have read what is yet to come would miss that.
        offset = min(offset, channel.last_offset)
        marker = MoveMarker(user=user, room=room, epoch=channel.epoch, offset=offset)
        await commit(self._writer, marker)

    async def unmark(self, room: str, user: str) -> None:
        """The room is none of the user's any more; done as well where it was none."""
        await commit(self._writer, DropMarker(user, room))

    async def marks(self, user: str) -> list[Marker]:
        """The rooms of a user, where something was said last first."""
        found = await self._store.markers(user)
        return sorted(found, key=lambda it: -(it.last_ms or 0))

    # How.

    async def _said(self, room: str, message: str) -> Said:
        known = read_id(message)
        found = None if known is None else await self._store.message(room, known)
        if found is None:
            raise NoSuchMessage("there is no such message in this room")
        return Said(offset=found.offset, at_ms=found.at_ms, message=read_message(found.data))

    async def _replace(
        self,
        channel: Channel,
        caller: Caller,
        event: Edit | Delete,
        said: Said,
        now: Callable[[int], Message],
    ) -> None:
        """Publish what was done to a message, and put what holds `now` in its place."""
        room = channel.name.text
        last = overtaken(said)

        def pieces(offset: int) -> list[Rewrite]:
            is_gone = isinstance(event, Delete)
            found = [
                Rewrite(
                    channel=room,
                    offset=said.offset,
                    data=encode(now(offset)),
                    is_tombstone=is_gone,
                )
            ]
            if last is not None:
                found.append(Rewrite(channel=room, offset=last[0], data=encode(last[1])))
            return found

        def beside(offset: int) -> list[StoreChange]:
            more = [DropReactions(room, said.offset)] if isinstance(event, Delete) else []
            return [*pieces(offset), *more]

        def amend(offset: int) -> None:
            for piece in pieces(offset):
                self._hub.changes.amend(channel, piece.offset, piece.data)

        await self._publish(channel, _event(caller, event), beside, then=amend)

    async def _publish(
        self,
        channel: Channel,
        draft: Draft,
        beside: Beside | None,
        *,
        key: str = "",
        then: Callable[[int], None] | None = None,
    ) -> Published:
        """Publish, and see it through, also when whoever asked has gone: what comes next decides by
        what became of this.
        """
        ended, outcomes = trio.Event(), list[Outcome]()

        def done(outcome: Outcome) -> None:
            if then is not None and isinstance(outcome, Published):
                then(outcome.position.offset)
            outcomes.append(outcome)
            ended.set()

        submit = self._together(beside)
        try:
            self._hub.publish_nowait(channel, (draft,), done, key=key, submit=submit)
        except trio.WouldBlock:
            raise StoreUnavailable("the store has too much to do") from None
        with trio.move_on_after(COMMIT_S, shield=True):
            await ended.wait()
        if not outcomes:
            raise StoreUnavailable("the store has not answered")
        if isinstance(outcomes[0], StoreUnavailable):
            raise outcomes[0]
        return outcomes[0]

    def _together(self, beside: Beside | None) -> Submit | None:
        if beside is None:
            return None
        return lambda pending: self._writer.submit_nowait(_Together(pending, beside))

    def _marks(self, channel: Channel) -> Beside | None:
        """Of a direct room: both have it among their rooms, from the first message on."""
        if channel.name.namespace != RoomKind.DIRECT.value:
            return None
        users: Iterable[str] = pair_of(channel.name.rest) or ()
        mark = partial(MoveMarker, room=channel.name.text, epoch=channel.epoch, offset=0)
        marks = [mark(user=user) for user in users]
        return lambda _: marks

    async def _at(self, channel: Channel, offset: int) -> Publication:
        found = await self._hub.read_after(channel, offset - 1, 1)
        if not found or found[0].offset != offset:
            raise NoSuchMessage("it is not kept any more")
        return found[0]

    @property
    def _window_ms(self) -> int:
        return round(self._config.change_s * 1000)

    def _now_ms(self) -> int:
        return round(self._ports.wall() * 1000)


def author_of(caller: Caller) -> Author:
    """Who publishes by a request, which is no connection that others could know."""
    return Author(caller.sub, "", caller.info)


def _event(caller: Caller, event: Entry) -> Draft:
    return Draft(data=encode(event), author=author_of(caller))
