"""The stream that a request is about: whether it is there, and who may."""

from collections.abc import Callable

import trio

from relay.channels.channel import Channel
from relay.channels.hub import Hub
from relay.channels.namespaces import ALWAYS_THERE
from relay.channels.rules import Action
from relay.http.errors import HttpError
from relay.server.channel_access import opened, permit_channel, unavailable
from relay.server.exchange import Exchange
from relay.store.contract import StoreUnavailable

RESERVED = "__ds"
"""First segment of addresses that the protocol keeps for subscriptions (6)."""
COMMIT_S = 10.0
"""For how long a change is seen through, whose answer nobody may wait for any more."""
TOUCHES = 10
"""A time to live is begun anew when a tenth of it is over: not at every read of many."""

MISSING = "there is no such stream"


def permit(exchange: Exchange, action: Action) -> str:
    """The name of the stream, which the caller may do this with.

    Raises:
        HttpError: 401, 403 or 404.
    """
    text = exchange.params["channel"]
    if text.partition("/")[0] == RESERVED:
        raise HttpError(404, "subscriptions are not served here")
    permit_channel(exchange, text, action)
    return text


async def existing(exchange: Exchange, text: str) -> Channel:
    """The stream of this name, which somebody has made, or which is there by itself.

    Raises:
        HttpError: 404, or 503 where that cannot be known now.
    """
    hub = exchange.services.hub
    _, namespace = hub.resolve(text)
    is_there = namespace.name in ALWAYS_THERE
    # A name that is only asked for must cost nothing, so a channel is not made for it.
    if hub.find(text) is None and not namespace.durable and not is_there:
        raise HttpError(404, MISSING)
    channel = await opened(exchange, text)
    if channel.created_ms is None and not is_there:
        raise HttpError(404, MISSING)
    if is_over(exchange, channel):
        await delete(hub, channel)
        raise HttpError(404, MISSING)
    return channel


def is_over(exchange: Exchange, channel: Channel) -> bool:
    """Whether its time to live has passed; the hub deletes it, but only now and then."""
    return channel.expires_ms is not None and channel.expires_ms <= now_ms(exchange)


def touch(exchange: Exchange, channel: Channel) -> None:
    """It was read or written: its time to live begins anew."""
    if channel.ttl_s is None:
        return
    expires_ms = now_ms(exchange) + channel.ttl_s * 1000
    before = channel.expires_ms or 0
    if (expires_ms - before) * TOUCHES < channel.ttl_s * 1000:
        return
    try:
        exchange.services.hub.changes.touch_nowait(channel, expires_ms)
    except trio.WouldBlock:
        channel.expires_ms = before


async def delete(hub: Hub, channel: Channel) -> None:
    """Delete it for good.

    Raises:
        HttpError: 503.
    """
    await seen_through(lambda done: hub.changes.delete_nowait(channel, done))


async def seen_through(
    begin: Callable[[Callable[[StoreUnavailable | None], None]], None],
) -> None:
    """Begin a change and wait until it is durable, also when the client goes meanwhile: whoever
    decides next must see what became of it.

    Raises:
        HttpError: 503; it failed, or is not known to have succeeded.
    """
    ended, errors = trio.Event(), list[StoreUnavailable]()

    def done(error: StoreUnavailable | None) -> None:
        if error is not None:
            errors.append(error)
        ended.set()

    try:
        begin(done)
    except trio.WouldBlock:
        raise unavailable() from None
    with trio.move_on_after(COMMIT_S, shield=True):
        await ended.wait()
    if errors or not ended.is_set():
        raise unavailable()


def now_ms(exchange: Exchange) -> int:
    """Wall clock."""
    return round(exchange.services.ports.wall() * 1000)
