"""The one table of legal moves.

For each role: which events may be received or sent in which states, and the state after.  What is
not in the table is an error: `LocalProtocolError` when we try to send it, `RemoteProtocolError`
when it arrives.

`onStatus` means different things by what it says, so it enters the table as one of the `Signal`s.

Where the table is wider than the book, an encoder needs it: `_checkbw` may come before `connect`
(Haivision), FMLE's commands after Flash's `publish` and the other way round (SRS 4588), `publish`
again on the same connection, media before `publish` was answered.  Media still in flight when a
publication has ended is not an error either: `LATE` events are dropped without a word.

One connection publishes or plays.  Who plays may ask for something else to be played instead; what
only players say (`pause`, `seek`) does no harm where nothing is played.
"""

import enum
from typing import TypeAlias

import attrs

from relay.rtmp import events as e
from relay.rtmp import player_events as p


class Role(enum.Enum):
    """Which side of the connection we are."""

    SERVER = "server"
    CLIENT = "client"


class Direction(enum.Enum):
    """Which way an event goes, seen from us."""

    RECEIVED = "received"
    SENT = "sent"


class State(enum.Enum):
    """How far the connection has come."""

    HANDSHAKE = "handshake"
    READY = "ready"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    ASKED_TO_PUBLISH = "asked to publish"
    PUBLISHING = "publishing"
    ASKED_TO_PLAY = "asked to play"
    PLAYING = "playing"
    CLOSED = "closed"


class Signal(enum.Enum):
    """What an `onStatus` does to the state."""

    REFUSED = "level error"
    PUBLISH_STARTED = "NetStream.Publish.Start"
    PLAY_STARTED = "NetStream.Play.Start"


Move: TypeAlias = type | Signal


def signal(event: object) -> Move:
    """The table's key for `event`."""
    if not isinstance(event, e.OnStatus | e.Status):
        return type(event)
    if event.level == "error":
        return Signal.REFUSED
    for started in (Signal.PUBLISH_STARTED, Signal.PLAY_STARTED):
        if event.code == started.value:
            return started
    return type(event)


_READY, _CONNECTING, _CONNECTED = State.READY, State.CONNECTING, State.CONNECTED
_ASKED_TO_PUBLISH, _PUBLISHING = State.ASKED_TO_PUBLISH, State.PUBLISHING
_ASKED_TO_PLAY, _PLAYING = State.ASKED_TO_PLAY, State.PLAYING

TO_PUBLISH = (_ASKED_TO_PUBLISH, _PUBLISHING)
TO_PLAY = (_ASKED_TO_PLAY, _PLAYING)
_USABLE = (_CONNECTED, *TO_PUBLISH, *TO_PLAY)

_MEDIA = (e.MediaMessage, e.Metadata, e.ScriptData)
_MEDIA_IN = (*_MEDIA, e.UnreadableData)
_ASIDE = (e.CheckBandwidth, e.UnknownCommand)
_PREPARING = (
    e.ReleaseStream,
    e.FCPublish,
    e.FCUnpublish,
    e.CreateStream,
    p.FCSubscribe,
    p.GetStreamLength,
)
_CONTROLLING = (p.Pause, p.Seek, p.Receive)
_ENDING = (e.DeleteStream, e.CloseStream)
_OWN_BUSINESS = (e.PingRequest, e.SetChunkSize, e.UnknownCommand, e.CommandDone)
_ANSWERS = (e.StreamCreated, e.FCPublishAccepted, e.ReleaseStreamDone, e.Status)
_REPLIES = (e.CommandResult, e.CommandError, e.OnStatus)


@attrs.frozen
class Row:
    """In each of `states`, each of `moves` leads to `after`; None: to where it was."""

    direction: Direction
    states: tuple[State, ...]
    moves: tuple[Move, ...]
    after: State | None = None


_IN, _OUT = Direction.RECEIVED, Direction.SENT

ROWS: dict[Role, tuple[Row, ...]] = {
    Role.SERVER: (
        Row(_IN, tuple(State), (e.ConnectionClosed,), State.CLOSED),
        Row(_IN, (State.HANDSHAKE,), (e.HandshakeCompleted,), _READY),
        Row(_IN, (_READY,), (e.ConnectRequest,), _CONNECTING),
        Row(_IN, (_READY, _CONNECTING, *_USABLE), _ASIDE),
        Row(_OUT, (_READY, _CONNECTING, *_USABLE), _OWN_BUSINESS),
        Row(_OUT, (_CONNECTING,), (e.ConnectAccepted,), _CONNECTED),
        Row(_OUT, (_CONNECTING,), (e.ConnectRejected,), State.CLOSED),
        Row(_IN, (_CONNECTING, *_USABLE), _PREPARING),
        Row(_OUT, _USABLE, _ANSWERS),
        Row(_OUT, _USABLE, (Signal.REFUSED,), _CONNECTED),
        Row(_IN, _USABLE, _ENDING, _CONNECTED),
        Row(_IN, (_CONNECTED, *TO_PUBLISH), (e.Publish,), _ASKED_TO_PUBLISH),
        Row(_OUT, (_ASKED_TO_PUBLISH,), (e.PublishStarted,), _PUBLISHING),
        Row(_IN, TO_PUBLISH, _MEDIA_IN),
        Row(_OUT, (_CONNECTED, _PUBLISHING), (e.PublishStopped,), _CONNECTED),
        Row(_IN, (_CONNECTED, *TO_PLAY), (p.Play,), _ASKED_TO_PLAY),
        Row(_IN, _USABLE, _CONTROLLING),
        Row(_OUT, (_ASKED_TO_PLAY,), (p.PlayStarted,), _PLAYING),
        Row(_OUT, (_PLAYING,), (*_MEDIA, Signal.PLAY_STARTED)),
        Row(_OUT, (_PLAYING,), (p.PlayEnded,), _CONNECTED),
    ),
    Role.CLIENT: (
        Row(_IN, tuple(State), (e.ConnectionClosed,), State.CLOSED),
        Row(_IN, (State.HANDSHAKE,), (e.HandshakeCompleted,), _READY),
        Row(_OUT, (_READY,), (e.ConnectRequest,), _CONNECTING),
        Row(_IN, (_READY, _CONNECTING, *_USABLE), (e.UnknownCommand,)),
        Row(_OUT, (_READY, _CONNECTING, *_USABLE), (*_ASIDE, e.SetChunkSize)),
        Row(_IN, (_CONNECTING,), (e.CommandResult,), _CONNECTED),
        Row(_IN, (_CONNECTING,), (e.CommandError,), State.CLOSED),
        Row(_IN, (_CONNECTING,), (e.OnStatus, Signal.REFUSED)),
        Row(_OUT, _USABLE, _PREPARING),
        Row(_IN, _USABLE, _REPLIES),
        Row(_IN, _USABLE, (Signal.REFUSED,), _CONNECTED),
        Row(_OUT, _USABLE, _ENDING, _CONNECTED),
        Row(_OUT, (_CONNECTED,), (e.Publish,), _ASKED_TO_PUBLISH),
        Row(_IN, (_ASKED_TO_PUBLISH,), (Signal.PUBLISH_STARTED,), _PUBLISHING),
        Row(_OUT, (_PUBLISHING,), _MEDIA),
        Row(_OUT, (_CONNECTED, _PLAYING), (p.Play,), _ASKED_TO_PLAY),
        Row(_OUT, _USABLE, _CONTROLLING),
        Row(_IN, TO_PLAY, (Signal.PLAY_STARTED,), _PLAYING),
        Row(_IN, TO_PLAY, _MEDIA_IN),
    ),
}

LATE: dict[Role, frozenset[Move]] = {
    Role.SERVER: frozenset(_MEDIA_IN),
    Role.CLIENT: frozenset({*_MEDIA_IN, *Signal}),
}
"""What is dropped when it arrives in `CONNECTED`: it was in flight when something ended."""


def _by_state(role: Role, direction: Direction) -> dict[State, dict[Move, State]]:
    moves: dict[State, dict[Move, State]] = {state: {} for state in State}
    for row in ROWS[role]:
        if row.direction is direction:
            for state in row.states:
                moves[state] |= dict.fromkeys(row.moves, row.after or state)
    return moves


MOVES: dict[Role, dict[Direction, dict[State, dict[Move, State]]]] = {
    role: {direction: _by_state(role, direction) for direction in Direction} for role in Role
}
"""`ROWS`, the way it is looked up."""
