"""A connection seen from both ends: events, answers, and the protocol's own business."""

import pytest
from support.rtmp_bytes import (
    CONNECT,
    PUBLISH,
    chunk,
    chunk_size,
    command,
    commands_in,
    connected,
    control,
    decoded,
    events_of,
    feed_every_way,
    message,
    publishing,
    ready,
    receive,
    server,
)
from support.rtmp_pair import ConnectionPair

from relay.errors import LocalProtocolError, RemoteProtocolError
from relay.formats import amf0
from relay.packet import Kind
from relay.rtmp import (
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
    RtmpLimits,
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

SERVER, CLIENT = Role.SERVER, Role.CLIENT

STARTED = OnStatus(1, "status", "NetStream.Publish.Start", "cat is now published.")

RESET = OnStatus(3, "status", "NetStream.Play.Reset", "cat is played from here on.")
PLAYS = OnStatus(3, "status", "NetStream.Play.Start", "cat is played now.")
ACCESS = ScriptData(3, 0, amf0.encode("|RtmpSampleAccess", True, True))

# Sender, what it sends, what the other side makes of it.
TALK: list[tuple[Role, Sendable, list[Received]]] = [
    (
        CLIENT,
        ConnectRequest(1.0, "live", "rtmp://h/live", "FMLE/3.0", 0, {"fpad": False}),
        [
            ConnectRequest(
                1.0,
                "live",
                "rtmp://h/live",
                "FMLE/3.0",
                0,
                {
                    "app": "live",
                    "type": "nonprivate",
                    "flashVer": "FMLE/3.0",
                    "tcUrl": "rtmp://h/live",
                    "fpad": False,
                },
            )
        ],
    ),
    (
        SERVER,
        ConnectAccepted(1.0),
        [
            CommandResult(
                1.0,
                [
                    {"fmsVer": "FMS/4,5,0,1", "capabilities": 31.0},
                    {
                        "level": "status",
                        "code": "NetConnection.Connect.Success",
                        "description": "Connection succeeded.",
                        "objectEncoding": 0.0,
                    },
                ],
            )
        ],
    ),
    (CLIENT, SetChunkSize(4096), []),
    (CLIENT, CheckBandwidth(2.0), [CheckBandwidth(2.0)]),
    (SERVER, CommandDone(2.0), [CommandResult(2.0, [None])]),
    (CLIENT, ReleaseStream(3.0, "cat"), [ReleaseStream(3.0, "cat")]),
    (SERVER, ReleaseStreamDone(3.0), [CommandResult(3.0, [None])]),
    (CLIENT, FCPublish(4.0, "cat"), [FCPublish(4.0, "cat")]),
    (
        SERVER,
        FCPublishAccepted(4.0, "cat"),
        [
            CommandResult(4.0, [None]),
            UnknownCommand(
                "onFCPublish", 0.0, [None, {"level": "status", "description": "cat"}], 0
            ),
        ],
    ),
    (CLIENT, CreateStream(5.0), [CreateStream(5.0)]),
    (SERVER, StreamCreated(5.0, 1), [CommandResult(5.0, [None, 1.0])]),
    (CLIENT, Publish(6.0, 1, "cat"), [Publish(6.0, 1, "cat", "live")]),
    (SERVER, PublishStarted(1, "cat"), [STARTED]),
    (CLIENT, Metadata(1, 0, {"width": 96.0}), [Metadata(1, 0, {"width": 96.0})]),
    (
        CLIENT,
        MediaMessage(Kind.VIDEO, 1, 0xFFFFFFF0, b"v" * 5000),
        [MediaMessage(Kind.VIDEO, 1, 0xFFFFFFF0, b"v" * 5000)],
    ),
    (CLIENT, MediaMessage(Kind.AUDIO, 1, 4, b"a"), [MediaMessage(Kind.AUDIO, 1, 4, b"a")]),
    (
        CLIENT,
        ScriptData(1, 5, amf0.encode("onCue", 1.0)),
        [ScriptData(1, 5, amf0.encode("onCue", 1.0))],
    ),
    (SERVER, PingRequest(77), []),
    (
        CLIENT,
        UnknownCommand("hello", 7.0, [None, "x"], 0),
        [UnknownCommand("hello", 7.0, [None, "x"], 0)],
    ),
    (CLIENT, FCUnpublish(8.0, "cat"), [FCUnpublish(8.0, "cat")]),
    (SERVER, CommandDone(8.0, ("bye",)), [CommandResult(8.0, [None, "bye"])]),
    (CLIENT, CloseStream(1), [CloseStream(1)]),
    (
        SERVER,
        PublishStopped(1, "cat"),
        [OnStatus(1, "status", "NetStream.Unpublish.Success", "cat is now unpublished.")],
    ),
    (CLIENT, DeleteStream(9.0, 1), [DeleteStream(9.0, 1)]),
    (CLIENT, Publish(10.0, 2, "dog", "record"), [Publish(10.0, 2, "dog", "record")]),
    (
        SERVER,
        Status(2, "error", "NetStream.Publish.Denied", "no"),
        [OnStatus(2, "error", "NetStream.Publish.Denied", "no")],
    ),
    (CLIENT, FCSubscribe(11.0, "cat"), [FCSubscribe(11.0, "cat")]),
    (CLIENT, GetStreamLength(12.0, "cat"), [GetStreamLength(12.0, "cat")]),
    (SERVER, CommandDone(12.0, (0.0,)), [CommandResult(12.0, [None, 0.0])]),
    (
        CLIENT,
        Play(13.0, 3, "cat", -1.0, 5.0, reset=False),
        [Play(13.0, 3, "cat", -1.0, 5.0, reset=False)],
    ),
    (SERVER, PlayStarted(3, "cat", reset=False), [PLAYS, ACCESS]),
    (SERVER, MediaMessage(Kind.VIDEO, 3, 1, b"x"), [MediaMessage(Kind.VIDEO, 3, 1, b"x")]),
    (CLIENT, Pause(0.0, 3, is_paused=True), [Pause(0.0, 3, is_paused=True)]),
    (CLIENT, Pause(0.0, 3, is_paused=False), [Pause(0.0, 3, is_paused=False)]),
    (CLIENT, Seek(0.0, 3, 5000.0), [Seek(0.0, 3, 5000.0)]),
    (CLIENT, Receive(0.0, 3, Kind.AUDIO, False), [Receive(0.0, 3, Kind.AUDIO, False)]),
    (CLIENT, Receive(0.0, 3, Kind.VIDEO, True), [Receive(0.0, 3, Kind.VIDEO, True)]),
    (CLIENT, Play(14.0, 3, "dog"), [Play(14.0, 3, "dog", -2.0, -1.0, reset=True)]),
    (SERVER, PlayStarted(3, "cat"), [RESET, PLAYS, ACCESS]),
    (
        SERVER,
        PlayEnded(3, "it is over"),
        [OnStatus(3, "status", "NetStream.Play.UnpublishNotify", "it is over")],
    ),
]


@pytest.mark.parametrize(
    ("step", "transplant"),
    [(1 << 20, False), (1, False), (1 << 20, True), (1, True)],
    ids=["whole", "bytewise", "transplanted", "transplanted at every byte"],
)
def test_a_whole_conversation(step: int, transplant: bool) -> None:
    pair = ConnectionPair(step=step, transplant=transplant)
    pair.shake_hands()
    for sender, event, understood in TALK:
        assert pair.send(sender, event) == understood


def test_connect_is_answered_by_window_bandwidth_chunk_size_and_result() -> None:
    connection = ready()
    connection.receive_data(CONNECT)
    assert isinstance(connection.next_event(), ConnectRequest)
    sent = decoded(connection.send(ConnectAccepted(1.0, 3)))
    assert [(type_id, body) for type_id, _, body in sent[:3]] == [
        (5, (2_500_000).to_bytes(4, "big")),
        (6, (2_500_000).to_bytes(4, "big") + b"\x02"),
        (1, (60_000).to_bytes(4, "big")),
    ]
    name, transaction, _, info = amf0.decode_all(sent[3][2])
    assert (name, transaction) == ("_result", 1.0)
    assert isinstance(info, dict)
    assert info["objectEncoding"] == 3.0
    assert len(sent) == 4


def test_a_rejected_client_is_told_why_and_heard_no_more() -> None:
    connection = ready()
    connection.receive_data(CONNECT)
    connection.next_event()
    reply = connection.send(ConnectRejected(1.0, "NetConnection.Connect.InvalidApp", "no such app"))
    info = {"level": "error", "code": "NetConnection.Connect.InvalidApp"}
    assert commands_in(reply) == [["_error", 1.0, None, {**info, "description": "no such app"}]]
    assert receive(connection, CONNECT * 2) == []
    connection.receive_data(b"")
    assert connection.next_event() == ConnectionClosed()


def test_publish_start_is_stream_begin_and_status() -> None:
    connection = connected()
    connection.receive_data(PUBLISH)
    connection.next_event()
    begin, status = decoded(connection.send(PublishStarted(1, "cat")), size=60_000)
    assert begin == (4, 0, bytes.fromhex("0000 00000001"))
    name, transaction, _, info = amf0.decode_all(status[2])
    assert (status[:2], name, transaction) == ((20, 1), "onStatus", 0.0)
    assert isinstance(info, dict)
    assert info["code"] == "NetStream.Publish.Start"


def test_requests_with_transaction_0_get_no_result() -> None:
    connection = connected()
    assert connection.send(CommandDone(0.0)) == b""
    assert connection.send(ReleaseStreamDone(0.0)) == b""


def test_pings_are_answered_with_their_own_timestamp() -> None:
    data = control(4, bytes.fromhex("0006 00000009"))
    assert feed_every_way(connected, data) == []
    connection = connected()
    receive(connection, data)
    assert decoded(connection.data_to_send()) == [(4, 0, bytes.fromhex("0007 00000009"))]


def test_automatic_output_goes_out_before_an_answer() -> None:
    connection = connected()
    ping = control(4, bytes.fromhex("0006 00000009"))
    connection.receive_data(ping + command("createStream", 2.0, None))
    assert connection.next_event() == CreateStream(2.0)
    sent = decoded(connection.send(StreamCreated(2.0, 1)))
    assert [type_id for type_id, _, _ in sent] == [4, 20]
    assert connection.data_to_send() == b""


@pytest.mark.parametrize("payload", [b"", b"\x00", b"\x00\x06\x01", b"\x00\x63" + bytes(4)])
def test_other_user_control_is_ignored(payload: bytes) -> None:
    connection = connected()
    assert receive(connection, control(4, payload)) == []
    assert connection.data_to_send() == b""


def test_set_buffer_length_and_shared_objects_are_ignored() -> None:
    data = control(4, b"\x00\x03" + bytes(8)) + message(b"\x00", type_id=19)
    assert feed_every_way(connected, data + control(3, bytes(4))) == []


def test_chunk_sizes_are_checked_and_used() -> None:
    media = chunk(0, 6, bytes(5000))
    assert feed_every_way(publishing, chunk_size(5000) + media) == [
        MediaMessage(Kind.VIDEO, 1, 0, bytes(5000))
    ]
    assert receive(publishing(), chunk_size(0x7FFFFFFF) + media) == [
        MediaMessage(Kind.VIDEO, 1, 0, bytes(5000))
    ]
    for size in (0, 0x80000000, 0xFFFFFFFF):
        with pytest.raises(RemoteProtocolError, match="a chunk size of"):
            receive(publishing(), chunk_size(size))
    for size in (0, 0x1000000):
        with pytest.raises(LocalProtocolError, match="a chunk size of"):
            publishing().send(SetChunkSize(size))


def test_abort_drops_the_message_under_way() -> None:
    begun = chunk(0, 6, bytes(128), length=1000)
    data = begun + control(2, (6).to_bytes(4, "big")) + chunk(0, 6, b"next")
    assert feed_every_way(publishing, data) == [MediaMessage(Kind.VIDEO, 1, 0, b"next")]


@pytest.mark.parametrize("type_id", [1, 2, 5, 6])
def test_short_control_messages_are_errors(type_id: int) -> None:
    with pytest.raises(RemoteProtocolError, match="has 3 bytes"):
        receive(connected(), control(type_id, bytes(3)))


def test_a_limit_on_our_output_is_answered_by_a_window() -> None:
    connection = connected()

    def limit(size: int, kind: int) -> bytes:
        receive(connection, control(6, size.to_bytes(4, "big") + bytes((kind,))))
        return connection.data_to_send()

    assert limit(2_500_000, 2) == b""
    assert decoded(limit(1000, 0)) == [(5, 0, (1000).to_bytes(4, "big"))]
    assert limit(2000, 1) == b""
    assert decoded(limit(500, 1)) == [(5, 0, (500).to_bytes(4, "big"))]


def test_end_of_input_closes_even_inside_a_message() -> None:
    connection = publishing()
    receive(connection, chunk(0, 6, b"half", length=1000))
    connection.receive_data(b"")
    assert list(events_of(connection)) == [ConnectionClosed()]
    connection.receive_data(b"ignored")
    assert connection.next_event() == ConnectionClosed()
    assert connection.state is State.CLOSED


def test_end_of_input_closes_before_the_handshake_too() -> None:
    connection = server()
    connection.receive_data(b"")
    assert connection.next_event() == ConnectionClosed()


def test_events_before_the_end_of_input_are_not_lost() -> None:
    connection = publishing()
    connection.receive_data(chunk(0, 6, b"last"))
    connection.receive_data(b"")
    assert list(events_of(connection)) == [
        MediaMessage(Kind.VIDEO, 1, 0, b"last"),
        ConnectionClosed(),
    ]


def test_media_in_flight_when_a_publication_ends_is_dropped() -> None:
    connection = publishing()
    connection.send(Status(1, "error", "NetStream.Publish.Rejected", "kicked"))
    late = chunk(0, 6, b"late") + message(amf0.encode("onMetaData", {}), type_id=18) + PUBLISH
    assert receive(connection, late) == [Publish(3.0, 1, "cat")]


def test_media_before_publish_is_answered_is_delivered() -> None:
    connection = connected()
    connection.receive_data(PUBLISH + chunk(0, 6, b"eager"))
    assert list(events_of(connection)) == [
        Publish(3.0, 1, "cat"),
        MediaMessage(Kind.VIDEO, 1, 0, b"eager"),
    ]


def test_deleting_another_stream_does_not_end_the_publication() -> None:
    connection = publishing()
    states = []
    for stream_id in (9.0, 1.0):
        receive(connection, command("deleteStream", 7.0, None, stream_id))
        states.append(connection.state)
    assert states == [State.PUBLISHING, State.CONNECTED]


DATA = [
    ("metadata behind @setDataFrame", ("@setDataFrame", "onMetaData", {"a": 1.0})),
    ("bare metadata", ("onMetaData", {"a": 1.0})),
    ("metadata in an ECMA array", ("@setDataFrame", "onMetaData", amf0.EcmaArray(a=1.0))),
    ("metadata in a typed object", ("onMetaData", amf0.TypedObject("M", {"a": 1.0}))),
]


@pytest.mark.parametrize("values", [case[1] for case in DATA], ids=[case[0] for case in DATA])
@pytest.mark.parametrize("prefix", [b"", b"\x00"], ids=["type 18", "type 15"])
def test_metadata_in_every_dress(values: tuple[amf0.AmfValue, ...], prefix: bytes) -> None:
    payload = prefix + amf0.encode(*values)
    data = message(payload, type_id=15 if prefix else 18, stream_id=1)
    assert feed_every_way(publishing, data) == [Metadata(1, 0, {"a": 1.0})]


def test_metadata_without_values_is_empty() -> None:
    data = message(amf0.encode("onMetaData"), type_id=18, stream_id=1)
    assert receive(publishing(), data) == [Metadata(1, 0, {})]


@pytest.mark.parametrize("payload", [b"", b"\x05", b"\x02\x00\xff", amf0.encode("a") + b"\x11"])
def test_data_that_is_no_amf0_does_not_end_the_broadcast(payload: bytes) -> None:
    (event,) = receive(publishing(), message(payload, type_id=18, stream_id=1))
    assert isinstance(event, UnreadableData)


@pytest.mark.parametrize("payload", [b"", b"\x05", b"\x02\x00\xff", b"\x11", b"\x03" * 99])
def test_a_command_that_is_no_amf0_is_an_error(payload: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match="a command"):
        receive(connected(), message(payload))


ODD = [
    (command("publish"), Publish(0.0, 0, "", "live")),
    (command("publish", 1.0, None, 5.0, True), Publish(1.0, 0, "", "live")),
    (command("createStream", float("nan")), CreateStream(0.0)),
    (command("deleteStream", 1.0, None, -1.0), DeleteStream(1.0, 0)),
    (command("deleteStream", 1.0, None, float("inf")), DeleteStream(1.0, 0)),
    (command("FCPublish", "x", [], None), FCPublish(0.0, "")),
]


@pytest.mark.parametrize(("data", "event"), ODD)
def test_arguments_of_the_wrong_type_are_as_if_missing(data: bytes, event: Received) -> None:
    assert receive(connected(), data) == [event]


def test_an_error_carries_the_refusal_that_encoders_act_on() -> None:
    garbage = b"\xc9"
    cases = [
        (ready, "NetConnection.Connect.Rejected", "_error"),
        (publishing, "NetStream.Publish.Rejected", "onStatus"),
    ]
    for make, code, name in cases:
        connection = make()
        connection.receive_data(garbage)
        with pytest.raises(RemoteProtocolError) as caught:
            connection.next_event()
        ((command_name, _, _, info),) = commands_in(caught.value.reply)
        assert isinstance(info, dict)
        assert (command_name, info["code"], info["level"]) == (name, code, "error")
        with pytest.raises(RemoteProtocolError) as again:
            connection.next_event()
        assert (str(again.value), again.value.reply) == (str(caught.value), b"")
        with pytest.raises(LocalProtocolError):
            connection.send(PingRequest(0))


def test_a_failed_connection_fails_the_same_way_when_restored() -> None:
    connection = publishing()
    connection.receive_data(b"\xc9")
    with pytest.raises(RemoteProtocolError):
        connection.next_event()
    with pytest.raises(RemoteProtocolError, match="chunk stream 9"):
        Connection.restore(connection.snapshot()).next_event()


def test_a_client_gets_errors_and_is_refused_quietly() -> None:
    pair = ConnectionPair()
    pair.shake_hands()
    pair.send(CLIENT, ConnectRequest(1.0, "live", ""))
    (event,) = pair.send(SERVER, ConnectRejected(1.0, "NetConnection.Connect.Failed", "no"))
    assert isinstance(event, CommandError)
    assert pair.sides[CLIENT].state is State.CLOSED

    client = ConnectionPair()
    client.shake_hands()
    client.sides[CLIENT].receive_data(b"\xc9")
    with pytest.raises(RemoteProtocolError) as caught:
        client.sides[CLIENT].next_event()
    assert caught.value.reply == b""


def test_what_has_no_amf0_form_is_our_own_error() -> None:
    with pytest.raises(LocalProtocolError, match="lone surrogates"):
        publishing().send(Status(1, "status", "NetStream.Data.Start", "\ud800"))


def test_script_data_is_not_sent_as_media() -> None:
    pair = ConnectionPair()
    pair.publish()
    with pytest.raises(LocalProtocolError, match="ScriptData"):
        pair.sides[CLIENT].send(MediaMessage(Kind.DATA, 1, 0, b""))


def test_limits_reach_the_chunks_and_the_values() -> None:
    limits = RtmpLimits(message_bytes=10, amf_depth=2)
    with pytest.raises(RemoteProtocolError, match="type 9 with 11 bytes"):
        receive(publishing(limits), chunk(0, 6, length=11))
    with pytest.raises(RemoteProtocolError, match="deeper than 2"):
        receive(publishing(limits), command("hello", 1.0, {"a": {"b": {}}}))


def test_need_data_is_all_that_silence_means() -> None:
    assert server().next_event() is NEED_DATA
    assert publishing().next_event() is NEED_DATA
