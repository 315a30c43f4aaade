"""Deliveries to others' servers: a queue for each, and somebody who carries it when it is due.

    agenda: queue -> when --due--> courier: first of the queue --> addressee --> judge --> store
                ^                                                                  |
                +----------------- when the first may be tried again --------------+

A queue is in the store; in memory there is of each when its first delivery is due, and nothing
else, however many wait.  A courier is one task, and there is at most one for each queue: it exists
while something of it is due, and does one delivery after the other.  So the order of events is the
order of arrival, an addressee that hangs holds up its own queue and no other, and the number of
tasks is that of addressees (`notify.webhooks`, `websub.subscriptions`), not of deliveries.

What came of an attempt is in the store before the next begins.  A crash between the attempt and
that is followed by another attempt with the same id: at least once, and the receiver can tell.
"""

from collections.abc import Iterable
from math import inf

import attrs
import structlog
import trio

from relay.notify.addressees import Addressee, Addressees
from relay.notify.agenda import Agenda
from relay.notify.schedule import Outcome, Verdict, judge
from relay.outbound.failures import OutboundError
from relay.ports import Ports
from relay.store.committing import commit
from relay.store.contract import Store, StoreUnavailable
from relay.store.outbox import Delivery, DeliveryState
from relay.store.writer import Writer

log = structlog.get_logger("relay.couriers")

LONGEST_SLEEP_S = 300.0
"""The wall clock may be set meanwhile."""
TRY_STORE_AGAIN_S = 5.0


@attrs.frozen(kw_only=True)
class CourierStatistics:
    """A snapshot for metrics and tests."""

    under_way: int
    """Couriers."""
    delivered: int
    """Since the start."""
    failed: int
    """Attempts, since the start."""
    dead: int
    """Deliveries given up, since the start."""


@attrs.define(eq=False)
class Couriers:
    """See the head of this module."""

    _ports: Ports
    _store: Store
    _writer: Writer
    _addressees: Addressees
    _agenda: Agenda = attrs.field(factory=Agenda, init=False)
    """By the wall clock, in seconds."""
    _under_way: dict[str, bool] = attrs.field(factory=dict, init=False)
    """Queues with a courier, and whether something was added meanwhile."""
    _hurried: set[str] = attrs.field(factory=set, init=False)
    """Those whose first delivery does not wait for its time."""
    _news: trio.Event = attrs.field(factory=trio.Event, init=False)
    _delivered: int = attrs.field(default=0, init=False)
    _failed: int = attrs.field(default=0, init=False)
    _dead: int = attrs.field(default=0, init=False)

    def queued(self, queues: Iterable[str]) -> None:
        """Something stands at the end of these queues."""
        for queue in queues:
            if queue in self._under_way:
                self._under_way[queue] = True
            elif queue not in self._agenda:
                self._wake(queue)

    def hurry(self, queue: str) -> None:
        """Try the first of this queue now, whatever its time: something has changed."""
        self._hurried.add(queue)
        if queue in self._under_way:
            self._under_way[queue] = True
        else:
            self._wake(queue)

    async def run(self) -> None:
        """Carry what is queued, until cancelled."""
        async with trio.open_nursery() as nursery:
            for queue in self._addressees.queues():
                self._wake(queue)
            while True:
                for queue in self._agenda.take(self._ports.wall()):
                    if queue not in self._under_way:
                        self._under_way[queue] = False
                        nursery.start_soon(self._serve, queue)
                        # Thousands may be due at once, and pictures come in between.
                        await trio.lowlevel.checkpoint()
                await self._wait()

    def statistics(self) -> CourierStatistics:
        return CourierStatistics(
            under_way=len(self._under_way),
            delivered=self._delivered,
            failed=self._failed,
            dead=self._dead,
        )

    def _wake(self, queue: str) -> None:
        self._agenda.put(queue, self._ports.wall())
        self._news.set()

    async def _wait(self) -> None:
        wait_s = min(LONGEST_SLEEP_S, self._agenda.next - self._ports.wall())
        with trio.move_on_after(max(0.0, wait_s)):
            await self._news.wait()
        self._news = trio.Event()

    async def _serve(self, queue: str) -> None:
        """Be the courier of this queue while there is something to carry."""
        again = inf
        try:
            again = await self._carry(queue)
        except StoreUnavailable as error:
            log.warning("a queue waits for the store", queue=queue, problem=str(error))
            again = self._ports.wall() + TRY_STORE_AGAIN_S
        finally:
            is_news = self._under_way.pop(queue)
            if (again == inf and is_news) or queue in self._hurried:
                again = self._ports.wall()
            self._agenda.put(queue, again)
            self._news.set()

    async def _carry(self, queue: str) -> float:
        """Deliver until nothing is due; when something is, by the wall clock."""
        while (to := self._addressees.get(queue)) is not None:
            self._under_way[queue] = False
            delivery = await self._store.next_delivery(queue)
            if delivery is None:
                break
            is_hurried = queue in self._hurried
            self._hurried.discard(queue)
            if delivery.due_ms > self._now_ms() and not is_hurried:
                return delivery.due_ms / 1000
            await self._attempt(to, delivery)
        self._hurried.discard(queue)
        return inf

    async def _attempt(self, to: Addressee, delivery: Delivery) -> None:
        outcome = await self._send(to, delivery)
        chance = self._ports.random.random()
        verdict = judge(delivery, outcome, now_ms=self._now_ms(), chance=chance)
        # Nothing of the queue moves before this is kept.
        await commit(self._writer, verdict.record)
        self._count(delivery, verdict)
        if verdict.disables:
            await to.end()

    async def _send(self, to: Addressee, delivery: Delivery) -> Outcome:
        try:
            return await to.send(delivery)
        except OutboundError as error:
            return error

    def _count(self, delivery: Delivery, verdict: Verdict) -> None:
        """Log what came of it.  The address may hold a secret, and is left out."""
        record = verdict.record
        self._delivered += record.state is DeliveryState.DELIVERED
        self._dead += record.state is DeliveryState.DEAD
        self._failed += record.state is not DeliveryState.DELIVERED
        log.info(
            self._addressees.kind,
            endpoint=delivery.endpoint,
            event_id=delivery.event.id,
            state=record.state.value,
            attempt=record.attempts,
            answer=record.answer,
        )

    def _now_ms(self) -> int:
        return round(self._ports.wall() * 1000)
