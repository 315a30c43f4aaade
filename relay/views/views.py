"""All live views of this process, kept true.

    broadcasts, details --changed--> names --item_of--> engine --events--> views --> followers

Whoever changes something says only of which stream.  The first change is looked at at once; what
comes within the next 50 ms is gathered, so that a thousand broadcasts whose figures change every
second are twenty publications of a view and not a thousand.  Each is one send to every follower,
and fifty views of which each changes now and then join none of theirs, as one busy channel does:
so where many are told, more is gathered before they are told again.  Between an item's entry into
the engine and the publications about it nothing else runs: a snapshot is always that of its
position.
"""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager

import attrs
import trio

from relay.channels.channel import Channel
from relay.channels.errors import ChannelsFull, UnknownChannel
from relay.channels.history import History
from relay.channels.names import ChannelName
from relay.config.schema import NamespaceConfig
from relay.errors import FormatError
from relay.fanout.budget import Budget
from relay.fanout.feed import Wake
from relay.identity.caller import Caller, Kind
from relay.ports import Ports
from relay.views.engine import Engine, TooManyViews
from relay.views.item import Item
from relay.views.query import Query, canonical
from relay.views.view import View

GATHER_S = 0.05
"""From one look at what has changed to the next, at least."""
DELIVERIES_PER_S = 40_000
"""That all views cause, about: half a core to four fifths of one, by the machine."""
LONGEST_GATHER_S = 1.0
ITEMS_PER_SLICE = 100
"""Other tasks run after so many."""
IDLE_S = 10.0
"""How long a view is kept true that nobody follows."""
TIDY_EVERY_S = 5.0
EPOCH_BYTES = 4

ItemOf = Callable[[str, Item | None], Item | None]
"""What to show of a stream now, given what is shown; None for nothing."""
Steady = Callable[[str], AbstractAsyncContextManager[Collection[str]]]
"""The streams that a user follows, none of which changes until the context is left."""


@attrs.frozen
class ViewsStatistics:
    """A snapshot for metrics."""

    views: int
    items: int
    publications: int
    """Since the start."""


def gather_after(deliveries: int) -> float:
    """Seconds until the next look, after one that so many followers were told about."""
    return min(max(GATHER_S, deliveries / DELIVERIES_PER_S), LONGEST_GATHER_S)


NOT_FOR_EVERYBODY = (
    "unlisted streams are for their owner, what somebody follows is for them, and for the operator"
)


def may_see(query: Query, caller: Caller) -> bool:
    """Whether this caller may have this view: streams that are unlisted are not for everybody, nor
    is what somebody follows.
    """
    whose = query.filter.followed_by
    if whose is not None and caller.kind is not Kind.OPERATOR and caller.sub != whose:
        return False
    return not query.filter.unlisted or sees_unlisted(query, caller)


def sees_unlisted(query: Query, caller: Caller) -> bool:
    """Whether unlisted streams are shown to this caller in a view like this."""
    if caller.kind is Kind.OPERATOR:
        return True
    return bool(caller.sub) and caller.sub == query.filter.user


def as_seen_by(caller: Caller, query: Query) -> Query:
    """The same query; who may see unlisted streams in it sees them without asking."""
    if not sees_unlisted(query, caller):
        return query
    return attrs.evolve(query, filter=attrs.evolve(query.filter, unlisted=True))


@attrs.define(eq=False)
class Views:
    """See the head of this module."""

    _item_of: ItemOf
    _steady: Steady
    _namespace: NamespaceConfig
    _ports: Ports
    _budget: Budget
    _wake: Wake
    _most: int
    """Different views at once."""
    _engine: Engine = attrs.field(init=False)
    _views: dict[Query, View] = attrs.field(factory=dict, init=False)
    _changed: dict[str, None] = attrs.field(factory=dict, init=False)
    _news: trio.Event = attrs.field(factory=trio.Event, init=False)
    _publications: int = attrs.field(default=0, init=False)
    _charged: int = attrs.field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self._engine = Engine(self._most)

    def changed(self, stream: str) -> None:
        """What is shown of this stream may have to be something else now."""
        self._changed[stream] = None
        self._news.set()

    def item(self, stream: str) -> Item | None:
        """What is shown of a stream."""
        return self._engine.items.get(stream)

    async def open(self, query: Query) -> View:
        """The view of this query; whoever asks for it `may_see` it.

        Raises:
            ChannelsFull: it is one too many.
            StoreUnavailable: what somebody follows cannot be read.
        """
        await trio.lowlevel.checkpoint()
        whose = query.filter.followed_by
        if whose is None or query in self._views:
            return self._open(query, ())
        async with self._steady(whose) as streams:
            return self._open(query, streams)

    async def open_channel(self, name: ChannelName, caller: Caller) -> Channel:
        """The channel of a view, by its name: how a hub opens one.

        Raises:
            UnknownChannel: there is no such view, or none for this caller.
            ChannelsFull: it is one too many.
            StoreUnavailable: what somebody follows cannot be read.
        """
        try:
            query = canonical(name.rest)
        except FormatError as error:
            raise UnknownChannel(str(error)) from error
        if not may_see(query, caller):
            raise UnknownChannel(NOT_FOR_EVERYBODY)
        return (await self.open(query)).channel

    def followed(self, user: str, stream: str, *, follows: bool) -> None:
        """A user follows a stream from now on, or does not any more; told at once."""
        self._engine.follow(user, stream, follows=follows)
        self._publish()

    async def run(self) -> None:
        """Keep every view true until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._follow_changes)
            nursery.start_soon(self._tidy)

    def statistics(self) -> ViewsStatistics:
        return ViewsStatistics(len(self._views), len(self._engine.items), self._publications)

    # What changes.

    async def _follow_changes(self) -> None:
        while True:
            await self._news.wait()
            self._news = trio.Event()
            # What changes meanwhile waits for the next look.
            changed, self._changed = list(self._changed), {}
            deliveries = 0
            for start in range(0, len(changed), ITEMS_PER_SLICE):
                deliveries += self._look_at(changed[start : start + ITEMS_PER_SLICE])
                await trio.lowlevel.checkpoint()
            await trio.sleep(gather_after(deliveries))

    def _look_at(self, streams: Sequence[str]) -> int:
        """Show what is to be shown of these, and tell everybody who follows; how many that are."""
        for stream in streams:
            item = self._item_of(stream, self._engine.items.get(stream))
            if item is None:
                self._engine.remove(stream)
            else:
                self._engine.put(item)
        return self._publish()

    def _publish(self) -> int:
        now_ms, deliveries = round(self._ports.wall() * 1000), 0
        for window, events in self._engine.take_changes():
            view = self._views[window.query]
            before = view.channel.history.held_bytes
            view.take(events, now_ms)
            self._charge(view.channel.history.held_bytes - before)
            self._publications += 1
            deliveries += view.channel.follower_count + len(view.pollers)
        return deliveries

    # What is kept.

    def _open(self, query: Query, followed: Collection[str]) -> View:
        view = self._views.get(query)
        if view is None:
            view = self._views[query] = self._make(query, followed)
        view.channel.used_at = self._ports.monotonic()
        return view

    def _make(self, query: Query, followed: Collection[str]) -> View:
        if len(self._engine) >= self._most:
            # Who is idle makes room.
            self._close_idle(0.0)
        try:
            window = self._engine.open(query, followed)
        except TooManyViews as error:
            raise ChannelsFull(str(error)) from error
        namespace = self._namespace
        channel = Channel(
            ChannelName(query.channel, namespace.name, query.text),
            namespace,
            self._ports.random.randbytes(EPOCH_BYTES).hex(),
            History(namespace.history, namespace.history_bytes, round(namespace.history_s * 1000)),
            self._wake,
        )
        view = View(window, channel)
        channel.snapshot = view.snapshot
        channel.created_ms = round(self._ports.wall() * 1000)
        return view

    async def _tidy(self) -> None:
        while True:
            await trio.sleep(TIDY_EVERY_S)
            now_ms = round(self._ports.wall() * 1000)
            for view in self._views.values():
                before = view.channel.history.held_bytes
                view.channel.history.expire(now_ms)
                self._charge(view.channel.history.held_bytes - before)
                view.channel.close_idle_feeds()
            self._close_idle(IDLE_S)

    def _close_idle(self, idle_s: float) -> None:
        latest = self._ports.monotonic() - idle_s
        for query, view in list(self._views.items()):
            if not view.is_in_use and view.channel.used_at <= latest:
                del self._views[query]
                self._engine.close(view.window)
                self._charge(-view.channel.history.held_bytes)

    def _charge(self, more: int) -> None:
        self._charged += more
        self._budget.change(more)
