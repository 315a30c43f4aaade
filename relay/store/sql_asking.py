"""What can be asked of a database beside its channels: each question in a reader's thread."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from typing import TypeVar

from sqlalchemy import Connection

from relay.publication import Publication
from relay.store import (
    erasures_sql,
    extents_sql,
    fan_outs_sql,
    follows_sql,
    minutes_sql,
    moderation_sql,
    outbox_sql,
    push_sql,
    reading,
    recordings_sql,
    rooms_sql,
    searching_sql,
    settings_sql,
)
from relay.store.erasures import ReactionOf, StoredErasure
from relay.store.extents import Extent
from relay.store.fan_outs import FanOut
from relay.store.follows import Follow, Listener
from relay.store.minutes import Minute
from relay.store.moderation import Logged, Order
from relay.store.outbox import Delivery, DeliveryState, StoredEvent
from relay.store.push import DuePush, PushBacklog, PushSubscription, PushWave
from relay.store.recordings import StoredRecording
from relay.store.rooms import Marker, MessagePage, Reactions
from relay.store.searching import Span
from relay.store.settings import Setting, UserSettings
from relay.store.words import Wanted

T = TypeVar("T")


class SqlQuestions(ABC):
    """The readers of `store.contract.Store`."""

    @abstractmethod
    async def ask(self, question: Callable[[Connection], T]) -> T:
        """Have a question answered in a thread, by a snapshot.

        Raises:
            StoreUnavailable: it cannot be.
        """

    async def names(self, prefix: str = "") -> list[str]:
        return await self.ask(lambda it: reading.names(it, prefix))

    async def expired(self, now_ms: int) -> list[str]:
        return await self.ask(lambda it: reading.expired(it, now_ms))

    async def details(self) -> dict[str, bytes]:
        return await self.ask(reading.said_of_streams)

    async def airings(self) -> dict[str, bytes]:
        return await self.ask(outbox_sql.all_airings)

    async def endpoints(self) -> dict[str, bytes]:
        return await self.ask(outbox_sql.all_endpoints)

    async def subscriptions(self) -> dict[str, bytes]:
        return await self.ask(outbox_sql.all_subscriptions)

    async def events(
        self, stream: str, types: Collection[str], *, until_ms: int, limit: int
    ) -> list[StoredEvent]:
        return await self.ask(lambda it: outbox_sql.happened(it, stream, types, until_ms, limit))

    async def next_delivery(self, endpoint: str) -> Delivery | None:
        return await self.ask(lambda it: outbox_sql.first(it, endpoint))

    async def delivery(self, endpoint: str, delivery: int) -> Delivery | None:
        return await self.ask(lambda it: outbox_sql.find(it, endpoint, delivery))

    async def deliveries(
        self, endpoint: str, *, state: DeliveryState | None = None, below: int = 0, limit: int
    ) -> list[Delivery]:
        return await self.ask(lambda it: outbox_sql.latest(it, endpoint, state, below, limit))

    async def follow(self, user: str, stream: str) -> Follow | None:
        return await self.ask(lambda it: follows_sql.find(it, user, stream))

    async def follows(self, user: str, *, below: int = 0, limit: int) -> list[Follow]:
        return await self.ask(lambda it: follows_sql.by_user(it, user, below, limit))

    async def followers(self, stream: str, *, below: int = 0, limit: int) -> list[Follow]:
        return await self.ask(lambda it: follows_sql.by_stream(it, stream, below, limit))

    async def listeners(self, stream: str, *, below: int = 0, limit: int) -> list[Listener]:
        return await self.ask(lambda it: follows_sql.listeners(it, stream, below, limit))

    async def follow_count(self, user: str) -> int:
        return await self.ask(lambda it: follows_sql.count(it, user))

    async def follower_counts(self) -> dict[str, int]:
        return await self.ask(follows_sql.counts)

    async def outlived_follows(self, now_ms: int, *, limit: int) -> list[Follow]:
        return await self.ask(lambda it: follows_sql.outlived(it, now_ms, limit))

    async def fan_outs(self) -> list[FanOut]:
        return await self.ask(fan_outs_sql.unfinished)

    async def push_subscriptions(self, user: str) -> list[PushSubscription]:
        return await self.ask(lambda it: push_sql.of_user(it, user))

    async def push_audience(
        self, users: Collection[str], *, event: str, active_since_ms: int
    ) -> list[PushSubscription]:
        return await self.ask(lambda it: push_sql.audience(it, users, event, active_since_ms))

    async def push_waves(self) -> list[PushWave]:
        return await self.ask(push_sql.waves)

    async def push_backlog(self, event: str, now_ms: int) -> dict[str, PushBacklog]:
        return await self.ask(lambda it: push_sql.backlog(it, event, now_ms))

    async def due_pushes(
        self, service: str, events: Collection[str], *, now_ms: int, limit: int
    ) -> list[DuePush]:
        return await self.ask(lambda it: push_sql.due(it, service, events, now_ms, limit))

    async def next_push_ms(self, service: str, events: Collection[str]) -> int | None:
        return await self.ask(lambda it: push_sql.next_ms(it, service, events))

    async def rooms(self) -> dict[str, bytes]:
        return await self.ask(rooms_sql.said_of_rooms)

    async def message(self, room: str, message: str) -> Publication | None:
        return await self.ask(lambda it: rooms_sql.find(it, room, message))

    async def messages(
        self, room: str, *, after: int, limit: int, newest_first: bool = False, user: str = ""
    ) -> MessagePage | None:
        return await self.ask(
            lambda it: rooms_sql.page(it, room, after, limit, newest_first=newest_first, user=user)
        )

    async def offset_at(self, room: str, at_ms: int) -> int | None:
        return await self.ask(lambda it: rooms_sql.offset_at(it, room, at_ms))

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
        return await self.ask(
            lambda it: searching_sql.search(
                it, room, wanted, after, limit, newest_first=newest_first, user=user
            )
        )

    async def spoken(self, room: str, span: Span, *, limit: int) -> MessagePage | None:
        return await self.ask(lambda it: searching_sql.spoken(it, room, span, limit))

    async def spoken_at(self, room: str, session: str, media_ms: int) -> int | None:
        return await self.ask(lambda it: searching_sql.spoken_at(it, room, session, media_ms))

    async def erasure(self, name: str, /) -> StoredErasure | None:
        return await self.ask(lambda it: erasures_sql.find(it, name))

    async def open_erasures(self) -> list[StoredErasure]:
        return await self.ask(erasures_sql.still_open)

    async def reactions_of(self, user: str, *, limit: int) -> list[ReactionOf]:
        return await self.ask(lambda it: erasures_sql.reactions_of(it, user, limit))

    async def all_events(self, *, after: str, limit: int) -> list[StoredEvent]:
        return await self.ask(lambda it: erasures_sql.all_events(it, after, limit))

    async def minutes(self, room: str, *, since: int, until: int) -> list[Minute]:
        return await self.ask(lambda it: minutes_sql.minutes(it, room, since, until))

    async def extents(self, *, after: str, limit: int) -> list[Extent]:
        return await self.ask(lambda it: extents_sql.extents(it, after, limit))

    async def extent(self, channel: str) -> Extent | None:
        return await self.ask(lambda it: extents_sql.extent(it, channel))

    async def outlived(self, channel: str, before_ms: int, *, limit: int) -> int:
        return await self.ask(lambda it: extents_sql.outlived(it, channel, before_ms, limit))

    async def reactions(self, room: str, offsets: Collection[int], *, user: str = "") -> Reactions:
        return await self.ask(lambda it: rooms_sql.counts(it, room, offsets, user))

    async def marked_rooms(self, user: str) -> list[str]:
        return await self.ask(lambda it: rooms_sql.marked(it, user))

    async def markers(self, user: str) -> list[Marker]:
        return await self.ask(lambda it: rooms_sql.all_markers(it, user))

    async def recording(self, name: str, /) -> StoredRecording | None:
        return await self.ask(lambda it: recordings_sql.find(it, name))

    async def recordings(
        self, *, stream: str = "", owner: str = "", below: int = 0, limit: int
    ) -> list[StoredRecording]:
        return await self.ask(lambda it: recordings_sql.page(it, stream, owner, below, limit))

    async def open_recordings(self) -> list[StoredRecording]:
        return await self.ask(recordings_sql.still_open)

    async def recording_wishes(self) -> dict[str, bool]:
        return await self.ask(recordings_sql.wishes)

    async def settings(self, user: str) -> UserSettings:
        return await self.ask(lambda it: settings_sql.of(it, user))

    async def setting_versions(self, user: str, namespace: str) -> list[Setting]:
        return await self.ask(lambda it: settings_sql.versions(it, user, namespace))

    async def outlived_settings(self, now_ms: int, *, limit: int) -> list[str]:
        return await self.ask(lambda it: settings_sql.outlived(it, now_ms, limit))

    async def orders(self) -> list[Order]:
        return await self.ask(moderation_sql.everything)

    async def order_log(self, room: str, *, below: int, limit: int) -> list[Logged]:
        return await self.ask(lambda it: moderation_sql.log(it, room, below, limit))
