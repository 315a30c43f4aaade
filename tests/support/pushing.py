"""Web Push over a store and push services in memory, on a clock that a test moves."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import http_ece
import trio
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from support.memory import ports
from support.outside import Arrived, MemoryOutside, Receiver, Step
from support.storing import SlowStore

from relay.config.schema import Config, OutboundConfig, PushConfig
from relay.notify.cloud_events import encode
from relay.notify.events import Event
from relay.notify.push.web_push import WebPush
from relay.outbound.client import Client
from relay.store.committing import commit
from relay.store.contract import Store
from relay.store.follows import PutFollow
from relay.store.outbox import PutEvent, StoredEvent
from relay.store.push import PushSubscription, PutPushSubscription
from relay.store.writer import Writer

STREAM = "live/cat"
SERVICE = "push.example"
START_MS = 1_700_000_000_000
AUTH = bytes(range(16))
BROWSER = ec.derive_private_key(0xB0B, ec.SECP256R1())
"""One key for all devices: what is tested is not theirs."""
POINT = BROWSER.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def read(request: Arrived) -> Any:
    """What a browser makes of a push."""
    return json.loads(http_ece.decrypt(request.body, private_key=BROWSER, auth_secret=AUTH))


@attrs.define(eq=False)
class PushHouse:
    """See the head of this module."""

    store: Store
    writer: Writer
    outside: MemoryOutside
    push: WebPush
    live: set[str]
    """Streams with a picture."""
    _happened: int = attrs.field(default=0, init=False)

    def service(self, *steps: Step, host: str = SERVICE) -> Receiver:
        """A push service that answers by these steps."""
        receiver = Receiver(steps) if steps else Receiver()
        self.outside.publish(host, receiver, f"198.41.0.{len(self.outside.receivers) + 1}")
        return receiver

    async def follow(self, *users: str, stream: str = STREAM, host: str = SERVICE) -> None:
        """These follow from here on, in this order, each with a device of the same name."""
        changes: list[Any] = []
        for user in users:
            since_ms = self.now_ms() - 1
            changes.append(PutFollow(user=user, stream=stream, since_ms=since_ms))
            changes.append(PutPushSubscription(self.device(user, host=host), 8))
        await commit(self.writer, *changes)

    def device(self, name: str, user: str = "", *, host: str = SERVICE, **more: Any) -> Any:
        said = {"made_ms": self.now_ms(), "active_ms": self.now_ms(), **more}
        return PushSubscription(
            id=name,
            user=user or name,
            endpoint=f"https://{host}/{name}",
            p256dh=POINT,
            auth=AUTH,
            **said,
        )

    async def go_live(self, stream: str = STREAM, *, is_listed: bool = True) -> StoredEvent:
        """Announce it, as the announcer does."""
        self.live.add(stream)
        return await self._happen(stream, "stream.online", is_listed=is_listed)

    async def end(self, stream: str = STREAM) -> None:
        """It is over."""
        self.live.discard(stream)
        await self._happen(stream, "stream.offline")

    async def _happen(self, stream: str, type_: str, *, is_listed: bool = True) -> StoredEvent:
        self._happened += 1
        at_ms, name = self.now_ms(), stream.partition("/")[2]
        said = {"name": name, "title": "Cats", "category": None, "since": "2023-11-14T22:13:20Z"}
        event_id = f"evt_{self._happened}"
        body = encode(
            event_id=event_id, type_=type_, source="/", subject=stream, at_ms=at_ms, data=said
        )
        stored = StoredEvent(id=event_id, at_ms=at_ms, stream=stream, type=type_, body=body)
        event = Event(stored=stored, channels=(), is_listed=is_listed, airing=None)
        await commit(self.writer, PutEvent(stored, ()), *self.push.changes(event))
        self.push.carry([event])
        return stored

    def told(self, host: str = SERVICE) -> list[str]:
        """Devices, in the order in which a service was asked to tell them."""
        return [request.target[1:] for request in self.arrived(host)]

    def arrived(self, host: str = SERVICE) -> list[Arrived]:
        return self.outside.receivers[self.outside.names[host][-1][0]].requests

    async def devices(self, *users: str) -> list[PushSubscription]:
        return [it for user in users for it in await self.store.push_subscriptions(user)]

    def now_ms(self) -> int:
        return round(START_MS + trio.current_time() * 1000)


@asynccontextmanager
async def push_house(
    data: Path,
    store: Store | None = None,
    outside: MemoryOutside | None = None,
    *,
    live: Sequence[str] = (),
    outbound: OutboundConfig | None = None,
    **config: Any,
) -> AsyncIterator[PushHouse]:
    """One that runs; `config` is of `[push]`."""
    store = SlowStore() if store is None else store
    outside = MemoryOutside() if outside is None else outside
    outbound = OutboundConfig() if outbound is None else outbound
    world, on_air = ports(5, outside=outside), set(live)
    writer = Writer(store, trio.current_time)
    push = WebPush.configured(
        Config(data=data, push=PushConfig(**config)),
        world,
        store,
        writer,
        Client(outbound, outside),
        is_live=on_air.__contains__,
        follower_count=lambda _: 1,
    )
    await push.load()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(writer.run)
        nursery.start_soon(push.run)
        yield PushHouse(store, writer, outside, push, on_air)
        nursery.cancel_scope.cancel()
