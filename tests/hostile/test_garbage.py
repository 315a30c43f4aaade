"""Garbage over real sockets: every connection ends for a named reason, none by our fault."""

import random
import tracemalloc
from pathlib import Path

import pytest
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs
from support.embedded import embedded
from support.hostile import FLV_WS, HELLO, MP4_WS, OUR_FAULT, publish_bytes
from support.http_client import masked_frame, request_bytes
from support.rtmp_bytes import CONNECT, PLAIN_CLIENT, chunk, message
from support.rtmp_captures import CAPTURES

from relay import Server

MEGABYTE = 1 << 20
REQUEST = (
    request_bytes("GET", "/live/cat.mp4", ("Accept", "*/*"), ("Content-Length", "4")) + b"body"
)

CHUNKS = st.builds(
    chunk,
    st.integers(0, 2),
    st.integers(2, 5),
    st.binary(max_size=40),
    time=st.integers(0, 0x1FFFFFF),
    length=st.none() | st.integers(0, 200),
    type_id=st.sampled_from([1, 2, 4, 5, 6, 8, 9, 15, 17, 18, 20, 22]),
)
COMMANDS = st.binary(max_size=60).map(message)
FRAMES = st.builds(
    masked_frame,
    st.integers(0, 15),
    st.binary(max_size=60) | st.sampled_from([b"{}", b'{"type": "clock", "id": 1}']),
    fin=st.booleans(),
    reserved=st.sampled_from([0, 0, 0, 4]),
)


def behind(start: bytes, rest: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    return rest.map(lambda data: start + data)


def several(one: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    return st.lists(one, max_size=12).map(b"".join)


RTMP = st.one_of(
    st.binary(max_size=200),
    behind(b"\x03", st.binary(min_size=1536, max_size=3200)),
    behind(PLAIN_CLIENT, several(CHUNKS | COMMANDS | st.binary(max_size=6))),
    behind(PLAIN_CLIENT + CONNECT, several(CHUNKS | COMMANDS)),
    behind(HELLO + publish_bytes("soup"), several(CHUNKS | COMMANDS)),
)
HTTP = st.one_of(
    st.binary(max_size=200),
    behind(b"GET /live/cat.flv HTTP/1.1\r\n", st.binary(max_size=200)),
    behind(MP4_WS, several(FRAMES | st.binary(max_size=6))),
    behind(FLV_WS, several(FRAMES)),
)


def mutated(data: bytes, chance: random.Random) -> bytes:
    """A few bytes changed, a hole, and an early end."""
    changed = bytearray(data)
    for _ in range(chance.randint(0, 6)):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    start = chance.randrange(len(changed))
    del changed[start : start + chance.choice((0, 0, 1, 200))]
    return bytes(changed[: chance.randint(1, len(changed))])


async def feed_all(server: Server, door: str, inputs: list[bytes]) -> None:
    """Each on a connection of its own, and all at once."""
    async with trio.open_nursery() as nursery:
        for data in inputs:
            nursery.start_soon(feed, server, door, data)
    with trio.fail_after(10):
        while server.statistics().connections:  # noqa: ASYNC110  # only the count tells
            await trio.sleep(0.01)


async def feed(server: Server, door: str, data: bytes) -> None:
    host, _, port = server.addresses[door].rpartition(":")
    async with await trio.open_tcp_stream(host, int(port)) as stream:
        try:
            await stream.send_all(data)
            await stream.send_eof()
            with trio.fail_after(10):
                while await stream.receive_some():
                    pass
        except trio.BrokenResourceError:
            return  # A reset is an answer, too.


def run(data: Path, door: str, inputs: list[bytes]) -> None:
    """Feed a server of its own, and look at its log."""

    async def main() -> None:
        async with embedded(data) as server:
            await feed_all(server, door, inputs)
            counts = server.statistics().tally.connections
            assert sum(counts.values()) == len(inputs)
            assert all(reason.label != "internal_error" for _, reason in counts)

    with capture_logs() as logged:
        trio.run(main)
    assert [line for line in logged if line["event"] in OUR_FAULT] == []


SOUP = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@SOUP
@given(inputs=st.lists(RTMP, min_size=5, max_size=20))
def test_soup_for_encoders(inputs: list[bytes], tmp_path: Path) -> None:
    run(tmp_path, "rtmp", inputs)


@SOUP
@given(inputs=st.lists(HTTP, min_size=5, max_size=20))
def test_soup_for_viewers(inputs: list[bytes], tmp_path: Path) -> None:
    run(tmp_path, "http", inputs)


CORPORA = {
    "rtmp": [CAPTURES["ffmpeg-5.1-chunk-128-extended"], CAPTURES["ffmpeg-9.0-chunk-4096"]],
    "http": [REQUEST, MP4_WS + masked_frame(1, b'{"type": "clock", "id": 1}') * 5],
}


@pytest.mark.parametrize("door", CORPORA)
def test_mutated_captures(door: str, tmp_path: Path) -> None:
    chance = random.Random(7)
    corpus = CORPORA[door]
    inputs = [mutated(corpus[number % len(corpus)], chance) for number in range(600)]
    tracemalloc.start()
    try:
        run(tmp_path, door, inputs)
        assert tracemalloc.get_traced_memory()[1] < 60 * MEGABYTE
    finally:
        tracemalloc.stop()
