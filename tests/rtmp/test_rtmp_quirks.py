"""What encoders in the field do wrong or their own way, each with the bytes it sends.

The quirks of chunk headers are in `test_chunk_reader`, of acknowledgements in `test_flow`, of
addresses in `test_rtmp_urls`.
"""

import pytest
from support.rtmp_bytes import (
    CONNECT,
    CREATE_STREAM,
    PLAIN_CLIENT,
    PUBLISH,
    chunk,
    chunk_size,
    command,
    commands_in,
    connected,
    events_of,
    feed_every_way,
    message,
    publishing,
    ready,
    receive,
    server,
)

from relay.formats import amf0
from relay.formats.amf0 import EcmaArray
from relay.packet import Kind
from relay.rtmp import (
    CheckBandwidth,
    CommandDone,
    ConnectAccepted,
    ConnectRequest,
    CreateStream,
    DeleteStream,
    FCPublish,
    FCPublishAccepted,
    FCUnpublish,
    MediaMessage,
    Metadata,
    Publish,
    Received,
    ReleaseStream,
    ReleaseStreamDone,
    State,
    Status,
    StreamCreated,
    parse_address,
)


def only_connect(data: bytes) -> ConnectRequest:
    (event,) = feed_every_way(ready, data)
    assert isinstance(event, ConnectRequest)
    return event


def test_appliances_hang_without_on_fc_publish() -> None:
    connection = connected()
    receive(connection, command("FCPublish", 4.0, None, "cat"))
    result, notice = commands_in(connection.send(FCPublishAccepted(4.0, "cat")), size=60_000)
    assert result == ["_result", 4.0, None]
    assert notice[0] == "onFCPublish"


def test_haivision_sends_checkbw_before_anything_else() -> None:
    connection = ready()
    (event,) = receive(connection, command("_checkbw", 1.0, None))
    assert event == CheckBandwidth(1.0)
    assert commands_in(connection.send(CommandDone(1.0))) == [["_result", 1.0, None]]
    assert isinstance(receive(connection, CONNECT)[0], ConnectRequest)


def test_librtmp_sends_checkbw_when_it_likes() -> None:
    data = command("_checkbw", 5.0, None)
    assert receive(publishing(), data) == [CheckBandwidth(5.0)]


def test_fmle_commands_may_follow_a_flash_publish() -> None:
    connection = publishing()
    data = (
        command("releaseStream", 4.0, None, "cat")
        + command("FCPublish", 5.0, None, "cat")
        + command("createStream", 6.0, None)
        + command("publish", 7.0, None, "cat", "live", stream_id=2)
    )
    assert receive(connection, data) == [
        ReleaseStream(4.0, "cat"),
        FCPublish(5.0, "cat"),
        CreateStream(6.0),
        Publish(7.0, 2, "cat"),
    ]
    assert connection.state is State.PUBLISHING


@pytest.mark.parametrize("release_first", [True, False])
def test_release_stream_comes_before_or_after_create_stream(release_first: bool) -> None:
    release = command("releaseStream", 3.0, None, "cat")
    data = release + CREATE_STREAM if release_first else CREATE_STREAM + release
    assert len(receive(connected(), data + PUBLISH)) == 3


def test_extron_publishes_without_a_type() -> None:
    data = command("publish", 3.0, None, "cat", stream_id=1)
    assert receive(connected(), data) == [Publish(3.0, 1, "cat", "live")]


def test_connect_may_come_as_an_ecma_array() -> None:
    event = only_connect(command("connect", 1.0, EcmaArray(app="live", tcUrl="rtmp://h/live")))
    assert (event.app, event.tc_url) == ("live", "rtmp://h/live")


def test_connect_may_spell_its_keys_in_lower_case() -> None:
    event = only_connect(command("connect", 1.0, {"app": "live", "tcurl": "rtmp://h/live"}))
    assert event.tc_url == "rtmp://h/live"


def test_neko_quotes_its_url() -> None:
    event = only_connect(command("connect", 1.0, {"app": "live", "tcUrl": "'rtmp://h/live"}))
    assert parse_address(event.app, event.tc_url, "cat").app == "live"


def test_connect_with_nothing_in_it_is_still_a_connect() -> None:
    assert only_connect(command("connect")) == ConnectRequest(0.0, "", "")


def test_object_encoding_3_is_noticed() -> None:
    assert only_connect(command("connect", 1.0, {"objectEncoding": 3.0})).object_encoding == 3


def test_wowza_puts_strict_arrays_into_metadata() -> None:
    values: dict[str, amf0.AmfValue] = {"audioids": ["a", 1.0, {"b": None}], "width": 96.0}
    data = message(amf0.encode("onMetaData", values), type_id=18, stream_id=1)
    assert receive(publishing(), data) == [Metadata(1, 0, values)]


@pytest.mark.parametrize("prefix", [b"\x00", b""], ids=["with zero byte", "without"])
def test_amf3_commands_are_amf0_behind_a_zero_byte(prefix: bytes) -> None:
    payload = prefix + amf0.encode("createStream", 2.0, None)
    assert feed_every_way(connected, message(payload, type_id=17)) == [CreateStream(2.0)]


MEDIA = [
    ("Wowza: a command frame", Kind.VIDEO, b"\x57\x00"),
    ("Wowza: empty audio", Kind.AUDIO, b""),
    ("empty video", Kind.VIDEO, b""),
    ("DJI: a codec id of nobody's", Kind.VIDEO, b"\x1f\x00\x00\x00\x00"),
    ("DJI: audio codec 15", Kind.AUDIO, b"\xff\x01"),
    ("DJI: audio without its configuration", Kind.AUDIO, b"\xaf\x01\x21"),
    ("an enhanced header with an invalid fourCC", Kind.VIDEO, b"\x90\x00\x00\x00\x00"),
    ("legacy HEVC, id 12", Kind.VIDEO, b"\x1c\x01\x00\x00\x00"),
]


@pytest.mark.parametrize(
    ("kind", "body"), [case[1:] for case in MEDIA], ids=[case[0] for case in MEDIA]
)
def test_odd_media_passes_as_it_came(kind: Kind, body: bytes) -> None:
    """What it means is not this layer's business, and no reason to end a connection."""
    type_id = 8 if kind is Kind.AUDIO else 9
    data = chunk(0, 6, body, type_id=type_id) + chunk(0, 7, b"next")
    assert feed_every_way(publishing, data) == [
        MediaMessage(kind, 1, 0, body),
        MediaMessage(Kind.VIDEO, 1, 0, b"next"),
    ]


def test_gopro_publishes_an_empty_name() -> None:
    data = command("publish", 3.0, None, "", "live", stream_id=1)
    assert receive(connected(), data) == [Publish(3.0, 1, "")]
    assert parse_address("live", "rtmp://h/live", "").name is None


def test_tracks_may_start_anywhere_and_apart() -> None:
    """No time is corrected here, backward ones neither: `live` does that once for all."""
    data = (
        chunk(0, 4, b"a", time=3_000_000_000, type_id=8)
        + chunk(0, 6, b"v", time=5)
        + chunk(0, 4, b"b", time=2_999_999_000, type_id=8)
    )
    events = feed_every_way(publishing, data)
    times = [event.timestamp for event in events if isinstance(event, MediaMessage)]
    assert times == [3_000_000_000, 5, 2_999_999_000]


def everything_before_the_decision() -> tuple[bytes, list[Received]]:
    connection = server()
    sent, events = b"", []
    connection.receive_data(PLAIN_CLIENT + CONNECT)
    for event in events_of(connection):
        events.append(event)
        if isinstance(event, ConnectRequest):
            sent += connection.send(ConnectAccepted(1.0))
    connection.receive_data(
        command("releaseStream", 2.0, None, "cat")
        + command("FCPublish", 3.0, None, "cat")
        + command("createStream", 4.0, None)
        + PUBLISH
    )
    for event in events_of(connection):
        events.append(event)
        match event:
            case ReleaseStream():
                sent += connection.send(ReleaseStreamDone(2.0))
            case FCPublish():
                sent += connection.send(FCPublishAccepted(3.0, "cat"))
            case CreateStream():
                sent += connection.send(StreamCreated(4.0, 1))
    return sent + connection.data_to_send(), events


def test_publish_start_is_not_on_the_wire_before_the_decision() -> None:
    """SRS sent it first and refused then: OBS reconnected for ever (SRS 3436)."""
    sent, events = everything_before_the_decision()
    assert isinstance(events[-1], Publish)
    assert b"onFCPublish" in sent
    assert b"Publish.Start" not in sent


def test_a_refusal_is_an_on_status_that_obs_stops_on() -> None:
    connection = connected()
    connection.receive_data(PUBLISH)
    next(events_of(connection))
    reply = connection.send(Status(1, "error", "NetStream.Publish.Denied", "wrong key"))
    info = {"level": "error", "code": "NetStream.Publish.Denied", "description": "wrong key"}
    assert commands_in(reply, size=60_000) == [["onStatus", 0.0, None, info]]


def test_obs_stops_and_starts_again_with_its_old_chunk_size() -> None:
    """A chunk size lasts as long as the connection, not as the publication (OBS 878)."""
    connection = publishing()
    big = chunk(0, 6, bytes(50_000))
    assert len(receive(connection, chunk_size(60_000) + big)) == 1
    stop = [command("FCUnpublish", 6.0, None, "cat"), command("deleteStream", 7.0, None, 1.0)]
    assert receive(connection, b"".join(stop)) == [FCUnpublish(6.0, "cat"), DeleteStream(7.0, 1)]
    assert receive(connection, CREATE_STREAM + PUBLISH + big)[1:] == [
        Publish(3.0, 1, "cat"),
        MediaMessage(Kind.VIDEO, 1, 0, bytes(50_000)),
    ]


def test_another_connection_starts_with_chunks_of_128() -> None:
    data = chunk(0, 6, bytes(128), length=200) + b"\xc6" + bytes(72)
    assert receive(publishing(), data) == [MediaMessage(Kind.VIDEO, 1, 0, bytes(200))]
