"""All channels of this process, by name.

A channel is made when somebody first asks for it, and leaves memory when nobody follows it and it
keeps nothing that would be lost: a hundred thousand attempts on random names cost what one costs.
A channel of a durable namespace is what the store says of it, plus what is newest in memory.

Publishing is acknowledged by a callback: at once in memory, after the commit in a durable
namespace.  So a connection may have many publications under way without a task for each, and the
order of a channel is the order in which its publications were asked for.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial

import attrs
import trio

from relay.channels.changing import Changes
from relay.channels.channel import Channel
from relay.channels.errors import ChannelClosed, ChannelsFull, MessageTooBig, UnknownChannel
from relay.channels.loading import kept_in_memory, new_channel, restore
from relay.channels.loads import Loads
from relay.channels.names import ChannelName, parse_name
from relay.channels.namespaces import Namespaces, namespace_of, namespaces
from relay.channels.publishing import (
    Done,
    Keys,
    Outcome,
    Published,
    Publishing,
    Submit,
)
from relay.config.schema import ChannelsConfig, NamespaceConfig
from relay.errors import FormatError
from relay.fanout.budget import Budget
from relay.fanout.feed import Wake
from relay.identity.caller import NOBODY, Caller
from relay.ports import Ports
from relay.publication import Author, Draft, Moment, Position, Publication
from relay.store.contract import (
    Loaded,
    ProducerMark,
    Store,
    StoreUnavailable,
)

EPOCH_BYTES = 4
CHANNEL_BYTES = 2048
"""What a channel costs that keeps nothing; counted, because anybody may ask for any name."""
RECOVERABLE = 5000
"""Publications; who has missed more reads history instead."""
KEYS_FOR_S = 300.0
"""How long an idempotency key is remembered."""

Ruler = Callable[[ChannelName, NamespaceConfig], NamespaceConfig | None]
"""Whose rules hold for one channel of a namespace; None where there can be no such channel."""
Opener = Callable[[ChannelName, Caller], Awaitable[Channel]]
"""Makes, or finds, a channel of a namespace that the server itself writes."""


@attrs.frozen
class HubStatistics:
    """A snapshot for metrics."""

    channels: int
    followers: int
    publications: int
    """Since the start."""
    held_bytes: int


@attrs.define(eq=False)
class Hub:
    """See the head of this module."""

    _config: ChannelsConfig
    _ports: Ports
    _budget: Budget
    _wake: Wake
    _store: Store
    _submit: Submit
    _moment_of: Callable[[str], Moment | None]
    """Where the broadcast of this name stands."""
    _namespaces: Namespaces = attrs.field(init=False)
    openers: dict[str, Opener] = attrs.field(factory=dict)
    """By namespace."""
    rulers: dict[str, Ruler] = attrs.field(factory=dict)
    """By namespace."""
    _channels: dict[str, Channel] = attrs.field(factory=dict, init=False)
    _keys: dict[Channel, Keys] = attrs.field(factory=dict, init=False)
    changes: Changes = attrs.field(init=False)
    """What is done to a channel as a whole."""
    _loads: Loads = attrs.field(factory=Loads, init=False)
    _charged: int = attrs.field(default=0, init=False)
    _publications: int = attrs.field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self._namespaces = namespaces(self._config.namespaces)
        self.changes = Changes(self._submit, self._now_ms, self.forget, self._charge)

    # Finding one.

    async def open(self, text: str, caller: Caller = NOBODY) -> Channel:
        """The channel of this name, made if there is none; what is kept of it is at hand.

        Whoever opens a channel has asked `rules.may` before.

        Raises:
            UnknownChannel: there cannot be one.
            ChannelsFull: there are too many.
            StoreUnavailable: it cannot be read.
        """
        await trio.lowlevel.checkpoint()
        name, namespace = self.resolve(text)
        if (opener := self.openers.get(namespace.name)) is not None:
            return await opener(name, caller)
        while (channel := self._channels.get(text)) is None:
            await self._load(name, namespace)
        channel.used_at = self._ports.monotonic()
        return channel

    def resolve(self, text: str) -> tuple[ChannelName, NamespaceConfig]:
        """A name and whose rules hold for it.

        Raises:
            UnknownChannel: nothing can be called so, or there are no rules for it.
        """
        try:
            name = parse_name(text)
        except FormatError as error:
            raise UnknownChannel(str(error)) from error
        namespace = namespace_of(name, self._namespaces)
        if namespace is None:
            raise UnknownChannel(f"there is no namespace `{name.namespace}`")
        if (ruler := self.rulers.get(namespace.name)) is not None:
            namespace = ruler(name, namespace)
        if namespace is None:
            raise UnknownChannel(f"there is no channel `{text}`")
        return name, namespace

    def find(self, text: str) -> Channel | None:
        """The channel of this name, if it is in memory."""
        return self._channels.get(text)

    def channels(self) -> list[Channel]:
        """Every channel in memory."""
        return list(self._channels.values())

    async def _load(self, name: ChannelName, namespace: NamespaceConfig) -> None:
        """Put a channel into memory, or wait for whoever does."""
        if (loading := self._loads.under_way(name.text)) is not None:
            await loading.wait()
            return
        if len(self._channels) >= self._config.open_channels:
            raise ChannelsFull("there are as many channels as there may be")
        loaded = await self._loaded(name, namespace) if namespace.durable else None
        self._channels[name.text] = self._make(name, namespace, loaded)

    async def _loaded(self, name: ChannelName, namespace: NamespaceConfig) -> Loaded | None:
        load = partial(
            self._store.load,
            name.text,
            keys_since_ms=self._now_ms() - round(KEYS_FOR_S * 1000),
            latest=kept_in_memory(namespace),
        )
        return await self._loads.read(name.text, load)

    def begin_beside(self, names: Iterable[str]) -> None:
        """Durable channels that are not in memory will be appended to in the store alone; until
        `end_beside` nobody gets one of them.
        """
        self._loads.begin_writing(names)

    def end_beside(self, names: Iterable[str]) -> None:
        """The same names: that is committed, or has failed."""
        self._loads.end_writing(names)

    def _make(
        self, name: ChannelName, namespace: NamespaceConfig, loaded: Loaded | None
    ) -> Channel:
        epoch = self._ports.random.randbytes(EPOCH_BYTES).hex()
        channel = new_channel(name, namespace, epoch, self._wake)
        if (stream := name.stream) is not None:
            channel.moment = lambda: self._moment_of(stream)
        keys = self._keys[channel] = Keys()
        self._charge(CHANNEL_BYTES)
        if loaded is not None:
            restore(channel, loaded)
            keys.known.update((key, (offset, self._now_ms())) for key, offset in loaded.keys)
            self._charge(channel.history.held_bytes)
        return channel

    # Adding to one.

    def publish_nowait(
        self,
        channel: Channel,
        drafts: Sequence[Draft],
        done: Done,
        *,
        key: str = "",
        producer: ProducerMark | None = None,
        stream_seq: str = "",
        closes: bool = False,
        submit: Submit | None = None,
    ) -> None:
        """Add publications, all or none; `done` is told when they are there.

        Args:
            channel: where.
            drafts: what; none at all where it is only to be closed.
            done: gets the position of the last of them, or why there is none.
            key: the same key of the same author within five minutes adds nothing, and is told the
                position of the first time.
            producer: how far an idempotent producer has come with this.
            stream_seq: the writer's own sequence, kept for it.
            closes: whether nothing may follow.
            submit: takes them to the store, together with something else.

        Raises:
            ChannelClosed: nothing may be added any more.
            MessageTooBig: one of them is too large.
            trio.WouldBlock: the store has too much to do already.
        """
        keys = self._keys.get(channel)
        if channel.is_closed or keys is None:
            raise ChannelClosed("nothing may be added to this channel any more")
        if any(len(draft.data) > channel.namespace.message_bytes for draft in drafts):
            raise MessageTooBig(
                f"a message here has at most {channel.namespace.message_bytes} bytes"
            )
        publishing = Publishing(
            channel,
            keys,
            tuple(drafts),
            done,
            key=_scoped(key, drafts[0].author) if key and drafts else key,
            producer=producer,
            stream_seq=stream_seq,
            closes=closes,
            now_ms=self._now_ms,
            took=self._took,
        )
        if publishing.is_repeated():
            return
        if channel.namespace.durable:
            (submit or self._submit)(publishing)
            publishing.begin()
        else:
            publishing.begin()
            publishing.place()
            publishing.done(None)

    def has_key(self, channel: Channel, author: Author | None, key: str) -> bool:
        """Whether this author has used a key there lately: then nothing is added by it any more."""
        keys = self._keys.get(channel)
        if not key or keys is None:
            return False
        scoped = _scoped(key, author)
        return scoped in keys.known or scoped in keys.under_way

    async def publish(self, channel: Channel, *drafts: Draft, key: str = "") -> Published:
        """As `publish_nowait`, for who has time to wait.

        Raises:
            StoreUnavailable: it was not committed, or there was no room to wait.
        """
        arrived, outcomes = trio.Event(), list[Outcome]()

        def done(outcome: Outcome) -> None:
            outcomes.append(outcome)
            arrived.set()

        try:
            self.publish_nowait(channel, drafts, done, key=key)
        except trio.WouldBlock:
            raise StoreUnavailable("the store has too much to do") from None
        await arrived.wait()
        if isinstance(outcomes[0], StoreUnavailable):
            raise outcomes[0]
        return outcomes[0]

    def _took(self, channel: Channel, publications: int, more_bytes: int) -> None:
        self._publications += publications
        self._charge(more_bytes)

    # Reading one.

    async def catch_up(self, channel: Channel, since: Position) -> Sequence[Publication] | None:
        """As `Channel.missed`, from the store where memory does not reach back so far.

        Nothing happens between the return and the caller's next step.
        """
        missed = channel.missed(since)
        if missed is None and self._is_stored(channel, since):
            older = await self._store.read(channel.name.text, after=since.offset, limit=RECOVERABLE)
            if not older or older[0].offset != since.offset + 1:
                return None
            newer = channel.missed(Position(since.epoch, older[-1].offset))
            missed = None if newer is None else [*older, *newer]
        return missed if missed is not None and len(missed) <= RECOVERABLE else None

    def _is_stored(self, channel: Channel, since: Position) -> bool:
        return (
            channel.namespace.durable
            and since.epoch == channel.epoch
            and since.offset <= channel.last_offset
        )

    async def read_after(self, channel: Channel, offset: int, limit: int) -> Sequence[Publication]:
        """The first `limit` publications above an offset that are still kept, oldest first."""
        if channel.namespace.durable and not channel.history.reaches(offset):
            return await self._store.read(channel.name.text, after=offset, limit=limit)
        await trio.lowlevel.checkpoint()
        return channel.history.since(offset, limit)

    async def read_before(self, channel: Channel, offset: int, limit: int) -> Sequence[Publication]:
        """The last `limit` publications below an offset (0: of all), newest first."""
        kept = channel.history.before(offset, limit)
        if channel.namespace.durable and len(kept) < limit:
            return await self._store.read(
                channel.name.text, after=offset, limit=limit, newest_first=True
            )
        await trio.lowlevel.checkpoint()
        return kept

    # Letting go.

    def expire(self, channel: Channel, now_ms: int, *, keys_ms: int) -> int:
        """Let go of publications that are too old, and of keys of before `keys_ms`.

        Returns how many publications.
        """
        before = channel.history.held_bytes
        expired = channel.history.expire(now_ms)
        self._charge(channel.history.held_bytes - before)
        self._keys[channel].forget(keys_ms)
        return expired

    def forget(self, channel: Channel) -> None:
        """Let a channel leave memory; nothing can be added to this object any more."""
        if self._channels.get(channel.name.text) is channel:
            del self._channels[channel.name.text]
            del self._keys[channel]
            self._charge(-channel.history.held_bytes - CHANNEL_BYTES)

    # Sums.

    def statistics(self) -> HubStatistics:
        followers = sum(channel.follower_count for channel in self._channels.values())
        return HubStatistics(len(self._channels), followers, self._publications, self._charged)

    def _charge(self, more: int) -> None:
        self._charged += more
        self._budget.change(more)

    def _now_ms(self) -> int:
        return round(self._ports.wall() * 1000)


def _scoped(key: str, author: Author | None) -> str:
    """A key of the author's own: nobody can use up another's."""
    return key if author is None else f"{author.user}\n{key}"
