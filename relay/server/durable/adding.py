"""Adding to a stream, from a request's messages to the answer of the store."""

import attrs
import trio

from relay.channels.channel import Channel
from relay.channels.errors import ChannelClosed, MessageTooBig
from relay.channels.publishing import Outcome
from relay.channels.rooms import is_room
from relay.chat.errors import NoSuchMessage
from relay.chat.moderation.errors import Refused
from relay.errors import FormatError
from relay.http.causes import TOO_MANY_MESSAGES
from relay.http.errors import HttpError
from relay.identity.caller import Kind
from relay.publication import Author, Draft, Position
from relay.server.channel_access import unavailable
from relay.server.durable.streams import COMMIT_S
from relay.server.exchange import Exchange
from relay.server.rest.refusing import moderated
from relay.store.contract import ProducerMark, StoreUnavailable


@attrs.frozen(kw_only=True)
class Addition:
    """What one request adds."""

    drafts: tuple[Draft, ...] = ()
    producer: ProducerMark | None = None
    stream_seq: str = ""
    closes: bool = False


@attrs.define(eq=False)
class UnderWay:
    """An addition that will be there, in its order, or has failed."""

    _ended: trio.Event = attrs.field(factory=trio.Event, init=False)
    _outcome: Outcome | None = attrs.field(default=None, init=False)

    def end(self, outcome: Outcome) -> None:
        """The store has spoken."""
        self._outcome = outcome
        self._ended.set()

    async def settled(self) -> Position:
        """Where it ends, once it is durable.

        Waits also when the client goes: whoever holds the stream's lock next decides by what became
        of this, and a retry must find what it retries.

        Raises:
            HttpError: 503; it is not there, or that is not known.
        """
        with trio.move_on_after(COMMIT_S, shield=True):
            await self._ended.wait()
        if self._outcome is None or isinstance(self._outcome, StoreUnavailable):
            raise unavailable()
        return self._outcome.position


def add(exchange: Exchange, channel: Channel, addition: Addition) -> UnderWay:
    """Begin to add; what is added after this comes behind it.

    Raises:
        HttpError: 409, 413, 429 or 503.
    """
    _count(exchange, channel, len(addition.drafts))
    under_way = UnderWay()
    try:
        exchange.services.hub.publish_nowait(
            channel,
            addition.drafts,
            under_way.end,
            producer=addition.producer,
            stream_seq=addition.stream_seq,
            closes=addition.closes,
            submit=exchange.services.chat.submit_for(channel) if addition.drafts else None,
        )
    except MessageTooBig as error:
        raise HttpError(413, str(error)) from error
    except ChannelClosed as error:
        raise HttpError(409, str(error)) from error
    except trio.WouldBlock:
        raise unavailable() from None
    return under_way


async def drafts_of(
    exchange: Exchange, channel: Channel, messages: tuple[bytes, ...]
) -> tuple[Draft, ...]:
    """The messages of a request, ready to be added; in a room, somebody has said them.

    Raises:
        HttpError: 400 for what cannot be said, 403, 422 or 429 for what the room does not take, 503
            where that cannot be known now.
    """
    author = _author(exchange)
    if not is_room(channel.name):
        return tuple(Draft(data=message, author=author) for message in messages)
    chat, drafts = exchange.services.chat, list[Draft]()
    try:
        standing = await chat.moderation.gate.look(channel.name, exchange.caller)
        for message in messages:
            sent = chat.read(message)
            if sent.type != "message":
                raise HttpError(400, "that somebody is writing is not kept")
            reply_to = await chat.answered(channel.name.text, sent)
            drafts.append(chat.draft(channel, standing, author, sent, reply_to))
    except (FormatError, NoSuchMessage) as error:
        raise HttpError(400, str(error)) from error
    except Refused as error:
        raise moderated(error) from error
    except StoreUnavailable as error:
        raise unavailable() from error
    return tuple(drafts)


def _count(exchange: Exchange, channel: Channel, publications: int) -> None:
    """Raises HttpError 429 where that would be too many lately."""
    services, caller = exchange.services, exchange.caller
    if services.access.is_laboratory or caller.kind is Kind.OPERATOR:
        return
    spent = services.publish_rates.spend(
        caller.sub or exchange.connection.client,
        channel.namespace.name,
        publications,
        channel.namespace.publishes_per_s,
        services.ports.monotonic(),
    )
    exchange.spend(spent, TOO_MANY_MESSAGES)


def _author(exchange: Exchange) -> Author | None:
    caller = exchange.caller
    return Author(caller.sub, "", caller.info) if caller.sub else None
