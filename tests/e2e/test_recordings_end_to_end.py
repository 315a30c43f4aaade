"""Recordings of a real server on a real disk: bit for bit, in two forms, whatever ends them.

One push, one server: what it recorded is looked at in every way that there is.
"""

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
from support import ffmpeg, media
from support.publishing import publish
from support.recorded import RULES, SETTINGS, finished, operator, post, push
from support.server import ServerProcess, serving

from relay.packet import Kind

SECONDS = 8.0
PART_MS = 1000
FULL_AT = 256 * 1024
"""Of a file system: less than what is pushed."""


async def played(server: ServerProcess, playlist: str) -> bytes:
    """What an HLS player appends to its buffer: init segments and ranges of files."""
    lines = (await server.ask("GET", playlist)).body.decode().splitlines()
    data, uri = b"", ""
    wanted: list[tuple[str, str]] = []
    for line in lines:
        if line.startswith("#EXT-X-MAP:"):
            _, uri, _, span, _ = line.split('"')
            wanted.append((uri, span))
        elif line.startswith("#EXT-X-BYTERANGE:"):
            span = line.partition(":")[2]
        elif line and line[0] != "#":
            wanted.append((line, span))
    for address, span in wanted:
        size, _, start = span.partition("@")
        asked = ("Range", f"bytes={start}-{int(start) + int(size) - 1}")
        answer = await server.ask("GET", f"/recordings/{address}", asked)
        assert answer.status == 206
        data += answer.body
    return data


def complaints(file: bytes, folder: Path) -> str:
    """What ffprobe has to say of a file."""
    path = folder / "probed.mp4"
    path.write_bytes(file)
    command = ["ffprobe", "-v", "warning", "-show_streams", "-count_packets", str(path)]
    done = subprocess.run(command, capture_output=True, check=False)
    return done.stderr.decode() + ("" if done.returncode == 0 else "failed")


@attrs.define
class Recorded:
    """What came of one push."""

    source: bytes
    recording: dict[str, Any]
    file: bytes
    hls: bytes
    clip: dict[str, Any]
    clip_file: bytes


async def record(folder: Path) -> Recorded:
    source = media.flv_file(SECONDS)
    key = operator(folder)
    async with serving(folder, SETTINGS, config=RULES) as server:
        await push(server, "cat", source)
        recording = await finished(server, "cat")
        asked = {"from_ms": 2500, "to_ms": 5200}
        answer = await post(server, f"/api/v1/recordings/{recording['id']}/clips", asked, key)
        assert answer.status == 201
        clip = json.loads(answer.body)
        return Recorded(
            source=source,
            recording=recording,
            file=(await server.ask("GET", recording["file"])).body,
            hls=await played(server, recording["playlist"]),
            clip=clip,
            clip_file=(await server.ask("GET", clip["file"])).body,
        )


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return trio.run(record, tmp_path_factory.mktemp("recordings"))


def test_file_and_playlist_hold_what_was_pushed_bit_for_bit(recorded: Recorded) -> None:
    pushed = media.digests(recorded.source)
    assert media.digests(recorded.file) == pushed
    assert media.digests(recorded.hls) == pushed


def test_a_clip_holds_just_what_it_says(recorded: Recorded) -> None:
    clip = recorded.clip
    assert (clip["from_ms"], clip["to_ms"]) == (2000, 6000)
    pushed, cut = media.digests(recorded.source), media.digests(recorded.clip_file)
    assert cut[Kind.VIDEO] == pushed[Kind.VIDEO][60:180]
    first = pushed[Kind.AUDIO].index(cut[Kind.AUDIO][0])
    assert cut[Kind.AUDIO] == pushed[Kind.AUDIO][first : first + len(cut[Kind.AUDIO])]
    assert abs(len(cut[Kind.AUDIO]) * 1024 / 48 - 4000) < 60


@pytest.mark.parametrize("which", ["file", "hls", "clip_file"])
def test_ffmpeg_and_ffprobe_have_nothing_to_complain_of(
    recorded: Recorded, which: str, tmp_path: Path
) -> None:
    data = getattr(recorded, which)
    assert complaints(data, tmp_path) == ""
    assert ffmpeg.decoding_errors(data) == ""


async def test_kill_9_costs_at_most_the_last_part(tmp_path: Path) -> None:
    source = media.flv_file(SECONDS)
    async with serving(tmp_path, SETTINGS, config=RULES) as server:
        encoder = await publish(server.addresses["rtmp"], "cat")
        await encoder.send_tags(media.tags(source))
        await server.wait_metric("relay_recordings", 1)
        await until_on_disk(tmp_path, SECONDS * 1000 - PART_MS - 50)
        server.process.send_signal(signal.SIGKILL)
        await server.process.wait()
        encoder.vanish()
    async with serving(tmp_path, SETTINGS, config=RULES) as server:
        recording = await finished(server, "cat")
        file = (await server.ask("GET", recording["file"])).body
    assert recording["ending"] == "interrupted"
    assert recording["duration_ms"] >= SECONDS * 1000 - PART_MS - 100
    pushed, kept = media.digests(source), media.digests(file)
    for kind in (Kind.VIDEO, Kind.AUDIO):
        assert kept[kind] == pushed[kind][: len(kept[kind])]
    assert complaints(file, tmp_path) == ""
    assert ffmpeg.decoding_errors(file) == ""


async def until_on_disk(data: Path, media_ms: float) -> None:
    """Until so much of what was pushed is in the file: the server has read all of it."""
    with trio.fail_after(20):
        while on_disk_ms(data) < media_ms:  # noqa: ASYNC110  # another process
            await trio.sleep(0.05)


def on_disk_ms(data: Path) -> float:
    files = list(data.glob("recordings/*/0.mp4"))
    samples = media.samples(files[0].read_bytes()) if files else []
    shown = [it.pts for it in samples if it.kind is Kind.VIDEO]
    return max(shown) - min(shown) + 33 if shown else 0.0


async def test_a_disk_that_is_really_full_costs_the_recording_and_not_the_broadcast(
    tmp_path: Path,
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = f'mount -t tmpfs -o size={FULL_AT} none {disk} && exec "$@"'
    under = ("unshare", "-rm", "sh", "-c", mounted, "sh")
    settings = {**SETTINGS, "recording.directory": disk}
    key = operator(tmp_path)
    async with serving(tmp_path, settings, config=RULES, under=under) as server:
        encoder = await publish(server.addresses["rtmp"], "cat")
        await encoder.send_tags(media.tags(media.flv_file(SECONDS)))
        await server.wait_metric('relay_recordings_refused{reason="disk_full"}', 1)
        # The server's own view of that file system, and the kernel's word for it.
        there = os.statvfs(f"/proc/{server.process.pid}/root{disk}")
        assert there.f_bavail * there.f_frsize < FULL_AT / 4
        assert "No space left on device" in server.output()
        status = await server.ask("GET", "/api/v1/streams/live/cat/recording", key)
        assert json.loads(status.body)["refusal"] == "disk_full"
        (live,) = json.loads((await server.ask("GET", "/api/v1/streams")).body)["streams"]
        assert live["state"] == "live"
        recording = await finished(server, "cat")
        assert recording["ending"] == "disk_full"
        file = (await server.ask("GET", recording["file"])).body
        await encoder.stop()
    pushed, kept = media.digests(media.flv_file(SECONDS)), media.digests(file)
    assert 20 < len(kept[Kind.VIDEO]) < len(pushed[Kind.VIDEO])
    assert kept[Kind.VIDEO] == pushed[Kind.VIDEO][: len(kept[Kind.VIDEO])]
