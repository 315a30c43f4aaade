"""One channel: its positions, what it keeps of them, and everybody who follows it.

Live delivery, history and recovery are one sequence of positions.  Whoever subscribes is told in
the reply what it has missed, and its follower is put behind that, in the same step: nothing can
come between, because nothing here waits.

    drafts --place--> publications with offsets --(store)--> take --> history, feeds, pollers

`place` gives offsets and `take` makes them known.  In memory one follows the other at once; in a
durable namespace the store stands between them, so that nobody hears of a publication, and nobody
is told that it was accepted, before it would survive a power cut.

A publication is encoded once for each wire format that somebody follows the channel in.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import attrs
import trio

from relay.channels.history import History
from relay.channels.names import ChannelName
from relay.channels.presence import Presence
from relay.channels.sections import Sections
from relay.config.schema import NamespaceConfig
from relay.fanout.feed import Feed, Wake
from relay.publication import Author, Draft, Moment, Position, Publication
from relay.reasons import Reason
from relay.store.contract import JSON_TYPE, ChannelRecord, ProducerMark


class MessageEncoding(Protocol):
    """A channel's events in one wire format: whole frames, `b""` where it has no word for one."""

    @property
    def name(self) -> str:
        """For metrics."""

    def publication(self, channel: str, epoch: str, publication: Publication) -> bytes: ...
    def signal(self, channel: str, publication: Publication) -> bytes: ...
    def joined(self, channel: str, who: Author) -> bytes: ...
    def left(self, channel: str, who: Author) -> bytes: ...
    def closed(self, channel: str, position: Position) -> bytes: ...


def _nowhere() -> Moment | None:
    return None


@attrs.define(eq=False)
class Channel:
    """See the head of this module."""

    name: ChannelName
    namespace: NamespaceConfig
    epoch: str
    history: History
    _wake: Wake
    moment: Callable[[], Moment | None] = _nowhere
    """Where the broadcast that it belongs to stands."""
    snapshot: Callable[[], bytes] | None = None
    """Of a channel with a state: the state as it is at `position`, as JSON."""
    content_type: str = JSON_TYPE
    created_ms: int | None = None
    """Since when it exists; None before anybody has made it or published."""
    is_made: bool = False
    """Whether somebody has made it by hand: then it stays until it is deleted or expires."""
    ttl_s: int | None = None
    expires_ms: int | None = None
    producers: dict[str, ProducerMark] = attrs.field(factory=dict)
    stream_seq: str = ""
    is_closed: bool = False
    """Nothing will be added any more."""
    is_deleted: bool = False
    presence: Presence = attrs.field(factory=Presence, init=False)
    used_at: float = attrs.field(default=0.0, init=False)
    """When somebody asked for it last, monotonic seconds."""
    first_stored: int = attrs.field(default=1, init=False)
    """The offset of the oldest publication that the store has, in a durable namespace."""
    pending: int = attrs.field(default=0, init=False)
    """Changes that wait for the store."""
    _placed: int = attrs.field(init=False)
    _followed: dict[MessageEncoding, Sections] = attrs.field(factory=dict, init=False)
    _holders: int = attrs.field(default=0, init=False)
    _news: trio.Event | None = attrs.field(default=None, init=False)
    _conditional: trio.Lock | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self._placed = self.history.last_offset

    def adopt(self, record: ChannelRecord) -> None:
        """It exists, as the record says."""
        self.epoch = record.epoch
        self.content_type = record.content_type
        self.created_ms = record.created_ms
        self.ttl_s, self.expires_ms = record.ttl_s, record.expires_ms

    # Positions.

    @property
    def last_offset(self) -> int:
        return self.history.last_offset

    @property
    def position(self) -> Position:
        """Of the newest publication."""
        return Position(self.epoch, self.last_offset)

    def missed(self, since: Position) -> Sequence[Publication] | None:
        """What came after `since`; None where something of it may be missing here."""
        if since.epoch != self.epoch or not self.history.reaches(since.offset):
            return None
        return self.history.since(since.offset)

    # Adding to it.

    def place(self, drafts: Iterable[Draft], at_ms: int) -> tuple[Publication, ...]:
        """Give drafts their offsets, and their moment in the broadcast.  `take` must follow."""
        moment = self.moment()
        placed: list[Publication] = []
        for draft in drafts:
            self._placed += 1
            placed.append(
                Publication(
                    offset=self._placed,
                    data=draft.data,
                    at_ms=at_ms,
                    author=draft.author,
                    tags=draft.tags,
                    moment=moment,
                    message=draft.message,
                )
            )
        return tuple(placed)

    def displace(self) -> None:
        """What was placed and not taken will not come: the store has failed."""
        self._placed = self.last_offset

    def take(self, publications: Iterable[Publication], *, closes: bool = False) -> None:
        """Make publications known to everybody."""
        for publication in publications:
            self.history.append(publication)
            for encoding, sections in self._followed.items():
                data = encoding.publication(self.name.text, self.epoch, publication)
                sections.append(data, publication.at_ms)
        if closes:
            self.close()
        self._tell_pollers()

    def signal(self, publication: Publication) -> None:
        """Tell followers of something that is kept nowhere: it has no offset, and who is not there
        has missed nothing.
        """
        for encoding, sections in self._followed.items():
            sections.append(encoding.signal(self.name.text, publication), publication.at_ms)

    def close(self) -> None:
        """Nothing will be added any more; followers are told."""
        if self.is_closed:
            return
        self.is_closed = True
        for encoding, sections in self._followed.items():
            self._say_closed(encoding, sections)
        self._followed.clear()
        self._tell_pollers()

    def obey(self, namespace: NamespaceConfig) -> None:
        """Other rules hold from now on; whoever follows it is to ask again."""
        self.namespace = namespace
        for sections in self._followed.values():
            sections.end(Reason.RULES_CHANGED)
        self._followed.clear()

    def delete(self) -> None:
        """It is gone, and with it all that it kept."""
        self.is_deleted = self.is_closed = True
        for sections in self._followed.values():
            sections.end(Reason.CHANNEL_DELETED)
        self._followed.clear()
        self.history.drop_to(self.last_offset)
        self._tell_pollers()

    @property
    def conditional(self) -> trio.Lock:
        """Held by who must look at the channel, decide, and add to it, with nobody in between."""
        if self._conditional is None:
            self._conditional = trio.Lock()
        return self._conditional

    # Following it.

    def feed(self, encoding: MessageEncoding) -> Feed:
        """What followers in this format follow: `add_at_end` puts them behind `position`."""
        sections = self._followed.get(encoding)
        if sections is None:
            sections = Sections(f"{self.name.text} {encoding.name}", self._wake)
            if not self.is_closed:
                self._followed[encoding] = sections
        feed = sections.with_room()
        if self.is_closed:
            self._say_closed(encoding, sections)
        return feed

    def _say_closed(self, encoding: MessageEncoding, sections: Sections) -> None:
        sections.append(encoding.closed(self.name.text, self.position), 0)
        sections.end(Reason.CHANNEL_CLOSED)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep it in memory for somebody who is busy with it."""
        self._holders += 1
        try:
            yield
        finally:
            self._holders -= 1

    async def wait_beyond(self, offset: int) -> None:
        """Wait until there is a publication above `offset`, or there will never be one."""
        await trio.lowlevel.checkpoint()
        with self.held():
            while self.last_offset <= offset and not self.is_closed:
                if self._news is None:
                    self._news = trio.Event()
                await self._news.wait()

    def _tell_pollers(self) -> None:
        if self._news is not None:
            self._news.set()
            self._news = None

    # Who is there.

    def enter(self, who: Author, at_ms: int) -> None:
        """A connection subscribes, and may be seen."""
        if not self.namespace.presence:
            return
        self.presence.enter(who)
        if self.namespace.join_leave:
            for encoding, sections in self._followed.items():
                sections.append(encoding.joined(self.name.text, who), at_ms)

    def leave(self, client: str, at_ms: int) -> None:
        """That connection subscribes no longer.  May be called twice."""
        who = self.presence.leave(client)
        if who is not None and self.namespace.join_leave:
            for encoding, sections in self._followed.items():
                sections.append(encoding.left(self.name.text, who), at_ms)

    # Whether it is needed.

    @property
    def follower_count(self) -> int:
        return sum(sections.follower_count for sections in self._followed.values())

    @property
    def is_in_use(self) -> bool:
        """Whether somebody follows it, is busy with it, or has something under way."""
        return bool(self.follower_count or self._holders or self.pending or self.presence)

    def close_idle_feeds(self) -> None:
        """Let go of formats that nobody follows the channel in."""
        for encoding, sections in list(self._followed.items()):
            sections.close_idle()
            if not sections.follower_count:
                del self._followed[encoding]
