"""Who counts as a viewer: connections that have really received media within the last seconds."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import pytest
import trio
from support import media
from support.embedded import embedded
from support.following import Peer, open_peer
from support.http_client import Answer, read_answers, request_bytes
from support.memory import Faults, in_virtual_time
from support.on_air import HOLD_S, NAME, Studio, studio

from relay import Server
from relay.config.address import parse_address
from relay.fanout.follower import Follower
from relay.live.broadcast import RECEIVED_WITHIN_S
from relay.live.encodings import Format
from relay.live.run import Run
from relay.packet import Codec, Kind, Packet

CAPACITY = 8 * 1024
FRAME_BYTES = 1024
FRAME_MS = 40
GOP = 25
VIEWERS = re.compile(r"^relay_viewers\{.*\} (.+)$", re.MULTILINE)
CONFIGS = [packet for packet in media.packets(media.flv_file(0.2)) if packet.is_config]


def picture(index: int) -> Packet:
    is_key = index % GOP == 0
    at = FRAME_MS * index
    return Packet(Kind.VIDEO, Codec.AVC, at, at, is_key, False, bytes(FRAME_BYTES))


@attrs.define(eq=False)
class Stream:
    """A publisher in real time, of virtual seconds."""

    run: Run
    _indices: Iterator[int]

    async def go_on(self, seconds: float) -> None:
        for _ in range(round(seconds * 1000 / FRAME_MS)):
            await self.run.send([picture(next(self._indices))])
            await trio.sleep(FRAME_MS / 1000)


@asynccontextmanager
async def on_air(made: Studio) -> AsyncIterator[Stream]:
    with made.publishing() as run:
        await run.send([attrs.evolve(packet) for packet in CONFIGS])
        stream = Stream(run, iter(range(1 << 30)))
        await stream.go_on(1)
        yield stream


def watch(made: Studio, peer: Peer, output_format: Format = Format.FLV) -> Follower:
    feed = made.broadcast.feed(output_format)
    follower = Follower(feed, peer.outlet, trio.current_time, 1 << 30)
    feed.add(follower)
    return follower


async def read(peer: Peer) -> None:
    while True:
        peer.take()
        await trio.sleep(FRAME_MS / 1000)


@in_virtual_time
async def test_a_stalled_viewer_leaves_the_count_and_comes_back_when_it_reads() -> None:
    async with (
        studio() as made,
        on_air(made) as stream,
        open_peer(Faults(capacity=CAPACITY)) as peer,
    ):
        watch(made, peer)
        with trio.CancelScope() as reading:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(read, peer)
                await stream.go_on(3)
                assert made.broadcast.viewer_count == 1
                reading.cancel()
        await stream.go_on(1)
        assert peer.outlet.backlogged
        assert len(peer.client.incoming.buffer) >= CAPACITY
        assert made.broadcast.viewer_count == 1
        await stream.go_on(RECEIVED_WITHIN_S + 1)
        assert made.broadcast.viewer_count == 0
        async with trio.open_nursery() as nursery:
            nursery.start_soon(read, peer)
            await stream.go_on(0.2)
            assert made.broadcast.viewer_count == 1
            await stream.go_on(5)
            assert not peer.outlet.backlogged
            assert made.broadcast.viewer_count == 1
            nursery.cancel_scope.cancel()


@in_virtual_time
async def test_one_that_never_reads_counts_for_a_few_seconds_only() -> None:
    async with (
        studio() as made,
        on_air(made) as stream,
        open_peer(Faults(capacity=CAPACITY)) as peer,
    ):
        follower = watch(made, peer)
        await stream.go_on(1)
        assert peer.outlet.backlogged
        await stream.go_on(2 * RECEIVED_WITHIN_S)
        assert follower.gaps > 0
        assert made.broadcast.viewer_count == 0


@in_virtual_time
async def test_who_reads_slowly_counts_also_while_it_waits_behind_a_gap() -> None:
    async with (
        studio() as made,
        on_air(made) as stream,
        open_peer(Faults(capacity=CAPACITY)) as peer,
    ):
        follower = watch(made, peer)
        counts = set()
        while follower.gaps < 3:
            await stream.go_on(0.4)
            peer.take(FRAME_BYTES)
            counts.add((follower.position is None, made.broadcast.viewer_count))
        assert counts >= {(True, 1), (False, 1)}
        assert 0 not in {count for _, count in counts}


@in_virtual_time
async def test_who_waits_for_a_picture_does_not_count() -> None:
    async with studio() as made, open_peer() as peer:
        with made.publishing() as run:
            await run.send([attrs.evolve(packet) for packet in CONFIGS])
            await trio.sleep(1)
            watch(made, peer, Format.MP4_WS)
            await trio.sleep(1)
            assert made.broadcast.feed(Format.MP4_WS).follower_count == 1
            assert made.broadcast.viewer_count == 0
            await Stream(run, iter(range(1 << 30))).go_on(1)
            assert made.broadcast.viewer_count == 1


@in_virtual_time
async def test_while_nobody_publishes_who_has_got_all_counts_and_nobody_else() -> None:
    async with (
        studio() as made,
        open_peer() as reader,
        open_peer(Faults(capacity=CAPACITY)) as stalled,
    ):
        async with on_air(made) as stream:
            watch(made, reader)
            watch(made, stalled)
            await stream.go_on(1)
        assert stalled.outlet.backlogged
        await trio.sleep(HOLD_S - 2)
        assert made.broadcast.statistics().viewers == {Format.FLV: 1, Format.HLS: 0}


@in_virtual_time
async def test_nobody_views_a_publisher_that_sends_nothing_any_more() -> None:
    async with studio() as made, on_air(made) as stream, open_peer() as peer:
        watch(made, peer)
        await stream.go_on(1)
        assert made.broadcast.viewer_count == 1
        await trio.sleep(RECEIVED_WITHIN_S + 1)
        assert made.broadcast.viewer_count == 0
        await stream.go_on(0.1)
        assert made.broadcast.viewer_count == 1


@pytest.mark.parametrize("is_held", [False, True])
@in_virtual_time
async def test_others_are_told_when_a_viewer_goes_though_no_media_comes(*, is_held: bool) -> None:
    async with studio() as made, open_peer() as peer:
        told = list[int]()
        made.stage.on_change = lambda _: told.append(made.broadcast.viewer_count)
        async with on_air(made) as stream:
            follower = watch(made, peer)
            await stream.go_on(2)
            if not is_held:
                await _leave(follower, told)
        if is_held:
            await trio.sleep(2)
            await _leave(follower, told)


async def _leave(follower: Follower, told: list[int]) -> None:
    assert told[-1] == 1
    told.clear()
    follower.leave()
    await trio.sleep(1.5)
    assert told == [0]


async def test_every_surface_shows_the_same_number_and_head_is_no_viewer(tmp_path: Path) -> None:
    async with embedded(tmp_path) as server, server.stream(NAME).publish() as publisher:
        for packet in (*CONFIGS, *(picture(index) for index in range(GOP))):
            await publisher.send(packet)
        async with await connect(server) as asked, await connect(server) as viewer:
            await asked.send_all(request_bytes("HEAD", f"/{NAME}.flv"))
            assert (await asked.receive_some()).startswith(b"HTTP/1.1 200 ")
            assert await shown(server) == {0}
            await viewer.send_all(request_bytes("GET", f"/{NAME}.flv"))
            with trio.fail_after(5):
                while bytes(FRAME_BYTES) not in await viewer.receive_some():
                    pass
            assert await shown(server) == {1}


async def connect(server: Server, listener: str = "http") -> trio.SocketStream:
    host, port = parse_address(server.addresses[listener])
    return await trio.open_tcp_stream(host, port)


async def shown(server: Server) -> set[int]:
    """What each surface says."""
    (figures,) = server.statistics().broadcasts
    listed = json.loads((await ask(server, "http", "/api/v1/streams")).body)["streams"][0]
    metrics = (await ask(server, "admin", "/metrics")).body.decode()
    sums = [float(number) for number in VIEWERS.findall(metrics)]
    assert sums
    return {sum(figures.viewers.values()), listed["viewers"], int(sum(sums))}


async def ask(server: Server, listener: str, target: str) -> Answer:
    async with await connect(server, listener) as stream:
        await stream.send_all(request_bytes("GET", target, ("Connection", "close")))
        said = b"".join([data async for data in stream])
    (answer,) = read_answers(said, "GET")
    return answer
