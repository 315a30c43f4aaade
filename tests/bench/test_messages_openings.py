"""How subscribers and publishers introduce themselves, without a network."""

import json
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey
from wsproto.frame_protocol import FrameProtocol

from relay.bench.messages_dialects import read_secret, signed
from relay.bench.messages_openings import CentrifugoOpening, PlainOpening, Seat, Upgrade
from relay.bench.messages_publishing import CentrifugoDoor, PostDoor
from relay.bench.messages_stamps import read_frames
from relay.bench.openings import NotServed
from relay.bench.targets import Target
from relay.errors import ConfigError
from relay.http.frame import text_frame

TARGET = Target.parse("ws://localhost:8080/connection/websocket")
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"


def said(data: bytes) -> list[Any]:
    """The commands in a client's frames, read by somebody else's parser."""
    server = FrameProtocol(client=False, extensions=[])
    server.receive_bytes(data)
    return [json.loads(str(frame.payload)) for frame in server.received_frames()]


def opening(seat: Seat, token: str = "") -> CentrifugoOpening:
    return CentrifugoOpening(TARGET, bytes(16), "bench-0", token, seat)


def test_a_subscriber_connects_and_subscribes_one_after_the_other() -> None:
    seat = Seat()
    one = opening(seat, token="ey.t.s")
    assert one.hello().startswith(b"GET /connection/websocket HTTP/1.1\r\n")
    assert said(one.upgraded()) == [{"id": 1, "connect": {"token": "ey.t.s"}}]
    answer = one.receive(read_frames(text_frame('{"id":1,"connect":{"client":"c"}}')))
    assert said(answer) == [{"id": 2, "subscribe": {"channel": "bench-0"}}]
    assert not one.is_open
    one.receive(read_frames(text_frame('{"id":2,"subscribe":{"epoch":"e","offset":41}}')))
    assert (one.is_open, one.is_recovered) == (True, False)
    assert seat == Seat("e", 41)


def test_who_comes_back_says_where_it_stood() -> None:
    one = opening(Seat("e", 0))
    answer = one.receive(read_frames(text_frame('{"id":1,"connect":{}}')))
    (command,) = said(answer)
    wanted = {"channel": "bench-0", "recover": True, "epoch": "e", "offset": 0}
    assert command["subscribe"] == wanted
    reply = '{"id":2,"subscribe":{"epoch":"e","offset":3,"recovered":true}}'
    one.receive(read_frames(text_frame(reply)))
    assert one.is_recovered


def test_who_is_refused_says_why() -> None:
    reply = '{"id":1,"error":{"code":101,"message":"unauthorized"}}'
    with pytest.raises(NotServed, match="101: unauthorized"):
        opening(Seat()).receive(read_frames(text_frame(reply)))


def test_a_long_token_fits_into_a_frame() -> None:
    (command,) = said(opening(Seat(), token="t" * 3000).upgraded())
    assert len(command["connect"]["token"]) == 3000


def test_a_plain_websocket_is_open_when_it_is_upgraded() -> None:
    plain = PlainOpening(TARGET, bytes(16))
    assert (plain.upgraded(), plain.is_open) == (b"", True)


def test_an_upgrade_may_come_in_pieces_and_may_be_refused() -> None:
    whole = SWITCHED + b"frames"
    for cut in range(len(SWITCHED) - 1):
        upgrade = Upgrade()
        assert upgrade.receive(whole[:cut]) is None
        assert upgrade.receive(whole[cut:]) == b"frames"
    with pytest.raises(NotServed, match="404"):
        Upgrade().receive(b"HTTP/1.1 404 Not Found\r\n\r\n")


def test_a_publication_is_a_command_and_its_reply_an_outcome() -> None:
    door = CentrifugoDoor("bench-%")
    first, second = (said(door.message(3, b'"data"'))[0] for _ in range(2))
    assert first["publish"] == {"channel": "bench-3", "data": "data"}
    assert second["id"] == first["id"] + 1
    replies = text_frame('{"id":11,"publish":{}}\n{"id":12,"error":{"code":1,"message":"no"}}')
    assert door.receive(replies[:9]) == ([], b"")
    assert door.receive(replies[9:]) == (["", "no"], b"")


def test_a_post_is_a_request_and_its_answer_an_outcome() -> None:
    door = PostDoor("http://localhost:8090/pub?id=%")
    head, _, body = door.message(3, b'"data"').partition(b"\r\n\r\n")
    assert head.startswith(b"POST /pub?id=3 HTTP/1.1\r\nHost: localhost:8090\r\n")
    assert head.endswith(b"Content-Length: 6")
    assert body == b'"data"'
    answers = (
        b"HTTP/1.1 201 Created\r\nContent-Length: 3\r\n\r\nyes"
        b"HTTP/1.1 507 Full\r\nContent-Length: 0\r\n\r\n"
    )
    found = [outcome for byte in answers for outcome in door.receive(bytes((byte,)))[0]]
    assert found == ["", "HTTP 507"]


def test_a_token_is_what_anybody_else_would_sign() -> None:
    secret = "s" * 32
    token = jwt.decode(signed({"sub": "bench-1"}, secret), OctKey.import_key(secret))
    assert token.claims == {"sub": "bench-1"}


def test_a_secret_that_cannot_be_read_is_a_mistake_of_the_command_line() -> None:
    assert read_secret("") == ""
    with pytest.raises(ConfigError, match="/nowhere"):
        read_secret("/nowhere")
