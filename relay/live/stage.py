"""Every broadcast of this process by its name, and those who wait for one that has not begun.

A name leaves nothing behind: a broadcast is forgotten when its hold is over, a waiter's place when
its last waiter has gone.  A hundred thousand attempts on random names cost what one costs.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import attrs
import structlog
import trio

from relay.errors import RelayError
from relay.fanout.budget import Budget
from relay.fanout.feed import Wake
from relay.live.broadcast import Broadcast
from relay.live.run import Publisher, Run
from relay.live.statistics import BroadcastSettings
from relay.live.takeover import TakeoverGuard
from relay.ports import Ports
from relay.publication import Moment
from relay.reasons import Reason

log = structlog.get_logger("relay.broadcast")

TIDY_EVERY_S = 10.0
RECOUNT_EVERY_S = 1.0


class PublishRefused(RelayError):
    """This publisher may not begin now."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.description)
        self.reason = reason


@attrs.define(eq=False)
class _Waiting:
    """Viewers of a name that nobody publishes yet."""

    viewers: int = 0
    begun: trio.Event = attrs.field(factory=trio.Event)


@attrs.define(eq=False)
class Stage:
    """See the head of this module."""

    _settings: BroadcastSettings
    _ports: Ports
    _budget: Budget
    _wake: Wake
    on_change: Callable[[str], None] = lambda _: None
    """Told the name of a broadcast of which others may have to show something else now."""
    _broadcasts: dict[str, Broadcast] = attrs.field(factory=dict, init=False)
    _guards: dict[str, TakeoverGuard] = attrs.field(factory=dict, init=False)
    _waiting: dict[str, _Waiting] = attrs.field(factory=dict, init=False)
    _nursery: trio.Nursery = attrs.field(init=False)

    async def serve_broadcasts(
        self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Own the broadcasts' tasks until cancelled."""
        async with trio.open_nursery() as self._nursery:
            self._nursery.start_soon(self._recount)
            task_status.started()
            while True:
                await trio.sleep(TIDY_EVERY_S)
                for broadcast in self._broadcasts.values():
                    broadcast.close_idle_feeds()

    async def _recount(self) -> None:
        while True:
            await trio.sleep(RECOUNT_EVERY_S)
            for broadcast in self.broadcasts():
                broadcast.recount()

    @contextmanager
    def publishing(self, name: str, publisher: Publisher) -> Iterator[Run]:
        """Publish as `name` for as long as the context lasts.

        Raises:
            PublishRefused: somebody else publishes, and may not be replaced now.
        """
        run = self._begin(name, publisher)
        try:
            yield run
        finally:
            run.close()

    def broadcast(self, name: str) -> Broadcast | None:
        """The broadcast of this name, also while it is held; None when there is none."""
        return self._broadcasts.get(name)

    def moment(self, name: str) -> Moment | None:
        """Where the broadcast of this name stands, if there is one with a picture."""
        broadcast = self._broadcasts.get(name)
        return None if broadcast is None else broadcast.moment

    def broadcasts(self) -> list[Broadcast]:
        return list(self._broadcasts.values())

    async def wait_broadcast(self, name: str) -> Broadcast:
        """The broadcast of this name, as soon as there is one; it has not ended on return."""
        await trio.lowlevel.checkpoint()
        while (broadcast := self._broadcasts.get(name)) is None:
            await self._wait_begun(name)
        return broadcast

    async def _wait_begun(self, name: str) -> None:
        waiting = self._waiting.setdefault(name, _Waiting())
        waiting.viewers += 1
        try:
            await waiting.begun.wait()
        finally:
            waiting.viewers -= 1
            if not waiting.viewers and self._waiting.get(name) is waiting:
                del self._waiting[name]

    @property
    def waiting_names(self) -> int:
        return len(self._waiting)

    def _begin(self, name: str, publisher: Publisher) -> Run:
        broadcast = self._broadcasts.get(name)
        guard = self._guards.setdefault(name, TakeoverGuard())
        refusal = guard.refusal(
            self._ports.monotonic(),
            is_live=broadcast is not None and broadcast.is_published,
            exclusive=publisher.exclusive,
        )
        if refusal is not None:
            raise PublishRefused(refusal)
        run = Run(publisher)
        if broadcast is None:
            broadcast = self._open(name)
        broadcast.begin(run)
        return run

    def _open(self, name: str) -> Broadcast:
        session = self._ports.random.randbytes(8).hex()
        broadcast = Broadcast(
            name, session, self._settings, self._ports, self._budget, self._wake, self.on_change
        )
        self._broadcasts[name] = broadcast
        self._nursery.start_soon(self._serve, broadcast)
        if (waiting := self._waiting.pop(name, None)) is not None:
            waiting.begun.set()
        return broadcast

    async def _serve(self, broadcast: Broadcast) -> None:
        log.info("broadcast started", stream=broadcast.name, session=broadcast.session)
        try:
            await broadcast.serve()
        finally:
            del self._broadcasts[broadcast.name]
            del self._guards[broadcast.name]
            figures = broadcast.statistics()
            log.info(
                "broadcast ended",
                stream=broadcast.name,
                session=broadcast.session,
                runs=figures.runs,
                packets=figures.packets,
                payload_bytes=figures.payload_bytes,
                dropped=figures.dropped,
                repairs=figures.repairs,
            )
