"""What a store promises, whichever engine keeps it.

One process owns a store.  Everything is changed by *batches*: `commit` returns when the whole batch
would survive a power cut, and raises when nothing of it happened.  Offsets are given by whoever
builds the batch (`store.writer`), so that a transaction reads nothing; `store.fan_outs` says where
it is otherwise.

Acknowledged means committed: nobody is told that a change was made before `commit` has returned.

A store knows nothing of what channels may do, but it keeps no hole: an `Append` whose offsets do
not follow those of its channel is refused with its whole batch, and so is one to a channel that is
not there.  The other changes of a channel that is not there change nothing.

Text may be any `str`, with NULs and lone surrogates in it.  Whole numbers fit 64 bits.
"""

from collections.abc import Sequence
from typing import Protocol

import attrs

from relay.errors import RelayError
from relay.publication import Publication
from relay.store.erasures import ErasureChange, ErasureReader
from relay.store.extents import ExtentReader
from relay.store.fan_outs import FanOutChange, FanOutReader
from relay.store.follows import FollowChange, FollowReader
from relay.store.minutes import ForgetMinutes, MinuteReader
from relay.store.moderation import ModerationChange, ModerationReader
from relay.store.outbox import OutboxChange, OutboxReader
from relay.store.push import PushChange, PushReader
from relay.store.recordings import RecordingChange, RecordingReader
from relay.store.rooms import RoomChange, RoomReader
from relay.store.searching import SearchReader
from relay.store.settings import SettingsChange, SettingsReader

JSON_TYPE = "application/json"


class StoreUnavailable(RelayError):
    """The store could not be read or written.  Nothing of the batch has happened."""


class StoreConflict(StoreUnavailable):
    """The store holds something else than the batch supposes.  Trying again will not help; what is
    known of the channel has to be loaded again.
    """


@attrs.frozen(kw_only=True)
class ChannelRecord:
    """A durable channel."""

    name: str
    epoch: str
    content_type: str = JSON_TYPE
    created_ms: int
    first_offset: int = 1
    """Of the oldest publication that is kept, or that will be."""
    last_offset: int = 0
    """Of the newest publication; 0 before the first."""
    is_closed: bool = False
    """Whether nothing will be added any more."""
    ttl_s: int | None = None
    """It is deleted when nobody has read or written it for so long."""
    expires_ms: int | None = None
    """It is deleted then, wall clock."""


@attrs.frozen(kw_only=True)
class ProducerMark:
    """How far an idempotent producer has come (Durable Streams, 5.2.1)."""

    producer: str
    epoch: int
    seq: int


@attrs.frozen
class CreateChannel:
    record: ChannelRecord


@attrs.frozen(kw_only=True)
class Append:
    """Add publications, whose offsets follow the channel's last one, and remember why."""

    channel: str
    publications: tuple[Publication, ...]
    key: str = ""
    """An idempotency key, which stands for the last of the publications; needs one.

    A store may forget it when it is older than the time that the store was opened with.
    """
    producer: ProducerMark | None = None
    stream_seq: str = ""
    """The writer's own sequence (Durable Streams, Stream-Seq); empty to leave it as it is."""
    closes: bool = False
    """Nothing may follow."""


@attrs.frozen
class TouchChannel:
    """Move a channel's expiry."""

    channel: str
    expires_ms: int | None


@attrs.frozen
class Trim:
    """Forget publications below an offset."""

    channel: str
    first_offset: int
    """At most one above the newest."""


@attrs.frozen
class DeleteChannel:
    channel: str


@attrs.frozen
class PutDetails:
    """What the site or its owner says of a stream: a JSON object, whole."""

    stream: str
    value: bytes


ChannelChange = CreateChannel | Append | TouchChannel | Trim | DeleteChannel
Change = (
    ChannelChange
    | PutDetails
    | OutboxChange
    | FollowChange
    | FanOutChange
    | PushChange
    | SettingsChange
    | RecordingChange
    | RoomChange
    | ModerationChange
    | ForgetMinutes
    | ErasureChange
)


@attrs.frozen(kw_only=True)
class Loaded:
    """What is needed to go on with a durable channel after a restart."""

    record: ChannelRecord
    producers: tuple[ProducerMark, ...]
    stream_seq: str
    keys: tuple[tuple[str, int], ...]
    """Idempotency keys that are not older than asked for, each with the offset it stands for."""
    latest: tuple[Publication, ...]
    """The newest publications, oldest first, as many as asked for."""


@attrs.frozen
class ThreadUse:
    """Of one pool of threads."""

    total: int
    busy: int
    waiting: int
    """Tasks that want one."""


@attrs.frozen(kw_only=True)
class StoreStatistics:
    """A snapshot for metrics and tests."""

    threads: dict[str, ThreadUse]
    """By name; empty for a store that needs none."""


class Store(
    OutboxReader,
    FollowReader,
    FanOutReader,
    PushReader,
    SettingsReader,
    RecordingReader,
    RoomReader,
    ModerationReader,
    SearchReader,
    MinuteReader,
    ExtentReader,
    ErasureReader,
    Protocol,
):
    """See the head of this module.  Every method may wait; none blocks the event loop."""

    async def commit(self, batch: Sequence[Change]) -> None:
        """Make all of these changes, in order, or none.

        Cancelled, it may still happen: only `store.writer`, which outlasts it, calls this.

        Raises:
            StoreConflict: none was made, and none ever will be.
            StoreUnavailable: none was made.
        """

    async def load(self, channel: str, *, keys_since_ms: int, latest: int) -> Loaded | None:
        """A channel as it was committed last; None when there is none."""

    async def read(
        self, channel: str, *, after: int, limit: int, newest_first: bool = False
    ) -> list[Publication]:
        """Up to `limit` publications, those with an offset above `after`.

        With `newest_first`, those below `after` (0 for the end), the newest of them first.
        """

    async def names(self, prefix: str = "") -> list[str]:
        """Every channel whose name begins so, sorted."""

    async def expired(self, now_ms: int) -> list[str]:
        """Channels whose time is over."""

    async def details(self) -> dict[str, bytes]:
        """What is said of each stream, by its name."""

    def statistics(self) -> StoreStatistics: ...

    async def aclose(self) -> None:
        """Let go of files, connections and threads.  May be called twice."""
