"""What users of centrifuge-python do, in a process of its own: it lives on asyncio.

python centrifuge_python_scenarios.py ws://HOST:PORT/connection/websocket SECRET
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest
from centrifuge import (
    Client,
    ClientEventHandler,
    DisconnectedContext,
    JoinContext,
    LeaveContext,
    PublicationContext,
    ReplyError,
    ServerPublicationContext,
    ServerSubscribedContext,
    SubscribedContext,
    SubscribingContext,
    Subscription,
    SubscriptionEventHandler,
    UnsubscribedContext,
)
from joserfc import jwt
from joserfc.jwk import OctKey

PATIENCE_S = 10.0


@attrs.define(eq=False)
class Page:
    """What a site gives to one of its users."""

    url: str
    _secret: str

    def token(self, sub: str, *, seconds: float = 60, **claims: Any) -> str:
        said = {"sub": sub, "exp": int(time.time() + seconds), **claims}
        return jwt.encode({"alg": "HS256"}, said, OctKey.import_key(self._secret))

    @asynccontextmanager
    async def connected(self, token: str = "", **options: Any) -> AsyncIterator[Client]:
        client = Client(self.url, token=token, min_reconnect_delay=0.02, **options)
        await client.connect()
        await client.ready()
        yield client
        await client.disconnect()


@attrs.define(eq=False)
class Connection(ClientEventHandler):  # type: ignore[misc] # an SDK without types
    """Keeps what happens to a connection."""

    subscribed: asyncio.Queue[Any] = attrs.field(factory=asyncio.Queue)
    publications: asyncio.Queue[Any] = attrs.field(factory=asyncio.Queue)
    disconnections: asyncio.Queue[Any] = attrs.field(factory=asyncio.Queue)

    async def on_subscribed(self, ctx: ServerSubscribedContext) -> None:
        self.subscribed.put_nowait(ctx)

    async def on_publication(self, ctx: ServerPublicationContext) -> None:
        self.publications.put_nowait(ctx)

    async def on_disconnected(self, ctx: DisconnectedContext) -> None:
        self.disconnections.put_nowait(ctx)


@attrs.define(eq=False)
class Following(SubscriptionEventHandler):  # type: ignore[misc] # the same
    """Keeps what happens to a subscription."""

    states: asyncio.Queue[Any] = attrs.field(factory=asyncio.Queue)
    publications: asyncio.Queue[Any] = attrs.field(factory=asyncio.Queue)
    who: asyncio.Queue[Any] = attrs.field(factory=asyncio.Queue)

    async def on_subscribed(self, ctx: SubscribedContext) -> None:
        self.states.put_nowait(ctx)

    async def on_subscribing(self, ctx: SubscribingContext) -> None:
        self.states.put_nowait(ctx)

    async def on_unsubscribed(self, ctx: UnsubscribedContext) -> None:
        self.states.put_nowait(ctx)

    async def on_publication(self, ctx: PublicationContext) -> None:
        self.publications.put_nowait(ctx.pub)

    async def on_join(self, ctx: JoinContext) -> None:
        self.who.put_nowait(("join", ctx.info.user, ctx.info.conn_info))

    async def on_leave(self, ctx: LeaveContext) -> None:
        self.who.put_nowait(("leave", ctx.info.user, ctx.info.conn_info))


async def follow(client: Client, channel: str, **options: Any) -> tuple[Subscription, Following]:
    """A subscription that has begun."""
    events = Following()
    subscription = client.new_subscription(channel, events, **options)
    await subscription.subscribe()
    await subscription.ready()
    return subscription, events


async def next_of(queue: asyncio.Queue[Any], kind: type = object) -> Any:
    async with asyncio.timeout(PATIENCE_S):
        while not isinstance(found := await queue.get(), kind):
            pass
    return found


async def publications(page: Page) -> None:
    async with page.connected(page.token("ann")) as ann, page.connected(page.token("bob")) as bob:
        _, events = await follow(ann, "room-1")
        await bob.publish("room-1", {"text": "hello", "list": [1, "ö", None]})
        got = await next_of(events.publications)
        assert got.data == {"text": "hello", "list": [1, "ö", None]}
        assert (got.offset, got.info.user) == (1, "bob")


async def history(page: Page) -> None:
    async with page.connected(page.token("ann")) as ann:
        subscription, _ = await follow(ann, "room-2")
        for number in range(1, 6):
            await subscription.publish(number)
        everything = await subscription.history(limit=-1)
        assert [one.data for one in everything.publications] == [1, 2, 3, 4, 5]
        assert everything.offset == 5
        newest = await subscription.history(limit=2, reverse=True)
        assert [one.data for one in newest.publications] == [5, 4]
        assert (await subscription.history()).publications == []


async def presence(page: Page) -> None:
    async with page.connected(page.token("ann")) as ann:
        subscription, events = await follow(ann, "room-3", join_leave=True)
        async with page.connected(page.token("bob", info={"name": "Bob"})) as bob:
            await follow(bob, "room-3")
            while (seen := await next_of(events.who))[1] == "ann":
                pass
            assert seen == ("join", "bob", {"name": "Bob"})
            here = await subscription.presence()
            assert sorted(one.user for one in here.clients.values()) == ["ann", "bob"]
            stats = await subscription.presence_stats()
            assert (stats.num_clients, stats.num_users) == (2, 2)
        assert await next_of(events.who) == ("leave", "bob", {"name": "Bob"})


async def rpc(page: Page) -> None:
    async with page.connected(page.token("ann")) as ann:
        answer = await ann.rpc("relay.me", {})
        assert answer.data == {"user": "ann", "name": "", "kind": "user"}
        with pytest.raises(ReplyError) as refused:
            await ann.rpc("nothing", {})
        assert refused.value.code == 104


async def server_side(page: Page) -> None:
    events = Connection()
    token = page.token("cat", channels=["room-4"])
    async with page.connected(token, events=events), page.connected(page.token("ann")) as ann:
        assert (await next_of(events.subscribed)).channel == "room-4"
        await ann.publish("room-4", 1)
        got = await next_of(events.publications)
        assert (got.channel, got.pub.data) == ("room-4", 1)


async def connection_token(page: Page) -> None:
    """Renewed while it is good; and one that is old when it is shown."""
    events, asked = Connection(), []

    async def get_token() -> str:
        await asyncio.sleep(0.01)
        asked.append(time.monotonic())
        return page.token("ann", seconds=2)

    async with page.connected(page.token("ann", seconds=-5), get_token=get_token, events=events):
        pass
    assert len(asked) == 1
    events, asked = Connection(), []
    async with page.connected(get_token=get_token, events=events):
        await asyncio.sleep(3.5)
        assert len(asked) >= 2
        assert events.disconnections.empty()


async def subscription_token(page: Page) -> None:
    asked = []

    async def get_token(channel: str) -> str:
        await asyncio.sleep(0.01)
        asked.append(channel)
        return page.token("ann", channel=channel, seconds=2)

    async with page.connected(page.token("ann")) as ann:
        _, events = await follow(ann, "private:1", get_token=get_token)
        await next_of(events.states, SubscribedContext)
        await asyncio.sleep(3.5)
        assert len(asked) >= 2
        assert events.states.empty()


async def wrong_token(page: Page) -> None:
    events = Connection()
    client = Client(page.url, events=events, token=page.token("ann")[:-4] + "AAAA")
    await client.connect()
    assert (await next_of(events.disconnections)).code == 3500


SCENARIOS: list[Callable[[Page], Coroutine[None, None, None]]] = [
    publications,
    history,
    presence,
    rpc,
    server_side,
    connection_token,
    subscription_token,
    wrong_token,
]


async def all_of(page: Page) -> None:
    """All at once: most of their time is waiting for tokens to expire."""
    async with asyncio.TaskGroup() as group:
        for scenario in SCENARIOS:
            group.create_task(scenario(page), name=scenario.__name__)


if __name__ == "__main__":
    asyncio.run(all_of(Page(sys.argv[1], sys.argv[2])))
