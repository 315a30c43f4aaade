"""GET and HEAD: what a stream is, what it holds from an offset on, and what comes (PROTOCOL.md,
5.5 to 5.7).
"""

import attrs
import trio

from relay.channels.channel import Channel
from relay.channels.rooms import is_room
from relay.channels.rules import Action
from relay.errors import FormatError
from relay.http.conditional import if_none_match
from relay.http.errors import HttpError
from relay.http.request import Query
from relay.http.response import Headers, Response
from relay.messages.durable_bodies import join_body
from relay.messages.durable_offsets import (
    Beginning,
    Now,
    Start,
    format_offset,
    next_cursor,
    parse_offset,
)
from relay.publication import Position
from relay.reasons import Reason
from relay.server.channel_access import shared, unavailable
from relay.server.connection import Next
from relay.server.durable.answers import (
    CLOSED,
    INERT,
    NO_STORE,
    UP_TO_DATE,
    cached,
    described,
    next_offset,
)
from relay.server.durable.chunks import Chunk, first_offset, read_chunk
from relay.server.durable.following import follow
from relay.server.durable.streams import MISSING, existing, permit, touch
from relay.server.exchange import Exchange
from relay.store.contract import StoreUnavailable

FIRST_POLL_S = 3.0
"""A poll without a cursor is answered soon: the answer brings one, and from then on those who wait
for the same share an address."""


@attrs.frozen(kw_only=True)
class Asked:
    """The parameters of a read."""

    start: Start
    cursor: str | None
    next_cursor: int


async def describe(exchange: Exchange) -> Response:
    """HEAD: no message is read, and the time to live goes on."""
    channel = await existing(exchange, permit(exchange, Action.SUBSCRIBE))
    return Response(200, (*described(channel), *NO_STORE, *INERT, *shared(exchange, channel)))


async def read(exchange: Exchange) -> Response | Reason | Next:
    """GET, in the way that `live` says."""
    text = permit(exchange, Action.SUBSCRIBE)
    asked = _asked(exchange)
    channel = await existing(exchange, text)
    with channel.held():
        touch(exchange, channel)
        return await _read(exchange, channel, asked)


async def _read(exchange: Exchange, channel: Channel, asked: Asked) -> Response | Reason | Next:
    after = _position(channel, asked.start)
    match exchange.request.query.get("live"):
        case "sse":
            return await follow(exchange, channel, after, asked.next_cursor)
        case "long-poll":
            return await _poll(exchange, channel, after, asked)
        case _ if isinstance(asked.start, Now):
            return _tail(exchange, channel)
        case _:
            chunk = await _chunk(exchange, channel, after)
            return _answer(exchange, channel, after, chunk)


def _asked(exchange: Exchange) -> Asked:
    """Raises HttpError 400."""
    query = exchange.request.query
    live, offset, cursor = (_single(query, name) for name in ("live", "offset", "cursor"))
    if live not in (None, "long-poll", "sse"):
        raise HttpError(400, "`live` is `long-poll` or `sse`")
    if live is not None and offset is None:
        raise HttpError(400, "a live read begins at an offset")
    ports = exchange.services.ports
    try:
        return Asked(
            start=Beginning() if offset is None else parse_offset(offset),
            cursor=cursor,
            next_cursor=next_cursor(cursor, ports.wall()),
        )
    except FormatError as error:
        raise HttpError(400, str(error)) from error


def _single(query: Query, name: str) -> str | None:
    values = [value for key, value in query.parameters if key == name]
    if len(values) > 1:
        raise HttpError(400, f"there is more than one `{name}`")
    return values[0] if values else None


def _position(channel: Channel, start: Start) -> Position:
    """Behind which message the read begins.

    Raises:
        HttpError: 410 where messages behind it are not kept any more; 400 where there never were.
    """
    first = first_offset(channel)
    match start:
        case Beginning():
            return Position(channel.epoch, first - 1)
        case Now():
            return channel.position
    if start.epoch != channel.epoch or start.offset < first - 1:
        raise gone(channel)
    if start.offset > channel.last_offset:
        raise HttpError(400, "the stream has not come to this offset")
    return start


def gone(channel: Channel) -> HttpError:
    """Something is missing between the reader's offset and the oldest message that is kept."""
    earliest = format_offset(Position(channel.epoch, first_offset(channel) - 1))
    return HttpError(
        410,
        "what this offset belongs to is not kept any more; go on at Stream-Earliest-Offset",
        headers=(("Stream-Earliest-Offset", earliest), *NO_STORE),
    )


async def _poll(exchange: Exchange, channel: Channel, after: Position, asked: Asked) -> Response:
    """An answer as soon as there is a message, or nothing after a while."""
    with trio.move_on_after(_patience_s(exchange, channel, asked)) as patience:
        # A server that goes away answers now, and is asked again when it is back.
        exchange.connection.goodbye = patience.cancel
        await channel.wait_beyond(after.offset)
    exchange.connection.goodbye = None
    if channel.is_deleted:
        raise HttpError(404, MISSING)
    chunk = await _chunk(exchange, channel, after)
    cursor = (("Stream-Cursor", str(asked.next_cursor)),)
    if chunk.publications:
        return _answer(exchange, channel, after, chunk).with_headers(*cursor)
    headers = (*next_offset(after), *UP_TO_DATE, *NO_STORE, *shared(exchange, channel))
    return Response(204, headers + (CLOSED if channel.is_closed else cursor))


async def _chunk(exchange: Exchange, channel: Channel, after: Position) -> Chunk:
    """Raises HttpError 503."""
    try:
        return await read_chunk(exchange.services.hub, channel, after)
    except StoreUnavailable as error:
        raise unavailable() from error


def _patience_s(exchange: Exchange, channel: Channel, asked: Asked) -> float:
    """Where a stream lives only as long as it is read, polls come often enough for that."""
    longest = FIRST_POLL_S if asked.cursor is None else exchange.services.config.limits.long_poll_s
    return longest if channel.ttl_s is None else min(longest, channel.ttl_s / 2)


def _tail(exchange: Exchange, channel: Channel) -> Response:
    """Nothing, and where the stream ends now."""
    headers = (*described(channel), *UP_TO_DATE, *NO_STORE, *INERT, *shared(exchange, channel))
    return Response(200, headers, join_body((), channel.content_type))


def _answer(exchange: Exchange, channel: Channel, after: Position, chunk: Chunk) -> Response:
    """Raises HttpError 410 where messages were let go of while they were read."""
    if chunk.leaves_gap:
        raise gone(channel)
    is_at_end = chunk.position.offset >= channel.last_offset
    is_final = is_at_end and channel.is_closed
    headers: Headers = (
        ("Content-Type", channel.content_type),
        *_etag(channel, after, chunk.position, is_final=is_final),
        *next_offset(chunk.position),
        *(UP_TO_DATE if is_at_end else ()),
        *(CLOSED if is_final else ()),
        *(cached(exchange, channel) if chunk.publications else NO_STORE),
        *INERT,
        *shared(exchange, channel),
    )
    body = join_body([publication.data for publication in chunk.publications], channel.content_type)
    return if_none_match(exchange.request, Response(200, headers, body))


def _etag(channel: Channel, after: Position, until: Position, *, is_final: bool) -> Headers:
    """Messages never change; but whoever has them all must hear that no more will come.

    Those of a room do, and where they stand says nothing of what they are.
    """
    if is_room(channel.name):
        return ()
    tag = f'"{after.epoch}:{after.offset}:{until.offset}{":c" if is_final else ""}"'
    return (("ETag", tag),)
