"""Why connections end.

Every disconnect has exactly one of these reasons: one name for the log line and the metric, and
its consequence in each protocol.  The set is closed, so a metric labelled by it stays bounded.
"""

import enum

import attrs


@attrs.frozen
class Consequence:
    """What a peer of each protocol is told."""

    description: str
    """For a person: the encoder's log, the page, the operator."""
    ws_close: int = 1000
    """WebSocket close code (RFC 6455, 7.4.1; 4000-4999 are our own)."""
    rtmp_code: str | None = None
    """`code` of the onStatus that a publisher is told first; None where there is nothing to say."""


class Reason(enum.Enum):
    """One named reason for each way in which a connection can end."""

    # The peer went.
    PEER_CLOSED = Consequence("the peer closed the connection")
    PEER_LOST = Consequence("the connection was reset or timed out", ws_close=1006)
    PUBLISHER_STOPPED = Consequence("the publisher stopped the stream")

    # The peer broke the rules.
    PROTOCOL_ERROR = Consequence("the peer broke the protocol", 1002)
    HANDSHAKE_TIMEOUT = Consequence("the handshake took too long", 1002)
    REQUEST_TIMEOUT = Consequence("the request took too long", 1002)
    IDLE_TIMEOUT = Consequence("nothing was received for too long", 1001)
    PING_TIMEOUT = Consequence("no pong came back", 1001)
    TOO_MANY_STRANGERS = Consequence("too many idle connections from this address", 1013)
    MESSAGE_TOO_BIG = Consequence("the message is larger than allowed", 1009)

    # The publisher may not, or may no longer.  OBS stops on Rejected and Denied, and shows the
    # description; it ignores BadName and Unauthorized and retries for ever.
    WRONG_KEY = Consequence("this stream key is not known here", 1008, "NetStream.Publish.Denied")
    INVALID_NAME = Consequence(
        "a stream's name has letters, digits and _ - . ~, at most 128 of them",
        1008,
        "NetStream.Publish.Denied",
    )
    THROTTLED = Consequence(
        "too many wrong stream keys; wait a minute", 1008, "NetStream.Publish.Denied"
    )
    KEY_REVOKED = Consequence("this stream key was revoked", 1008, "NetStream.Publish.Denied")
    KEY_IN_USE = Consequence(
        "this stream key is exclusive and somebody is publishing with it",
        1008,
        "NetStream.Publish.Denied",
    )
    TAKEN_OVER = Consequence(
        "another encoder with the same key took over", 1008, "NetStream.Publish.Rejected"
    )
    FLAPPING = Consequence(
        "two encoders with one key keep replacing each other; stop one of them",
        1008,
        "NetStream.Publish.Denied",
    )
    KICKED = Consequence("the operator ended this publication", 1008, "NetStream.Publish.Rejected")
    FIRST_PACKET_TIMEOUT = Consequence(
        "no H.264 or AAC arrived in time; set the encoder to H.264 video and AAC audio",
        1008,
        "NetStream.Publish.Rejected",
    )
    BITRATE_TOO_HIGH = Consequence(
        "the bitrate is above this server's limit", 1008, "NetStream.Publish.Rejected"
    )
    REFUSED_BY_SITE = Consequence("the site does not allow this", 1008, "NetStream.Publish.Denied")
    # Encoders try again after this one, and that is what they should do.
    SITE_SILENT = Consequence(
        "the site does not answer whether this is allowed", 1013, "NetStream.Publish.BadName"
    )

    # The viewer cannot keep up, or there is nothing to see.
    NOT_LIVE = Consequence("nobody is live here")
    VIEWER_STALLED = Consequence("the viewer stopped reading", 4001)
    VIEWER_TOO_SLOW = Consequence("the viewer fell behind too often", 4002)
    OUTLET_OVERFLOW = Consequence("the peer does not read its replies", 4003)
    BROADCAST_ENDED = Consequence("the broadcast has ended", 4004)
    TRACKS_CHANGED = Consequence("the broadcast's tracks changed; connect again", 4005)

    # Messages.
    CHANNEL_CLOSED = Consequence("nothing more will be published here", 1000)
    CHANNEL_DELETED = Consequence("the channel was deleted", 1000)
    RULES_CHANGED = Consequence("who may follow this channel has changed; ask again", 1000)
    # Close codes that SDKs of Centrifugo act on: they come back after 30xx, and not after 35xx.
    TOKEN_EXPIRED = Consequence("the token has expired and was not renewed", 3005)
    SUBSCRIBER_TOO_SLOW = Consequence("the subscriber fell behind its channels", 3008)
    WRONG_TOKEN = Consequence("this token is not good here", 3500)
    SENT_AWAY = Consequence("the site ended this connection", 3503)

    # The server.
    SERVER_FULL = Consequence("the server is full; try again later", 1013)
    # An encoder that is told nothing reconnects, and that is what it should do.
    SERVER_STOPPING = Consequence("the server is shutting down", 1001)
    INTERNAL_ERROR = Consequence("the server failed", 1011)
    SERVED = Consequence("the request was answered")

    @property
    def label(self) -> str:
        """The name in logs and metrics."""
        return self.name.lower()

    @property
    def description(self) -> str:
        """The sentence for a person."""
        return self.value.description
