"""ffmpeg plays HLS to its end: what comes out is what was pushed, bit for bit.

It begins at the first segment, comes back for each new playlist, and leaves at the end of the last.
"""

from functools import partial
from pathlib import Path

import trio
from support import ffmpeg, media
from support.server import ServerProcess, serving
from support.viewers import wait_live

SECONDS = 4


def digests(framemd5: bytes) -> dict[str, list[str]]:
    """Of each frame, by track, in decoding order."""
    found: dict[str, list[str]] = {}
    for line in framemd5.decode().splitlines():
        if line[:1] != "#":
            track, *_, digest = (field.strip() for field in line.split(","))
            found.setdefault(track, []).append(digest)
    return found


async def framemd5(source: str, *options: str) -> dict[str, list[str]]:
    command = [ffmpeg.SYSTEM, "-v", "error", *options, "-i", source]
    command += ["-map", "0:v", "-map", "0:a", "-c", "copy", "-f", "framemd5", "-"]
    with trio.fail_after(60):
        done = await trio.run_process(command, capture_stdout=True, capture_stderr=True)
    assert done.stderr == b""
    return digests(done.stdout)


async def push(server: ServerProcess, source: Path) -> None:
    ended = await ffmpeg.run(ffmpeg.copying(source, server.url("cat")))
    assert ended.code == 0, ended.said


async def test_what_ffmpeg_plays_is_what_was_pushed(tmp_path: Path) -> None:
    source = tmp_path / "source.flv"
    source.write_bytes(media.flv_file(SECONDS))
    async with (
        serving(tmp_path / "data", {"media.hold_s": 0}) as server,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(partial(push, server, source))
        await wait_live(server.addresses["http"], "cat")
        host, port = server.addresses["http"]
        played = await framemd5(f"http://{host}:{port}/live/cat.m3u8", "-live_start_index", "0")
    assert played == await framemd5(str(source))
