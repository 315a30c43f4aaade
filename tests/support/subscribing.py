"""The hub of feeds over a store and subscribers in memory, on a clock that a test moves."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import attrs
import trio
from support.memory import ports
from support.outside import Arrived, MemoryOutside, Receiver, Step, answering
from support.storing import SlowStore

from relay.config.schema import OutboundConfig, WebsubConfig
from relay.notify.events import Described, Event, event_of
from relay.notify.session_events import Airing, EventType, Notice
from relay.notify.websub.asking import Asked, read_asked
from relay.notify.websub.websub import WebSub
from relay.outbound.client import Client
from relay.store.committing import commit
from relay.store.contract import Store
from relay.store.outbox import PutEvent, StoredEvent
from relay.store.writer import Writer

STREAM = "live/cat"
TOPIC = "https://relay.example/live/cat.atom"
CALLBACK = "https://reader.example/in?key=k-1"
CALLER = "192.0.2.1"
SOURCE = "/relay"
BEGAN_MS = 1_700_000_000_000


def echo(parameters: dict[str, str]) -> Step:
    """What a subscriber answers who wants it."""
    return answering(200, body=parameters["hub.challenge"].encode())


@attrs.define(eq=False)
class Subscriber(Receiver):
    """Somebody with a callback: agrees, unless told otherwise, and takes what it is sent."""

    confirm: Callable[[dict[str, str]], Step] = echo
    pushes: Sequence[Step] = (answering(),)
    """How what it is sent is answered, one after the other; the last one ever after."""

    def next_step(self) -> Step:
        if self.requests[-1].method == "GET":
            asked = self.asked()[-1]
            return answering() if asked["hub.mode"] == "denied" else self.confirm(asked)
        return self.pushes[min(len(self.sent()), len(self.pushes)) - 1]

    def asked(self) -> list[dict[str, str]]:
        """The parameters of each verification or denial."""
        targets = [urlsplit(each.target) for each in self.requests if each.method == "GET"]
        return [{k: v for k, (v,) in parse_qs(each.query).items()} for each in targets]

    def modes(self) -> list[str]:
        return [each["hub.mode"] for each in self.asked()]

    def sent(self) -> list[Arrived]:
        """What was pushed to it."""
        return [each for each in self.requests if each.method == "POST"]

    def ids(self) -> list[str]:
        return [each.headers["webhook-id"] for each in self.sent()]


def event(
    type_: EventType,
    number: int,
    *,
    at_ms: int = BEGAN_MS,
    stream: str = STREAM,
    session: str | None = "s-1",
    title: str | None = "Cats",
    category: str | None = None,
    **data: Any,
) -> Event:
    """One that an announcer might announce."""
    is_on_air = session is not None and type_ is not EventType.OFFLINE
    airing = Airing(session=session or "", began_ms=BEGAN_MS, seen_ms=at_ms, peak=0, total=0)
    notice = Notice(
        type=type_,
        at_ms=at_ms,
        data={"session": session, "since_ms": None if session is None else BEGAN_MS, **data},
        airing=airing if is_on_air else None,
    )
    said = Described(title=title, category=category, user="ann", is_listed=True)
    return event_of(notice, stream, said, event_id=f"evt_{number}", source=SOURCE)


def asked(callback: str = CALLBACK, **parameters: str) -> Asked:
    """A request as the hub's door reads it; `hub.` is left out of names."""
    given = {"mode": "subscribe", "topic": TOPIC, "callback": callback, **parameters}
    pairs = [(f"hub.{name}", value) for name, value in given.items()]
    return read_asked(pairs, longest_s=WebsubConfig().lease_s)


@attrs.define(eq=False)
class Exchange:
    """See the head of this module."""

    store: Store
    writer: Writer
    outside: MemoryOutside
    websub: WebSub
    _happened: int = attrs.field(default=0, init=False)

    def subscriber(self, host: str = "reader.example", **more: Any) -> Subscriber:
        """Somebody whose callbacks are at this host."""
        known = len(self.outside.receivers)
        subscriber = Subscriber(**more)
        self.outside.publish(host, subscriber, f"198.41.{known // 250}.{known % 250 + 1}")
        return subscriber

    def ask(self, callback: str = CALLBACK, *, caller: str = CALLER, **parameters: str) -> None:
        self.websub.ask(asked(callback, **parameters), caller)

    async def subscribe(self, callback: str = CALLBACK, **parameters: str) -> None:
        """Ask, and let it be found out."""
        self.ask(callback, **parameters)
        await trio.sleep(0.5)

    async def happen(self, type_: EventType = EventType.ONLINE, **more: Any) -> StoredEvent:
        """Something that is announced."""
        self._happened += 1
        it = event(type_, self._happened, at_ms=self.now_ms(), **more)
        await commit(self.writer, PutEvent(it.stored, ()), *self.websub.changes(it))
        self.websub.carry([it])
        return it.stored

    def now_ms(self) -> int:
        return round(BEGAN_MS + trio.current_time() * 1000)

    @property
    def count(self) -> int:
        """Subscriptions."""
        return len(self.websub.subscriptions)


@asynccontextmanager
async def exchange(
    store: Store | None = None,
    outside: MemoryOutside | None = None,
    outbound: OutboundConfig | None = None,
    **config: Any,
) -> AsyncIterator[Exchange]:
    """One that runs."""
    store = SlowStore() if store is None else store
    outside = MemoryOutside() if outside is None else outside
    world = ports(7, outside=outside)
    writer = Writer(store, trio.current_time)
    client = Client(outbound or OutboundConfig(), outside)
    websub = WebSub.assembled(WebsubConfig(**config), world, store, writer, client, source=SOURCE)
    await websub.load()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(writer.run)
        nursery.start_soon(websub.run)
        yield Exchange(store, writer, outside, websub)
        nursery.cancel_scope.cancel()
