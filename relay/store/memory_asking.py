"""What a store that keeps nothing has beside its channels, and can be asked about it."""

from collections.abc import Collection

import attrs
import trio

from relay.publication import Publication
from relay.store.erasures import ReactionOf, StoredErasure
from relay.store.extents import Extent
from relay.store.fan_outs import (
    FanOut,
)
from relay.store.fan_outs_memory import MemoryFanOuts
from relay.store.follows import Follow, Listener
from relay.store.follows_memory import MemoryFollows
from relay.store.memory_channels import MemoryChannel
from relay.store.minutes import Minute
from relay.store.minutes_memory import MemoryMinutes
from relay.store.moderation import Logged, Order
from relay.store.moderation_memory import MemoryModeration
from relay.store.outbox import Delivery, DeliveryState, StoredEvent
from relay.store.outbox_memory import MemoryOutbox
from relay.store.push import DuePush, PushBacklog, PushSubscription, PushWave
from relay.store.push_memory import MemoryPush
from relay.store.recordings import StoredRecording
from relay.store.recordings_memory import MemoryRecordings
from relay.store.rooms import Marker, MessagePage, Reactions
from relay.store.rooms_memory import MemoryRooms
from relay.store.searching import Span
from relay.store.settings import Setting, UserSettings
from relay.store.settings_memory import MemorySettings
from relay.store.words import Wanted


@attrs.define(eq=False)
class MemoryQuestions:
    """The readers of `store.contract.Store`."""

    _channels: dict[str, MemoryChannel] = attrs.field(factory=dict, init=False)
    _details: dict[str, bytes] = attrs.field(factory=dict, init=False)
    _outbox: MemoryOutbox = attrs.field(factory=MemoryOutbox, init=False)
    _follows: MemoryFollows = attrs.field(factory=MemoryFollows, init=False)
    _fan_outs: MemoryFanOuts = attrs.field(init=False)
    _push: MemoryPush = attrs.field(init=False)
    _recordings: MemoryRecordings = attrs.field(factory=MemoryRecordings, init=False)
    _minutes: MemoryMinutes = attrs.field(factory=MemoryMinutes, init=False)
    _erasures: dict[str, StoredErasure] = attrs.field(factory=dict, init=False)
    _rooms: MemoryRooms = attrs.field(init=False)
    _moderation: MemoryModeration = attrs.field(factory=MemoryModeration, init=False)
    _settings: MemorySettings = attrs.field(factory=MemorySettings, init=False)

    def __attrs_post_init__(self) -> None:
        self._fan_outs = MemoryFanOuts(self._outbox)
        self._push = MemoryPush(self._outbox)
        self._rooms = MemoryRooms(self._channels)

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
        await trio.lowlevel.checkpoint()
        return self._rooms.search(room, wanted, after, limit, newest_first=newest_first, user=user)

    async def spoken(self, room: str, span: Span, *, limit: int) -> MessagePage | None:
        await trio.lowlevel.checkpoint()
        return self._rooms.spoken(room, span, limit)

    async def spoken_at(self, room: str, session: str, media_ms: int) -> int | None:
        await trio.lowlevel.checkpoint()
        return self._rooms.spoken_at(room, session, media_ms)

    async def erasure(self, name: str, /) -> StoredErasure | None:
        await trio.lowlevel.checkpoint()
        return self._erasures.get(name)

    async def open_erasures(self) -> list[StoredErasure]:
        await trio.lowlevel.checkpoint()
        return [one for _, one in sorted(self._erasures.items()) if one.user is not None]

    async def reactions_of(self, user: str, *, limit: int) -> list[ReactionOf]:
        await trio.lowlevel.checkpoint()
        return self._rooms.reactions_of(user)[:limit]

    async def all_events(self, *, after: str, limit: int) -> list[StoredEvent]:
        await trio.lowlevel.checkpoint()
        return self._outbox.all_events(after, limit)

    async def minutes(self, room: str, *, since: int, until: int) -> list[Minute]:
        await trio.lowlevel.checkpoint()
        return self._minutes.find(room, since, until)

    async def extents(self, *, after: str, limit: int) -> list[Extent]:
        await trio.lowlevel.checkpoint()
        names = sorted(name for name in self._channels if name > after)
        return [self._channels[name].extent() for name in names[:limit]]

    async def extent(self, channel: str) -> Extent | None:
        await trio.lowlevel.checkpoint()
        it = self._channels.get(channel)
        return None if it is None else it.extent()

    async def outlived(self, channel: str, before_ms: int, *, limit: int) -> int:
        await trio.lowlevel.checkpoint()
        it = self._channels.get(channel)
        return 0 if it is None else it.outlived(before_ms, limit)

    async def reactions(self, room: str, offsets: Collection[int], *, user: str = "") -> Reactions:
        await trio.lowlevel.checkpoint()
        return self._rooms.counts(room, offsets, user)

    async def marked_rooms(self, user: str) -> list[str]:
        await trio.lowlevel.checkpoint()
        return self._rooms.marked(user)

    async def markers(self, user: str) -> list[Marker]:
        await trio.lowlevel.checkpoint()
        return self._rooms.all_markers(user)

    async def recording(self, name: str, /) -> StoredRecording | None:
        await trio.lowlevel.checkpoint()
        return self._recordings.find(name)

    async def recordings(
        self, *, stream: str = "", owner: str = "", below: int = 0, limit: int
    ) -> list[StoredRecording]:
        await trio.lowlevel.checkpoint()
        return self._recordings.page(stream, owner, below, limit)

    async def open_recordings(self) -> list[StoredRecording]:
        await trio.lowlevel.checkpoint()
        return self._recordings.still_open()

    async def recording_wishes(self) -> dict[str, bool]:
        await trio.lowlevel.checkpoint()
        return dict(self._recordings.wishes)

    async def settings(self, user: str) -> UserSettings:
        await trio.lowlevel.checkpoint()
        return self._settings.of(user)

    async def setting_versions(self, user: str, namespace: str) -> list[Setting]:
        await trio.lowlevel.checkpoint()
        return self._settings.versions(user, namespace)

    async def outlived_settings(self, now_ms: int, *, limit: int) -> list[str]:
        await trio.lowlevel.checkpoint()
        return self._settings.outlived(now_ms, limit)

    async def orders(self) -> list[Order]:
        await trio.lowlevel.checkpoint()
        return self._moderation.all()

    async def order_log(self, room: str, *, below: int, limit: int) -> list[Logged]:
        await trio.lowlevel.checkpoint()
        return self._moderation.log(room, below, limit)
