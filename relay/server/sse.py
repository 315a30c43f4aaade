"""`GET /events?channel=NAME`: a channel for `curl` and `EventSource`, without an SDK.

A reader that was here before says which event it saw last, in `Last-Event-ID` as `EventSource`
does by itself, or as `last_event_id` in the address, and is sent what it has missed.  Where some of
that is not kept any more it is sent a `reset` instead, and what comes from then on.
"""

import attrs

from relay.channels.channel import Channel
from relay.channels.rules import Action
from relay.errors import FormatError
from relay.http.errors import HttpError
from relay.http.response import Response
from relay.messages import sse_events
from relay.messages.sse_events import PlainEvents
from relay.publication import Position
from relay.reasons import Reason
from relay.server.channel_access import opened, permit_channel, shared
from relay.server.connection import Next
from relay.server.durable.chunks import first_offset, read_chunk
from relay.server.durable.streams import delete, is_over, touch
from relay.server.event_streams import Reading, follow, head
from relay.server.exchange import Exchange
from relay.store.contract import StoreUnavailable

RETRY_MS = 2000
BURST_BYTES = 256 * 1024
"""Of what was missed, written at once."""


@attrs.frozen
class Return:
    """A reader that was here before."""

    since: Position | None
    """What it has seen; None where nobody can tell what it says."""


async def events(exchange: Exchange) -> Response | Reason | Next:
    """Everything that is published, until the reader leaves or the channel is closed."""
    channel = await _channel(exchange)
    with channel.held():
        return await _follow(exchange, channel)


async def _follow(exchange: Exchange, channel: Channel) -> Response | Reason | Next:
    back = _return(exchange)
    if channel.is_closed and (back is None or back.since == channel.position):
        # The one answer after which `EventSource` does not come back.
        return Response(204, shared(exchange, channel))
    exchange.refuse_if_full()
    touch(exchange, channel)
    outlet = exchange.connection.outlet
    outlet.write_nowait(head(exchange, channel))
    if exchange.request.method == "HEAD":
        return Reason.SERVED
    try:
        await _catch_up(exchange, channel, back)
    except StoreUnavailable:
        # The answer has begun: the reader comes back with the id that it saw last.
        return Reason.INTERNAL_ERROR
    if channel.is_deleted:
        return Reason.CHANNEL_DELETED
    if channel.is_closed:
        outlet.write_nowait(PlainEvents(channel.content_type).closed("", channel.position))
        return Reason.CHANNEL_CLOSED
    follow(exchange.connection, channel, PlainEvents(channel.content_type))
    seconds = float("inf") if channel.ttl_s is None else channel.ttl_s / 2
    return Reading(exchange.connection, channel.name.text, exchange.caller, seconds).read


async def _channel(exchange: Exchange) -> Channel:
    names = [value for key, value in exchange.request.query.parameters if key == "channel"]
    if len(names) != 1:
        raise HttpError(400, "one `channel` is needed")
    permit_channel(exchange, names[0], Action.SUBSCRIBE)
    channel = await opened(exchange, names[0])
    if not is_over(exchange, channel):
        return channel
    await delete(exchange.services.hub, channel)
    return await opened(exchange, names[0])


def _return(exchange: Exchange) -> Return | None:
    request = exchange.request
    text = request.header("last-event-id") or request.query.get("last_event_id")
    if not text:
        return None
    try:
        return Return(sse_events.parse_id(text))
    except FormatError:
        # An error would be the end of an `EventSource`; a reset is something that pages expect.
        return Return(None)


async def _catch_up(exchange: Exchange, channel: Channel, back: Return | None) -> None:
    """Write where the reader stands, and what it has missed.

    Nothing happens between the return and the caller's next step.
    """
    outlet, encoding = exchange.connection.outlet, PlainEvents(channel.content_type)
    if back is None:
        outlet.write_nowait(sse_events.opening(channel.position, RETRY_MS) + _state(channel))
        return
    if (why := _why_reset(channel, back.since)) is not None or back.since is None:
        outlet.write_nowait(_begin_again(channel, why or "unknown"))
        return
    after = back.since
    outlet.write_nowait(sse_events.opening(after, RETRY_MS))
    while not channel.is_deleted and after.offset < channel.last_offset:
        chunk = await read_chunk(exchange.services.hub, channel, after, BURST_BYTES)
        if chunk.leaves_gap:
            outlet.write_nowait(_begin_again(channel, "history"))
            return
        pieces = [encoding.publication("", channel.epoch, each) for each in chunk.publications]
        outlet.write_nowait(b"".join(pieces))
        after = chunk.position
        if after.offset < channel.last_offset:
            await outlet.wait_drained()


def _why_reset(channel: Channel, since: Position | None) -> str | None:
    """Why what came after `since` cannot be told; None where it can."""
    if since is None:
        return "malformed"
    if since.epoch != channel.epoch:
        return "epoch"
    if since.offset > channel.last_offset:
        return "ahead"
    return "history" if since.offset < first_offset(channel) - 1 else None


def _begin_again(channel: Channel, why: str) -> bytes:
    position = channel.position
    opening = sse_events.opening(position, RETRY_MS)
    return opening + sse_events.reset(position, why) + _state(channel)


def _state(channel: Channel) -> bytes:
    """Of a channel with one, what it is about."""
    if channel.snapshot is None:
        return b""
    return sse_events.state(channel.position, channel.snapshot())
