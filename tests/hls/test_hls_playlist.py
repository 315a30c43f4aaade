"""Playlists as text, and as another's parser reads them."""

import re
import zlib
from datetime import UTC, datetime

import attrs
import m3u8
import pytest
from support import media
from support.cutting import INIT, WALL_MS, segment, window, window_of

from relay.hls.multivariant import Variant, written
from relay.hls.playlist import MediaPlaylist
from relay.hls.segments import Init
from relay.hls.window import Window
from relay.tracks import Tracks

TRACKS = media.tracks_of(media.packets(media.flv_file(0.2)))
INIT_1 = attrs.evolve(INIT, number=1)


def text(made: Window, *, skips: bool = False) -> str:
    return MediaPlaylist(made).text(skips=skips).body.decode()


def parsed(made: Window, *, skips: bool = False) -> m3u8.M3U8:
    return m3u8.loads(text(made, skips=skips), uri="https://relay.example/live/cat/hls/k/")


def test_a_whole_playlist_says_what_there_is() -> None:
    made = window_of(
        segment(0), segment(1, is_discontinuity=True, init=INIT_1), segment(2, [333], is_open=True)
    )
    made.inits[0] = INIT
    expected = """\
#EXTM3U
#EXT-X-VERSION:9
#EXT-X-TARGETDURATION:2
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12.000,HOLD-BACK=6.000,PART-HOLD-BACK=1.002
#EXT-X-PART-INF:PART-TARGET=0.334
#EXT-X-MEDIA-SEQUENCE:0
#EXT-X-DISCONTINUITY-SEQUENCE:0
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MAP:URI="init.0.mp4"
#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:20.000Z
#EXT-X-PART:DURATION=0.333,URI="0.0.mp4",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.333,URI="0.1.mp4"
#EXT-X-PART:DURATION=0.334,URI="0.2.mp4"
#EXTINF:1.000,
0.mp4
#EXT-X-MAP:URI="init.1.mp4"
#EXT-X-DISCONTINUITY
#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:21.000Z
#EXT-X-PART:DURATION=0.333,URI="1.0.mp4",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.333,URI="1.1.mp4"
#EXT-X-PART:DURATION=0.334,URI="1.2.mp4"
#EXTINF:1.000,
1.mp4
#EXT-X-MAP:URI="init.0.mp4"
#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:22.000Z
#EXT-X-PART:DURATION=0.333,URI="2.0.mp4",INDEPENDENT=YES
#EXT-X-PRELOAD-HINT:TYPE=PART,URI="2.1.mp4"
"""
    assert text(made) == expected


def test_others_read_the_same_out_of_it() -> None:
    found = parsed(window(20, 1))
    assert (found.target_duration, found.media_sequence) == (2, 0)
    assert found.is_independent_segments
    assert found.server_control.can_skip_until == 12
    assert [s.uri for s in found.segments if s.uri] == [f"{number}.mp4" for number in range(20)]
    assert found.segments[3].current_program_date_time == datetime.fromtimestamp(
        WALL_MS / 1000 + 3, UTC
    )
    # Parts within three target durations of the end.
    listed = [part.uri for s in found.segments for part in s.parts]
    assert listed[0] == "14.0.mp4"
    assert listed[-1] == "20.0.mp4"
    assert found.preload_hint.uri == "20.1.mp4"
    assert not found.is_endlist


def test_what_a_player_has_can_be_left_out() -> None:
    found = parsed(window(40, 1), skips=True)
    assert (found.media_sequence, found.skip.skipped_segments) == (0, 28)
    assert next(s.uri for s in found.segments if s.uri) == "28.mp4"
    assert "EXT-X-MAP" not in text(window(40, 1), skips=True)


def test_a_new_init_segment_is_told_also_behind_what_is_left_out() -> None:
    segments = [segment(number, init=INIT_1 if number >= 28 else INIT) for number in range(40)]
    assert '#EXT-X-MAP:URI="init.1.mp4"' in text(window_of(*segments), skips=True)


def test_where_nothing_is_old_enough_nothing_is_left_out() -> None:
    made = window(10, 1)
    assert text(made, skips=True) == text(made)


def test_an_ended_list_says_so_and_hints_at_nothing() -> None:
    made = window(5)
    made.end()
    assert parsed(made).is_endlist
    assert "PRELOAD-HINT" not in text(made)


def test_a_playlist_is_made_once_for_each_change() -> None:
    made = window(5)
    playlist = MediaPlaylist(made)
    first = playlist.text(skips=False)
    assert playlist.text(skips=False) is first
    assert first.zipped is first.zipped
    assert zlib.decompress(first.zipped, 31) == first.body
    made.add(segment(5)[0], ())
    second = playlist.text(skips=False)
    assert second.etag != first.etag
    assert playlist.text(skips=False) is second


def test_the_lines_of_what_has_left_are_forgotten() -> None:
    made = window(100, keep_ms=0)
    playlist = MediaPlaylist(made)
    for number in range(100, 200):
        for part in segment(number):
            made.add(part, ())
        playlist.text(skips=False)
    assert len(playlist._lines) <= len(made.listed)


@pytest.mark.parametrize("is_ended", [False, True])
def test_every_line_is_a_tag_or_an_address(is_ended: bool) -> None:
    made = window(30)
    if is_ended:
        made.end()
    for line in text(made).splitlines():
        assert re.fullmatch(r"#EXT[-A-Z0-9:=.,\" a-z_]*|[0-9]+\.mp4", line), line


def variant(tracks: Tracks = TRACKS) -> Variant:
    init = Init(number=0, tracks=tracks, data=b"")
    return Variant.of(window_of(*(segment(number, init=init) for number in range(5))))


def test_the_variant_is_described_truly() -> None:
    found = m3u8.loads(written(variant(), "cat/hls/k/media.m3u8?viewer=1", None).decode())
    (one,) = found.playlists
    assert one.uri == "cat/hls/k/media.m3u8?viewer=1"
    info = one.stream_info
    assert info.resolution == (320, 180)
    assert info.frame_rate == 30
    assert info.codecs == "avc1.64000d,mp4a.40.2"
    # Three parts of four bytes a second.
    assert (info.bandwidth, info.average_bandwidth) == (96, 96)
    assert found.is_independent_segments
    assert found.start is None


def test_sound_alone_has_no_picture_to_describe() -> None:
    made = written(variant(Tracks(audio=TRACKS.audio)), "x", None).decode()
    assert 'CODECS="mp4a.40.2"' in made
    assert "RESOLUTION" not in made
    assert "FRAME-RATE" not in made


def test_a_measured_rate_stands_where_the_encoder_is_wrong_or_silent() -> None:
    assert TRACKS.video is not None
    for said in (None, 60.0):
        video = attrs.evolve(TRACKS.video, frame_rate=said)
        assert variant(Tracks(video=video)).frame_rate == 30


def test_a_player_can_be_told_where_to_begin() -> None:
    found = m3u8.loads(written(variant(), "x", -300.0).decode())
    assert found.start.time_offset == -300
