"""Couriers over a store and receivers in memory, on a clock that a test moves."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import trio
from support.memory import ports
from support.outside import Arrived, MemoryOutside, Receiver, Step
from support.storing import SlowStore

from relay.config.schema import OutboundConfig
from relay.notify.couriers import Couriers
from relay.notify.endpoint import Endpoint
from relay.notify.endpoints import Endpoints
from relay.notify.webhooks import Webhooks
from relay.outbound.client import Client
from relay.store.committing import commit
from relay.store.contract import Store
from relay.store.outbox import Delivery, DeliveryState, PutEvent, StoredEvent
from relay.store.writer import Writer

MOST = 40


@attrs.define(eq=False)
class PostOffice:
    """See the head of this module."""

    store: Store
    writer: Writer
    outside: MemoryOutside
    endpoints: Endpoints
    couriers: Couriers
    client: Client
    _happened: int = attrs.field(default=0, init=False)

    async def endpoint(self, *steps: Step, host: str = "hooks.example", **more: Any) -> Endpoint:
        """An endpoint whose receiver answers by these steps."""
        address = f"198.41.0.{len(self.outside.receivers) + 1}"
        self.outside.publish(host, Receiver(steps) if steps else Receiver(), address)
        more = {"events": (), "description": "", **more}
        return await self.endpoints.add(f"https://{host}/in?key=k-1", **more)

    def arrived(self, host: str = "hooks.example") -> list[Arrived]:
        """What this host was sent."""
        return self.outside.receivers[self.outside.names[host][-1][0]].requests

    async def happen(self, *endpoints: Endpoint) -> StoredEvent:
        """Something that these are told of."""
        number, self._happened = self._happened, self._happened + 1
        event = StoredEvent(
            id=f"evt_{number}",
            at_ms=self.now_ms(),
            stream="live/cat",
            type="stream.online",
            body=b'{"id":"evt_%d"}' % number,
        )
        ids = tuple(endpoint.id for endpoint in endpoints)
        await commit(self.writer, PutEvent(event, ids))
        self.couriers.queued(ids)
        return event

    async def deliveries(self, endpoint: Endpoint) -> list[Delivery]:
        """Its deliveries, oldest first."""
        return (await self.store.deliveries(endpoint.id, limit=999))[::-1]

    async def states(self, endpoint: Endpoint) -> list[DeliveryState]:
        return [it.state for it in await self.deliveries(endpoint)]

    def now_ms(self) -> int:
        return round((1_700_000_000 + trio.current_time()) * 1000)


@asynccontextmanager
async def post_office(
    store: Store | None = None, outside: MemoryOutside | None = None, **config: Any
) -> AsyncIterator[PostOffice]:
    """One that runs."""
    store = SlowStore() if store is None else store
    outside = MemoryOutside() if outside is None else outside
    world = ports(5, outside=outside)
    writer = Writer(store, trio.current_time)
    client = Client(OutboundConfig(**config), outside)
    endpoints = Endpoints(MOST, world, writer)
    await endpoints.load(store)
    couriers = Couriers(world, store, writer, Webhooks(world, client, endpoints))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(writer.run)
        nursery.start_soon(couriers.run)
        yield PostOffice(store, writer, outside, endpoints, couriers, client)
        nursery.cancel_scope.cancel()
