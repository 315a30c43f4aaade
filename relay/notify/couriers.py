"""Deliveries to webhook endpoints: a queue for each, and somebody who carries it when it is due.

    agenda: endpoint -> when --due--> courier: first of the queue --> client --> judge --> store
                 ^                                                                  |
                 +------------------ when the first may be tried again -------------+

A queue is in the store; in memory there is of each endpoint when its first delivery is due, and
nothing else, however many wait.  A courier is one task, and there is at most one for each endpoint:
it exists while something of the queue is due, and does one delivery after the other.  So the order
of events is the order of arrival, one endpoint that hangs holds up its own queue and no other, and
the number of tasks is that of endpoints (`notify.webhooks`), not of deliveries.

What came of an attempt is in the store before the next begins.  A crash between the attempt and
that is followed by another attempt with the same id: at least once, and the receiver can tell.
"""

from collections.abc import Iterable
from math import inf

import attrs
import structlog
import trio

from relay.notify.agenda import Agenda
from relay.notify.cloud_events import CONTENT_TYPE
from relay.notify.committing import commit
from relay.notify.endpoint import Endpoint
from relay.notify.endpoints import Endpoints, UnknownEndpoint
from relay.notify.schedule import Outcome, Verdict, judge
from relay.notify.signing import signed_fields
from relay.outbound.client import Client
from relay.outbound.failures import OutboundError
from relay.ports import Ports
from relay.store.contract import Store, StoreUnavailable
from relay.store.outbox import Delivery, DeliveryState
from relay.store.writer import Writer

log = structlog.get_logger("relay.webhooks")

LONGEST_SLEEP_S = 300.0
"""The wall clock may be set meanwhile."""
TRY_STORE_AGAIN_S = 5.0
GONE = "the endpoint has answered 410: it wants nothing more"


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
    _client: Client
    _endpoints: Endpoints
    _agenda: Agenda = attrs.field(factory=Agenda, init=False)
    """By the wall clock, in seconds."""
    _under_way: dict[str, bool] = attrs.field(factory=dict, init=False)
    """Endpoints with a courier, and whether something was queued meanwhile."""
    _hurried: set[str] = attrs.field(factory=set, init=False)
    """Those whose first delivery does not wait for its time."""
    _news: trio.Event = attrs.field(factory=trio.Event, init=False)
    _delivered: int = attrs.field(default=0, init=False)
    _failed: int = attrs.field(default=0, init=False)
    _dead: int = attrs.field(default=0, init=False)

    def queued(self, endpoints: Iterable[str]) -> None:
        """Something stands at the end of these queues."""
        for endpoint in endpoints:
            if endpoint in self._under_way:
                self._under_way[endpoint] = True
            elif endpoint not in self._agenda:
                self._wake(endpoint)

    def hurry(self, endpoint: str) -> None:
        """Try the first of this queue now, whatever its time: something has changed."""
        self._hurried.add(endpoint)
        if endpoint in self._under_way:
            self._under_way[endpoint] = True
        else:
            self._wake(endpoint)

    async def run(self) -> None:
        """Carry what is queued, until cancelled."""
        async with trio.open_nursery() as nursery:
            for endpoint in self._endpoints.every():
                self._wake(endpoint.id)
            while True:
                for endpoint_id in self._agenda.take(self._ports.wall()):
                    if endpoint_id not in self._under_way:
                        self._under_way[endpoint_id] = False
                        nursery.start_soon(self._serve, endpoint_id)
                await self._wait()

    def statistics(self) -> CourierStatistics:
        return CourierStatistics(
            under_way=len(self._under_way),
            delivered=self._delivered,
            failed=self._failed,
            dead=self._dead,
        )

    def _wake(self, endpoint: str) -> None:
        self._agenda.put(endpoint, self._ports.wall())
        self._news.set()

    async def _wait(self) -> None:
        wait_s = min(LONGEST_SLEEP_S, self._agenda.next - self._ports.wall())
        with trio.move_on_after(max(0.0, wait_s)):
            await self._news.wait()
        self._news = trio.Event()

    async def _serve(self, endpoint: str) -> None:
        """Be the courier of this endpoint while there is something to carry."""
        again = inf
        try:
            again = await self._carry(endpoint)
        except StoreUnavailable as error:
            log.warning("a queue waits for the store", endpoint=endpoint, problem=str(error))
            again = self._ports.wall() + TRY_STORE_AGAIN_S
        finally:
            is_news = self._under_way.pop(endpoint)
            if (again == inf and is_news) or endpoint in self._hurried:
                again = self._ports.wall()
            self._agenda.put(endpoint, again)
            self._news.set()

    async def _carry(self, endpoint: str) -> float:
        """Deliver until nothing is due; when something is, by the wall clock."""
        while (to := self._endpoints.get(endpoint)) is not None and not to.disabled:
            self._under_way[endpoint] = False
            delivery = await self._store.next_delivery(endpoint)
            if delivery is None:
                break
            is_hurried = endpoint in self._hurried
            self._hurried.discard(endpoint)
            if delivery.due_ms > self._now_ms() and not is_hurried:
                return delivery.due_ms / 1000
            await self._attempt(to, delivery)
        self._hurried.discard(endpoint)
        return inf

    async def _attempt(self, endpoint: Endpoint, delivery: Delivery) -> None:
        outcome = await self._send(endpoint, delivery)
        chance = self._ports.random.random()
        verdict = judge(delivery, outcome, now_ms=self._now_ms(), chance=chance)
        # Nothing of the queue moves before this is kept.
        await commit(self._writer, verdict.record)
        self._count(endpoint, delivery, verdict)
        if verdict.disables:
            await self._disable(endpoint.id)

    async def _send(self, endpoint: Endpoint, delivery: Delivery) -> Outcome:
        event, now_ms = delivery.event, self._now_ms()
        signed = signed_fields(endpoint.signing(now_ms), event.id, now_ms // 1000, event.body)
        try:
            return await self._client.ask(
                endpoint.url,
                fields=(("Content-Type", CONTENT_TYPE), *signed),
                body=event.body,
            )
        except OutboundError as error:
            return error

    async def _disable(self, endpoint: str) -> None:
        def disabled(it: Endpoint) -> Endpoint:
            return attrs.evolve(it, disabled=GONE)

        try:
            await self._endpoints.change(endpoint, disabled)
        except UnknownEndpoint:
            return
        log.warning("an endpoint is disabled", endpoint=endpoint, why=GONE)

    def _count(self, endpoint: Endpoint, delivery: Delivery, verdict: Verdict) -> None:
        """Log what came of it.  The address may hold a secret, and is left out."""
        record = verdict.record
        self._delivered += record.state is DeliveryState.DELIVERED
        self._dead += record.state is DeliveryState.DEAD
        self._failed += record.state is not DeliveryState.DELIVERED
        log.info(
            "webhook",
            endpoint=endpoint.id,
            event_id=delivery.event.id,
            state=record.state.value,
            attempt=record.attempts,
            answer=record.answer,
        )

    def _now_ms(self) -> int:
        return round(self._ports.wall() * 1000)
