"""Events on the channel `user:ID` of everybody who follows a stream, however many those are.

    announcer --one row with the event--> store
    store --a page of followers--> here --a page of publications, and the mark--> store --> feeds

With the event the store keeps one row: it is to be told to the followers of its stream.  From there
on it goes page by page, newest follower first, each page in a transaction that moves the mark of
how far it has come (`store.fan_outs`); after a crash it goes on behind the last page.  Between two
pages, and between two streams that have something to tell, everybody else has the event loop.

A follower is in one of two places.  Whoever is here has the channel in memory: it is published on
like any other, and whoever listens hears it when its page is on the disk.  The channels of all the
others are in the store only.  They are appended to there, by a few statements for the whole page
which the database works off in its own thread; nothing of them comes into memory, and whoever comes
later finds the event in its history.

Where a site keeps `user:` in memory, it has said that nobody needs what was said while they were
away: then those who are here are told, and a hundred thousand channels are not made for the rest.

An unlisted stream's events are for those whom its owner has given the address: followers are not
told, just as a list of theirs does not show it.
"""

import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

import attrs
import structlog
import trio

from relay.channels.channel import Channel
from relay.channels.errors import ChannelClosed, MessageTooBig
from relay.channels.history import OVERHEAD_BYTES
from relay.channels.hub import EPOCH_BYTES, Hub
from relay.channels.names import parse_name
from relay.config.schema import NamespaceConfig
from relay.errors import FormatError
from relay.notify.announcement import Announcement
from relay.notify.events import Event
from relay.ports import Ports
from relay.publication import Draft
from relay.store.contract import Change, Store, StoreUnavailable
from relay.store.fan_outs import AdvanceFanOut, AppendForFollowers, BeginFanOut, FanOut
from relay.store.follows import Listener
from relay.store.outbox import StoredEvent
from relay.store.writer import Writer

log = structlog.get_logger("relay.notify")

CHANNEL = "user:"
PAGE = 2_000
"""Followers in one transaction, behind which everybody else's commits stand."""
PART_HERE = 250
"""Followers who are here in one transaction: each costs some 50 us of the event loop."""
TRIM_SHARE = 1 / 16
"""Of the pages, in which channels that are too long are looked for: it costs a tenth of a page."""
TRY_AGAIN_S = 1.0


@attrs.frozen
class FanOutStatistics:
    """A snapshot for metrics and tests."""

    under_way: int
    """Events that are being told."""
    told: int
    """Followers, since the start."""


@attrs.define(eq=False)
class FanOuts:
    """See the head of this module; `notify.carrier.Carrier`."""

    _ports: Ports
    _hub: Hub
    _store: Store
    _writer: Writer
    _count: Callable[[str], int]
    """How many follow a stream."""
    _begun: dict[str, StoredEvent] = attrs.field(factory=dict, init=False)
    """On their way to the store, by id."""
    _queues: dict[str, deque[FanOut]] = attrs.field(factory=dict, init=False)
    """By stream: the events of one are told in their order, those of others meanwhile."""
    _news: trio.Event = attrs.field(factory=trio.Event, init=False)
    _told: int = attrs.field(default=0, init=False)

    def changes(self, event: Event) -> Sequence[Change]:
        """One row, where there is somebody to tell."""
        if not event.is_listed or not self._count(event.stored.stream):
            return ()
        self._begun[event.stored.id] = event.stored
        return (BeginFanOut(event.stored.id),)

    def carry(self, events: Sequence[Event]) -> None:
        for event in events:
            if (begun := self._begun.pop(event.stored.id, None)) is not None:
                self._queue(FanOut(event=begun))

    async def load(self) -> None:
        """Take up what a restart has interrupted.

        Raises:
            StoreUnavailable: it cannot be read.
        """
        for fan_out in await self._store.fan_outs():
            self._queue(fan_out)

    async def run(self) -> None:
        """Tell followers until cancelled."""
        while True:
            await self._news.wait()
            self._news = trio.Event()
            while self._queues:
                for stream in list(self._queues):
                    await self._tell_some(stream)

    def statistics(self) -> FanOutStatistics:
        return FanOutStatistics(sum(map(len, self._queues.values())), self._told)

    def _queue(self, fan_out: FanOut) -> None:
        self._queues.setdefault(fan_out.event.stream, deque()).append(fan_out)
        self._news.set()

    async def _tell_some(self, stream: str) -> None:
        """One page of the first event of a stream."""
        fan_out = self._queues[stream][0]
        try:
            found = await self._store.listeners(stream, below=fan_out.below, limit=PAGE)
            for part in self._parts(found):
                is_last = len(found) < PAGE and (not part or part[-1] is found[-1])
                await self._tell(fan_out.event, part, None if is_last else part[-1][0])
        except StoreUnavailable as error:
            log.warning("followers wait for the store", stream=stream, problem=str(error))
            await trio.sleep(TRY_AGAIN_S)

    def _parts(self, found: list[Listener]) -> Iterator[list[Listener]]:
        """The same in order, at least one part, with not too many in each who are here."""
        find, start, here = self._hub.find, 0, 0
        for place, (_, user, _) in enumerate(found, 1):
            here += find(CHANNEL + user) is not None
            if here == PART_HERE:
                yield found[start:place]
                start, here = place, 0
        if start < len(found) or not found:
            yield found[start:]

    async def _tell(self, event: StoredEvent, followers: list[Listener], below: int | None) -> None:
        """Tell some, and note in the same transaction how far that is.

        Raises:
            StoreUnavailable: nobody was told.
        """
        _, namespace = self._hub.resolve(CHANNEL + "anybody")
        random = self._ports.random
        page = _Page(
            self._hub,
            namespace,
            event,
            followers,
            AdvanceFanOut(event.id, below),
            random.randbytes(EPOCH_BYTES).hex(),
            random.random() < TRIM_SHARE,
        )
        await self._writer.submit(page)
        await page.announcement.decided.wait()
        if page.announcement.error is not None:
            raise page.announcement.error
        self._told += len(followers)
        self._advance(event.stream, below)

    def _advance(self, stream: str, below: int | None) -> None:
        queue = self._queues[stream]
        fan_out = queue.popleft()
        if below is not None:
            queue.appendleft(attrs.evolve(fan_out, below=below))
            return
        log.info("followers told", stream=stream, event_id=fan_out.event.id)
        if not queue:
            del self._queues[stream]


@attrs.define(eq=False)
class _Page:
    """Some followers on their way to hear of an event; a pending of the writer.

    Who is here is decided when the transaction begins.  Until it has ended nobody comes.
    """

    _hub: Hub
    _namespace: NamespaceConfig
    _event: StoredEvent
    _followers: list[Listener]
    _advance: AdvanceFanOut
    _epoch: str
    _trims: bool
    announcement: Announcement = attrs.field(init=False)
    _beside: list[str] = attrs.field(factory=list, init=False)
    """Channels that nobody has in memory."""
    _apart: list[str] = attrs.field(factory=list, init=False)
    """Followers whose channel is another, or that can have none."""

    @announcement.default
    def _announcement(self) -> Announcement:
        return Announcement(self._hub)

    @property
    def size(self) -> int:
        return (len(self._event.body) + OVERHEAD_BYTES) * len(self._followers)

    def changes(self) -> Sequence[Change]:
        self.announcement.more.append(self._advance)
        draft = Draft(data=self._event.body)
        for _, user, until_ms in self._followers:
            name = CHANNEL + user
            if (channel := self._hub.find(name)) is not None:
                self._publish(channel, draft, until_ms)
                self._apart.append(user)
            elif _is_possible(name):
                self._beside.append(name)
            else:
                self._apart.append(user)
        self._hub.begin_beside(self._beside)
        return [*self.announcement.changes(), *self._append_beside()]

    def done(self, error: StoreUnavailable | None) -> None:
        self._hub.end_beside(self._beside)
        self.announcement.done(error)

    def _publish(self, channel: Channel, draft: Draft, until_ms: int | None) -> None:
        if channel.created_ms is None:
            channel.expires_ms = until_ms
        # One that is closed, or takes nothing so large, is not told.
        with suppress(ChannelClosed, MessageTooBig):
            self.announcement.publish(channel, draft)

    def _append_beside(self) -> Iterator[AppendForFollowers]:
        fits = len(self._event.body) <= self._namespace.message_bytes
        if self._beside and fits and self._namespace.durable:
            yield AppendForFollowers(
                stream=self._event.stream,
                newest=self._followers[0][0],
                oldest=self._followers[-1][0],
                apart=tuple(self._apart),
                prefix=CHANNEL,
                data=self._event.body,
                at_ms=self._event.at_ms,
                epoch=self._epoch,
                expected=len(self._beside),
                keep=self._namespace.history,
                trims=self._trims,
            )


_PLAIN = re.compile(r"[\w.@|-]{1,60}", re.ASCII)
"""What most users are called by; there is no need to look closer."""


def _is_possible(name: str) -> bool:
    """Whether there can be such a channel: a user's id may be anything."""
    if _PLAIN.fullmatch(name, len(CHANNEL)):
        return True
    try:
        parse_name(name)
    except FormatError:
        return False
    return True
