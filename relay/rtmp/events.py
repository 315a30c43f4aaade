"""What happens on an RTMP connection: received with `next_event()`, sent with `send()`.
What only players know is in `player_events`.

`transaction` is the number that pairs a request with its answer (RTMP 1.0, 7.2.1.1).
Timestamps are milliseconds modulo 2**32, as they were on the wire.
"""

import enum
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

import attrs

from relay.formats.amf0 import AmfValue
from relay.packet import Kind
from relay.rtmp.player_events import (
    FCSubscribe,
    GetStreamLength,
    Pause,
    Play,
    PlayEnded,
    PlayStarted,
    Receive,
    Seek,
)


class NeedData(enum.Enum):
    """The type of `NEED_DATA`."""

    NEED_DATA = "need data"


NEED_DATA: Final = NeedData.NEED_DATA
"""Nothing more can be said before more bytes are received."""


# Both roles receive these.


@attrs.frozen
class HandshakeCompleted:
    """Chunks come next."""

    digest: bool
    """The peer proved that it speaks Flash's dialect of the handshake."""


@attrs.frozen
class ConnectionClosed:
    """The peer will send no more."""


@attrs.define(slots=True)
class MediaMessage:
    """One audio or video message, body as in an FLV tag.  Hot: neither frozen nor validated."""

    kind: Kind
    stream_id: int
    timestamp: int
    payload: bytes


@attrs.frozen
class Metadata:
    """`onMetaData`, with or without `@setDataFrame` in front.  Sent with it."""

    stream_id: int
    timestamp: int
    values: Mapping[str, AmfValue]


@attrs.frozen
class ScriptData:
    """Any other data message: an AMF0 name and values, without `@setDataFrame`."""

    stream_id: int
    timestamp: int
    payload: bytes


@attrs.frozen
class UnreadableData:
    """A data message that is not AMF0.  Worth a line in the log; no reason to end a broadcast."""

    stream_id: int
    timestamp: int
    problem: str


@attrs.frozen
class UnknownCommand:
    """A command without a meaning of its own here."""

    name: str
    transaction: float
    arguments: Sequence[AmfValue]
    """Command object first."""
    stream_id: int


# Requests: a client sends them, a server receives them.


@attrs.frozen
class ConnectRequest:
    """`connect`: the application and how the client presents itself."""

    transaction: float
    app: str
    tc_url: str
    flash_version: str = ""
    object_encoding: int = 0
    parameters: Mapping[str, AmfValue] = attrs.field(factory=dict)
    """The whole command object; when sent, added to what the fields above say."""


@attrs.frozen
class CreateStream:
    """`createStream`: asks for a message stream id."""

    transaction: float


@attrs.frozen
class ReleaseStream:
    """`releaseStream`: FMLE's way to end a stale publication first."""

    transaction: float
    name: str


@attrs.frozen
class FCPublish:
    """`FCPublish`: FMLE's announcement of `publish`."""

    transaction: float
    name: str


@attrs.frozen
class FCUnpublish:
    """`FCUnpublish`: FMLE's announcement that it stops."""

    transaction: float
    name: str


@attrs.frozen
class Publish:
    """`publish`: media will follow on this message stream."""

    transaction: float
    stream_id: int
    name: str
    kind: str = "live"


@attrs.frozen
class DeleteStream:
    """`deleteStream`: the message stream is no longer used."""

    transaction: float
    stream_id: int


@attrs.frozen
class CloseStream:
    """`closeStream`: what this message stream did ends, the stream stays."""

    stream_id: int


@attrs.frozen
class CheckBandwidth:
    """`_checkbw`: an encoder that waits for an answer, any answer."""

    transaction: float


# Answers: a server sends them.


@attrs.frozen
class ConnectAccepted:
    """`_result` of `connect`, behind window, bandwidth and chunk size."""

    transaction: float
    object_encoding: int = 0


@attrs.frozen
class ConnectRejected:
    """`_error` of `connect`."""

    transaction: float
    code: str
    description: str


@attrs.frozen
class StreamCreated:
    """`_result` of `createStream`."""

    transaction: float
    stream_id: int


@attrs.frozen
class FCPublishAccepted:
    """`_result` of `FCPublish`, and `onFCPublish`, without which some appliances hang.

    It does not say `NetStream.Publish.Start`, as Flash Media Server's did: nobody was asked yet.
    """

    transaction: float
    name: str


@attrs.frozen
class ReleaseStreamDone:
    """`_result` of `releaseStream`."""

    transaction: float


@attrs.frozen
class CommandDone:
    """`_result` of any other command, with its values after the command object."""

    transaction: float
    values: Sequence[AmfValue] = ()


@attrs.frozen
class PublishStarted:
    """Stream Begin and `NetStream.Publish.Start`: the publisher may send."""

    stream_id: int
    name: str


@attrs.frozen
class PublishStopped:
    """`NetStream.Unpublish.Success`."""

    stream_id: int
    name: str = ""


@attrs.frozen
class Status:
    """`onStatus`.  Level "error" refuses or ends what the stream did."""

    stream_id: int
    level: str
    code: str
    description: str


@attrs.frozen
class PingRequest:
    """A ping; the peer's answer is swallowed."""

    timestamp: int


# What a client receives in answer.


@attrs.frozen
class CommandResult:
    """`_result`, with everything behind the transaction."""

    transaction: float
    values: Sequence[AmfValue]


@attrs.frozen
class CommandError:
    """`_error`, with everything behind the transaction."""

    transaction: float
    values: Sequence[AmfValue]


@attrs.frozen
class OnStatus:
    """`onStatus`."""

    stream_id: int
    level: str
    code: str
    description: str


# Both roles send this.


@attrs.frozen
class SetChunkSize:
    """From here on our chunks are this long."""

    size: int


Request: TypeAlias = (
    ConnectRequest
    | CreateStream
    | ReleaseStream
    | FCPublish
    | FCUnpublish
    | Publish
    | FCSubscribe
    | GetStreamLength
    | Play
    | Pause
    | Seek
    | Receive
    | DeleteStream
    | CloseStream
    | CheckBandwidth
)
Answer: TypeAlias = (
    ConnectAccepted
    | ConnectRejected
    | StreamCreated
    | FCPublishAccepted
    | ReleaseStreamDone
    | CommandDone
    | PublishStarted
    | PublishStopped
    | PlayStarted
    | PlayEnded
    | Status
    | PingRequest
)
Media: TypeAlias = MediaMessage | Metadata | ScriptData
Received: TypeAlias = (
    HandshakeCompleted
    | ConnectionClosed
    | Media
    | UnreadableData
    | UnknownCommand
    | Request
    | CommandResult
    | CommandError
    | OnStatus
)
Sendable: TypeAlias = Request | Answer | Media | UnknownCommand | SetChunkSize
Event: TypeAlias = Received | Answer | SetChunkSize
