"""Clients of centrifuge-python that follow channels and say what happens to them.

As `tests/web/centrifuge/listener.mjs`, in a process of its own:

    python centrifuge_python_listener.py '{"url": ..., "token": ..., "channels": [...], ...}'
"""

import asyncio
import json
import sys
from typing import Any

import attrs
from centrifuge import (
    Client,
    ClientEventHandler,
    ConnectingContext,
    DisconnectedContext,
    PublicationContext,
    SubscribedContext,
    SubscriptionEventHandler,
    UnsubscribedContext,
)


@attrs.define
class Connection(ClientEventHandler):  # type: ignore[misc] # an SDK without types
    name: str

    async def on_connecting(self, ctx: ConnectingContext) -> None:
        say(self.name, "connecting", code=ctx.code)

    async def on_disconnected(self, ctx: DisconnectedContext) -> None:
        say(self.name, "disconnected", code=ctx.code)


@attrs.define
class Subscription(SubscriptionEventHandler):  # type: ignore[misc] # the same
    name: str
    channel: str

    async def on_subscribed(self, ctx: SubscribedContext) -> None:
        assert ctx.stream_position is not None
        say(
            self.name,
            "subscribed",
            channel=self.channel,
            wasRecovering=ctx.was_recovering,
            recovered=ctx.recovered,
            epoch=ctx.stream_position.epoch,
        )

    async def on_unsubscribed(self, ctx: UnsubscribedContext) -> None:
        say(self.name, "unsubscribed", channel=self.channel, code=ctx.code)

    async def on_publication(self, ctx: PublicationContext) -> None:
        data, offset = ctx.pub.data, ctx.pub.offset
        say(self.name, "publication", channel=self.channel, data=data, offset=offset)


def say(name: str, event: str, **more: Any) -> None:
    sys.stdout.write(json.dumps({"client": name, "event": event, **more}) + "\n")
    sys.stdout.flush()


async def listen(url: str, token: str, channels: list[str], clients: int) -> None:
    for number in range(clients):
        name = f"python-{number}"
        client = Client(
            url,
            events=Connection(name),
            token=token,
            min_reconnect_delay=0.02,
            max_reconnect_delay=0.05,
        )
        for channel in channels:
            subscription = client.new_subscription(channel, events=Subscription(name, channel))
            await subscription.subscribe()
        await client.connect()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(listen(**json.loads(sys.argv[1])))
