"""The index of a recording: small, whatever it is of, and read whatever becomes of its end."""

import itertools

import pytest
from support.recording import TRACKS

from relay.live.sequencer import Placed, Seam
from relay.packet import Codec, Kind, Packet
from relay.recordings.cutting import Add, Begin, Cutter, End
from relay.recordings.index import (
    GAP_BEFORE,
    LINE_BYTES,
    SEAM_BEFORE,
    Gap,
    Segment,
    duration_ms,
    gaps,
    segments,
)
from relay.recordings.playlist import playlist

DAY_S = 86_400
WALL_MS = 1_700_000_000_000
LINES = [
    Segment(
        stretch=0, offset=700, size=5000, start_ms=0, duration_ms=6000, wall_ms=1_700_000_000_000
    ),
    Segment(
        stretch=0,
        offset=5700,
        size=2**32 - 1,
        start_ms=6000,
        duration_ms=2**31,
        wall_ms=1_700_000_006_000,
        flags=SEAM_BEFORE,
    ),
    Segment(
        stretch=65_535,
        offset=2**40,
        size=1,
        start_ms=2**32 - 1,
        duration_ms=0,
        wall_ms=-1,
        flags=GAP_BEFORE | SEAM_BEFORE,
    ),
]


def test_lines_come_back_as_they_were_written() -> None:
    data = b"".join(line.encoded() for line in LINES)
    assert len(data) == LINE_BYTES * len(LINES)
    assert list(segments(data)) == LINES


@pytest.mark.parametrize("missing", [1, 17, 31])
def test_a_line_that_was_cut_off_is_none(missing: int) -> None:
    data = b"".join(line.encoded() for line in LINES)[:-missing]
    assert list(segments(data)) == LINES[:-1]


def segment(start_ms: int, length_ms: int, flags: int = 0, stretch: int = 0) -> Segment:
    return Segment(
        stretch=stretch,
        offset=start_ms,
        size=100,
        start_ms=start_ms,
        duration_ms=length_ms,
        wall_ms=WALL_MS + start_ms,
        flags=flags,
    )


def test_a_gap_is_what_lies_between_two_segments() -> None:
    found = [segment(1000, 6000), segment(9500, 6000, GAP_BEFORE), segment(15_500, 500)]
    assert gaps(found) == [Gap(7000, 9500)]
    assert duration_ms(found) == 15_000
    assert duration_ms([]) == 0


def test_the_playlist_counts_a_gap_and_says_when_things_were() -> None:
    found = [
        segment(1000, 6000),
        segment(9500, 6000, GAP_BEFORE),
        segment(15_500, 4000, SEAM_BEFORE),
        segment(19_500, 4000, SEAM_BEFORE, stretch=1),
    ]
    assert (
        playlist(found, [700, 800], "x/key/").splitlines()
        == [
            "#EXTM3U",
            "#EXT-X-VERSION:7",
            "#EXT-X-TARGETDURATION:9",
            "#EXT-X-MEDIA-SEQUENCE:0",
            "#EXT-X-PLAYLIST-TYPE:VOD",
            "#EXT-X-INDEPENDENT-SEGMENTS",
            '#EXT-X-MAP:URI="x/key/0.m4s",BYTERANGE="700@0"',
            "#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:21.000Z",
            "#EXTINF:6.000,",
            "#EXT-X-BYTERANGE:100@1000",
            "x/key/0.m4s",
            "#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:27.000Z",
            "#EXTINF:8.500,",
            "#EXT-X-BYTERANGE:100@9500",
            "x/key/0.m4s",
            "#EXT-X-DISCONTINUITY",
            "#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:35.500Z",
            "#EXTINF:4.000,",
            "#EXT-X-BYTERANGE:100@15500",
            "x/key/0.m4s",
            "#EXT-X-DISCONTINUITY",
            '#EXT-X-MAP:URI="x/key/1.m4s",BYTERANGE="800@0"',
            "#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:39.500Z",
            "#EXTINF:4.000,",
            "#EXT-X-BYTERANGE:100@19500",
            "x/key/1.m4s",
            "#EXT-X-ENDLIST",
            "",
        ][:-1]
    )


def test_a_day_is_half_a_megabyte_of_index_and_next_to_nothing_in_memory() -> None:
    cutter = Cutter(lambda media_ms: WALL_MS + media_ms)
    lines, parts, most_held = b"", 0, 0
    for step in itertools.chain(
        cutter.take(Seam(tracks=TRACKS, metadata={}, changed=True, first=True)),
        *(cutter.take(Placed(frame(n * 1000), n % 2 == 0)) for n in range(DAY_S)),
        cutter.finish(),
    ):
        match step:
            case End(segment=ended):
                lines += ended.encoded()
            case Add():
                parts += 1
            case Begin(stretch=number):
                assert number == 0
        most_held = max(most_held, cutter._muxer._held_bytes)
    found = list(segments(lines))
    assert len(lines) == 32 * DAY_S // 6
    assert parts == DAY_S
    assert duration_ms(found) == pytest.approx(1000 * DAY_S, abs=1000)
    assert found[-1].wall_ms - found[0].wall_ms == found[-1].start_ms - found[0].start_ms
    assert most_held <= 3 * len(frame(0).payload)


def frame(at_ms: int) -> Packet:
    """A picture a second, and a keyframe every two."""
    is_key = at_ms % 2000 == 0
    return Packet(Kind.VIDEO, Codec.AVC, at_ms, at_ms, is_key, False, b"picture")
