"""What answers about a stream have in common: its headers, and who may keep or read them."""

from relay.channels.channel import Channel
from relay.channels.rooms import is_room
from relay.http.response import Headers
from relay.messages.durable_headers import format_time
from relay.messages.durable_offsets import format_offset
from relay.publication import Position
from relay.server.channel_access import is_public
from relay.server.durable.streams import now_ms
from relay.server.exchange import Exchange

FRESH_S = 60
"""How long a cache may give away what it has of a stream."""

CLOSED: Headers = (("Stream-Closed", "true"),)
UP_TO_DATE: Headers = (("Stream-Up-To-Date", "true"),)
NO_STORE: Headers = (("Cache-Control", "no-store"),)
INERT: Headers = (
    # Somebody has chosen the type, and it may be a page: it must not act as one of ours.
    ("Content-Security-Policy", "sandbox; default-src 'none'"),
)


def next_offset(position: Position) -> Headers:
    """Where to go on."""
    return (("Stream-Next-Offset", format_offset(position)),)


def described(channel: Channel) -> Headers:
    """What a stream is."""
    headers: Headers = (("Content-Type", channel.content_type), *next_offset(channel.position))
    if channel.ttl_s is not None:
        headers += (("Stream-TTL", str(channel.ttl_s)),)
    elif channel.expires_ms is not None:
        headers += (("Stream-Expires-At", format_time(channel.expires_ms)),)
    return headers + (CLOSED if channel.is_closed else ())


def cached(exchange: Exchange, channel: Channel) -> Headers:
    """How long an answer with messages may be kept: they never change, but they end (10.1).

    Those of a room do change, and what was deleted there must not come back out of a cache.
    """
    if is_room(channel.name):
        return NO_STORE
    fresh_s = FRESH_S
    if channel.expires_ms is not None:
        fresh_s = max(0, min(fresh_s, (channel.expires_ms - now_ms(exchange)) // 1000))
    if is_public(exchange, channel):
        keeping = f"public, max-age={fresh_s}, stale-while-revalidate={5 * fresh_s}"
        return (("Cache-Control", keeping),)
    return (("Cache-Control", f"private, max-age={fresh_s}"), ("Vary", "Authorization"))
