"""What an encoder changes in mid-stream, and what each output makes of it: one run, real media.

Whatever a viewer gets is decoded here as a player of that output decodes it.
"""

import functools
import io
import itertools
import json
from collections.abc import Iterator
from typing import Any

import attrs
import av
import trio
from support import media
from support.memory import in_virtual_time
from support.on_air import HOLD_S, Viewer, settle, studio
from support.rtmp_played import as_flv, messages_in
from wsproto import ConnectionType
from wsproto.connection import Connection
from wsproto.events import BytesMessage, TextMessage

from relay.hls.cutter import Cutter
from relay.hls.segments import Part
from relay.live.encodings import Format
from relay.live.gop import GopCache
from relay.live.sequencer import Placed, Seam, Sequencer
from relay.packet import Packet
from relay.reasons import Reason

RATE = 25
SECONDS = 3
FRAMES = RATE * SECONDS
GOPS = f"-c:v libx264 -preset ultrafast -bf 2 -g {RATE} -pix_fmt yuv420p"
FRAME_MS = 1000 // RATE
BATCH = 20

SMALL, LARGE = (160, 90), (240, 136)
WHOLE = {"size": "160x90"}
LARGER = {"size": "240x136"}
SILENT = {"size": "160x90", "audio": ""}
SLOWER = {"size": "160x90", "sample_rate": 44100}


@functools.cache
def _part(**shape: Any) -> tuple[Packet, ...]:
    return tuple(media.packets(media.flv_file(SECONDS, rate=RATE, video=GOPS, **shape)))


def programme(*parts: dict[str, Any]) -> list[Packet]:
    """Some seconds of each, as one encoder sends them on one connection."""
    sent: list[Packet] = []
    for number, shape in enumerate(parts):
        moved_ms = number * SECONDS * 1000
        for packet in _part(**shape):
            moved = attrs.evolve(packet, dts=packet.dts + moved_ms, pts=packet.pts + moved_ms)
            sent.append(moved)
    return sent


@attrs.frozen
class Watched:
    """What was sent, and one viewer's part of it."""

    sent: list[Packet]
    viewer: Viewer
    data: bytes


async def watch(output_format: Format, *parts: dict[str, Any]) -> Watched:
    """Play a programme to a viewer who comes at its beginning."""
    sent = programme(*parts)
    async with studio() as made:
        with made.publishing() as run:
            await run.send([attrs.evolve(packet) for packet in sent[:BATCH]])
            await settle()
            viewer = made.watch(output_format)
            for start in range(BATCH, len(sent), BATCH):
                await run.send([attrs.evolve(each) for each in sent[start : start + BATCH]])
                await settle()
        # The last sound still waits for a picture to go with; at the end it goes alone.
        await trio.sleep(HOLD_S + 1)
        return Watched(sent, viewer, viewer.take())


def sizes(data: bytes) -> list[tuple[tuple[int, int], int]]:
    """How many frames in a row have which size, decoded; what cannot be raises."""
    with av.open(io.BytesIO(data), mode="r") as container:
        frames = container.decode(video=0) if container.streams.video else iter(())
        shapes = [(frame.width, frame.height) for frame in frames]
    return [(size, len(list(group))) for size, group in itertools.groupby(shapes)]


def sounds(data: bytes) -> int:
    """Decoded frames of sound."""
    with av.open(io.BytesIO(data), mode="r") as container:
        return sum(1 for _ in container.decode(audio=0)) if container.streams.audio else 0


def presentations(data: bytes) -> Iterator[tuple[dict[str, Any], bytes]]:
    """What `relay.fmp4.1` says to play: the tracks of each init, and all of it as one file."""
    client = Connection(ConnectionType.CLIENT)
    client.receive_data(data)
    tracks: dict[str, Any] = {}
    file = b""
    for event in client.events():
        match event:
            case BytesMessage(data=piece):
                file += piece
            case TextMessage(data=text) if (message := json.loads(text))["type"] == "init":
                if tracks:
                    yield tracks, file
                tracks, file = message["tracks"], b""
    yield tracks, file


def cut(*parts: dict[str, Any]) -> list[list[Part]]:
    """What HLS players, recordings and clips are made of, by the init segments of it."""
    sequencer, cutter = Sequencer(GopCache(1 << 24, 20_000)), Cutter(lambda media_ms: media_ms)
    sequencer.begin_run()
    made: list[Part] = []
    for packet in programme(*parts):
        for step in sequencer.take(attrs.evolve(packet), packet.dts / 1000):
            match step:
                case Seam(tracks=tracks, changed=changed):
                    made += cutter.begin(tracks, changed=changed)
                case Placed(placed):
                    made += cutter.add(placed)
    made += cutter.pause()
    return [list(group) for _, group in itertools.groupby(made, lambda part: part.head.init)]


def file_of(parts: list[Part]) -> bytes:
    return parts[0].head.init.data + b"".join(part.data for part in parts)


def heard(packets: list[Packet]) -> int:
    return sum(packet.kind.value == "audio" and not packet.is_config for packet in packets)


# Another picture.


@in_virtual_time
async def test_messages_have_an_init_for_another_size_and_no_frame_is_missing() -> None:
    seen = await watch(Format.MP4_WS, WHOLE, LARGER)
    (small, first), (large, second) = presentations(seen.data)
    assert (small["video"]["width"], large["video"]["width"]) == (160, 240)
    assert (sizes(first), sizes(second)) == ([(SMALL, FRAMES)], [(LARGE, FRAMES)])
    assert sounds(first) + sounds(second) == heard(seen.sent)


@in_virtual_time
async def test_flv_has_sequence_headers_for_another_size_and_no_frame_is_missing() -> None:
    seen = await watch(Format.FLV, WHOLE, LARGER)
    assert sizes(seen.data) == [(SMALL, FRAMES), (LARGE, FRAMES)]
    assert sounds(seen.data) == heard(seen.sent)


@in_virtual_time
async def test_rtmp_players_get_sequence_headers_for_another_size() -> None:
    seen = await watch(Format.RTMP, WHOLE, LARGER)
    assert sizes(as_flv(messages_in(seen.data))) == [(SMALL, FRAMES), (LARGE, FRAMES)]


@in_virtual_time
async def test_a_file_ends_where_the_size_changes() -> None:
    seen = await watch(Format.MP4, WHOLE, LARGER)
    assert seen.viewer.follower.end_reason is Reason.TRACKS_CHANGED
    assert sizes(seen.data) == [(SMALL, FRAMES)]


def test_segments_have_another_init_behind_a_discontinuity() -> None:
    small, large = cut(WHOLE, LARGER)
    assert sizes(file_of(small)) == [(SMALL, FRAMES)]
    assert sizes(file_of(large)) == [(LARGE, FRAMES)]
    assert [part.head.is_discontinuity for part in (small[0], large[0])] == [False, True]
    assert sounds(file_of(small)) + sounds(file_of(large)) == heard(programme(WHOLE, LARGER))


# Other sound.


@in_virtual_time
async def test_messages_have_an_init_for_another_sample_rate() -> None:
    seen = await watch(Format.MP4_WS, WHOLE, SLOWER)
    (before, first), (after, second) = presentations(seen.data)
    assert (before["audio"]["sample_rate"], after["audio"]["sample_rate"]) == (48000, 44100)
    assert sizes(first) + sizes(second) == [(SMALL, FRAMES), (SMALL, FRAMES)]
    assert sounds(first) + sounds(second) == heard(seen.sent)


# Sound that is no longer there, and comes back.


@in_virtual_time
async def test_messages_have_an_init_without_the_sound_that_is_gone() -> None:
    seen = await watch(Format.MP4_WS, WHOLE, SILENT, SILENT)
    (both, first), (alone, second) = presentations(seen.data)
    assert both["audio"]
    assert alone["audio"] is None
    frames = [sum(count for _, count in sizes(each)) for each in (first, second)]
    assert sum(frames) == 3 * FRAMES
    # It is given up at the first keyframe after a second without.
    assert 2 * FRAMES - 2 * RATE <= frames[1] <= 2 * FRAMES - RATE
    assert sounds(second) == 0


@in_virtual_time
async def test_messages_have_an_init_with_the_sound_that_is_back() -> None:
    seen = await watch(Format.MP4_WS, WHOLE, SILENT, WHOLE)
    found = list(presentations(seen.data))
    assert [bool(tracks["audio"]) for tracks, _ in found] == [True, False, True]
    assert sum(count for _, file in found for _, count in sizes(file)) == 3 * FRAMES


def test_segments_lose_the_sound_that_is_gone_and_have_it_again() -> None:
    found = cut(WHOLE, SILENT, WHOLE)
    assert [bool(parts[0].head.init.tracks.audio) for parts in found] == [True, False, True]
    assert [parts[0].head.is_discontinuity for parts in found] == [False, True, True]
    assert sum(count for parts in found for _, count in sizes(file_of(parts))) == 3 * FRAMES
    # Time goes on from one to the next.
    for before, after in itertools.pairwise(found):
        assert after[0].start_ms == before[-1].start_ms + before[-1].duration_ms


@in_virtual_time
async def test_flv_goes_on_with_the_picture_alone() -> None:
    seen = await watch(Format.FLV, WHOLE, SILENT, SILENT)
    assert sizes(seen.data) == [(SMALL, 3 * FRAMES)]
    assert sounds(seen.data) == heard(seen.sent)


@in_virtual_time
async def test_a_file_ends_where_the_sound_is_given_up() -> None:
    seen = await watch(Format.MP4, WHOLE, SILENT, SILENT)
    assert seen.viewer.follower.end_reason is Reason.TRACKS_CHANGED
    assert sum(count for _, count in sizes(seen.data)) >= FRAMES + RATE
