"""GET with `live=sse`: what is there, and then everything that comes (PROTOCOL.md, 5.8).

What a newcomer lacks is written for it alone; from then on it follows the channel's feed, whose
bytes were encoded once.  Between the last look at what there is and the first piece of the feed
nothing waits, so nothing is lost or doubled.

Each control event has a cursor, which must be beyond the one that the client came with.  So those
whose cursor is ahead of the time have a feed for each cursor: clients that came back at once, which
are as many as there are intervals in the life of a connection.
"""

from relay.channels.channel import Channel
from relay.messages.durable_events import Control, DurableEvents, encode_data
from relay.messages.durable_offsets import format_offset, next_cursor
from relay.publication import Position
from relay.reasons import Reason
from relay.server import event_streams
from relay.server.connection import Next
from relay.server.durable.chunks import read_chunk
from relay.server.exchange import Exchange
from relay.store.contract import StoreUnavailable

CONNECTION_S = 60.0
"""Then the client comes back, so that those who come can share what a cache has begun (10.2)."""
BURST_BYTES = 256 * 1024
"""Of what is there, written at once."""
CURSORS_AHEAD = 100
"""No client comes so far by coming back at once; those who say so share the feed of all."""


async def follow(
    exchange: Exchange, channel: Channel, after: Position, cursor: int
) -> Reason | Next:
    """Write what is behind `after`, then let the connection follow."""
    exchange.refuse_if_full()
    connection = exchange.connection
    connection.outlet.write_nowait(event_streams.head(exchange, channel))
    try:
        reason = await _catch_up(exchange, channel, after, cursor)
    except StoreUnavailable:
        # The answer has begun: the client comes back with the offset that it was told last.
        return Reason.INTERNAL_ERROR
    if reason is not None:
        return reason
    lane = _lane(cursor, next_cursor(None, exchange.services.ports.wall()))
    event_streams.follow(connection, channel, DurableEvents(channel.content_type, lane))
    name, seconds = channel.name.text, _connection_s(channel)
    return event_streams.Reading(connection, name, exchange.caller, seconds).read


async def _catch_up(
    exchange: Exchange, channel: Channel, after: Position, cursor: int
) -> Reason | None:
    """Write what there is; why the connection ends with that, if it does.

    Nothing happens between the return and the caller's next step.
    """
    outlet = exchange.connection.outlet
    while True:
        chunk = await read_chunk(exchange.services.hub, channel, after, BURST_BYTES)
        if channel.is_deleted or chunk.leaves_gap:
            # The answer has begun: the next request is told what has happened.
            return Reason.CHANNEL_DELETED
        after = chunk.position
        is_at_end = after.offset >= channel.last_offset
        is_final = is_at_end and channel.is_closed
        control = Control(
            offset=format_offset(after),
            cursor=None if is_final else cursor,
            is_up_to_date=is_at_end,
        )
        messages = [publication.data for publication in chunk.publications]
        outlet.write_nowait(encode_data(messages, channel.content_type) + control.encode())
        if is_final:
            return Reason.CHANNEL_CLOSED
        if is_at_end:
            return None
        await outlet.wait_drained()


def _lane(cursor: int, current: int) -> int | None:
    """What the cursors of this client's feed do not fall below; None for the time's own."""
    return cursor if current < cursor <= current + CURSORS_AHEAD else None


def _connection_s(channel: Channel) -> float:
    """Where a stream lives only as long as it is read, readers come back often enough for that."""
    return CONNECTION_S if channel.ttl_s is None else min(CONNECTION_S, channel.ttl_s / 2)
