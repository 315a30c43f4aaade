"""Encoder to viewer: every frame arrives as it was sent, in every output, from every encoder.

All encoders push at once to one server, each under its own name, and each is watched in all four
outputs at the same time.  The tests then look at what was recorded.
"""

import random
from collections.abc import Awaitable, Callable
from pathlib import Path

import attrs
import pytest
import trio
from support import ffmpeg, media
from support.comparing import (
    MP4_ROUNDING_MS,
    assert_delivered,
    frames,
    keyframe_at_start,
    shifts,
    tracks,
)
from support.media import Sample
from support.publishing import publish
from support.server import ServerProcess, serving
from support.viewers import FORMATS, Viewer, open_viewer, wait_live

from relay.packet import Kind

SECONDS = 8.0
HOLD_S = 1.0
JOINS = 20
START_OF_4_H_39_M_S = 16_774
"""Less than four seconds before the 24 bits of a timestamp are full."""
BEFORE_2_31_S = 2_147_480
"""As many before the 31 bits of ffmpeg's RTMP timestamps are: after 2**31 - 1 it sends 0."""
BEFORE_2_32_MS = 2**32 - 2_000


@attrs.define
class Recording:
    """What one encoder sent, and what its viewers got."""

    sent: bytes = b""
    viewers: dict[str, Viewer] = attrs.field(factory=dict)
    """From before the second keyframe on, by output."""
    watched: trio.Event = attrs.field(factory=trio.Event)
    """Set when there are all four."""
    joined: list[Viewer] = attrs.field(factory=list)
    """From some moment on."""


@attrs.define
class Stage:
    """Where a recording is made."""

    server: ServerProcess
    folder: Path


Push = Callable[[Stage, str, Recording], Awaitable[None]]


def encodes(executable: str) -> Push:
    """An ffmpeg that encodes while it sends."""

    async def push(stage: Stage, name: str, recording: Recording) -> None:
        copy = stage.folder / f"{name}.flv"
        command = ffmpeg.encoding(
            stage.server.url(name), copy, seconds=SECONDS, executable=executable
        )
        ended = await ffmpeg.run(command)
        assert ended.code == 0, ended.said
        recording.sent = copy.read_bytes()

    return push


def copies(options: str = "", *, executable: str = ffmpeg.SYSTEM, **what: str) -> Push:
    """An ffmpeg that sends a file as it is."""

    async def push(stage: Stage, name: str, recording: Recording) -> None:
        recording.sent = media.flv_file(SECONDS / 2, **what)
        source = stage.folder / f"{name}.flv"
        source.write_bytes(recording.sent)
        command = ffmpeg.copying(
            source, stage.server.url(name), options=options, executable=executable
        )
        ended = await ffmpeg.run(command)
        assert ended.code == 0, ended.said

    return push


def ours(chunk_size: int = 4096, *, shift_ms: int = 0) -> Push:
    """Our own encoder: as soon as somebody watches each output, all the rest at once."""

    async def push(stage: Stage, name: str, recording: Recording) -> None:
        recording.sent = media.flv_file(SECONDS / 2)
        tags = media.tags(recording.sent)
        encoder = await publish(stage.server.addresses["rtmp"], name, chunk_size=chunk_size)
        await encoder.send_tags(tags[:20], shift_ms=shift_ms)
        await recording.watched.wait()
        await encoder.send_tags(tags[20:], shift_ms=shift_ms)
        await encoder.stop()

    return push


PUSHES: dict[str, Push] = {
    "ffmpeg5": encodes(ffmpeg.SYSTEM),
    "ffmpeg9": encodes(ffmpeg.NEWER),
    "deep-b-frames": copies(
        video="-c:v libx264 -preset veryfast -g 30 -bf 3 -b_strategy 0 -b-pyramid normal"
    ),
    "audio-only": copies(video=""),
    "video-only": copies(audio=""),
    "from-4h39m": copies(f"-output_ts_offset {START_OF_4_H_39_M_S}"),
    "from-4h39m-ffmpeg9": copies(
        f"-output_ts_offset {START_OF_4_H_39_M_S}", executable=ffmpeg.NEWER
    ),
    "across-2-31": copies(f"-output_ts_offset {BEFORE_2_31_S}"),
    "across-2-31-ffmpeg9": copies(f"-output_ts_offset {BEFORE_2_31_S}", executable=ffmpeg.NEWER),
    "across-2-32": ours(shift_ms=BEFORE_2_32_MS),
    "chunks-of-128": ours(128),
    "chunks-of-4096": ours(4096),
    "chunks-of-60000": ours(60_000),
}
JOINED = ("ffmpeg5", "ffmpeg9")


async def watch(stage: Stage, name: str, recording: Recording) -> None:
    """Watch all four outputs from the first GOP on, to the end."""
    address = stage.server.addresses["http"]
    await wait_live(address, name)
    async with trio.open_nursery() as nursery:
        for output in FORMATS:
            viewer = await open_viewer(address, name, output)
            await viewer.read_to_live()
            nursery.start_soon(viewer.read_to_end)
            recording.viewers[output] = viewer
        recording.watched.set()


async def join(stage: Stage, name: str, recording: Recording) -> None:
    """Come at random moments, each to another output, and stay to the end."""
    address, dice = stage.server.addresses["http"], random.Random(name)
    await wait_live(address, name)
    began = trio.current_time()

    async def come(after_s: float, output: str) -> None:
        await trio.sleep_until(began + after_s)
        viewer = await open_viewer(address, name, output)
        recording.joined.append(viewer)
        await viewer.read_to_end()

    async with trio.open_nursery() as nursery:
        for number in range(JOINS):
            after_s = dice.uniform(0, SECONDS - 1)
            nursery.start_soon(come, after_s, FORMATS[number % len(FORMATS)])


async def record(folder: Path) -> dict[str, Recording]:
    recordings = {name: Recording() for name in PUSHES}
    async with serving(folder / "data", {"media.hold_s": HOLD_S}) as server:
        stage = Stage(server, folder)
        async with trio.open_nursery() as nursery:
            for name, recording in recordings.items():
                nursery.start_soon(PUSHES[name], stage, name, recording)
                nursery.start_soon(watch, stage, name, recording)
                if name in JOINED:
                    nursery.start_soon(join, stage, name, recording)
    return recordings


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Recording]:
    return trio.run(record, tmp_path_factory.mktemp("media"))


def both(recording: Recording, output: str) -> tuple[list[Sample], list[Sample]]:
    viewer = recording.viewers[output]
    return media.samples(recording.sent), media.samples(bytes(viewer.media))


@pytest.mark.parametrize("output", FORMATS)
@pytest.mark.parametrize("name", PUSHES)
def test_a_viewer_gets_bit_for_bit_what_was_sent(
    recordings: dict[str, Recording], name: str, output: str
) -> None:
    sent, got = both(recordings[name], output)
    assert_delivered(sent, got, output)
    assert keyframe_at_start(sent, got) <= 1
    assert ffmpeg.decoding_errors(bytes(recordings[name].viewers[output].media)) == ""


@pytest.mark.parametrize("name", JOINED)
def test_joining_at_any_moment_loses_and_doubles_nothing(
    recordings: dict[str, Recording], name: str
) -> None:
    recording = recordings[name]
    sent = media.samples(recording.sent)
    assert len(recording.joined) == JOINS
    for viewer in recording.joined:
        got = media.samples(bytes(viewer.media))
        assert_delivered(sent, got, viewer.format)
        assert ffmpeg.decoding_errors(bytes(viewer.media)) == "", viewer.format


@pytest.mark.parametrize("name", JOINED)
def test_the_moments_of_joining_were_spread_over_the_keyframes(
    recordings: dict[str, Recording], name: str
) -> None:
    recording = recordings[name]
    sent = media.samples(recording.sent)
    starts = {
        keyframe_at_start(sent, media.samples(bytes(viewer.media))) for viewer in recording.joined
    }
    assert len(starts) >= 4


@pytest.mark.parametrize("name", PUSHES)
def test_the_outputs_agree_with_each_other(recordings: dict[str, Recording], name: str) -> None:
    viewers = recordings[name].viewers
    got = {output: media.samples(bytes(viewers[output].media)) for output in FORMATS}
    longest = max(got.values(), key=lambda found: len(frames(found)))
    for output in FORMATS:
        moved = [abs(shift) for shift in shifts(longest, got[output], "mp4")]
        assert max(moved) <= MP4_ROUNDING_MS, output


def test_tracks_that_are_not_sent_are_not_announced(recordings: dict[str, Recording]) -> None:
    for name, kind in (("audio-only", Kind.AUDIO), ("video-only", Kind.VIDEO)):
        viewer = recordings[name].viewers["flv"]
        assert tracks(media.samples(bytes(viewer.media))) == {kind}
        assert viewer.media[4] == {Kind.AUDIO: 0x04, Kind.VIDEO: 0x01}[kind]
