"""The RTMP publishing client against servers that agree, refuse, stall and break."""

import pytest
import trio
from support import media
from support.rtmp_server import Answer, agree, rtmp_server

from relay.errors import ConfigError, RemoteProtocolError, WireBroken
from relay.flv import reader
from relay.formats import amf0
from relay.packet import Codec, Kind, Packet
from relay.publishing import Publisher, PublishUrl, ServerRefused, open_publisher
from relay.rtmp import events

FRAME = Packet(Kind.VIDEO, Codec.AVC, 0, 0, True, False, bytes(1000))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rtmp://h/live/cat", PublishUrl("h:1935", "live", "cat", "rtmp://h:1935/live")),
        ("rtmp://h:99/live/a/b", PublishUrl("h:99", "live", "a/b", "rtmp://h:99/live")),
        (
            "rtmp://h/live/cat?key=sk_1",
            PublishUrl("h:1935", "live", "cat?key=sk_1", "rtmp://h:1935/live"),
        ),
        ("rtmp://[::1]/live/x/", PublishUrl("[::1]:1935", "live", "x", "rtmp://[::1]:1935/live")),
    ],
)
def test_a_url_names_a_server_an_application_and_a_stream(text: str, expected: PublishUrl) -> None:
    assert PublishUrl.parse(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "rtmp://h/live", "http://h/live/sk_x", "rtmp:///live/sk_x", "rtmp://h:x/live/sk_x"],
)
def test_what_is_no_such_url_is_refused_without_showing_its_key(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        PublishUrl.parse(text)
    assert "sk_" not in str(caught.value)


async def test_packets_arrive_as_they_were_sent() -> None:
    sent = media.packets(media.flv_file())
    async with rtmp_server() as server:
        async with open_publisher(server.url) as publisher:
            await publisher.send_metadata({"encoder": "ours"})
            for packet in sent:
                await publisher.send(packet)
        await server.ended.wait()
    assert [e.values for e in server.received if isinstance(e, events.Metadata)] == [
        {"encoder": "ours"}
    ]
    read = {Kind.AUDIO: reader.read_audio, Kind.VIDEO: reader.read_video}
    messages = [e for e in server.received if isinstance(e, events.MediaMessage)]
    arrived = [read[e.kind](e.timestamp, e.payload) for e in messages]
    assert [repr(packet) for packet in arrived] == [repr(packet) for packet in sent]


async def test_script_data_and_times_beyond_32_bits_arrive() -> None:
    script = Packet(Kind.DATA, Codec.SCRIPT, 7, 7, False, False, amf0.encode("onCue", 1.0))
    late = Packet(Kind.AUDIO, Codec.AAC, (1 << 32) + 5, (1 << 32) + 5, False, False, b"\xaa")
    async with rtmp_server() as server:
        async with open_publisher(server.url) as publisher:
            await publisher.send(script)
            await publisher.send(late)
        await server.ended.wait()
    assert events.ScriptData(1, 7, script.payload) in server.received
    assert events.MediaMessage(Kind.AUDIO, 1, 5, b"\xaf\x01\xaa") in server.received


async def test_a_publication_ends_in_order() -> None:
    async with rtmp_server() as server:
        async with open_publisher(server.url):
            pass
        await server.ended.wait()
    assert [type(event) for event in server.received[-3:]] == [
        events.FCUnpublish,
        events.DeleteStream,
        events.ConnectionClosed,
    ]


async def test_a_cancelled_publication_ends_in_order_as_well() -> None:
    async with rtmp_server() as server:
        with trio.CancelScope() as scope:
            async with open_publisher(server.url):
                scope.cancel()
                await trio.sleep_forever()
        await server.ended.wait()
    assert type(server.received[-2]) is events.DeleteStream


async def test_what_the_body_raises_comes_out_as_it_is() -> None:
    async with rtmp_server() as server:
        with pytest.raises(ZeroDivisionError):
            async with open_publisher(server.url):
                raise ZeroDivisionError


def _refusing(kind: type, *refusal: events.Sendable) -> Answer:
    return lambda event: refusal if isinstance(event, kind) else agree(event)


DENIED = events.Status(1, "error", "NetStream.Publish.Denied", "not you")
REJECTED = events.ConnectRejected(1.0, "NetConnection.Connect.Rejected", "no such app")


@pytest.mark.parametrize(
    ("answer", "code", "description"),
    [
        (_refusing(events.Publish, DENIED), "NetStream.Publish.Denied", "not you"),
        (
            _refusing(events.ConnectRequest, REJECTED),
            "NetConnection.Connect.Rejected",
            "no such app",
        ),
    ],
)
async def test_a_refusal_says_why(answer: Answer, code: str, description: str) -> None:
    async with rtmp_server(answer) as server:
        with pytest.raises(ServerRefused, match=f"{description}.*{code}") as caught:
            async with open_publisher(server.url):
                pytest.fail("the publication began")
    assert (caught.value.code, caught.value.description) == (code, description)


async def _send_for_ever(publisher: Publisher) -> None:
    while True:
        await publisher.send(FRAME)


async def test_a_publication_that_the_server_ends_says_why() -> None:
    async with rtmp_server(_refusing(events.MediaMessage, DENIED)) as server:
        with pytest.raises(ServerRefused, match="not you"):
            async with open_publisher(server.url) as publisher:
                await _send_for_ever(publisher)


async def test_a_server_without_a_stream_to_offer_breaks_the_protocol() -> None:
    answer = _refusing(events.CreateStream, events.CommandDone(4.0))
    async with rtmp_server(answer) as server:
        with pytest.raises(RemoteProtocolError, match="without a stream"):
            async with open_publisher(server.url):
                pytest.fail("the publication began")


async def test_nobody_there_is_a_broken_wire() -> None:
    async with rtmp_server() as server:
        pass
    with pytest.raises(WireBroken):
        async with open_publisher(server.url):
            pytest.fail("the publication began")


async def test_a_server_that_says_nothing_is_given_up(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with rtmp_server(_refusing(events.ConnectRequest)) as server:
        autojump_clock.autojump_threshold = 0.2
        with pytest.raises(WireBroken, match="did not answer in time"):
            async with open_publisher(server.url):
                pytest.fail("the publication began")


async def test_a_server_that_reads_slowly_slows_its_publisher_down() -> None:
    big = Packet(Kind.VIDEO, Codec.AVC, 0, 0, True, False, bytes(4_000_000))
    async with rtmp_server() as server, open_publisher(server.url) as publisher:
        server.reading = trio.Event()
        await publisher.send(FRAME)
        with trio.move_on_after(0.3) as patience:
            for _ in range(20):
                await publisher.send(big)
        assert patience.cancelled_caught
        assert publisher.statistics().queued_bytes <= 4_100_000
        server.reading.set()
        await publisher.send(FRAME)
        assert publisher.statistics().queued_bytes == 0
