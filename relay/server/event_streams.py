"""What every answer of server-sent events does: its head, following a feed, reading on."""

from functools import partial

import attrs
import trio

from relay.channels.channel import Channel, MessageEncoding
from relay.fanout.follower import Follower
from relay.http.response import Headers
from relay.http.response_head import final_head
from relay.identity.caller import Caller
from relay.identity.redact import redact
from relay.messages import sse
from relay.messages.content_types import is_text
from relay.reasons import Reason
from relay.server.channel_access import shared
from relay.server.connection import Connection
from relay.server.exchange import Exchange

_HEAD: Headers = (
    ("Content-Type", sse.CONTENT_TYPE),
    ("Cache-Control", "no-cache, no-store"),
    ("X-Content-Type-Options", "nosniff"),
    # nginx would gather events until there are enough of them.
    ("X-Accel-Buffering", "no"),
)
_BASE64: Headers = (("Stream-SSE-Data-Encoding", "base64"),)


def head(exchange: Exchange, channel: Channel) -> bytes:
    """The head of an endless answer; the connection ends with it."""
    encoding = () if is_text(channel.content_type) else _BASE64
    return final_head(200, (*_HEAD, *encoding, *shared(exchange, channel)))


def follow(connection: Connection, channel: Channel, encoding: MessageEncoding) -> None:
    """Follow the channel behind its position, until the channel or the connection ends."""
    services = connection.services
    feed = channel.feed(encoding)
    follower = Follower(
        feed,
        connection.outlet,
        services.ports.monotonic,
        services.config.limits.lags_per_minute,
        connection.outlet.fail,
        # It comes back with its position, and nothing is lost.
        partial(connection.outlet.fail, Reason.SUBSCRIBER_TOO_SLOW),
    )
    connection.stranger.leave()
    connection.follower = follower
    connection.facts |= {"channel": redact(channel.name.text), "format": encoding.name}
    feed.add_at_end(follower)
    services.keep_alive.add(feed)


@attrs.frozen
class Reading:
    """What is left of a request while its connection follows."""

    _connection: Connection
    _channel: str
    _caller: Caller
    _seconds: float
    """Then the client is to come back."""

    async def read(self) -> Reason:
        readers = self._connection.services.readers
        with (
            readers.reading(self._channel, self._caller) as allowed,
            trio.move_on_after(self._seconds),
        ):
            while await self._connection.receive_some():
                pass  # Readers only ever say goodbye.
            return Reason.PEER_CLOSED
        return Reason.RULES_CHANGED if allowed.cancel_called else Reason.SERVED
