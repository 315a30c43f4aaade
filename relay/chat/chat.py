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
- A moderator's deletion is the same, by somebody else (`moderation`).  Offsets never change and
  have no gaps.
- *Reactions* are counted in a table of their own, because they are many; each is told as a
  publication that says how many there are then.
- *Typing* is a signal: it has no offset, and whoever does not follow at that moment missed nothing.
- How far a user has read is a mark in the store for each room, and what is unread is counted from
  it.

Sending is publishing, by whatever protocol, through the hub: one order, one acknowledgement when
the store has it, and keys that let the same message be sent again.  What looks at a message before
it is changed holds the channel's `conditional`, until the store has spoken.
"""

from collections.abc import Iterable
from functools import partial

import attrs

from relay.channels.channel import Channel
from relay.channels.hub import Hub
from relay.channels.names import ChannelName
from relay.channels.publishing import Submit
from relay.channels.rooms import RoomKind, pair_of, room_kind
from relay.chat.changing import Changes
from relay.chat.errors import NoSuchMessage
from relay.chat.finding import find
from relay.chat.groups import Groups
from relay.chat.ids import RANDOM_BYTES, message_id
from relay.chat.marks import Marks
from relay.chat.message import Message, ReplyTo, Sender, Sent, Typing, encode, read_sent
from relay.chat.moderation.gate import Standing
from relay.chat.moderation.moderation import Moderation
from relay.chat.publishing import Beside, Publisher, author_of
from relay.chat.typists import Typists
from relay.config.schema import ChatConfig, NamespaceConfig
from relay.errors import RelayError
from relay.identity.caller import Caller
from relay.ports import Ports
from relay.publication import Author, Draft, Publication
from relay.store.contract import Store
from relay.store.rooms import MessagePage, MoveMarker
from relay.store.writer import Writer


@attrs.define(eq=False)
class Chat:
    """See the head of this module."""

    _config: ChatConfig
    _ports: Ports
    _hub: Hub
    _store: Store
    _writer: Writer
    groups: Groups
    moderation: Moderation
    changes: Changes = attrs.field(init=False)
    marks: Marks = attrs.field(init=False)
    _publisher: Publisher = attrs.field(init=False)
    _typists: Typists = attrs.field(factory=Typists, init=False)

    def __attrs_post_init__(self) -> None:
        self._publisher = Publisher(self._hub, self._writer)
        self.changes = Changes(
            self._config, self._ports, self._hub, self._store, self._publisher, self.moderation
        )
        self.marks = Marks(self._config.rooms_per_user, self._store, self._writer)

    def rules(self, name: ChannelName, namespace: NamespaceConfig) -> NamespaceConfig | None:
        """Whose rules hold for a channel in a namespace of rooms; None where it is no room."""
        match room_kind(name):
            case None:
                return None
            case RoomKind.GROUP:
                return self.groups.rules(name.text, namespace)
            case _:
                return namespace

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
        said = await find(self._store, room, sent.reply_to)
        return ReplyTo(id=said.message.id, offset=said.offset, author=said.message.author)

    def draft(
        self,
        channel: Channel,
        standing: Standing,
        author: Author | None,
        sent: Sent,
        reply_to: ReplyTo | None,
        *,
        key: str = "",
    ) -> Draft:
        """The message, ready to be published in the same step: nothing may come in between.

        Raises:
            Refused: the room does not take it.
        """
        # What was said before is only answered once more.
        if not self._hub.has_key(channel, author, key):
            self.moderation.gate.admit(standing, sent.text)
        random = self._ports.random.randbytes(RANDOM_BYTES)
        message = Message(
            id=message_id(self._now_ms(), random),
            author=Sender.of(standing.caller),
            text=sent.text,
            reply_to=reply_to,
            mentions=sent.mentions,
        )
        return Draft(data=encode(message), author=author, message=message.id)

    def submit_for(self, channel: Channel) -> Submit | None:
        """What takes messages of this channel to the store: with a direct room's goes a mark for
        each of the two, so that they have it among their rooms.  None where nothing goes along.
        """
        return self._publisher.together(self._marks_of(channel))

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
        gate, author = self.moderation.gate, author_of(caller)
        standing = await gate.look(channel.name, caller)
        draft = self.draft(channel, standing, author, sent, reply_to, key=key)
        marks = self._marks_of(channel)
        try:
            published = await self._publisher.publish(channel, draft, marks, key=key)
        except RelayError:
            gate.take_back(standing)
            raise
        said = await self._at(channel, published.position.offset)
        return said, not published.is_repeated

    def tell_typing(self, channel: Channel, caller: Caller) -> None:
        """Tell everybody who is there that somebody is writing, unless they hear enough of that.

        Raises:
            Refused: the room wants to hear nothing from this caller.
        """
        self.moderation.gate.check_change(channel.name, caller)
        if not self._typists.may_tell(channel.name.text, caller.sub, self._ports.monotonic()):
            return
        data = encode(Typing(author=Sender.of(caller)))
        author = author_of(caller)
        channel.signal(Publication(offset=0, data=data, at_ms=self._now_ms(), author=author))

    async def message(self, room: str, message: str, *, user: str) -> MessagePage:
        """One message as a page of its own.

        Raises:
            NoSuchMessage: it was never said here, or is not kept any more.
            StoreUnavailable: that cannot be known now.
        """
        said = await find(self._store, room, message)
        page = await self._store.messages(room, after=said.offset - 1, limit=1, user=user)
        if page is None or not page.messages or page.messages[0].offset != said.offset:
            raise NoSuchMessage("it is not kept any more")
        return page

    def _marks_of(self, channel: Channel) -> Beside | None:
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

    def _now_ms(self) -> int:
        return round(self._ports.wall() * 1000)
