"""The init segment, box by box and as FFmpeg reads it."""

import io
import struct
from fractions import Fraction

import attrs
import av
import pytest
from support import media
from support.fragments import Box, boxes

from relay.fmp4.boxes import box, descriptor, full_box
from relay.fmp4.init import init_segment
from relay.tracks import Tracks

TRACKS = media.tracks_of(media.packets(media.flv_file()))
VIDEO_ONLY, AUDIO_ONLY = Tracks(video=TRACKS.video), Tracks(audio=TRACKS.audio)


def moov(tracks: Tracks) -> Box:
    file_type, movie = boxes(init_segment(tracks))
    assert (file_type.name, movie.name) == (b"ftyp", b"moov")
    return movie


def test_boxes_count_themselves() -> None:
    assert box(b"free", b"ab", b"c") == b"\0\0\0\x0bfreeabc"
    assert full_box(b"url ", 1, 2) == b"\0\0\0\x0curl \x01\0\0\x02"
    assert descriptor(5, b"\x11\x90") == b"\x05\x80\x80\x80\x02\x11\x90"
    assert descriptor(5, bytes(300))[:5] == b"\x05\x80\x80\x82\x2c"


def test_ffmpeg_finds_both_tracks_as_they_are() -> None:
    with av.open(io.BytesIO(init_segment(TRACKS)), mode="r") as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert TRACKS.video
        assert TRACKS.audio
        assert (video.width, video.height, video.time_base) == (320, 180, Fraction(1, 1000))
        assert video.codec_context.extradata == TRACKS.video.config
        assert (audio.rate, audio.channels, audio.time_base) == (48000, 2, Fraction(1, 48000))
        assert audio.codec_context.extradata == TRACKS.audio.config


@pytest.mark.parametrize(
    ("tracks", "ids"),
    [(TRACKS, [1, 2]), (VIDEO_ONLY, [1]), (AUDIO_ONLY, [2])],
    ids=["both", "video", "audio"],
)
def test_each_track_has_its_header_and_its_defaults(tracks: Tracks, ids: list[int]) -> None:
    movie = moov(tracks)
    headers = [trak.find("tkhd").body for trak in movie.all("trak")]
    assert [struct.unpack_from(">I", header, 12)[0] for header in headers] == ids
    defaults = [trex.body for trex in movie.find("mvex").all("trex")]
    assert [struct.unpack_from(">I", default, 4)[0] for default in defaults] == ids


def test_a_live_presentation_has_no_duration_and_no_samples() -> None:
    movie = moov(TRACKS)
    assert struct.unpack_from(">I", movie.find("mvhd").body, 16) == (0,)
    for trak in movie.all("trak"):
        assert struct.unpack_from(">I", trak.find("mdia/mdhd").body, 16) == (0,)
        for table in ("stts", "stsc", "stco"):
            assert trak.find(f"mdia/minf/stbl/{table}").body == bytes(8)
        assert trak.find("mdia/minf/stbl/stsz").body == bytes(12)


def test_pixels_that_are_not_square_show_in_the_sample_entry_and_the_track() -> None:
    assert TRACKS.video
    wide = attrs.evolve(TRACKS.video, width=720, height=576, pixel_aspect=(64, 45))
    trak = moov(Tracks(video=wide)).find("trak")
    assert trak.find("tkhd").body[-8:] == struct.pack(">II", 1024 << 16, 576 << 16)
    entry = trak.find("mdia/minf/stbl/stsd").body
    assert entry.endswith(b"\0\0\0\x10pasp" + struct.pack(">II", 64, 45))


def test_square_pixels_need_no_box() -> None:
    assert b"pasp" not in init_segment(TRACKS)


def test_an_absurd_pixel_shape_still_fits_the_track_header() -> None:
    assert TRACKS.video
    absurd = attrs.evolve(TRACKS.video, pixel_aspect=(65535, 1))
    assert moov(Tracks(video=absurd)).find("trak/tkhd").body[-8:-4] == b"\xff\xff\xff\xff"


def test_sample_rates_above_16_bits_are_left_to_the_configuration() -> None:
    assert TRACKS.audio
    high = attrs.evolve(TRACKS.audio, sample_rate=96000)
    trak = moov(Tracks(audio=high)).find("trak")
    assert struct.unpack_from(">I", trak.find("mdia/mdhd").body, 12) == (96000,)
    entry = trak.find("mdia/minf/stbl/stsd").body[8:]
    assert struct.unpack_from(">I", entry, 32) == (0,)
