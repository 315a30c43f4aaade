"""From a URL to media, in each way there is, and what becomes of those who are not served."""

import pytest
from support.rtmp_bytes import ENTROPY

from relay.bench.openings import PONG, NotServed, Opening, RtmpOpening, opening
from relay.bench.targets import Target
from relay.errors import ConfigError
from relay.http.frame import binary_frame, close_frame, ping_frame, text_frame
from relay.packet import Kind
from relay.rtmp import NEED_DATA, Connection, Play, PlayStarted, Role, events

OK = b"HTTP/1.1 200 OK\r\nContent-Type: video/x-flv\r\n\r\n"
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"


def opened(url: str) -> Opening:
    return opening(Target.parse(url), ENTROPY)


def states(made: Opening, data: bytes) -> list[tuple[bool, bool]]:
    """`accepted` and `playing` after each byte, without repetitions."""
    seen = [(made.accepted, made.playing)]
    for index in range(len(data)):
        made.receive(data[index : index + 1])
        if (now := (made.accepted, made.playing)) != seen[-1]:
            seen.append(now)
    return seen


STEPS = [(False, False), (True, False), (True, True)]


@pytest.mark.parametrize(
    ("url", "parsed"),
    [
        ("ws://host/a/b.flv?x=1", Target("ws", "host", 80, "/a/b.flv?x=1")),
        ("https://[::1]:8443/a.mp4", Target("https", "::1", 8443, "/a.mp4")),
        ("rtmp://host/app/cat", Target("rtmp", "host", 1935, "/app/cat")),
    ],
)
def test_a_url_says_what_to_view(url: str, parsed: Target) -> None:
    assert Target.parse(url) == parsed


@pytest.mark.parametrize("url", ["ftp://host/a", "http://host", "http:///a", "http://h:x/a", "cat"])
def test_what_cannot_be_viewed_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="a viewer needs a URL"):
        Target.parse(url)


def test_rtmp_takes_the_last_segment_for_the_stream() -> None:
    target = Target.parse("rtmp://host/app/instance/cat?key=val")
    assert target.app_and_name() == ("app/instance", "cat?key=val")
    with pytest.raises(ConfigError):
        Target.parse("rtmp://host/cat").app_and_name()


def test_http_plays_with_the_first_byte_behind_the_head() -> None:
    made = opened("http://[::1]:8080/live/cat.flv")
    assert made.hello().startswith(b"GET /live/cat.flv HTTP/1.1\r\nHost: [::1]:8080\r\n")
    assert states(made, OK + b"F") == STEPS
    assert made.sign_of_life(5) == b""


def test_http_may_have_head_and_media_in_one_piece() -> None:
    made = opened("http://host/live/cat.flv")
    made.receive(OK + b"FLV")
    assert made.playing


@pytest.mark.parametrize(
    ("url", "protocol"),
    [("ws://host/live/cat.mp4?muted", b"relay.fmp4.1"), ("ws://host/live/cat.flv", b"")],
)
def test_a_web_socket_asks_for_the_subprotocol_of_its_format(url: str, protocol: bytes) -> None:
    _, found, name = opened(url).hello().partition(b"Sec-WebSocket-Protocol: ")
    assert (bool(found), name.partition(b"\r\n")[0]) == (bool(protocol), protocol)


@pytest.mark.parametrize("size", [10, 200, 70_000])
def test_a_web_socket_plays_with_its_first_binary_message(size: int) -> None:
    made = opened("ws://host/live/cat.mp4")
    before = text_frame("x" * size) + ping_frame(b"?")
    assert states(made, SWITCHING + before) == STEPS[:2]
    made.receive(binary_frame(b"moof"))
    assert made.playing
    assert made.sign_of_life(5) == PONG


@pytest.mark.parametrize(
    ("url", "answer", "reason"),
    [
        ("http://h/a", b"HTTP/1.1 404 Not Found\r\n\r\n", "HTTP/1.1 404 Not Found"),
        ("http://h/a", b"x" * 20_000, "not HTTP"),
        ("ws://h/a", OK, "HTTP/1.1 200 OK"),
        ("ws://h/a", SWITCHING + close_frame(1013, "later"), "closed: 1013 later"),
        ("rtmp://h/a/b", b"HTTP/1.1 400 Bad Request\r\n\r\n", "not RTMP"),
    ],
)
def test_who_is_not_served_learns_why(url: str, answer: bytes, reason: str) -> None:
    with pytest.raises(NotServed, match=reason):
        opened(url).receive(answer)


# RTMP, against the other side of our own.


def converse(made: RtmpOpening, server: Connection) -> list[events.Received]:
    """Let both speak until nobody has anything to say; what the server heard."""
    heard = []
    said = made.hello()
    while said:
        server.receive_data(said)
        answer = b""
        while (event := server.next_event()) is not NEED_DATA:
            heard.append(event)
            for wanted in agreeing(event):
                answer += server.send(wanted)
        said = made.receive(answer + server.data_to_send())
    return heard


def agreeing(event: events.Received) -> list[events.Sendable]:
    match event:
        case events.ConnectRequest(transaction=number):
            return [events.ConnectAccepted(number)]
        case events.CreateStream(transaction=number):
            return [events.StreamCreated(number, 3)]
        case Play(stream_id=stream_id, name=name):
            return [PlayStarted(stream_id, name)]
    return []


def test_rtmp_asks_to_play_and_plays_with_the_first_frame() -> None:
    made = RtmpOpening(Target.parse("rtmp://host/app/cat"), ENTROPY)
    server = Connection(Role.SERVER, entropy=ENTROPY)
    heard = converse(made, server)
    connect, *_, play = (e for e in heard if not isinstance(e, events.HandshakeCompleted))
    assert isinstance(connect, events.ConnectRequest)
    assert (connect.app, connect.tc_url) == ("app", "rtmp://host:1935/app")
    assert play == Play(3.0, 3, "cat", -1.0)
    assert (made.accepted, made.playing) == (True, False)
    made.receive(server.send(events.MediaMessage(Kind.VIDEO, 3, 0, b"\x17\x01\0\0\0")))
    assert made.playing


def test_rtmp_shows_life_by_an_acknowledgement_that_a_server_can_read() -> None:
    made = RtmpOpening(Target.parse("rtmp://host/app/cat"), ENTROPY)
    server = Connection(Role.SERVER, entropy=ENTROPY)
    converse(made, server)
    server.receive_data(made.sign_of_life(2**32 + 5))
    assert server.next_event() is NEED_DATA


def test_rtmp_is_refused_with_the_servers_code() -> None:
    made = RtmpOpening(Target.parse("rtmp://host/app/cat"), ENTROPY)
    server = Connection(Role.SERVER, entropy=ENTROPY)
    converse(made, server)
    with pytest.raises(NotServed, match=r"NetStream\.Play\.StreamNotFound"):
        made.receive(
            server.send(events.Status(3, "error", "NetStream.Play.StreamNotFound", "no such"))
        )
