"""POST: messages are added to a stream, it is closed, or both at once (PROTOCOL.md, 5.2 and 5.3).

Whoever looks at the stream and then adds to it holds its lock in between.  Where the next one's
answer may depend on this one's outcome, until that is known: a producer's count, the writer's own
sequence, a close.  Other appends only keep their order, and many of them share one commit.
"""

import attrs

from relay.channels.channel import Channel
from relay.channels.rules import Action
from relay.errors import FormatError
from relay.http.errors import HttpError
from relay.http.request import Request
from relay.http.response import Headers, Response
from relay.messages import durable_headers
from relay.messages.content_types import essence, media_type
from relay.messages.durable_bodies import split_body
from relay.messages.durable_headers import Producer
from relay.messages.durable_producers import (
    BeginsWrong,
    IsNext,
    IsStale,
    LeavesGap,
    Verdict,
    WasThere,
    judge,
)
from relay.publication import Position
from relay.server.channel_access import shared
from relay.server.durable.adding import Addition, add, drafts_of
from relay.server.durable.answers import CLOSED, NO_STORE, next_offset
from relay.server.durable.streams import MISSING, existing, permit, touch
from relay.server.exchange import Exchange
from relay.store.contract import ProducerMark

PRODUCERS = 10_000
"""Of one stream; more than that are refused, because each is remembered."""


@attrs.frozen(kw_only=True)
class Append:
    """What a request wants to add."""

    content_type: str | None
    body: bytes = attrs.field(repr=False)
    producer: Producer | None
    stream_seq: str
    closes: bool

    @property
    def is_conditional(self) -> bool:
        """Whether the next one's answer may depend on what becomes of this."""
        return self.producer is not None or bool(self.stream_seq) or self.closes


async def append(exchange: Exchange) -> Response:
    """Answer 204, or 200 to a producer whose messages are new."""
    text = permit(exchange, Action.PUBLISH)
    exchange.refuse_if_full()
    asked = _asked(exchange)
    if asked.closes:
        permit(exchange, Action.CONTROL)
    channel = await existing(exchange, text)
    with channel.held():
        return await _append(exchange, channel, asked)


async def _append(exchange: Exchange, channel: Channel, asked: Append) -> Response:
    async with channel.conditional:
        answer = _answer_without_adding(channel, asked)
        if answer is not None:
            return answer.with_headers(*shared(exchange, channel))
        touch(exchange, channel)
        under_way = add(exchange, channel, await _addition(exchange, channel, asked))
        if asked.is_conditional:
            await under_way.settled()
    answer = _added(asked, await under_way.settled())
    return answer.with_headers(*shared(exchange, channel))


def _asked(exchange: Exchange) -> Append:
    """Raises HttpError 400 for what no stream could take."""
    request = exchange.request
    closes = durable_headers.is_true(request.header("stream-closed"))
    try:
        asked = Append(
            content_type=media_type(request.header("content-type")),
            body=request.body,
            producer=_producer(exchange),
            stream_seq=durable_headers.stream_seq(request.header("stream-seq")),
            closes=closes,
        )
    except FormatError as error:
        raise HttpError(400, str(error)) from error
    if not asked.body and not closes:
        raise HttpError(400, "an append without a body says nothing")
    if asked.body and asked.content_type is None:
        raise HttpError(400, "a body needs a Content-Type")
    return asked


def _producer(exchange: Exchange) -> Producer | None:
    """Its name is the caller's own: nobody can count for another user's, or put it out."""
    request: Request = exchange.request
    producer = durable_headers.producer(
        request.header("producer-id"),
        request.header("producer-epoch"),
        request.header("producer-seq"),
    )
    if producer is None or not exchange.caller.sub:
        return producer
    return attrs.evolve(producer, name=f"{exchange.caller.sub}\n{producer.name}")


def _answer_without_adding(channel: Channel, asked: Append) -> Response | None:
    """The answer to what is not to be added, or was before; None for anything else.

    Raises:
        HttpError: 404, or 429 for more producers than are remembered.
    """
    if channel.is_deleted:
        raise HttpError(404, MISSING)
    verdict = _verdict(channel, asked.producer)
    if channel.is_closed:
        return _of_a_closed_one(channel, asked, verdict)
    if asked.body and essence(asked.content_type or "") != essence(channel.content_type):
        return _conflict(f"messages of this stream are {essence(channel.content_type)}")
    if not isinstance(verdict, IsNext):
        return _of_a_producer(channel, asked, verdict)
    if asked.stream_seq and asked.stream_seq <= channel.stream_seq:
        return _conflict("Stream-Seq must grow")
    return None


def _verdict(channel: Channel, producer: Producer | None) -> Verdict:
    if producer is None:
        return IsNext()
    mark = channel.producers.get(producer.name)
    if mark is not None:
        return judge(producer, mark.epoch, mark.seq)
    if len(channel.producers) >= PRODUCERS:
        raise HttpError(429, "this stream has as many producers as it may have")
    return judge(producer, None, 0)


def _of_a_closed_one(channel: Channel, asked: Append, verdict: Verdict) -> Response:
    match verdict:
        case IsStale():
            return _of_a_producer(channel, asked, verdict)
        case WasThere(highest) if asked.producer is not None and asked.producer.seq == highest:
            return _of_a_producer(channel, asked, verdict)
    if not asked.body and asked.producer is None:
        return _closed(204, channel)
    return _conflict("the stream is closed", *CLOSED, *next_offset(channel.position))


def _of_a_producer(channel: Channel, asked: Append, verdict: Verdict) -> Response:
    assert asked.producer is not None
    match verdict:
        case WasThere(highest):
            headers = (*NO_STORE, *next_offset(channel.position), *_counted(asked, highest))
            return Response(204, headers + (CLOSED if channel.is_closed else ()))
        case IsStale(epoch):
            detail = "another producer of this name has begun since"
            return _refusal(403, detail, ("Producer-Epoch", str(epoch)))
        case LeavesGap(expected):
            return _conflict(
                "appends before this one are missing",
                ("Producer-Expected-Seq", str(expected)),
                ("Producer-Received-Seq", str(asked.producer.seq)),
            )
        case BeginsWrong() | IsNext():
            return _refusal(400, "a new epoch begins with Producer-Seq 0")


async def _addition(exchange: Exchange, channel: Channel, asked: Append) -> Addition:
    """Raises HttpError 400 for a body that is not of the stream's type."""
    try:
        messages = split_body(asked.body, channel.content_type)
    except FormatError as error:
        raise HttpError(400, str(error)) from error
    if asked.body and not messages:
        raise HttpError(400, "an append of no messages says nothing")
    return Addition(
        drafts=await drafts_of(exchange, channel, messages),
        producer=_mark(asked.producer),
        stream_seq=asked.stream_seq,
        closes=asked.closes,
    )


def _mark(producer: Producer | None) -> ProducerMark | None:
    if producer is None:
        return None
    return ProducerMark(producer=producer.name, epoch=producer.epoch, seq=producer.seq)


def _added(asked: Append, position: Position) -> Response:
    headers = (*NO_STORE, *next_offset(position))
    if asked.producer is not None:
        headers += _counted(asked, asked.producer.seq)
    if asked.closes:
        headers += CLOSED
    return Response(200 if asked.producer is not None and asked.body else 204, headers)


def _counted(asked: Append, highest: int) -> Headers:
    assert asked.producer is not None
    return (("Producer-Epoch", str(asked.producer.epoch)), ("Producer-Seq", str(highest)))


def _closed(status: int, channel: Channel) -> Response:
    return Response(status, (*NO_STORE, *next_offset(channel.position), *CLOSED))


def _conflict(detail: str, *headers: tuple[str, str]) -> Response:
    return _refusal(409, detail, *headers)


def _refusal(status: int, detail: str, *headers: tuple[str, str]) -> Response:
    return HttpError(status, detail, headers=headers).response()
