"""The table of legal moves: every state against every event, in both roles and directions."""

import pytest
from support.rtmp_bytes import ENTROPY, message

from relay.errors import LocalProtocolError, RemoteProtocolError
from relay.formats import amf0
from relay.packet import Kind
from relay.rtmp import (
    MOVES,
    NEED_DATA,
    CheckBandwidth,
    CloseStream,
    CommandDone,
    CommandError,
    CommandResult,
    ConnectAccepted,
    Connection,
    ConnectionClosed,
    ConnectRejected,
    ConnectRequest,
    CreateStream,
    DeleteStream,
    FCPublish,
    FCPublishAccepted,
    FCSubscribe,
    FCUnpublish,
    GetStreamLength,
    HandshakeCompleted,
    MediaMessage,
    Metadata,
    OnStatus,
    Pause,
    PingRequest,
    Play,
    PlayEnded,
    PlayStarted,
    Publish,
    PublishStarted,
    PublishStopped,
    Receive,
    Received,
    ReleaseStream,
    ReleaseStreamDone,
    Role,
    ScriptData,
    Seek,
    Sendable,
    SetChunkSize,
    State,
    Status,
    StreamCreated,
    UnknownCommand,
    UnreadableData,
)
from relay.rtmp.chunk_writer import ChunkWriter
from relay.rtmp.outgoing import write_event
from relay.rtmp.states import LATE, TO_PLAY, TO_PUBLISH, Direction, Move, signal

SENDABLE: list[Sendable] = [
    ConnectRequest(1.0, "live", ""),
    CreateStream(2.0),
    ReleaseStream(3.0, "cat"),
    FCPublish(4.0, "cat"),
    FCUnpublish(5.0, "cat"),
    Publish(6.0, 1, "cat"),
    Play(7.0, 1, "cat"),
    Pause(0.0, 1, is_paused=True),
    Seek(0.0, 1),
    Receive(0.0, 1, Kind.AUDIO, is_wanted=False),
    FCSubscribe(4.0, "cat"),
    GetStreamLength(5.0, "cat"),
    DeleteStream(8.0, 0),
    CloseStream(0),
    CheckBandwidth(9.0),
    UnknownCommand("hello", 1.0, [None], 0),
    ConnectAccepted(1.0),
    ConnectRejected(1.0, "NetConnection.Connect.Rejected", "no"),
    StreamCreated(2.0, 1),
    FCPublishAccepted(4.0, "cat"),
    ReleaseStreamDone(3.0),
    CommandDone(9.0),
    PublishStarted(1, "cat"),
    PublishStopped(1, "cat"),
    PlayStarted(1, "cat"),
    PlayEnded(1),
    Status(1, "status", "NetStream.Data.Start", ""),
    Status(1, "status", "NetStream.Play.Start", ""),
    Status(1, "status", "NetStream.Publish.Start", ""),
    Status(1, "error", "NetStream.Publish.Denied", "no"),
    PingRequest(1),
    SetChunkSize(128),
    MediaMessage(Kind.VIDEO, 1, 0, b"v"),
    Metadata(1, 0, {}),
    ScriptData(1, 0, amf0.encode("onCue")),
]
# What arrives, and a message that is it.  `Status` arrives as `OnStatus`, answers as results.
ARRIVING: list[tuple[Received, bytes]] = [
    (event, write_event(ChunkWriter(), event)) for event in SENDABLE if isinstance(event, Received)
] + [
    (UnreadableData(1, 0, ""), message(b"\x11", type_id=18, stream_id=1)),
    (CommandResult(9.0, [None]), write_event(ChunkWriter(), CommandDone(9.0))),
    (
        CommandError(1.0, []),
        write_event(ChunkWriter(), ConnectRejected(1.0, "NetConnection.Connect.Failed", "")),
    ),
    *(
        (
            OnStatus(1, level, code, ""),
            write_event(ChunkWriter(), Status(1, level, code, "")),
        )
        for level, code in (
            ("status", "NetStream.Data.Start"),
            ("status", "NetStream.Play.Start"),
            ("status", "NetStream.Publish.Start"),
            ("error", "NetStream.Publish.Denied"),
        )
    ),
]
CHUNK_STATES = [state for state in State if state not in {State.HANDSHAKE, State.CLOSED}]


def in_state(role: Role, state: State) -> Connection:
    """A connection that was put where the table says it can be."""
    connection = Connection(role, entropy=ENTROPY)
    connection._enter(state)
    return connection


def name(value: object) -> str:
    return value.value if isinstance(value, State | Role) else type(value).__name__


@pytest.mark.parametrize("role", Role, ids=name)
@pytest.mark.parametrize("state", State, ids=name)
@pytest.mark.parametrize("event", SENDABLE, ids=name)
def test_everything_sent_obeys_the_table(role: Role, state: State, event: Sendable) -> None:
    connection = in_state(role, state)
    after = MOVES[role][Direction.SENT][state].get(signal(event))
    if after is None:
        with pytest.raises(LocalProtocolError, match=state.value):
            connection.send(event)
        assert connection.state is state
        return
    assert connection.send(event)
    assert connection.state is after


@pytest.mark.parametrize("role", Role, ids=name)
@pytest.mark.parametrize("state", CHUNK_STATES, ids=name)
@pytest.mark.parametrize(("event", "data"), ARRIVING, ids=name)
def test_everything_received_obeys_the_table(
    role: Role, state: State, event: Received, data: bytes
) -> None:
    connection = in_state(role, state)
    after = MOVES[role][Direction.RECEIVED][state].get(signal(event))
    connection.receive_data(data)
    if after is not None:
        assert type(connection.next_event()) is type(event)
        assert connection.state is after
    elif state is State.CONNECTED and signal(event) in LATE[role]:
        assert connection.next_event() is NEED_DATA
        assert connection.state is state
    else:
        with pytest.raises(RemoteProtocolError):
            connection.next_event()


@pytest.mark.parametrize("role", Role, ids=name)
@pytest.mark.parametrize("state", State, ids=name)
def test_every_state_ends_with_the_input(role: Role, state: State) -> None:
    connection = in_state(role, state)
    connection.receive_data(b"")
    assert connection.next_event() == ConnectionClosed()
    assert connection.state is State.CLOSED


@pytest.mark.parametrize("role", Role, ids=name)
def test_a_closed_connection_is_deaf(role: Role) -> None:
    connection = in_state(role, State.CLOSED)
    connection.receive_data(b"\xff" * 100)
    assert connection.next_event() is NEED_DATA


def test_every_event_of_the_table_was_tried() -> None:
    tried: set[Move] = {signal(event) for event in SENDABLE}
    tried |= {signal(event) for event, _ in ARRIVING} | {ConnectionClosed, HandshakeCompleted}
    known = {
        move
        for directions in MOVES.values()
        for states in directions.values()
        for moves in states.values()
        for move in moves
    }
    assert known <= tried


@pytest.mark.parametrize("role", Role, ids=name)
def test_every_state_can_be_reached(role: Role) -> None:
    reached, todo = {State.HANDSHAKE}, [State.HANDSHAKE]
    while todo:
        state = todo.pop()
        for direction in Direction:
            for after in MOVES[role][direction][state].values():
                if after not in reached:
                    reached.add(after)
                    todo.append(after)
    assert reached == set(State)


@pytest.mark.parametrize("busy", [*TO_PUBLISH, *TO_PLAY], ids=name)
def test_who_publishes_does_not_play_and_who_plays_does_not_publish(busy: State) -> None:
    connection = in_state(Role.SERVER, busy)
    other = Play(7.0, 1, "cat") if busy in TO_PUBLISH else Publish(6.0, 1, "cat")
    connection.receive_data(write_event(ChunkWriter(), other))
    with pytest.raises(RemoteProtocolError, match="publishes or plays, and not both") as caught:
        connection.next_event()
    code = b"NetStream.Publish.Rejected" if busy in TO_PUBLISH else b"NetStream.Play.Failed"
    assert code in caught.value.reply


def test_publish_start_leaves_a_server_in_one_way_only() -> None:
    """As `PublishStarted`, after `publish` asked: never by an `onStatus` made by hand."""
    sent = MOVES[Role.SERVER][Direction.SENT]
    assert [state for state in State if PublishStarted in sent[state]] == [State.ASKED_TO_PUBLISH]
    by_hand = Status(1, "status", "NetStream.Publish.Start", "")
    assert not any(signal(by_hand) in moves for moves in sent.values())
