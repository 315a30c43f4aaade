"""Where packets are cut: parts of whole fragments, segments at keyframes, nothing lost."""

from collections.abc import Iterable

import attrs
import pytest
from support import media
from support.fragments import boxes, by_track, runs

from relay.hls.cutter import PART_TARGET_MS, ROUNDING_MS, Cutter
from relay.hls.segments import Part
from relay.packet import Kind, Packet
from relay.tracks import Tracks


def wall_ms(media_ms: int) -> int:
    return 1_000_000 + media_ms


def shot(**shape: float | str) -> tuple[Tracks, list[Packet]]:
    """Four seconds with a keyframe each second, without the codec configurations."""
    found = media.packets(media.flv_file(4, **shape))
    return media.tracks_of(found), [packet for packet in found if not packet.is_config]


def cut(tracks: Tracks, packets: Iterable[Packet]) -> list[Part]:
    cutter = Cutter(wall_ms)
    parts = list(cutter.begin(tracks, changed=True))
    for packet in packets:
        parts += cutter.add(packet)
    return [*parts, *cutter.pause()]


def fragments_of(parts: Iterable[Part]) -> list[bytes]:
    """Each `moof` with its `mdat`."""
    found = []
    for part in parts:
        data = part.data
        while data:
            sizes = [int.from_bytes(data[:4], "big")]
            sizes.append(int.from_bytes(data[sizes[0] : sizes[0] + 4], "big"))
            found.append(data[: sum(sizes)])
            data = data[sum(sizes) :]
    return found


def segments_of(parts: Iterable[Part]) -> list[list[Part]]:
    found: list[list[Part]] = []
    for part in parts:
        if part.index == 0:
            found.append([])
        found[-1].append(part)
    return found


def test_nothing_is_lost_and_each_segment_begins_with_a_keyframe() -> None:
    tracks, packets = shot()
    parts = cut(tracks, packets)
    cut_runs = by_track(fragments_of(parts))
    for track, kind in ((1, Kind.VIDEO), (2, Kind.AUDIO)):
        payloads = [payload for run in cut_runs[track] for payload in run.payloads]
        assert payloads == [packet.payload for packet in packets if packet.kind is kind]
    segments = segments_of(parts)
    assert [segment[0].head.number for segment in segments] == [0, 1, 2, 3]
    for segment in segments:
        first = runs(fragments_of(segment)[0])[0]
        assert (first.track, first.flags) == (1, 0x02000000)
        assert [part.is_last for part in segment] == [False] * (len(segment) - 1) + [True]
        assert [part.index for part in segment] == list(range(len(segment)))


@pytest.mark.parametrize("rate", [10, 15, 24, 25, 30, 60])
def test_parts_are_nearly_as_long_as_promised_and_never_longer(rate: int) -> None:
    tracks, packets = shot(rate=rate, audio="", video=f"-c:v libx264 -bf 0 -g {rate}")
    for segment in segments_of(cut(tracks, packets)):
        assert sum(part.duration_ms for part in segment) == pytest.approx(1000, abs=2)
        assert all(part.duration_ms <= PART_TARGET_MS for part in segment)
        assert all(part.duration_ms >= 0.85 * PART_TARGET_MS for part in segment[:-1])


@pytest.mark.parametrize("sample_rate", [24000, 44100, 48000])
def test_parts_of_sound_alone_are_as_long(sample_rate: int) -> None:
    tracks, packets = shot(video="", sample_rate=sample_rate)
    segments = segments_of(cut(tracks, packets))
    assert len(segments) >= 3
    for segment in segments:
        assert all(part.is_independent for part in segment[:1])
        assert all(part.duration_ms <= PART_TARGET_MS for part in segment)
        assert all(part.duration_ms >= 0.85 * PART_TARGET_MS for part in segment[:-1])


def test_a_frame_that_is_longer_than_a_part_is_one() -> None:
    tracks, packets = shot(rate=1, audio="", video="-c:v libx264 -bf 0 -g 1")
    parts = cut(tracks, packets)
    assert [part.frames for part in parts] == [1] * len(parts)
    assert sum(part.duration_ms for part in parts) == 4000


def test_short_gops_share_a_segment() -> None:
    tracks, packets = shot(audio="", video="-c:v libx264 -bf 0 -g 5")
    segments = segments_of(cut(tracks, packets))
    lengths = [sum(part.duration_ms for part in segment) for segment in segments]
    assert all(900 <= length <= 1100 for length in lengths[:-1])
    assert all(part.is_independent for segment in segments for part in segment)


def test_declared_times_are_those_of_the_samples() -> None:
    tracks, packets = shot()
    for part in cut(tracks, packets):
        video = by_track(fragments_of([part])).get(1)
        if video is None:  # The last of the sound.
            assert part.frames == 0
            continue
        assert part.start_ms == pytest.approx(video[0].start, abs=ROUNDING_MS)
        assert part.duration_ms == pytest.approx(video[-1].end - video[0].start, abs=ROUNDING_MS)
        assert part.frames == len(video)


def test_a_return_begins_a_segment_that_says_so() -> None:
    tracks, packets = shot()
    half = next(i for i, packet in enumerate(packets) if packet.is_keyframe and packet.dts > 1500)
    cutter = Cutter(wall_ms)
    parts = list(cutter.begin(tracks, changed=True))
    for packet in packets[: half - 20]:
        parts += cutter.add(packet)
    parts += cutter.pause()
    assert parts[-1].is_last
    parts += cutter.begin(tracks, changed=False)
    for packet in packets[half:]:
        parts += cutter.add(packet)
    heads = {part.head.number: part.head for part in parts}
    assert [heads[i].is_discontinuity for i in range(4)] == [False, False, True, False]
    assert len({id(head.init) for head in heads.values()}) == 1
    for track in by_track(fragments_of(parts)).values():
        ends = [run.end for run in track]
        assert ends[:-1] == [run.start for run in track[1:]]


def test_changed_tracks_have_an_init_segment_of_their_own() -> None:
    tracks, packets = shot()
    cutter = Cutter(wall_ms)
    parts = list(cutter.begin(tracks, changed=True))
    for packet in packets:
        parts += cutter.add(packet)
    silent = attrs.evolve(tracks, audio=None)
    parts += cutter.begin(silent, changed=True)
    for packet in packets:
        if packet.kind is Kind.VIDEO:
            later = attrs.evolve(packet, dts=packet.dts + 4000, pts=packet.pts + 4000)
            parts += cutter.add(later)
    before, after = parts[0].head.init, parts[-1].head.init
    assert (before.number, after.number) == (0, 1)
    assert [len(boxes(init.data)[1].all("trak")) for init in (before, after)] == [2, 1]
    assert next(part for part in parts if part.head.init is after).head.is_discontinuity


def test_a_segment_knows_when_it_was_live() -> None:
    tracks, packets = shot()
    for part in cut(tracks, packets):
        assert part.head.wall_ms == wall_ms(part.head.media_ms)


@pytest.mark.parametrize("rate", [15, 24, 25, 30, 60])
def test_no_frame_ends_a_part_before_it_is_ripe_and_few_come_between(rate: int) -> None:
    tracks, packets = shot(rate=rate, audio="", video=f"-c:v libx264 -bf 0 -g {rate}")
    cutter = Cutter(wall_ms)
    list(cutter.begin(tracks, changed=True))
    too_early = 0
    for packet in packets:
        is_ripe = packet.dts >= cutter.ripe_ms or packet.is_keyframe
        made = list(cutter.add(packet))
        assert is_ripe or not made
        too_early += is_ripe and not made
    assert too_early <= 5
