"""WebSockets with a real peer (wsproto's client) and with clients that no library would be."""

import gc
import struct
import tracemalloc
from collections.abc import Sequence

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.http_client import ACCEPT_TOKEN, UPGRADE, make_request, masked_frame, splits
from wsproto import ConnectionType, WSConnection, events
from wsproto.frame_protocol import FrameProtocol

from relay.errors import LocalProtocolError, RemoteProtocolError
from relay.http.connection import HttpConnection
from relay.http.errors import HttpError
from relay.http.frame import binary_frame, close_frame, ping_frame, text_frame
from relay.http.request import Request
from relay.http.request_head import HttpLimits
from relay.http.signals import NEED_DATA, Signal
from relay.http.websocket import (
    BinaryMessage,
    CloseReceived,
    Event,
    PingReceived,
    PongReceived,
    TextMessage,
    WebSocketConnection,
)

LIMIT = 300
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


def opened(trailing: bytes = b"") -> WebSocketConnection:
    socket = WebSocketConnection(LIMIT)
    socket.accept(make_request("GET", "/live/a.mp4", *UPGRADE), trailing=trailing)
    return socket


def read_events(socket: WebSocketConnection, pieces: Sequence[bytes]) -> list[Event]:
    got = []
    for piece in pieces:
        socket.receive_data(piece)
        while not isinstance(event := socket.next_event(), Signal):
            got.append(event)
    return got


def failure(wire: bytes) -> RemoteProtocolError:
    """The error that `wire` causes, the same however it arrives."""
    errors = []
    for pieces in splits(wire):
        with pytest.raises(RemoteProtocolError) as caught:
            read_events(opened(), pieces)
        errors.append(caught.value)
    assert len({error.reply for error in errors}) == 1
    return errors[0]


def close_code(frame: bytes) -> int:
    assert frame[:1] == b"\x88"
    return int(struct.unpack_from("!H", frame, 2)[0])


# --- the handshake ---


def test_the_handshake_of_the_specification() -> None:
    socket = WebSocketConnection(LIMIT)
    answer = socket.accept(make_request("GET", "/chat", *UPGRADE))
    lines = answer.decode().split("\r\n")
    assert lines[0] == "HTTP/1.1 101 Switching Protocols"
    assert set(lines[1:]) == {
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Accept: {ACCEPT_TOKEN}",
        "",
    }


@pytest.mark.parametrize(
    ("ours", "offered", "chosen"),
    [
        (("b", "a"), "a, b", "b"),
        (("a",), "c,\ta ", "a"),
        (("a",), "A", None),
        (("a",), None, None),
        ((), "a", None),
    ],
)
def test_our_first_subprotocol_that_the_client_offers(
    ours: tuple[str, ...], offered: str | None, chosen: str | None
) -> None:
    more = () if offered is None else (("Sec-WebSocket-Protocol", offered),)
    socket = WebSocketConnection(LIMIT)
    answer = socket.accept(make_request("GET", "/", *UPGRADE, *more), subprotocols=ours)
    assert socket.subprotocol == chosen
    assert (b"Sec-WebSocket-Protocol: " in answer) is (chosen is not None)


def test_a_required_subprotocol_is_required() -> None:
    with pytest.raises(HttpError) as caught:
        WebSocketConnection(LIMIT).accept(
            make_request("GET", "/", *UPGRADE), subprotocols=("relay.fmp4.1",), required=True
        )
    assert (caught.value.status, caught.value.detail) == (400, "offer the subprotocol relay.fmp4.1")


def test_no_extension_is_taken() -> None:
    offer = ("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits")
    answer = WebSocketConnection(LIMIT).accept(make_request("GET", "/", *UPGRADE, offer))
    assert b"xtensions" not in answer


def upgrade_with(**changes: str) -> Request:
    fields = {name.lower(): value for name, value in UPGRADE}
    fields |= {name.replace("_", "-"): value for name, value in changes.items()}
    return make_request("GET", "/", *((name, value) for name, value in fields.items() if value))


REFUSED = {
    "no upgrade": (make_request("GET", "/"), 426),
    "another upgrade": (upgrade_with(upgrade="h2c"), 426),
    "old version": (upgrade_with(sec_websocket_version="8"), 426),
    "no version": (upgrade_with(sec_websocket_version=""), 426),
    "not connected": (upgrade_with(connection="keep-alive"), 400),
    "no key": (upgrade_with(sec_websocket_key=""), 400),
    "short key": (upgrade_with(sec_websocket_key="YQ=="), 400),
    "bad key": (upgrade_with(sec_websocket_key="dGhlIHNhbXBsZSBub25j*Q=="), 400),
    "POST": (make_request("POST", "/", *UPGRADE), 400),
    "HTTP/1.0": (make_request("GET", "/", *UPGRADE, version="1.0"), 400),
    "a body": (attrs.evolve(make_request("GET", "/", *UPGRADE), body=b"x"), 400),
}


@pytest.mark.parametrize(("request_", "status"), REFUSED.values(), ids=REFUSED)
def test_a_bad_upgrade_is_refused_in_http(request_: Request, status: int) -> None:
    with pytest.raises(HttpError) as caught:
        WebSocketConnection(LIMIT).accept(request_)
    assert caught.value.status == status
    if status == 426:
        assert ("Sec-WebSocket-Version", "13") in caught.value.headers
        assert ("Upgrade", "websocket") in caught.value.headers


def test_a_websocket_is_accepted_once() -> None:
    with pytest.raises(LocalProtocolError):
        opened().accept(make_request("GET", "/", *UPGRADE))


def test_a_real_client_talks_to_us_through_both_connections() -> None:
    client = WSConnection(ConnectionType.CLIENT)
    http = HttpConnection(HttpLimits())
    http.receive_data(
        client.send(events.Request("relay.example", "/live/a.mp4", subprotocols=["x", "y"]))
    )
    request = http.next_request()
    assert isinstance(request, Request)
    assert request.wants_upgrade_to_websocket
    socket = WebSocketConnection(LIMIT)
    client.receive_data(socket.accept(request, subprotocols=("y",), trailing=http.trailing_data()))
    (accepted,) = client.events()
    assert isinstance(accepted, events.AcceptConnection)
    assert accepted.subprotocol == "y"

    socket.receive_data(client.send(events.TextMessage("grüezi")))
    assert socket.next_event() == TextMessage("grüezi")
    for payload in (b"", b"a" * 125, b"b" * 126, b"c" * 65535, b"d" * 65536):
        client.receive_data(binary_frame(payload))
        pieces = [event for event in client.events() if isinstance(event, events.BytesMessage)]
        assert b"".join(piece.data for piece in pieces) == payload
    client.receive_data(text_frame("héllo") + socket.ping(b"123"))
    assert list(client.events()) == [events.TextMessage("héllo"), events.Ping(b"123")]
    socket.receive_data(client.send(events.Pong(b"123")))
    assert socket.next_event() == PongReceived(b"123")

    client.receive_data(socket.close(4004, "the broadcast has ended"))
    (closed,) = client.events()
    assert closed == events.CloseConnection(4004, "the broadcast has ended")
    socket.receive_data(client.send(closed.response()))
    assert socket.next_event() == CloseReceived(4004, "the broadcast has ended", b"")


# --- messages ---

WHOLE = {
    "text": (masked_frame(TEXT, b"abc"), [TextMessage("abc")]),
    "text with a long header": (masked_frame(TEXT, b"a" * 126), [TextMessage("a" * 126)]),
    "as large a text as allowed": (masked_frame(TEXT, b"a" * LIMIT), [TextMessage("a" * LIMIT)]),
    "text before and behind others": (
        masked_frame(TEXT, b"a") + masked_frame(PONG, b"q") + masked_frame(TEXT, "ä".encode()),
        [TextMessage("a"), PongReceived(b"q"), TextMessage("ä")],
    ),
    "empty text": (masked_frame(TEXT), [TextMessage("")]),
    "binary": (masked_frame(BINARY, b"\x00\xff"), [BinaryMessage(b"\x00\xff")]),
    "binary with a long header": (masked_frame(BINARY, bytes(200)), [BinaryMessage(bytes(200))]),
    "as large as allowed": (masked_frame(BINARY, bytes(LIMIT)), [BinaryMessage(bytes(LIMIT))]),
    "fragments": (
        masked_frame(TEXT, b"ab", fin=False)
        + masked_frame(CONTINUATION, b"", fin=False)
        + masked_frame(CONTINUATION, b"cd"),
        [TextMessage("abcd")],
    ),
    "a character cut in two": (
        masked_frame(TEXT, b"\xc3", fin=False) + masked_frame(CONTINUATION, b"\xa4"),
        [TextMessage("ä")],
    ),
    "control frames between fragments": (
        masked_frame(BINARY, b"a", fin=False)
        + masked_frame(PING, b"p")
        + masked_frame(PONG, b"q")
        + masked_frame(CONTINUATION, b"b"),
        [PingReceived(b"p", b"\x8a\x01p"), PongReceived(b"q"), BinaryMessage(b"ab")],
    ),
    "two messages": (
        masked_frame(TEXT, b"a") + masked_frame(TEXT, b"b"),
        [TextMessage("a"), TextMessage("b")],
    ),
    "close": (
        masked_frame(CLOSE, b"\x03\xe9going"),
        [CloseReceived(1001, "going", b"\x88\x02\x03\xe9")],
    ),
    "close without a code": (masked_frame(CLOSE), [CloseReceived(1005, "", b"\x88\x00")]),
    "nothing is read after a close": (
        masked_frame(CLOSE, b"\x03\xe8") + masked_frame(3, b"garbage"),
        [CloseReceived(1000, "", b"\x88\x02\x03\xe8")],
    ),
}


@pytest.mark.parametrize(("wire", "expected"), WHOLE.values(), ids=WHOLE)
def test_messages_are_whole_however_they_arrive(wire: bytes, expected: list[Event]) -> None:
    for pieces in splits(wire):
        assert read_events(opened(), pieces) == expected


def test_frames_behind_the_upgrade_request_are_read() -> None:
    assert opened(masked_frame(TEXT, b"early")).next_event() == TextMessage("early")


BROKEN = {
    "not masked": (binary_frame(b"abc"), 1002),
    "a text that is not masked": (text_frame("abc"), 1002),
    "reserved bit 1, as of a compressed frame": (masked_frame(TEXT, b"a", reserved=4), 1002),
    "reserved bit 2": (masked_frame(TEXT, b"a", reserved=2), 1002),
    "reserved bit 3": (masked_frame(TEXT, b"a", reserved=1), 1002),
    "reserved opcode": (masked_frame(3, b"a"), 1002),
    "reserved control opcode": (masked_frame(11, b"a"), 1002),
    "continuation of nothing": (masked_frame(CONTINUATION, b"a"), 1002),
    "a message within a message": (
        masked_frame(TEXT, b"a", fin=False) + masked_frame(TEXT, b"a"),
        1002,
    ),
    "fragmented ping": (masked_frame(PING, b"a", fin=False), 1002),
    "long ping": (masked_frame(PING, bytes(126)), 1002),
    "long close": (masked_frame(CLOSE, b"\x03\xe8" + bytes(124)), 1002),
    "close with half a code": (masked_frame(CLOSE, b"\x03"), 1002),
    "close with a code never sent": (masked_frame(CLOSE, b"\x03\xee"), 1002),
    "close with a reserved code": (masked_frame(CLOSE, b"\x03\xec"), 1002),
    "close with code 999": (masked_frame(CLOSE, b"\x03\xe7"), 1002),
    "close with code 5000": (masked_frame(CLOSE, b"\x13\x88"), 1002),
    "close with bad UTF-8": (masked_frame(CLOSE, b"\x03\xe8\xff"), 1007),
    "bad UTF-8": (masked_frame(TEXT, b"\xff"), 1007),
    "a surrogate": (masked_frame(TEXT, b"\xed\xa0\x80"), 1007),
    "UTF-8 cut short": (masked_frame(TEXT, b"\xc3"), 1007),
    "bad UTF-8 in a fragment": (masked_frame(TEXT, b"\xff", fin=False), 1007),
    "a length that is not the shortest": (b"\x82\xfe\x00\x05" + bytes(9), 1002),
    "a length of a text that is not the shortest": (b"\x81\xfe\x00\x05" + bytes(9), 1002),
    "too large a text by a byte": (masked_frame(TEXT, bytes(LIMIT + 1)), 1009),
    "a long length that is not the shortest": (b"\x82\xff" + struct.pack("!Q", 5) + bytes(9), 1002),
    "a length of 2^63": (masked_frame(BINARY, b"a", claim=1 << 63), 1002),
    "too large by a byte": (masked_frame(BINARY, bytes(LIMIT + 1)), 1009),
    "too large in fragments": (
        masked_frame(BINARY, bytes(LIMIT), fin=False) + masked_frame(CONTINUATION, b"a"),
        1009,
    ),
    "too large in UTF-8": (masked_frame(TEXT, "ä".encode() * (LIMIT // 2 + 1)), 1009),
    "too large by its claim": (masked_frame(BINARY, bytes(LIMIT + 1), claim=1 << 62), 1009),
}


@pytest.mark.parametrize(("wire", "code"), BROKEN.values(), ids=BROKEN)
def test_a_broken_frame_is_answered_with_its_close_code(wire: bytes, code: int) -> None:
    error = failure(wire)
    assert close_code(error.reply) == code
    assert str(error)


def test_nothing_is_read_after_an_error() -> None:
    socket = opened(masked_frame(3))
    with pytest.raises(RemoteProtocolError):
        socket.next_event()
    assert socket.is_finished
    tracemalloc.start()
    for _ in range(100):
        socket.receive_data(bytes(10_000))
        assert socket.next_event() is NEED_DATA
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 50_000
    assert (socket.ping(), socket.close(1000)) == (b"", b"")


def test_a_frame_that_never_ends_is_not_kept() -> None:
    socket = opened(masked_frame(BINARY, b"", claim=1 << 62))
    assert read_events(socket, [bytes(100)] * 3) == []
    with pytest.raises(RemoteProtocolError):
        read_events(socket, [b"\x00"])


def test_empty_fragments_without_end_cost_no_memory() -> None:
    socket = opened(masked_frame(BINARY, b"", fin=False))
    flood = masked_frame(CONTINUATION, b"", fin=False) * 100
    read_events(socket, [flood])
    tracemalloc.start()
    read_events(socket, [flood] * 20)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 10_000


# --- closing ---


def test_our_close_goes_out_once_and_silences_us() -> None:
    socket = opened()
    assert close_code(socket.close(1001)) == 1001
    assert (socket.close(1002), socket.ping()) == (b"", b"")
    wire = masked_frame(PING, b"x") + masked_frame(CLOSE, b"\x03\xe9")
    assert read_events(socket, [wire]) == [PingReceived(b"x", b""), CloseReceived(1001, "", b"")]
    assert socket.is_finished


def test_an_error_after_our_close_needs_no_second_close() -> None:
    socket = opened()
    socket.close(1000)
    socket.receive_data(masked_frame(3))
    with pytest.raises(RemoteProtocolError) as caught:
        socket.next_event()
    assert caught.value.reply == b""


def test_a_close_reason_is_cut_between_characters() -> None:
    frame = close_frame(4000, "ä" * 100)
    assert frame[1] == 2 + 122
    assert frame[4:].decode() == "ä" * 61


@pytest.mark.parametrize("code", [1005, 1006, 1015])
def test_codes_that_only_describe_never_go_out(code: int) -> None:
    assert close_frame(code, "why") == b"\x88\x00"


def test_a_control_frame_holds_125_bytes() -> None:
    assert len(ping_frame(bytes(125))) == 127
    with pytest.raises(LocalProtocolError):
        ping_frame(bytes(126))


FRAMES = st.builds(
    masked_frame,
    st.integers(0, 15),
    st.binary(max_size=140),
    fin=st.booleans(),
    reserved=st.sampled_from([0, 0, 0, 1, 4]),
    claim=st.sampled_from([-1, -1, -1, 0, 5, 70000, 1 << 62, (1 << 64) - 1]),
)


def last_words(pieces: Sequence[bytes]) -> bytes | None:
    """The close frame that `pieces` earn, or None."""
    try:
        read_events(opened(), pieces)
    except RemoteProtocolError as error:
        return error.reply
    return None


@given(st.lists(FRAMES | st.binary(max_size=30), max_size=8), st.integers(1, 100))
def test_garbage_gives_events_or_a_protocol_error(frames: list[bytes], size: int) -> None:
    wire = b"".join(frames)
    reply = last_words([wire[start : start + size] for start in range(0, len(wire), size)])
    assert reply is None or close_code(reply) in (1002, 1007, 1009)


# --- memory of who says nothing ---


def has_parser(socket: WebSocketConnection) -> bool:
    return any(isinstance(held, FrameProtocol) for held in gc.get_referents(socket))


IN_ONE_PIECE = [
    masked_frame(PONG),
    masked_frame(PING, b"are you there"),
    masked_frame(TEXT, "größe".encode() * 20),
    masked_frame(BINARY, bytes(LIMIT)),
]


@pytest.mark.parametrize("wire", [*IN_ONE_PIECE, b"".join(IN_ONE_PIECE)])
def test_who_has_nothing_under_way_has_no_parser(wire: bytes) -> None:
    socket = opened()
    assert not has_parser(socket)
    for _ in range(3):
        read_events(socket, [wire])
        assert not has_parser(socket)


@pytest.mark.parametrize("frame", IN_ONE_PIECE)
def test_the_parser_stays_while_something_is_under_way(frame: bytes) -> None:
    for cut in range(1, len(frame)):
        socket = opened()
        assert read_events(socket, [masked_frame(PONG) + frame[:cut]]) == [PongReceived(b"")]
        assert has_parser(socket)
        assert len(read_events(socket, [frame[cut:] + masked_frame(PONG)])) == 2


def test_a_fragmented_message_keeps_its_parser_between_the_fragments() -> None:
    socket = opened()
    for first in (b"", b"a"):
        assert read_events(socket, [masked_frame(TEXT, first, fin=False)]) == []
        assert has_parser(socket)
        assert read_events(socket, [masked_frame(PONG)]) == [PongReceived(b"")]
        assert has_parser(socket)
        got = read_events(socket, [masked_frame(CONTINUATION, b"b")])
        assert got == [TextMessage((first + b"b").decode())]
