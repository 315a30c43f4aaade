"""What players ask for, and what they are told (RTMP 1.0, 7.2.2).

The times in these commands are what their senders make of them: the specification has seconds
for `play` and milliseconds for `pause` and `seek`; librtmp and ffmpeg send milliseconds for all.
A live stream needs none of them.
"""

import attrs

from relay.packet import Kind


@attrs.frozen
class Play:
    """`play`: media is wanted on this message stream."""

    transaction: float
    stream_id: int
    name: str
    start: float = -2.0
    """-2 is live or else recorded, -1 live only (7.2.2.1), and -2000 and -1000 the same."""
    duration: float = -1.0
    """How much is wanted; -1 is everything."""
    reset: bool = True
    """Whether this is played instead of what was, as Flash has it unless it says otherwise."""


@attrs.frozen
class Pause:
    """`pause`: nothing more, or on again."""

    transaction: float
    stream_id: int
    is_paused: bool
    position: float = 0.0


@attrs.frozen
class Seek:
    """`seek`: another position is wanted."""

    transaction: float
    stream_id: int
    position: float = 0.0


@attrs.frozen
class Receive:
    """`receiveAudio` and `receiveVideo`: whether one kind of media is wanted at all."""

    transaction: float
    stream_id: int
    kind: Kind
    is_wanted: bool


@attrs.frozen
class FCSubscribe:
    """`FCSubscribe`: what some players announce `play` with; it promises nothing."""

    transaction: float
    name: str


@attrs.frozen
class GetStreamLength:
    """`getStreamLength`: how many seconds a recording has."""

    transaction: float
    name: str


@attrs.frozen
class PlayStarted:
    """Stream Begin, `NetStream.Play.Reset` where it is one, `NetStream.Play.Start`, and
    `|RtmpSampleAccess`, which lets Flash look at what it plays.
    """

    stream_id: int
    name: str
    reset: bool = True


@attrs.frozen
class PlayEnded:
    """Stream EOF and `NetStream.Play.UnpublishNotify`, on which players stop for good."""

    stream_id: int
    description: str = ""
