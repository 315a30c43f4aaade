"""The store that keeps nothing: for tests, and for sites that need no channel to outlive them."""

from collections.abc import Collection, Sequence

import attrs
import trio

from relay.publication import Publication
from relay.store.contract import (
    Append,
    Change,
    ChannelRecord,
    CreateChannel,
    DeleteChannel,
    Loaded,
    ProducerMark,
    PutDetails,
    StoreConflict,
    StoreStatistics,
    TouchChannel,
    Trim,
)
from relay.store.fan_outs import (
    TRIM_SLACK,
    AdvanceFanOut,
    AppendForFollowers,
    BeginFanOut,
    FanOut,
)
from relay.store.fan_outs_memory import MemoryFanOuts
from relay.store.follows import DropFollow, Follow, Listener, PutFollow
from relay.store.follows_memory import MemoryFollows
from relay.store.outbox import Delivery, DeliveryState, StoredEvent
from relay.store.outbox_memory import MemoryOutbox
from relay.store.plan import OtherChange
from relay.store.push import DuePush, PushBacklog, PushChange, PushSubscription, PushWave
from relay.store.push_memory import MemoryPush
from relay.store.rooms import Marker, MessagePage, Reactions, RoomChange
from relay.store.rooms_memory import MemoryRooms
from relay.store.settings import Setting, SettingsChange, UserSettings
from relay.store.settings_memory import MemorySettings


@attrs.define(eq=False)
class _Channel:
    record: ChannelRecord
    publications: list[Publication] = attrs.field(factory=list)
    producers: dict[str, ProducerMark] = attrs.field(factory=dict)
    stream_seq: str = ""
    keys: dict[str, Publication] = attrs.field(factory=dict)

    def append(self, change: Append) -> None:
        self.publications += change.publications
        if change.key and change.publications:
            self.keys[change.key] = change.publications[-1]
        if change.producer is not None:
            self.producers[change.producer.producer] = change.producer
        self.stream_seq = change.stream_seq or self.stream_seq
        self.record = attrs.evolve(
            self.record,
            last_offset=_last(change, self.record.last_offset),
            is_closed=self.record.is_closed or change.closes,
        )

    def append_behind(self, change: AppendForFollowers) -> None:
        offset = self.record.last_offset + 1
        self.publications.append(Publication(offset=offset, data=change.data, at_ms=change.at_ms))
        self.record = attrs.evolve(self.record, last_offset=offset)
        too_long = offset + 1 - self.record.first_offset > TRIM_SLACK * change.keep
        if change.trims and too_long:
            self.trim(offset + 1 - change.keep)

    def trim(self, first_offset: int) -> None:
        first_offset = max(first_offset, self.record.first_offset)
        self.record = attrs.evolve(self.record, first_offset=first_offset)
        if self.publications and self.publications[0].offset < first_offset:
            # Offsets have no gaps.
            del self.publications[: first_offset - self.publications[0].offset]


@attrs.define(eq=False)
class MemoryStore:
    """`store.contract.Store` without a disk."""

    _channels: dict[str, _Channel] = attrs.field(factory=dict, init=False)
    _details: dict[str, bytes] = attrs.field(factory=dict, init=False)
    _outbox: MemoryOutbox = attrs.field(factory=MemoryOutbox, init=False)
    _follows: MemoryFollows = attrs.field(factory=MemoryFollows, init=False)
    _fan_outs: MemoryFanOuts = attrs.field(init=False)
    _push: MemoryPush = attrs.field(init=False)
    _rooms: MemoryRooms = attrs.field(init=False)
    _settings: MemorySettings = attrs.field(factory=MemorySettings, init=False)

    def __attrs_post_init__(self) -> None:
        self._fan_outs = MemoryFanOuts(self._outbox)
        self._push = MemoryPush(self._outbox)
        self._rooms = MemoryRooms(self._channels)

    async def commit(self, batch: Sequence[Change]) -> None:
        await trio.lowlevel.checkpoint()
        self._check(batch)
        for change in batch:
            self._make(change)

    async def load(self, channel: str, *, keys_since_ms: int, latest: int) -> Loaded | None:
        await trio.lowlevel.checkpoint()
        it = self._channels.get(channel)
        if it is None:
            return None
        keys = [(key, of) for key, of in it.keys.items() if of.at_ms >= keys_since_ms]
        return Loaded(
            record=it.record,
            producers=tuple(it.producers[name] for name in sorted(it.producers)),
            stream_seq=it.stream_seq,
            keys=tuple(sorted(((key, of.offset) for key, of in keys), key=lambda pair: pair[1])),
            latest=tuple(it.publications[-latest:] if latest else ()),
        )

    async def read(
        self, channel: str, *, after: int, limit: int, newest_first: bool = False
    ) -> list[Publication]:
        await trio.lowlevel.checkpoint()
        it = self._channels.get(channel)
        if it is None:
            return []
        if newest_first:
            below = [one for one in it.publications if not after or one.offset < after]
            return below[::-1][:limit]
        return [one for one in it.publications if one.offset > after][:limit]

    async def names(self, prefix: str = "") -> list[str]:
        await trio.lowlevel.checkpoint()
        return sorted(name for name in self._channels if name.startswith(prefix))

    async def expired(self, now_ms: int) -> list[str]:
        await trio.lowlevel.checkpoint()
        records = [it.record for it in self._channels.values()]
        due = [(it.expires_ms, it.name) for it in records if it.expires_ms is not None]
        return [name for expires_ms, name in sorted(due) if expires_ms <= now_ms]

    async def details(self) -> dict[str, bytes]:
        await trio.lowlevel.checkpoint()
        return dict(self._details)

    async def airings(self) -> dict[str, bytes]:
        await trio.lowlevel.checkpoint()
        return dict(self._outbox.airings)

    async def endpoints(self) -> dict[str, bytes]:
        await trio.lowlevel.checkpoint()
        return dict(self._outbox.endpoints)

    async def subscriptions(self) -> dict[str, bytes]:
        await trio.lowlevel.checkpoint()
        return dict(self._outbox.subscriptions)

    async def events(
        self, stream: str, types: Collection[str], *, until_ms: int, limit: int
    ) -> list[StoredEvent]:
        await trio.lowlevel.checkpoint()
        return self._outbox.events(stream, types, until_ms, limit)

    async def next_delivery(self, endpoint: str) -> Delivery | None:
        await trio.lowlevel.checkpoint()
        return self._outbox.first(endpoint)

    async def delivery(self, endpoint: str, delivery: int) -> Delivery | None:
        await trio.lowlevel.checkpoint()
        return self._outbox.find(endpoint, delivery)

    async def deliveries(
        self, endpoint: str, *, state: DeliveryState | None = None, below: int = 0, limit: int
    ) -> list[Delivery]:
        await trio.lowlevel.checkpoint()
        return self._outbox.latest(endpoint, state, below, limit)

    async def follow(self, user: str, stream: str) -> Follow | None:
        await trio.lowlevel.checkpoint()
        return self._follows.find(user, stream)

    async def follows(self, user: str, *, below: int = 0, limit: int) -> list[Follow]:
        await trio.lowlevel.checkpoint()
        return self._follows.by_user(user, below, limit)

    async def followers(self, stream: str, *, below: int = 0, limit: int) -> list[Follow]:
        await trio.lowlevel.checkpoint()
        return self._follows.by_stream(stream, below, limit)

    async def listeners(self, stream: str, *, below: int = 0, limit: int) -> list[Listener]:
        await trio.lowlevel.checkpoint()
        found = self._follows.by_stream(stream, below, limit)
        return [(it.id, it.user, it.until_ms) for it in found]

    async def follow_count(self, user: str) -> int:
        await trio.lowlevel.checkpoint()
        return self._follows.count(user)

    async def follower_counts(self) -> dict[str, int]:
        await trio.lowlevel.checkpoint()
        return self._follows.counts()

    async def outlived_follows(self, now_ms: int, *, limit: int) -> list[Follow]:
        await trio.lowlevel.checkpoint()
        return self._follows.outlived(now_ms, limit)

    async def fan_outs(self) -> list[FanOut]:
        await trio.lowlevel.checkpoint()
        return self._fan_outs.unfinished()

    async def push_subscriptions(self, user: str) -> list[PushSubscription]:
        await trio.lowlevel.checkpoint()
        return self._push.of_user(user)

    async def push_audience(
        self, users: Collection[str], *, event: str, active_since_ms: int
    ) -> list[PushSubscription]:
        await trio.lowlevel.checkpoint()
        return self._push.audience(users, event, active_since_ms)

    async def push_waves(self) -> list[PushWave]:
        await trio.lowlevel.checkpoint()
        return self._push.waves()

    async def push_backlog(self, event: str, now_ms: int) -> dict[str, PushBacklog]:
        await trio.lowlevel.checkpoint()
        return self._push.backlog(event, now_ms)

    async def due_pushes(
        self, service: str, events: Collection[str], *, now_ms: int, limit: int
    ) -> list[DuePush]:
        await trio.lowlevel.checkpoint()
        return self._push.due(service, events, now_ms, limit)

    async def next_push_ms(self, service: str, events: Collection[str]) -> int | None:
        await trio.lowlevel.checkpoint()
        return self._push.next_ms(service, events)

    async def rooms(self) -> dict[str, bytes]:
        await trio.lowlevel.checkpoint()
        return dict(self._rooms.rooms)

    async def message(self, room: str, message: str) -> Publication | None:
        await trio.lowlevel.checkpoint()
        return self._rooms.find(room, message)

    async def messages(
        self, room: str, *, after: int, limit: int, newest_first: bool = False, user: str = ""
    ) -> MessagePage | None:
        await trio.lowlevel.checkpoint()
        return self._rooms.page(room, after, limit, newest_first=newest_first, user=user)

    async def offset_at(self, room: str, at_ms: int) -> int | None:
        await trio.lowlevel.checkpoint()
        return self._rooms.offset_at(room, at_ms)

    async def reactions(self, room: str, offsets: Collection[int], *, user: str = "") -> Reactions:
        await trio.lowlevel.checkpoint()
        return self._rooms.counts(room, offsets, user)

    async def marked_rooms(self, user: str) -> list[str]:
        await trio.lowlevel.checkpoint()
        return self._rooms.marked(user)

    async def markers(self, user: str) -> list[Marker]:
        await trio.lowlevel.checkpoint()
        return self._rooms.all_markers(user)

    async def settings(self, user: str) -> UserSettings:
        await trio.lowlevel.checkpoint()
        return self._settings.of(user)

    async def setting_versions(self, user: str, namespace: str) -> list[Setting]:
        await trio.lowlevel.checkpoint()
        return self._settings.versions(user, namespace)

    async def outlived_settings(self, now_ms: int, *, limit: int) -> list[str]:
        await trio.lowlevel.checkpoint()
        return self._settings.outlived(now_ms, limit)

    def statistics(self) -> StoreStatistics:
        return StoreStatistics(threads={})

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()

    def _check(self, batch: Sequence[Change]) -> None:
        """Go through the batch with last offsets and versions alone, before anything changes."""
        last: dict[str, int | None] = {}
        versions: dict[str, int] = {}
        for change in batch:
            match change:
                case CreateChannel(record):
                    if self._last(record.name, last) is not None:
                        raise StoreConflict("such a channel is there already")
                    last[record.name] = record.last_offset
                case DeleteChannel(channel):
                    last[channel] = None
                case Append(channel=channel):
                    last[channel] = _follow(change, self._last(channel, last))
                case _ if isinstance(change, SettingsChange):
                    self._settings.check(change, versions)
                case _:
                    pass

    def _last(self, channel: str, batch: dict[str, int | None]) -> int | None:
        if channel in batch:
            return batch[channel]
        it = self._channels.get(channel)
        return None if it is None else it.record.last_offset

    def _make(self, change: Change) -> None:
        match change:
            case CreateChannel(record):
                self._channels[record.name] = _Channel(record)
            case DeleteChannel(channel):
                self._channels.pop(channel, None)
                self._rooms.forget(channel)
            case PutDetails(stream, value):
                self._details[stream] = value
            case Append(channel=channel) | TouchChannel(channel) | Trim(channel):
                if it := self._channels.get(channel):
                    _change(it, change)
            case _:
                self._make_beside(change)

    def _make_beside(self, change: OtherChange) -> None:
        match change:
            case PutFollow() | DropFollow():
                self._follows.make(change)
            case AppendForFollowers():
                self._append_for_followers(change)
            case BeginFanOut() | AdvanceFanOut():
                self._fan_outs.make(change)
            case _ if isinstance(change, PushChange):
                self._push.make(change)
            case _ if isinstance(change, SettingsChange):
                self._settings.make(change)
            case _ if isinstance(change, RoomChange):
                self._rooms.make(change)
            case _:
                self._outbox.make(change)

    def _append_for_followers(self, change: AppendForFollowers) -> None:
        for follow in self._follows.between(change.stream, change.newest, change.oldest):
            if follow.user in change.apart:
                continue
            name = change.prefix + follow.user
            it = self._channels.get(name)
            if it is None:
                it = self._channels[name] = _made(name, change, follow.until_ms)
            if not it.record.is_closed:
                it.append_behind(change)


def _made(name: str, change: AppendForFollowers, expires_ms: int | None) -> _Channel:
    return _Channel(
        ChannelRecord(name=name, epoch=change.epoch, created_ms=change.at_ms, expires_ms=expires_ms)
    )


def _change(it: _Channel, change: Append | TouchChannel | Trim) -> None:
    match change:
        case Append():
            it.append(change)
        case TouchChannel(_, expires_ms):
            it.record = attrs.evolve(it.record, expires_ms=expires_ms)
        case Trim(_, first_offset):
            it.trim(first_offset)


def _follow(change: Append, last: int | None) -> int:
    """The last offset after an append.

    Raises:
        StoreConflict: it does not follow.
    """
    if last is None:
        raise StoreConflict("there is no such channel")
    for publication in change.publications:
        if publication.offset != last + 1:
            raise StoreConflict(f"offset {publication.offset} does not follow {last}")
        last = publication.offset
    return last


def _last(change: Append, otherwise: int) -> int:
    return change.publications[-1].offset if change.publications else otherwise
