"""Every wait for a peer has an end, with a name."""

from pathlib import Path

import pytest
import trio
import trio.testing
from support.hostile import (
    FLV_WS,
    HELLO,
    MP4_WS,
    TAGS,
    Peer,
    publish_bytes,
    site,
)
from support.http_client import masked_frame, read_answers, request_bytes
from support.memory import Faults, in_virtual_time
from support.rtmp_bytes import CREATE_STREAM, PLAIN_CLIENT, command, control

from relay.config import Limits

PING, PONG = 0x89, 0xA

QUIET = [
    ("rtmp", b"", 10, "handshake_timeout"),
    ("rtmp", b"\x03", 10, "handshake_timeout"),
    ("rtmp", PLAIN_CLIENT[:2000], 10, "handshake_timeout"),
    ("rtmp", PLAIN_CLIENT, 10, "handshake_timeout"),
    ("rtmp", HELLO, 10, "handshake_timeout"),
    ("rtmp", HELLO + publish_bytes("cat"), 10, "first_packet_timeout"),
    ("http", b"", 60, "idle_timeout"),
    ("http", b"GET / HT", 10, "request_timeout"),
    ("http", request_bytes("GET", "/", ("Content-Length", "5")) + b"1234", 10, "request_timeout"),
    ("http", request_bytes("GET", "/healthz"), 60, "idle_timeout"),
    ("http", request_bytes("GET", "/healthz") + b"GET", 10, "request_timeout"),
    ("http", MP4_WS, 50, "ping_timeout"),
]


@pytest.mark.parametrize(("door", "data", "seconds", "reason"), QUIET)
@in_virtual_time
async def test_who_falls_silent_is_let_go(
    door: str, data: bytes, seconds: float, reason: str, tmp_path: Path
) -> None:
    async with site(tmp_path) as here:
        began = trio.current_time()
        peer = await here.say(door, data)
        await peer.hear_all()
        assert trio.current_time() - began == pytest.approx(seconds, abs=0.1)
        await trio.testing.wait_all_tasks_blocked()
        assert here.ended() == [reason]


TRICKLES = [
    ("rtmp", b"", PLAIN_CLIENT, "handshake_timeout"),
    ("rtmp", PLAIN_CLIENT, CREATE_STREAM * 500, "handshake_timeout"),
    ("http", b"GET / HTTP/1.1\r\n", b"a: b\r\n" * 100, "request_timeout"),
    (
        "http",
        request_bytes("GET", "/", ("Content-Length", "900")),
        bytes(900),
        "request_timeout",
    ),
]


@pytest.mark.parametrize(("door", "head", "rest", "reason"), TRICKLES)
@in_virtual_time
async def test_a_byte_now_and_then_buys_no_time(
    door: str, head: bytes, rest: bytes, reason: str, tmp_path: Path
) -> None:
    async with site(tmp_path) as here, trio.open_nursery() as nursery:
        began = trio.current_time()
        peer = await here.say(door, head)
        nursery.start_soon(_trickle, peer, rest)
        await peer.hear_all()
        assert trio.current_time() - began == pytest.approx(10, abs=0.1)
        nursery.cancel_scope.cancel()
    assert here.ended() == [reason]


async def _trickle(peer: Peer, data: bytes) -> None:
    for byte in data:
        await peer.say(bytes((byte,)))
        await trio.sleep(0.5)


@in_virtual_time
async def test_a_publisher_who_falls_silent_is_let_go(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        peer = await here.publish("cat")
        await trio.sleep(5)
        await peer.say(TAGS[-1])
        began = trio.current_time()
        await peer.hear_all()
        assert trio.current_time() - began == pytest.approx(15, abs=0.1)
        await trio.testing.wait_all_tasks_blocked()
        assert here.ended() == ["idle_timeout"]


@in_virtual_time
async def test_a_burst_and_then_silence_is_no_missing_first_packet(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        peer = await here.say("rtmp", HELLO + publish_bytes("cat") + b"".join(TAGS))
        await peer.hear_all()
        await trio.testing.wait_all_tasks_blocked()
        assert here.ended() == ["idle_timeout"]


@in_virtual_time
async def test_a_request_that_takes_too_long_gets_408(tmp_path: Path) -> None:
    async with site(tmp_path, Limits(request_s=1)) as here:
        peer = await here.say("http", b"GET /healthz HTTP/1.1\r\nHost: a")
        (answer,) = read_answers(await peer.hear_all(), "GET")
        assert answer.status == 408


@in_virtual_time
async def test_an_encoder_that_only_pings_is_no_publisher(tmp_path: Path) -> None:
    """Bytes keep a connection alive; only packets that can be decoded keep a publication."""
    ping = control(4, b"\x00\x06" + bytes(4))
    async with site(tmp_path) as here, trio.open_nursery() as nursery:
        peer = await here.say("rtmp", HELLO + publish_bytes("cat"))
        nursery.start_soon(_trickle, peer, ping * 100)
        heard = await peer.hear_all()
        assert b"no H.264 or AAC arrived in time" in heard
        nursery.cancel_scope.cancel()
    assert here.ended() == ["first_packet_timeout"]


@in_virtual_time
async def test_a_viewer_who_answers_pings_stays(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        peer = await here.say("http", MP4_WS)
        heard = await peer.hear_until(b"offline")
        for _ in range(10):
            heard = await peer.hear()
            assert heard[0] == PING
            await peer.say(masked_frame(PONG))
        assert here.ended() == []


@in_virtual_time
async def test_a_viewer_of_a_broadcast_who_never_answers_pings_is_let_go(tmp_path: Path) -> None:
    async with site(tmp_path, Limits(ping_s=2)) as here:
        await here.publish("cat")
        peer = await here.say("http", FLV_WS)
        heard = await peer.hear_all()
        assert b"no pong came back" in heard
        await trio.testing.wait_all_tasks_blocked()
        assert here.ended() == ["ping_timeout"]


@in_virtual_time
async def test_a_client_that_pipelines_and_reads_nothing_is_let_go(tmp_path: Path) -> None:
    async with site(tmp_path, Limits(stalled_s=5)) as here:
        peer = await here.connect("http", faults=Faults(capacity=4096))
        await peer.say(request_bytes("GET", "/") * 1000)
        await trio.testing.wait_all_tasks_blocked()
        (connection,) = here.services.connections
        assert connection.outlet.statistics().writes < 10
        await trio.sleep(6)
        assert here.ended() == ["viewer_stalled"]


@in_virtual_time
async def test_a_peer_that_never_closes_is_waited_for_two_seconds(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        peer = await here.say("http", b"\x00")
        await peer.hear_until(b"400")
        began = trio.current_time()
        while here.services.connections:  # noqa: ASYNC110  # nothing tells of it but the count
            await trio.sleep(0.1)
        assert trio.current_time() - began == pytest.approx(2, abs=0.2)


@in_virtual_time
async def test_a_refused_encoder_cannot_try_for_ever_on_one_connection(tmp_path: Path) -> None:
    async with site(tmp_path, publish="key") as here:
        peer = await here.say("rtmp", HELLO + publish_bytes("wrong") * 50)
        heard = await peer.hear_all()
        assert heard.count(b"NetStream.Publish.Denied") == 1
        await trio.testing.wait_all_tasks_blocked()
        assert here.ended() == ["wrong_key"]


@in_virtual_time
async def test_after_ten_wrong_keys_an_address_waits_a_minute(tmp_path: Path) -> None:
    async with site(tmp_path, publish="key") as here:
        for _ in range(12):
            peer = await here.say("rtmp", HELLO + publish_bytes("wrong"))
            await peer.hear_all()
        other = await here.say("rtmp", HELLO + publish_bytes("wrong"), host="192.0.2.9")
        await other.hear_all()
        await trio.sleep(70)
        later = await here.say("rtmp", HELLO + publish_bytes("wrong"))
        await later.hear_all()
        await trio.testing.wait_all_tasks_blocked()
        wrong, throttled = ["wrong_key"], ["throttled"]
        assert here.ended() == wrong * 10 + throttled * 2 + wrong + wrong


@in_virtual_time
async def test_commands_without_a_publication_buy_no_time(tmp_path: Path) -> None:
    check = command("_checkbw", 4.0, None)
    async with site(tmp_path) as here, trio.open_nursery() as nursery:
        began = trio.current_time()
        peer = await here.say("rtmp", HELLO)
        nursery.start_soon(_trickle, peer, check * 50)
        await peer.hear_all()
        assert trio.current_time() - began == pytest.approx(10, abs=0.1)
        nursery.cancel_scope.cancel()
