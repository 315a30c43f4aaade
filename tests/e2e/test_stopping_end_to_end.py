"""SIGTERM with a full house: everybody is told, and the process is gone in time."""

import collections
import math
from pathlib import Path

import attrs
import pytest
import trio
from support.kernel import held_bytes
from support.loops import loop
from support.publishing import Encoder, publish
from support.server import ServerProcess, serving
from support.viewers import FORMATS, Viewer, open_viewer, wait_live

from relay.server.connection import LAST_WORDS_S
from relay.server.stopping import FLUSH_S

VIEWERS = 500
AT_ONCE = 50
STALLED = 2
RECEIVE_BUFFER = 4096
BACKLOG = 2_000_000
WITHIN_S = 10.0


@attrs.define(eq=False)
class Recording:
    viewers: list[Viewer] = attrs.field(factory=list)
    stalled: list[Viewer] = attrs.field(factory=list)
    held_by_server: float = 0
    held_by_kernel: list[int] = attrs.field(factory=list)
    took_s: float = math.inf
    code: int | None = None
    encoder_saw: bytes = b""
    refused: bool = False
    """Whether a newcomer was turned away while the server was stopping."""
    log: list[dict[str, object]] = attrs.field(factory=list)


async def come(server: ServerProcess, nursery: trio.Nursery, recording: Recording) -> None:
    """Let everybody in, some at a time: who follows nothing yet is a stranger."""
    address = server.addresses["http"]

    async def enter(output: str) -> None:
        viewer = await open_viewer(address, "light", output)
        await viewer.read_to_live()
        recording.viewers.append(viewer)
        nursery.start_soon(viewer.read_to_end)

    for start in range(0, VIEWERS - STALLED, AT_ONCE):
        async with trio.open_nursery() as arrivals:
            for number in range(start, min(start + AT_ONCE, VIEWERS - STALLED)):
                arrivals.start_soon(enter, FORMATS[number % len(FORMATS)])


async def stall(server: ServerProcess, encoder: Encoder, recording: Recording) -> None:
    """Two viewers of a stream of their own that never read, until the server holds a backlog."""
    tags = loop("8M").tags()
    await encoder.send_tags([next(tags) for _ in range(40)])
    await wait_live(server.addresses["http"], "heavy")
    for output in ("flv", "mp4-ws")[:STALLED]:
        viewer = await open_viewer(
            server.addresses["http"], "heavy", output, receive_buffer=RECEIVE_BUFFER
        )
        recording.stalled.append(viewer)
    before = (await server.metrics())["relay_held_bytes"]
    sent = 0
    while sent < BACKLOG:
        batch = [next(tags) for _ in range(20)]
        sent += sum(len(tag.body) for tag in batch)
        await encoder.send_tags(batch)
    await server.wait_metric("relay_held_bytes", before + BACKLOG)
    recording.held_by_server = (await server.metrics())["relay_held_bytes"] - before
    recording.held_by_kernel = [held_bytes(viewer.stream) for viewer in recording.stalled]


async def keep_publishing(encoder: Encoder) -> None:
    """A slow trickle, so that nothing is idle."""
    began = trio.current_time()
    for tag in loop("100k").tags():
        await trio.sleep_until(began + tag.timestamp / 1000)
        try:
            await encoder.send_tags([tag])
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return  # The server has gone, or this test has closed the stream since.


async def record(folder: Path) -> Recording:
    recording = Recording()
    async with serving(folder / "data") as server, trio.open_nursery() as nursery:
        light = await publish(server.addresses["rtmp"], "light")
        heavy = await publish(server.addresses["rtmp"], "heavy")
        nursery.start_soon(keep_publishing, light)
        await wait_live(server.addresses["http"], "light")
        await come(server, nursery, recording)
        await stall(server, heavy, recording)
        began = trio.current_time()
        nursery.start_soon(newcomer, server, recording)
        recording.code = await server.stop()
        recording.took_s = trio.current_time() - began
        recording.log = server.log("connection ended")
        for viewer in recording.viewers:
            await viewer.wait_until(lambda: False)
        for stream in (light.stream, heavy.stream, *(v.stream for v in recording.stalled)):
            await stream.aclose()
        nursery.cancel_scope.cancel()
    return recording


async def newcomer(server: ServerProcess, recording: Recording) -> None:
    """Come again and again, until nobody opens any more."""
    try:
        while True:
            stream = await trio.open_tcp_stream(*server.addresses["http"])
            await stream.aclose()
            await trio.sleep(0.01)
    except OSError:
        recording.refused = server.process.poll() is None


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    return trio.run(record, tmp_path_factory.mktemp("stopping"))


def of(recording: Recording, output: str) -> list[Viewer]:
    return [viewer for viewer in recording.viewers if viewer.format == output]


def test_two_viewers_were_really_stalled(recording: Recording) -> None:
    assert recording.held_by_server >= BACKLOG
    assert len(recording.held_by_kernel) == STALLED
    assert all(held > RECEIVE_BUFFER for held in recording.held_by_kernel)


def test_the_process_is_gone_in_time_and_content(recording: Recording) -> None:
    assert recording.code == 0
    assert recording.took_s < WITHIN_S


def test_newcomers_are_refused_while_it_stops(recording: Recording) -> None:
    assert recording.refused


def test_pages_are_told_when_to_come_back(recording: Recording) -> None:
    pages = of(recording, "mp4-ws")
    assert len(pages) > VIEWERS // len(FORMATS) - STALLED
    for viewer in pages:
        assert viewer.messages[-1]["type"] == "move"
        assert viewer.messages[-1]["after_ms"] > 0
        assert viewer.closed == (1001, "the server is shutting down")


def test_other_websockets_are_closed_with_a_reason(recording: Recording) -> None:
    for viewer in of(recording, "flv-ws"):
        assert viewer.closed == (1001, "the server is shutting down")


def test_nobody_is_cut_off(recording: Recording) -> None:
    assert len(recording.viewers) == VIEWERS - STALLED
    assert all(viewer.ended and not viewer.was_reset for viewer in recording.viewers)


def test_every_connection_has_its_line(recording: Recording) -> None:
    lines = collections.Counter(line.get("format") for line in recording.log)
    watched = collections.Counter(viewer.format for viewer in recording.viewers)
    assert watched <= lines
    reasons = collections.Counter(line["reason"] for line in recording.log if "format" in line)
    # Also of those who answered our close frame; a few are reset while they do.
    assert reasons["server_stopping"] > 0.9 * len(recording.viewers)
    assert any(line["reason"] == "server_stopping" for line in recording.log if "encoder" in line)


def test_those_who_do_not_read_are_given_a_little_time_and_no_more(recording: Recording) -> None:
    assert FLUSH_S <= recording.took_s < FLUSH_S + LAST_WORDS_S + 2
