"""One request to add to a channel, from its drafts to the answer.

In a durable namespace it waits for the store, together with others: `changes` gives offsets when
the transaction begins, in the order of the requests, and `done` makes them known, or takes them
back.  A request that is repeated with the same key, because its answer was lost, adds nothing:
it gets the first one's answer, also while that is still under way.
"""

from collections.abc import Callable, Sequence

import attrs

from relay.channels.channel import Channel
from relay.channels.history import OVERHEAD_BYTES
from relay.publication import Draft, Position, Publication
from relay.store.contract import (
    Append,
    Change,
    ChannelRecord,
    CreateChannel,
    ProducerMark,
    StoreUnavailable,
)
from relay.store.writer import Pending


@attrs.frozen
class Published:
    """It is there, at this position."""

    position: Position
    is_repeated: bool = False
    """Whether it was there already, by the same key."""


Outcome = Published | StoreUnavailable
Done = Callable[[Outcome], None]
Told = Callable[[StoreUnavailable | None], None]

Submit = Callable[[Pending], None]
"""`Writer.submit_nowait`: how changes get into the store, in order, many in one transaction."""


@attrs.define(eq=False)
class Keys:
    """The idempotency keys of one channel."""

    known: dict[str, tuple[int, int]] = attrs.field(factory=dict)
    """By key: the offset, and when; oldest first."""
    under_way: dict[str, list[Done]] = attrs.field(factory=dict)
    """By key: who else wants to know."""

    def forget(self, before_ms: int) -> None:
        """Let go of the keys of before."""
        for key, (_, at_ms) in list(self.known.items()):
            if at_ms >= before_ms:
                return
            del self.known[key]


@attrs.define(eq=False)
class Publishing:
    """See the head of this module."""

    _channel: Channel
    _keys: Keys
    _drafts: tuple[Draft, ...]
    _done: Done
    _key: str = attrs.field(kw_only=True)
    _producer: ProducerMark | None = attrs.field(kw_only=True)
    _stream_seq: str = attrs.field(kw_only=True)
    _closes: bool = attrs.field(kw_only=True)
    _now_ms: Callable[[], int] = attrs.field(kw_only=True)
    _took: Callable[[Channel, int, int], None] = attrs.field(kw_only=True)
    """Told how many publications, and how many more bytes, are kept now."""
    _publications: tuple[Publication, ...] = attrs.field(default=(), init=False)
    _creates: bool = attrs.field(default=False, init=False)

    @property
    def size(self) -> int:
        """About how many bytes the store will write."""
        return OVERHEAD_BYTES + sum(OVERHEAD_BYTES + len(draft.data) for draft in self._drafts)

    def is_repeated(self) -> bool:
        """Whether its key was used before; then the answer is on its way."""
        if not self._key:
            return False
        if (known := self._keys.known.get(self._key)) is not None:
            self._done(Published(Position(self._channel.epoch, known[0]), is_repeated=True))
            return True
        if (others := self._keys.under_way.get(self._key)) is not None:
            others.append(self._done)
            return True
        return False

    def begin(self) -> None:
        """It will be done, or fail; who comes with the same key waits for that."""
        self._channel.pending += 1
        if self._key:
            self._keys.under_way[self._key] = []

    def place(self) -> None:
        """Give the publications their offsets."""
        self._creates = self._channel.created_ms is None
        if self._creates:
            self._channel.created_ms = self._now_ms()
        self._publications = self._channel.place(self._drafts, self._now_ms())

    def changes(self) -> Sequence[Change]:
        """What the store is to do; its transaction begins."""
        self.place()
        append = Append(
            channel=self._channel.name.text,
            publications=self._publications,
            key=self._key,
            producer=self._producer,
            stream_seq=self._stream_seq,
            closes=self._closes,
        )
        if self._creates:
            return [CreateChannel(channel_record(self._channel)), append]
        return [append]

    def done(self, error: StoreUnavailable | None) -> None:
        """The transaction is durable, or nothing of it has happened."""
        self._channel.pending -= 1
        others = self._keys.under_way.pop(self._key, [])
        if error is not None:
            self._take_back()
            for done in (self._done, *others):
                done(error)
            return
        self._make_known()
        position = self._channel.position
        if self._key:
            self._keys.known[self._key] = (position.offset, self._now_ms())
        self._done(Published(position))
        for done in others:
            done(Published(position, is_repeated=True))

    def _make_known(self) -> None:
        channel = self._channel
        if self._producer is not None:
            channel.producers[self._producer.producer] = self._producer
        channel.stream_seq = self._stream_seq or channel.stream_seq
        before = channel.history.held_bytes
        channel.take(self._publications, closes=self._closes)
        self._took(channel, len(self._publications), channel.history.held_bytes - before)

    def _take_back(self) -> None:
        self._channel.displace()
        if self._creates:
            self._channel.created_ms = None


def channel_record(channel: Channel) -> ChannelRecord:
    """What the store is to know of a channel that begins."""
    return ChannelRecord(
        name=channel.name.text,
        epoch=channel.epoch,
        content_type=channel.content_type,
        created_ms=channel.created_ms or 0,
        ttl_s=channel.ttl_s,
        expires_ms=channel.expires_ms,
    )


@attrs.frozen
class PlainChange:
    """A change that nobody has to be given offsets for."""

    _channel: Channel
    _change: Change
    _told: Told
    size: int = 256

    def changes(self) -> Sequence[Change]:
        return [self._change]

    def done(self, error: StoreUnavailable | None) -> None:
        self._channel.pending -= 1
        self._told(error)
