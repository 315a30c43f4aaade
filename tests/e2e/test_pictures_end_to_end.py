"""Pictures of a real server: what happens to the process that decodes touches nobody else."""

import os
import signal
from itertools import pairwise
from pathlib import Path

import av
import trio
from support import ffmpeg, media
from support.server import ServerProcess, serving
from support.viewers import Viewer, open_viewer, wait_live

STOPPED_S = 5
"""How long the decoder is waited for."""


def children(pid: int) -> list[int]:
    """The processes that this one has started."""
    found = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for path in found for child in path.read_text().split()]


async def push(nursery: trio.Nursery, server: ServerProcess, source: Path, name: str) -> None:
    command = ffmpeg.copying(source, server.url(name), loop=True)
    await ffmpeg.start(nursery, command)
    await wait_live(server.addresses["http"], name)


async def test_a_decoder_that_hangs_costs_a_picture_and_nothing_else(tmp_path: Path) -> None:
    source = tmp_path / "source.flv"
    await trio.Path(source).write_bytes(media.flv_file(4, size="1280x720"))
    data = tmp_path / "data"
    await trio.Path(data).mkdir()
    async with serving(data) as server, trio.open_nursery() as nursery:
        for name in ("a", "b"):
            await push(nursery, server, source, name)
        seen = await server.ask("GET", "/live/a.jpg")
        assert (seen.status, seen.headers["content-type"]) == (200, "image/jpeg")
        with av.open(str(await _kept(tmp_path, seen.body))) as picture:
            assert (picture.streams.video[0].width, picture.streams.video[0].height) == (640, 360)
        (decoder,) = children(server.process.pid)
        os.kill(decoder, signal.SIGSTOP)
        viewer = await open_viewer(server.addresses["http"], "a", "flv", keeps=False)
        nursery.start_soon(_watch, viewer)
        async with trio.open_nursery() as asking:
            asking.start_soon(_expect_none, server, "/live/b.jpg")
            began = trio.current_time()
            while trio.current_time() < began + STOPPED_S - 0.5:
                assert (await server.ask("GET", "/healthz")).status == 200
                await trio.sleep(0.05)
            # It did hang: who asked for b has no answer yet.
            assert len(asking.child_tasks) == 1
        gaps = [after - before for before, after in pairwise(viewer.arrivals)]
        assert len(gaps) > 20 * (STOPPED_S - 1)
        assert max(gaps) < 1
        assert children(server.process.pid) == []
        assert (await server.ask("GET", "/live/a.jpg")).status == 200
        assert children(server.process.pid) != [decoder]
        metrics = await server.metrics()
        assert metrics['relay_pictures_total{outcome="failed"}'] == 1
        assert metrics["relay_picture_processes_total"] == 2
        assert metrics["relay_skipped_packets_total"] == 0
        nursery.cancel_scope.cancel()


async def _watch(viewer: Viewer) -> None:
    async with viewer.stream:
        await viewer.read_until(lambda: False)


async def _expect_none(server: ServerProcess, path: str) -> None:
    answer = await server.ask("GET", path)
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")


async def _kept(folder: Path, data: bytes) -> Path:
    path = folder / "picture.jpg"
    await trio.Path(path).write_bytes(data)
    return path
