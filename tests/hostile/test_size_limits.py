"""Whatever a peer sends too much of, it gets the clearest refusal that its protocol has."""

import struct
from pathlib import Path

import pytest
import trio
import trio.testing
from support.hostile import (
    CONFIGURATIONS,
    FLV_WS,
    HELLO,
    MP4_WS,
    TAGS,
    Peer,
    publish_bytes,
    site,
)
from support.http_client import masked_frame, read_answers, request_bytes
from support.memory import in_virtual_time
from support.rtmp_bytes import PLAIN_CLIENT, chunk, command, message

from relay.config import Limits

SMALL = Limits(
    http_header_bytes=256,
    http_target_bytes=64,
    http_body_bytes=32,
    ws_message_bytes=64,
    rtmp_message_bytes=4096,
    rtmp_chunk_streams=8,
    amf_bytes=1024,
    amf_depth=4,
)

REQUESTS = [
    ("header", request_bytes("GET", "/", ("X", "a" * 300)), 431),
    ("never-ending header", b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 400, 431),
    ("many headers", request_bytes("GET", "/", *[("X", "")] * 200), 431),
    ("target", request_bytes("GET", "/" + "a" * 65), 414),
    ("never-ending target", b"GET /" + b"a" * 400, 414),
    ("body", request_bytes("GET", "/", ("Content-Length", "33")), 413),
    ("huge body", request_bytes("GET", "/", ("Content-Length", "9" * 18)), 413),
    (
        "never-ending body",
        request_bytes("GET", "/", ("Transfer-Encoding", "chunked"))
        + b"10\r\n"
        + bytes(16)
        + b"\r\n20\r\n"
        + bytes(32),
        413,
    ),
    ("unknown method", request_bytes("BREW", "/"), 501),
    ("no HTTP", b"\x16\x03\x01\x02\x00\x01", 400),
    ("RTMP", PLAIN_CLIENT, 400),
]


@pytest.mark.parametrize(
    ("data", "status"), [case[1:] for case in REQUESTS], ids=[c[0] for c in REQUESTS]
)
@in_virtual_time
async def test_a_request_too_big_is_refused_and_the_connection_closed(
    data: bytes, status: int, tmp_path: Path
) -> None:
    async with site(tmp_path, SMALL) as here:
        peer = await here.say("http", data)
        (answer,) = read_answers(await peer.hear_all(), "GET")
        assert answer.status == status
        assert answer.headers["connection"] == "close"
        await trio.testing.wait_all_tasks_blocked()
        assert here.ended() == ["protocol_error"]


FRAMES = [
    ("message", masked_frame(1, b"x" * 65), 1009),
    ("claim of an exabyte", masked_frame(2, b"x" * 65, claim=1 << 60), 1009),
    ("fragments", masked_frame(1, b"x" * 40, fin=False) + masked_frame(0, b"x" * 40), 1009),
    ("unmasked", b"\x81\x02hi", 1002),
    ("reserved bits", masked_frame(1, b"{}", reserved=4), 1002),
    ("long ping", masked_frame(9, b"x" * 126), 1002),
    ("unknown opcode", masked_frame(3, b""), 1002),
    ("broken UTF-8", masked_frame(1, b"\xff\xfe"), 1007),
    ("not JSON", masked_frame(1, b"{"), 1002),
    ("nested JSON", masked_frame(1, b"[" * 60), 1002),
    ("big number", masked_frame(1, b'{"type": "clock", "id": 1e999}'), None),
    ("infinity", masked_frame(1, b'{"type": "clock", "id": Infinity}'), None),
]


@pytest.mark.parametrize(
    ("data", "code"), [case[1:] for case in FRAMES], ids=[c[0] for c in FRAMES]
)
@in_virtual_time
async def test_a_frame_that_breaks_the_rules_closes_with_a_code(
    data: bytes, code: int | None, tmp_path: Path
) -> None:
    async with site(tmp_path, SMALL) as here:
        peer = await here.say("http", MP4_WS)
        await peer.hear_until(b"offline")
        await peer.say(data)
        if code is None:
            await trio.testing.wait_all_tasks_blocked()
            assert here.ended() == []
            return
        heard = await peer.hear_all()
        assert heard[:1] == b"\x88"
        assert struct.unpack("!H", heard[2:4]) == (code,)
        await trio.testing.wait_all_tasks_blocked()
        assert here.ended() == ["protocol_error"]


@in_virtual_time
async def test_a_viewer_of_flv_may_say_nothing_too_big_either(tmp_path: Path) -> None:
    async with site(tmp_path, SMALL) as here:
        await here.publish("cat")
        peer = await here.say("http", FLV_WS)
        await peer.hear_until(b"FLV")
        await peer.say(masked_frame(2, b"x" * 65))
        heard = await peer.hear_all()
        assert struct.pack("!H", 1009) in heard


NESTED = b"\x03\x00\x01a" * 6 + b"\x05" + b"\x00\x00\x09" * 6
BEFORE_PUBLISH = [
    ("chunk streams", b"".join(chunk(0, 3 + n, length=10) for n in range(10))),
    ("AMF depth", message(b"\x02\x00\x01x" + bytes(9) + NESTED)),
    ("AMF bytes", command("x" * 1100)),
    ("AMF length", message(b"\x0c\xff\xff\xff\xff" + bytes(200))),
    ("AMF that ends early", message(b"\x02\xff\xff" + bytes(200))),
    ("AMF array", message(b"\x02\x00\x01x" + bytes(9) + b"\x0a\xff\xff\xff\xff")),
    ("picture before publish", chunk(0, 6, length=4096, type_id=9)),
    ("big message", chunk(0, 6, length=4097, type_id=9)),
    ("chunk size 0", chunk(0, 2, bytes(4), type_id=1, stream_id=0)),
    ("no header", b"\xc5"),
]


@pytest.mark.parametrize(
    "data", [case[1] for case in BEFORE_PUBLISH], ids=[c[0] for c in BEFORE_PUBLISH]
)
@in_virtual_time
async def test_an_encoder_that_breaks_the_rules_is_refused_before_publish(
    data: bytes, tmp_path: Path
) -> None:
    async with site(tmp_path, SMALL) as here:
        peer = await here.say("rtmp", PLAIN_CLIENT)
        await trio.testing.wait_all_tasks_blocked()
        await peer.say(data)
        heard = await peer.hear_all()
        assert b"NetConnection.Connect.Rejected" in heard
        await trio.testing.wait_all_tasks_blocked()
        assert here.ended() == ["protocol_error"]


NEVER_ENDING = message(b"\x02\x00\x0donMetaData\x08" + b"\x00\x01a\x01\x00" * 100, type_id=18)


@in_virtual_time
async def test_metadata_without_an_end_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    async with site(tmp_path, SMALL) as here:
        peer = await here.publish("cat")
        await peer.say(NEVER_ENDING * 20)
        await trio.testing.wait_all_tasks_blocked()
        assert here.ended() == []


@in_virtual_time
async def test_a_publishers_message_is_bounded(tmp_path: Path) -> None:
    async with site(tmp_path, SMALL) as here:
        peer = await here.publish("cat")
        await peer.say(chunk(0, 6, length=4097, type_id=9))
        assert b"NetStream.Publish.Rejected" in await peer.hear_all()


@pytest.mark.parametrize("name", ["x" * 1000, "a" * 129, "../../etc/passwd", "ä" * 9, "", "a\r\nb"])
@in_virtual_time
async def test_a_name_that_cannot_be_one_is_refused(name: str, tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        peer = await here.say("rtmp", HELLO + publish_bytes(name))
        assert b"NetStream.Publish.Denied" in await peer.hear_all()
        await trio.testing.wait_all_tasks_blocked()
        assert here.ended() == ["invalid_name"]
        assert here.services.stage.broadcasts() == []


@in_virtual_time
async def test_a_publisher_above_the_bitrate_is_told_so(tmp_path: Path) -> None:
    second = TAGS[2] * 10
    async with site(tmp_path, Limits(publisher_bits_per_s=10_000)) as here:
        peer = await here.say("rtmp", HELLO + publish_bytes("cat") + CONFIGURATIONS)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_send_every_second, peer, second)
            assert b"the bitrate is above" in await peer.hear_all()
            nursery.cancel_scope.cancel()
    assert here.ended() == ["bitrate_too_high"]


async def _send_every_second(peer: Peer, data: bytes) -> None:
    for _ in range(60):
        await peer.say(data)
        await trio.sleep(1)
