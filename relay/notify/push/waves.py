"""Waves: an event goes out to the devices of a stream's followers, a page at a time.

    announcer --a row with the event--> store
    store --a page of followers, their devices--> here --a page of pushes, and the mark--> store

Those come first who will come: in the first round the devices that were seen lately, in the second
all the others, in each the newest follower first, and of several devices the one that was seen
last.  A page is queued when little of what was queued before is left, so that there is never much
to do away with: a wave ends with its broadcast, and while that is away for a moment, it waits.  A
service that is left alone for a while holds nobody else up: its pushes pile up in the store.
"""

from collections.abc import Callable, Sequence

import attrs
import structlog
import trio

from relay.notify.events import Event
from relay.notify.push.air import Air, RunningWave
from relay.notify.push.pace import Pace
from relay.notify.push.posting import Posting
from relay.notify.push.subscribing import service_of
from relay.notify.session_events import EventType
from relay.ports import Ports
from relay.store.committing import commit
from relay.store.contract import Change, Store, StoreUnavailable
from relay.store.follows import Follow
from relay.store.outbox import StoredEvent
from relay.store.push import (
    AdvancePushWave,
    BeginPushWave,
    EndPushWaves,
    ForgetPushes,
    PushBacklog,
    PushSubscription,
)
from relay.store.writer import Writer

log = structlog.get_logger("relay.push")

ROUNDS = 2
LATELY_S = 7 * 86_400.0
"""Devices that were seen within this time before the broadcast began are in the first round."""
PAGE = 200
"""Followers."""
PAGES_AT_ONCE = 4
"""Of all waves: what is in memory of them."""
WINDOW_S = 2.0
"""If so much is due as takes this long, the next page waits."""
LOOK_EVERY_S = 1.0
TIDY_EVERY_S = 60.0
TRY_STORE_AGAIN_S = 5.0


@attrs.define(eq=False)
class Waves:
    """See the head of this module; `notify.carrier.Carrier`."""

    _ports: Ports
    _store: Store
    _writer: Writer
    _air: Air
    _posting: Posting
    _pace: Pace
    _ttl_s: float
    _count: Callable[[str], int]
    """How many follow a stream."""
    _scopes: dict[str, trio.CancelScope] = attrs.field(factory=dict, init=False)
    """Of the tasks, by event."""
    _begun: dict[str, StoredEvent] = attrs.field(factory=dict, init=False)
    """On their way to the store."""
    _news: trio.Event = attrs.field(factory=trio.Event, init=False)
    _pages: trio.CapacityLimiter = attrs.field(
        factory=lambda: trio.CapacityLimiter(PAGES_AT_ONCE), init=False
    )

    def changes(self, event: Event) -> Sequence[Change]:
        """A wave begins, or those of the stream end."""
        stored = event.stored
        if stored.type == EventType.OFFLINE.value:
            return (EndPushWaves(stored.stream),)
        is_for_followers = event.is_listed and self._count(stored.stream)
        if stored.type != EventType.ONLINE.value or not is_for_followers:
            return ()
        self._begun[stored.id] = stored
        return (BeginPushWave(stored.id),)

    def carry(self, events: Sequence[Event]) -> None:
        for event in events:
            if event.stored.type == EventType.OFFLINE.value:
                self._end(event.stored.stream)
            elif (begun := self._begun.pop(event.stored.id, None)) is not None:
                self._begin(RunningWave(event=begun, until_ms=self._until_ms(begun)))

    async def load(self) -> None:
        """Take up what a restart has interrupted.

        Raises:
            StoreUnavailable: it cannot be read.
        """
        for wave in await self._store.push_waves():
            self._begin(
                RunningWave(
                    event=wave.event,
                    until_ms=self._until_ms(wave.event),
                    round=wave.round,
                    below=wave.below,
                )
            )

    async def run(self) -> None:
        """Let waves go on until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._tidy)
            while True:
                for event, wave in self._air.waves.items():
                    if event not in self._scopes:
                        self._scopes[event] = trio.CancelScope()
                        nursery.start_soon(self._serve, wave, self._scopes[event])
                await self._news.wait()
                self._news = trio.Event()

    def _begin(self, wave: RunningWave) -> None:
        self._air.waves[wave.event.id] = wave
        self._news.set()

    def _end(self, stream: str) -> None:
        """The broadcast is over."""
        for event, wave in list(self._air.waves.items()):
            if wave.event.stream == stream:
                del self._air.waves[event]
                if event in self._scopes:
                    self._scopes[event].cancel()

    async def _serve(self, wave: RunningWave, scope: trio.CancelScope) -> None:
        """Be the task of this wave."""
        event, stream = wave.event.id, wave.event.stream
        try:
            with scope:
                with trio.move_on_after(wave.until_ms / 1000 - self._ports.wall()):
                    await self._walk(wave)
                await self._finish(stream)
        finally:
            self._air.waves.pop(event, None)
            del self._scopes[event]
        fates = {fate.value: count for fate, count in wave.fates.items()}
        log.info("followers pushed", stream=stream, event_id=event, **fates)

    async def _walk(self, wave: RunningWave) -> None:
        """Queue page after page, and return when nothing of it is left."""
        while True:
            try:
                wait_s = await self._look(wave)
            except StoreUnavailable as error:
                log.warning("a wave waits for the store", problem=str(error))
                wait_s = TRY_STORE_AGAIN_S
            if wait_s is None:
                return
            await trio.sleep(wait_s)

    async def _look(self, wave: RunningWave) -> float | None:
        """Do what is to be done now, and say when to look again; None for never."""
        if not self._air.is_on(wave):
            return LOOK_EVERY_S
        backlog = await self._store.push_backlog(wave.event.id, self._now_ms())
        self._posting.queued(service for service, queued in backlog.items() if queued.due)
        if wave.round >= ROUNDS:
            return LOOK_EVERY_S if backlog else None
        due = self._due(backlog)
        if due >= max(PAGE, WINDOW_S * self._pace.per_s):
            # Nothing takes them faster than the pace does.
            return min(LOOK_EVERY_S, due / (2 * self._pace.per_s))
        async with self._pages:
            await self._queue_page(wave)
        return 0.0

    def _due(self, backlog: dict[str, PushBacklog]) -> int:
        """What could be sent now."""
        return sum(
            queued.due
            for service, queued in backlog.items()
            if not self._posting.is_resting(service)
        )

    async def _queue_page(self, wave: RunningWave) -> None:
        event = wave.event
        followers = await self._store.followers(event.stream, below=wave.below, limit=PAGE)
        devices = await self._devices(wave, followers)
        is_last = len(followers) < PAGE
        advance = AdvancePushWave(
            event=event.id,
            round=wave.round + is_last,
            below=0 if is_last else followers[-1].id,
            pushes={device.id: service_of(device.endpoint) for device in devices},
            due_ms=self._now_ms(),
        )
        await commit(self._writer, advance)
        wave.round, wave.below = advance.round, advance.below
        self._posting.queued(set(advance.pushes.values()))

    async def _devices(
        self, wave: RunningWave, followers: Sequence[Follow]
    ) -> list[PushSubscription]:
        """Those of this page that are in this round, in their order."""
        event = wave.event
        # Whoever has followed since it began was there.
        told = [it.user for it in followers if it.since_ms <= event.at_ms]
        places = {user: place for place, user in enumerate(told)}
        since_ms = event.at_ms - round(1000 * LATELY_S) if wave.round == 0 else 0
        found = await self._store.push_audience(places, event=event.id, active_since_ms=since_ms)
        return sorted(found, key=lambda it: (places[it.user], -it.active_ms))

    async def _finish(self, stream: str) -> None:
        try:
            await commit(self._writer, EndPushWaves(stream))
        except StoreUnavailable as error:
            # After a restart it is found to be over again.
            log.warning("the end of a wave is not kept", stream=stream, problem=str(error))

    async def _tidy(self) -> None:
        while True:
            try:
                await commit(self._writer, ForgetPushes(self._now_ms()))
            except StoreUnavailable as error:
                log.warning("old pushes are not forgotten", problem=str(error))
            await trio.sleep(TIDY_EVERY_S)

    def _until_ms(self, event: StoredEvent) -> int:
        return event.at_ms + round(1000 * self._ttl_s)

    def _now_ms(self) -> int:
        return round(self._ports.wall() * 1000)
