"""Sees what happens on stage, decides what that is news of, and tells it.

    hooks --names--> look --sights--> session_events --notices--> one transaction --> channels
                                                       (airing, event, deliveries)  + couriers

One task does all of it, for all streams, so that events have an order.  A hook only notes a name;
the look at it costs a few additions, a few times a second and stream at most.

Everything that is due is one transaction: what is remembered of the airings, the events, and the
deliveries that they begin.  Where a channel is durable, so is the publication on it, in the same
transaction.  Only when that is on the disk does anybody hear of it.  While the store fails, it is
tried again until it does not; nothing is announced meanwhile, and nothing is forgotten.
"""

from collections.abc import Callable, Sequence
from math import inf

import attrs
import msgspec
import structlog
import trio

from relay.channels.errors import ChannelClosed, ChannelsFull, MessageTooBig, UnknownChannel
from relay.channels.hub import Hub
from relay.config.schema import NotifyConfig
from relay.notify.agenda import Agenda
from relay.notify.announcement import Announcement
from relay.notify.carrier import Carrier
from relay.notify.events import Described, Event, event_of, restored_airing
from relay.notify.session_events import Patience, Sight, StreamNotices
from relay.ports import Ports
from relay.publication import Draft
from relay.store.contract import Store, StoreUnavailable
from relay.store.writer import Writer

log = structlog.get_logger("relay.notify")

LOOK_EVERY_S = 0.25
"""At most; what changes meanwhile is seen together."""
TRY_AGAIN_S = 1.0
AT_ONCE = 256
"""Streams whose news goes into one transaction."""
ID_BYTES = 16
_NO_CHANNEL = (ChannelClosed, ChannelsFull, MessageTooBig, UnknownChannel)

Recipients = Callable[[Event], tuple[str, ...]]
"""Names the endpoints that are to be told of an event."""


@attrs.define(eq=False)
class Announcer:
    """See the head of this module."""

    _config: NotifyConfig
    _ports: Ports
    _hub: Hub
    _store: Store
    _writer: Writer
    _look: Callable[[str], Sight | None]
    _describe: Callable[[str], Described]
    _recipients: Recipients
    _queued: Callable[[Sequence[str]], None]
    """Told the endpoints that something has been queued for."""
    _carriers: Sequence[Carrier] = ()
    _streams: dict[str, StreamNotices] = attrs.field(factory=dict, init=False)
    _agenda: Agenda = attrs.field(factory=Agenda, init=False)
    _changed: dict[str, None] = attrs.field(factory=dict, init=False)
    _said: dict[str, None] = attrs.field(factory=dict, init=False)
    _others: dict[trio.Event, Event] = attrs.field(factory=dict, init=False)
    """What others have to tell, and what they wait for."""
    _news: trio.Event = attrs.field(factory=trio.Event, init=False)
    _looked_at: float = attrs.field(default=-inf, init=False)
    _announced: int = attrs.field(default=0, init=False)

    def changed(self, stream: str) -> None:
        """Something else may be seen of this stream now."""
        self._changed[stream] = None
        self._news.set()

    def updated(self, stream: str) -> None:
        """Something else is said of this stream now."""
        self._said[stream] = None
        self._news.set()

    async def tell(self, event: Event) -> None:
        """Tell what somebody else has seen, in its turn; returns when the store has it."""
        told = trio.Event()
        self._others[told] = event
        self._news.set()
        await told.wait()

    @property
    def announced(self) -> int:
        """Events since the start."""
        return self._announced

    async def run(self) -> None:
        """Announce what happens, until cancelled."""
        while True:
            await self._wait_for_news()
            self._see()
            due = list(self._agenda.take(self._ports.monotonic()))
            for start in range(0, len(due), AT_ONCE):
                await self._announce(self._take(due[start : start + AT_ONCE]))
            await self._announce_others()

    async def load(self) -> None:
        """Take up what was announced before a restart, and is not over.

        Raises:
            StoreUnavailable: it cannot be read.
        """
        for stream, value in (await self._store.airings()).items():
            try:
                airing = restored_airing(value)
            except msgspec.DecodeError as error:
                log.warning("an airing cannot be read", stream=stream, problem=str(error))
                continue
            now = self._ports.monotonic()
            self._streams[stream] = StreamNotices.restored(self._patience, airing, now)
            self._plan(stream)

    async def _wait_for_news(self) -> None:
        with trio.move_on_at(self._agenda.next):
            await self._news.wait()
            await trio.sleep_until(self._looked_at + LOOK_EVERY_S)
        self._news = trio.Event()
        self._looked_at = self._ports.monotonic()

    # What happens.

    def _see(self) -> None:
        changed, self._changed = self._changed, {}
        said, self._said = self._said, {}
        now, at_ms = self._ports.monotonic(), self._now_ms()
        for stream in changed:
            self._of(stream).see(self._look(stream), now, at_ms)
        for stream in said:
            self._of(stream).update(now)
        for stream in {**changed, **said}:
            self._plan(stream)

    def _of(self, stream: str) -> StreamNotices:
        notices = self._streams.get(stream)
        if notices is None:
            notices = self._streams[stream] = StreamNotices(self._patience)
        return notices

    def _plan(self, stream: str) -> None:
        notices = self._streams[stream]
        due = min(notices.due, notices.forgotten_at)
        if notices.forgotten_at <= self._ports.monotonic():
            del self._streams[stream]
            due = inf
        self._agenda.put(stream, due)

    def _take(self, streams: Sequence[str]) -> list[Event]:
        now, at_ms = self._ports.monotonic(), self._now_ms()
        events: list[Event] = []
        for stream in streams:
            for notice in self._streams[stream].take(now, at_ms):
                said = self._describe(stream)
                event_id = f"evt_{self._ports.random.randbytes(ID_BYTES).hex()}"
                source = self._config.source
                events.append(event_of(notice, stream, said, event_id=event_id, source=source))
            self._plan(stream)
        return events

    # What is told.

    async def _announce(self, events: list[Event]) -> None:
        """Tell all of it, as soon as the store has taken it."""
        while events and not await self._try(events):  # noqa: ASYNC110  # a disk rings no bell
            await trio.sleep(TRY_AGAIN_S)

    async def _announce_others(self) -> None:
        others, self._others = self._others, {}
        await self._announce(list(others.values()))
        for told in others:
            told.set()

    async def _try(self, events: Sequence[Event]) -> bool:
        recipients = [self._recipients(event) for event in events]
        announcement = Announcement(self._hub)
        try:
            for event, endpoints in zip(events, recipients, strict=True):
                announcement.more += event.changes(endpoints)
                for carrier in self._carriers:
                    announcement.more += carrier.changes(event)
                for name in event.channels:
                    await self._add(announcement, name, event)
            await self._writer.submit(announcement)
        except StoreUnavailable as error:
            announcement.done(error)
        await announcement.decided.wait()
        if announcement.error is not None:
            log.warning("events wait for the store", problem=str(announcement.error))
            return False
        self._announced += len(events)
        self._tell(events, recipients)
        return True

    async def _add(self, announcement: Announcement, name: str, event: Event) -> None:
        """Publish on a channel, too.

        Raises:
            StoreUnavailable: it cannot be read.
        """
        try:
            channel = await self._hub.open(name)
            announcement.publish(channel, Draft(data=event.stored.body))
        except _NO_CHANNEL as error:
            log.warning("an event is not published", channel=name, problem=str(error))

    def _tell(self, events: Sequence[Event], recipients: Sequence[tuple[str, ...]]) -> None:
        self._queued(list({endpoint: None for endpoints in recipients for endpoint in endpoints}))
        for carrier in self._carriers:
            carrier.carry(events)
        for event in events:
            stored = event.stored
            log.info("announced", stream=stored.stream, type=stored.type, event_id=stored.id)

    @property
    def _patience(self) -> Patience:
        return Patience(stable_s=self._config.stable_s, grace_s=self._config.grace_s)

    def _now_ms(self) -> int:
        return round(self._ports.wall() * 1000)
