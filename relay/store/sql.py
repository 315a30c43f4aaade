"""The store in a database: SQLite or PostgreSQL, by the same statements.

Every call runs in a thread: one for the single connection that writes, a few for readers.  Whatever
a driver has to complain of becomes `StoreUnavailable`, in words of its own: an error of a driver
quotes the statement with its values, which are people's messages.

`commit` promises that what it raises for has not happened.  Up to the COMMIT that is so by itself:
a transaction that is never committed is none.  A COMMIT whose answer is lost is *in doubt*; then
`commit` asks what became of it, for as long as it takes, and returns or raises when it knows.
Meanwhile new changes wait in the writer's bounded queue and are refused when that is full, which is
what a database that is gone looks like to everybody else.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Protocol, TypeVar

import attrs
import trio
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError

from relay.publication import Publication
from relay.store import (
    fan_outs_sql,
    follows_sql,
    outbox_sql,
    push_sql,
    reading,
    rooms_sql,
    settings_sql,
)
from relay.store.contract import Change, Loaded, StoreConflict, StoreStatistics, StoreUnavailable
from relay.store.fan_outs import FanOut
from relay.store.follows import Follow, Listener
from relay.store.outbox import Delivery, DeliveryState, StoredEvent
from relay.store.push import DuePush, PushBacklog, PushSubscription, PushWave
from relay.store.rooms import Marker, MessagePage, Reactions
from relay.store.settings import Setting, UserSettings
from relay.store.threads import READERS, Threads
from relay.store.writing import Writing

T = TypeVar("T")

ASK_AGAIN_S = 0.5
CLOSE_S = 5.0


class Database(Protocol):
    """What differs between the engines."""

    writer: Engine
    """With one connection."""
    readers: Engine

    def mark(self, connection: Connection) -> str | None:
        """By what the outcome of this transaction can be asked for; None if COMMIT tells it."""

    def outcome(self, mark: str) -> bool | None:
        """Whether that transaction was committed; None while it is not known."""

    def close(self) -> None: ...


@attrs.define(eq=False)
class SqlStore:
    """`store.contract.Store`; see the head of this module."""

    _database: Database
    _keys_for_ms: int
    _writing: Writing = attrs.field(init=False)
    _is_closed: bool = attrs.field(default=False, init=False)
    _writer_thread: Threads = attrs.field(factory=lambda: Threads(1), init=False)
    _reader_threads: Threads = attrs.field(factory=lambda: Threads(READERS), init=False)

    def __attrs_post_init__(self) -> None:
        self._writing = Writing(self._database.writer.dialect.name, self._keys_for_ms)

    async def commit(self, batch: Sequence[Change]) -> None:
        mark = await self._writer_thread.run(partial(self._commit, batch))
        if mark is not None and not await self._resolve(mark):
            raise StoreUnavailable("the connection broke, and nothing was committed")

    async def load(self, channel: str, *, keys_since_ms: int, latest: int) -> Loaded | None:
        return await self._ask(lambda it: reading.load(it, channel, keys_since_ms, latest))

    async def read(
        self, channel: str, *, after: int, limit: int, newest_first: bool = False
    ) -> list[Publication]:
        return await self._ask(
            lambda it: reading.read(it, channel, after, limit, newest_first=newest_first)
        )

    async def names(self, prefix: str = "") -> list[str]:
        return await self._ask(lambda it: reading.names(it, prefix))

    async def expired(self, now_ms: int) -> list[str]:
        return await self._ask(lambda it: reading.expired(it, now_ms))

    async def details(self) -> dict[str, bytes]:
        return await self._ask(reading.said_of_streams)

    async def airings(self) -> dict[str, bytes]:
        return await self._ask(outbox_sql.all_airings)

    async def endpoints(self) -> dict[str, bytes]:
        return await self._ask(outbox_sql.all_endpoints)

    async def subscriptions(self) -> dict[str, bytes]:
        return await self._ask(outbox_sql.all_subscriptions)

    async def events(
        self, stream: str, types: Collection[str], *, until_ms: int, limit: int
    ) -> list[StoredEvent]:
        return await self._ask(lambda it: outbox_sql.happened(it, stream, types, until_ms, limit))

    async def next_delivery(self, endpoint: str) -> Delivery | None:
        return await self._ask(lambda it: outbox_sql.first(it, endpoint))

    async def delivery(self, endpoint: str, delivery: int) -> Delivery | None:
        return await self._ask(lambda it: outbox_sql.find(it, endpoint, delivery))

    async def deliveries(
        self, endpoint: str, *, state: DeliveryState | None = None, below: int = 0, limit: int
    ) -> list[Delivery]:
        return await self._ask(lambda it: outbox_sql.latest(it, endpoint, state, below, limit))

    async def follow(self, user: str, stream: str) -> Follow | None:
        return await self._ask(lambda it: follows_sql.find(it, user, stream))

    async def follows(self, user: str, *, below: int = 0, limit: int) -> list[Follow]:
        return await self._ask(lambda it: follows_sql.by_user(it, user, below, limit))

    async def followers(self, stream: str, *, below: int = 0, limit: int) -> list[Follow]:
        return await self._ask(lambda it: follows_sql.by_stream(it, stream, below, limit))

    async def listeners(self, stream: str, *, below: int = 0, limit: int) -> list[Listener]:
        return await self._ask(lambda it: follows_sql.listeners(it, stream, below, limit))

    async def follow_count(self, user: str) -> int:
        return await self._ask(lambda it: follows_sql.count(it, user))

    async def follower_counts(self) -> dict[str, int]:
        return await self._ask(follows_sql.counts)

    async def outlived_follows(self, now_ms: int, *, limit: int) -> list[Follow]:
        return await self._ask(lambda it: follows_sql.outlived(it, now_ms, limit))

    async def fan_outs(self) -> list[FanOut]:
        return await self._ask(fan_outs_sql.unfinished)

    async def push_subscriptions(self, user: str) -> list[PushSubscription]:
        return await self._ask(lambda it: push_sql.of_user(it, user))

    async def push_audience(
        self, users: Collection[str], *, event: str, active_since_ms: int
    ) -> list[PushSubscription]:
        return await self._ask(lambda it: push_sql.audience(it, users, event, active_since_ms))

    async def push_waves(self) -> list[PushWave]:
        return await self._ask(push_sql.waves)

    async def push_backlog(self, event: str, now_ms: int) -> dict[str, PushBacklog]:
        return await self._ask(lambda it: push_sql.backlog(it, event, now_ms))

    async def due_pushes(
        self, service: str, events: Collection[str], *, now_ms: int, limit: int
    ) -> list[DuePush]:
        return await self._ask(lambda it: push_sql.due(it, service, events, now_ms, limit))

    async def next_push_ms(self, service: str, events: Collection[str]) -> int | None:
        return await self._ask(lambda it: push_sql.next_ms(it, service, events))

    async def rooms(self) -> dict[str, bytes]:
        return await self._ask(rooms_sql.said_of_rooms)

    async def message(self, room: str, message: str) -> Publication | None:
        return await self._ask(lambda it: rooms_sql.find(it, room, message))

    async def messages(
        self, room: str, *, after: int, limit: int, newest_first: bool = False, user: str = ""
    ) -> MessagePage | None:
        return await self._ask(
            lambda it: rooms_sql.page(it, room, after, limit, newest_first=newest_first, user=user)
        )

    async def offset_at(self, room: str, at_ms: int) -> int | None:
        return await self._ask(lambda it: rooms_sql.offset_at(it, room, at_ms))

    async def reactions(self, room: str, offsets: Collection[int], *, user: str = "") -> Reactions:
        return await self._ask(lambda it: rooms_sql.counts(it, room, offsets, user))

    async def marked_rooms(self, user: str) -> list[str]:
        return await self._ask(lambda it: rooms_sql.marked(it, user))

    async def markers(self, user: str) -> list[Marker]:
        return await self._ask(lambda it: rooms_sql.all_markers(it, user))

    async def settings(self, user: str) -> UserSettings:
        return await self._ask(lambda it: settings_sql.of(it, user))

    async def setting_versions(self, user: str, namespace: str) -> list[Setting]:
        return await self._ask(lambda it: settings_sql.versions(it, user, namespace))

    async def outlived_settings(self, now_ms: int, *, limit: int) -> list[str]:
        return await self._ask(lambda it: settings_sql.outlived(it, now_ms, limit))

    def statistics(self) -> StoreStatistics:
        return StoreStatistics(
            threads={
                "store-writer": self._writer_thread.use(),
                "store-readers": self._reader_threads.use(),
            }
        )

    async def aclose(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        with trio.move_on_after(CLOSE_S, shield=True):
            await self._writer_thread.run(self._database.close)

    async def _ask(self, question: Callable[[Connection], T]) -> T:
        return await self._reader_threads.run(partial(self._read, question))

    async def _resolve(self, mark: str) -> bool:
        """Whether a commit in doubt has happened; waits until that can be known."""
        ask = partial(self._outcome, mark)
        while (known := await self._writer_thread.run(ask)) is None:  # noqa: ASYNC110  # far away
            await trio.sleep(ASK_AGAIN_S)
        return known

    # In threads.

    def _read(self, question: Callable[[Connection], T]) -> T:
        self._check_open()
        with translated(), self._database.readers.connect() as connection:
            return question(connection)

    def _commit(self, batch: Sequence[Change]) -> str | None:
        """Commit, or raise, or return what the outcome can be asked for by."""
        self._check_open()
        with translated(), self._database.writer.connect() as connection:
            self._writing.execute(connection, batch)
            mark = self._database.mark(connection)
            try:
                connection.commit()
            except DBAPIError:
                if mark is None:
                    raise
                return mark
        return None

    def _check_open(self) -> None:
        """A pool that was closed would quietly connect again, without the lock."""
        if self._is_closed:
            raise StoreUnavailable("the store has been closed")

    def _outcome(self, mark: str) -> bool | None:
        try:
            return self._database.outcome(mark)
        except (SQLAlchemyError, StoreUnavailable):
            return None


@contextmanager
def translated() -> Iterator[None]:
    try:
        yield
    except (IntegrityError, DataError) as error:
        raise StoreConflict(_brief(error)) from None
    except OverflowError as error:
        raise StoreConflict(str(error)) from None
    except DBAPIError as error:
        raise StoreUnavailable(_brief(error)) from None
    except SQLAlchemyError as error:
        raise StoreUnavailable(type(error).__name__) from None


def _brief(error: DBAPIError) -> str:
    """The kind, and the first line: what follows may quote values."""
    return f"{type(error.orig).__name__}: {str(error.orig).partition(chr(10))[0]}"
