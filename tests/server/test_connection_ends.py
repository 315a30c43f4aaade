"""Each way in which a connection ends has one reason, in the log and in the metric."""

from pathlib import Path

import pytest
import trio.testing
from support.hostile import FLV_WS, HELLO, MP4_WS, publish_bytes, site
from support.http_client import masked_frame, request_bytes
from support.memory import in_virtual_time
from support.rtmp_bytes import command

from relay.reasons import Reason

FLV = request_bytes("GET", "/live/cat.flv")
STOP = command("deleteStream", 0.0, None, 1.0)
CLOSE = masked_frame(8, b"\x03\xe8")
ONCE = request_bytes("GET", "/healthz", ("Connection", "close"))

PEERS = [
    ("http", b"", "peer_closed"),
    ("http", ONCE, "served"),
    ("http", request_bytes("GET", "/nothing", ("Connection", "close")), "served"),
    ("http", request_bytes("HEAD", "/live/cat.flv"), "served"),
    ("http", FLV, "peer_closed"),
    ("http", FLV_WS, "peer_closed"),
    ("http", MP4_WS + CLOSE, "peer_closed"),
    ("http", b"GET", "protocol_error"),
    ("rtmp", b"", "peer_closed"),
    ("rtmp", HELLO, "peer_closed"),
    ("rtmp", HELLO + publish_bytes("dog"), "peer_closed"),
    ("rtmp", HELLO + publish_bytes("dog") + STOP, "publisher_stopped"),
    ("rtmp", HELLO + command("play", 4.0, None, "cat", stream_id=1), "peer_closed"),
    ("rtmp", HELLO + command("play", 4.0, None, "dog", stream_id=1), "not_live"),
    ("rtmp", b"GET / HTTP/1.1\r\n\r\n", "protocol_error"),
]


@pytest.mark.parametrize(("door", "data", "reason"), PEERS)
@in_virtual_time
async def test_a_peer_that_says_something_and_goes(
    door: str, data: bytes, reason: str, tmp_path: Path
) -> None:
    async with site(tmp_path) as here:
        await here.publish("cat")
        peer = await here.say(door, data)
        await trio.testing.wait_all_tasks_blocked()
        peer.wire.finish()
        await peer.hear_all()
        await trio.testing.wait_all_tasks_blocked()
        assert here.ended() == [reason]
        tally = here.server.statistics().tally
        assert {r.label for _, r in tally.connections} == {reason}


@pytest.mark.parametrize("data", [b"", b"GET", FLV, FLV_WS, MP4_WS])
@in_virtual_time
async def test_a_peer_that_resets(data: bytes, tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        await here.publish("cat")
        peer = await here.say("http", data)
        await trio.testing.wait_all_tasks_blocked()
        peer.wire.abort()
        await trio.testing.wait_all_tasks_blocked()
        assert here.ended() == ["peer_lost"]


@in_virtual_time
async def test_viewers_are_told_when_the_operator_ends_a_broadcast(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        encoder = await here.publish("cat")
        viewer = await here.say("http", FLV_WS)
        await viewer.hear_until(b"FLV")
        broadcast = here.services.stage.broadcast("live/cat")
        assert broadcast is not None
        broadcast.end(Reason.KICKED)
        assert b"the broadcast has ended" in await viewer.hear_all()
        assert b"the operator ended this publication" in await encoder.hear_all()
        await trio.testing.wait_all_tasks_blocked()
        assert sorted(here.ended()) == ["broadcast_ended", "kicked"]


@in_virtual_time
async def test_one_log_line_says_it_all(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        await here.publish("cat")
        viewer = await here.say("http", FLV)
        await viewer.hear_until(b"FLV")
        viewer.wire.close()
        await trio.testing.wait_all_tasks_blocked()
        (line,) = [line for line in here.logged if line["event"] == "connection ended"]
        assert line["stream"] == "live/cat"
        assert line["format"] == "flv"
        assert line["received_bytes"] == len(FLV)
        assert line["sent_bytes"] > 8000
        assert (line["skipped_packets"], line["gaps"]) == (0, 0)
