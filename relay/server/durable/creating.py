"""PUT: a stream is made, or is there already as it should be (PROTOCOL.md, 5.1)."""

import attrs

from relay.channels.channel import Channel
from relay.channels.rules import Action
from relay.errors import FormatError
from relay.fanout.wire import TlsWire
from relay.http.errors import HttpError
from relay.http.request import Request
from relay.http.response import Response
from relay.messages import durable_headers
from relay.messages.content_types import BYTES_TYPE, essence, is_json, media_type
from relay.messages.durable_bodies import split_body
from relay.messages.durable_headers import Lifetime
from relay.server.channel_access import opened, shared
from relay.server.durable.adding import Addition, add, drafts_of
from relay.server.durable.answers import NO_STORE, described
from relay.server.durable.streams import delete, is_over, now_ms, permit
from relay.server.exchange import Exchange

FORK = "stream-forked-from"


@attrs.frozen(kw_only=True)
class Wanted:
    """The stream that is asked for."""

    content_type: str
    lifetime: Lifetime
    is_closed: bool
    messages: tuple[bytes, ...]

    @property
    def is_plain(self) -> bool:
        """Whether it would be so, too, if somebody just published."""
        return is_json(self.content_type) and self.lifetime == Lifetime() and not self.is_closed


async def create(exchange: Exchange) -> Response:
    """Answer 201 for a new stream, 200 for one that is there, 409 for one that is different."""
    text = permit(exchange, Action.PUBLISH)
    exchange.refuse_if_full()
    wanted = _wanted(exchange.request)
    if not wanted.is_plain:
        permit(exchange, Action.CONTROL)
    while True:
        channel = await opened(exchange, text)
        with channel.held():
            answer = await _create_here(exchange, channel, wanted)
        if answer is not None:
            return answer


async def _create_here(exchange: Exchange, channel: Channel, wanted: Wanted) -> Response | None:
    """The answer; None where the channel is over, and another must be looked for."""
    async with channel.conditional:
        if channel.is_deleted:
            return None
        if is_over(exchange, channel):
            await delete(exchange.services.hub, channel)
            return None
        if channel.created_ms is not None:
            return _answer(exchange, channel, 200 if _fits(channel, wanted) else 409)
        await _make(exchange, channel, wanted)
        return _answer(exchange, channel, 201)


def _wanted(request: Request) -> Wanted:
    if request.header(FORK) is not None:
        raise HttpError(501, "forks are not served here")
    content_type = media_type(request.header("content-type")) or BYTES_TYPE
    try:
        return Wanted(
            content_type=content_type,
            lifetime=durable_headers.lifetime(
                request.header("stream-ttl"), request.header("stream-expires-at")
            ),
            is_closed=durable_headers.is_true(request.header("stream-closed")),
            messages=split_body(request.body, content_type),
        )
    except FormatError as error:
        raise HttpError(400, str(error)) from error


def _fits(channel: Channel, wanted: Wanted) -> bool:
    expires_ms = channel.expires_ms if channel.ttl_s is None else None
    return (
        essence(channel.content_type) == essence(wanted.content_type)
        and Lifetime(ttl_s=channel.ttl_s, expires_ms=expires_ms) == wanted.lifetime
        and channel.is_closed == wanted.is_closed
    )


async def _make(exchange: Exchange, channel: Channel, wanted: Wanted) -> None:
    """One change for stream, content and closing: a crash leaves all of it, or nothing."""
    drafts = await drafts_of(exchange, channel, wanted.messages)
    before = channel.content_type
    channel.content_type = wanted.content_type
    channel.ttl_s, channel.expires_ms = wanted.lifetime.ttl_s, wanted.lifetime.expires_ms
    if channel.ttl_s is not None:
        channel.expires_ms = now_ms(exchange) + channel.ttl_s * 1000
    # It stays also while it is empty.
    channel.is_made = True
    content = Addition(drafts=drafts, closes=wanted.is_closed)
    try:
        await add(exchange, channel, content).settled()
    except HttpError:
        channel.content_type, channel.ttl_s, channel.expires_ms = before, None, None
        channel.is_made = False
        raise


def _answer(exchange: Exchange, channel: Channel, status: int) -> Response:
    headers = (*NO_STORE, *shared(exchange, channel))
    if status == 409:
        error = HttpError(409, "there is a stream of this name that is different")
        return error.response().with_headers(*shared(exchange, channel))
    headers += described(channel)
    if status == 201:
        headers += (("Location", _location(exchange)),)
    return Response(status, headers)


def _location(exchange: Exchange) -> str:
    request, wire = exchange.request, exchange.connection.wire
    # It only tells the client its own address, so its proxy's word is good enough.
    is_encrypted = isinstance(wire, TlsWire) or request.header("x-forwarded-proto") == "https"
    scheme = "https" if is_encrypted else "http"
    return f"{scheme}://{request.header('host') or ''}{request.raw_path}"
