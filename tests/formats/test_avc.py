"""AVC decoder configuration records: ffmpeg's, made-up and broken ones."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import media

from relay.errors import FormatError
from relay.formats import avc
from relay.packet import Kind

PROGRESSIVE = "-c:v libx264 -preset veryfast -pix_fmt yuv420p"
INTERLACED = "-flags +ildct+ilme -x264opts tff=1"
ENCODED = [
    # name, size, frame rate, encoder, profile, expected size
    ("baseline", "176x144", 15, f"{PROGRESSIVE} -profile:v baseline", 66, (176, 144)),
    ("main", "640x360", 25, f"{PROGRESSIVE} -profile:v main", 77, (640, 360)),
    ("high", "320x240", 30, f"{PROGRESSIVE} -profile:v high", 100, (320, 240)),
    ("cropped", "1920x1080", 30, f"{PROGRESSIVE} -profile:v high", 100, (1920, 1080)),
    ("odd", "318x178", 30, f"{PROGRESSIVE} -profile:v high", 100, (318, 178)),
    ("interlaced", "720x576", 25, f"{PROGRESSIVE} {INTERLACED}", 100, (720, 576)),
    ("4:2:2, 10 bit", "320x178", 30, "-c:v libx264 -pix_fmt yuv422p10le", 122, (320, 178)),
    ("4:4:4", "320x178", 30, "-c:v libx264 -pix_fmt yuv444p", 244, (320, 178)),
    ("scaling lists", "320x180", 30, f"{PROGRESSIVE} -x264opts cqm=jvt", 100, (320, 180)),
]  # fmt: skip
REAL = bytes.fromhex(  # x264, high, 320 x 180, 30 frames/s
    "0164000dffe1001a6764000dacd941419f9f0110000003001000000303c0f142996001000668ebe3cb22c0fdf8f800"
)


def encoded(size: str, rate: int, encoder: str) -> bytes:
    data = media.flv_file(0.2, size=size, rate=rate, video=encoder, audio="")
    return next(packet.payload for packet in media.packets(data) if packet.is_config)


def golomb(*values: int) -> str:
    return "".join(
        f"{value + 1:b}".rjust(2 * (value + 1).bit_length() - 1, "0") for value in values
    )


def sps(tail: str, *, profile: int = 66) -> bytes:
    """An SPS NAL unit whose fields behind the level are the bits `tail`."""
    size = len(tail) // 8 + 1
    body = int((tail + "1").ljust(8 * size, "0"), 2).to_bytes(size, "big")
    return bytes([0x67, profile, 0xC0, 30]) + body


# sps id, frame number, order count of type 2, reference frames, no gaps; 40 x 30 macroblocks
PICTURE = golomb(0, 0, 2, 1) + "0" + golomb(39, 29)


def record(unit: bytes) -> bytes:
    return b"\x01\x42\xc0\x1e\xff\xe1" + len(unit).to_bytes(2, "big") + unit + b"\x01\0\x01\x68"


@pytest.mark.parametrize(
    ("size", "rate", "encoder", "profile", "expected"),
    [case[1:] for case in ENCODED],
    ids=[case[0] for case in ENCODED],
)
def test_configurations_of_x264_tell_size_rate_and_profile(
    size: str, rate: int, encoder: str, profile: int, expected: tuple[int, int]
) -> None:
    parsed = avc.parse_config(encoded(size, rate, encoder))
    assert (parsed.width, parsed.height) == expected
    assert parsed.frame_rate == rate
    assert parsed.profile == profile
    assert parsed.length_size == 4
    assert parsed.codec_string.startswith(f"avc1.{profile:02x}")


def test_the_codec_string_is_profile_constraints_and_level_in_hexadecimal() -> None:
    assert avc.parse_config(REAL).codec_string == "avc1.64000d"


def test_pixels_that_are_not_square_are_reported() -> None:
    config = encoded("720x576", 25, f"{PROGRESSIVE} -aspect 16:9")
    assert avc.parse_config(config).pixel_aspect == (64, 45)


def test_scaling_lists_are_passed_over_to_their_last_delta() -> None:
    # 16 deltas in the first list, a list that ends early (8 - 8), none, ..., 64 in the seventh
    lists = "1" + golomb(1) * 16 + "1" + golomb(16) + "0000" + "1" + golomb(1, 2) * 32 + "0"
    high = golomb(0, 1, 0, 0) + "0" + "1" + lists
    parsed = avc.parse_sps(sps(high + PICTURE[1:] + "11" + "0" + "0", profile=100))
    assert (parsed.width, parsed.height) == (640, 480)


def test_order_count_of_type_1_is_passed_over() -> None:
    fields = golomb(0, 0, 1) + "0" + golomb(1, 2, 2, 3, 4) + golomb(1) + "0" + golomb(39, 29)
    parsed = avc.parse_config(record(sps(fields + "11" + "0" + "0")))
    assert (parsed.width, parsed.height) == (640, 480)


def test_fields_of_interlaced_video_count_twice() -> None:
    # frame_mbs_only_flag 0, mb_adaptive 0, direct_8x8 1, cropping of 2 lines in each field
    parsed = avc.parse_config(record(sps(PICTURE + "001" + "1" + golomb(0, 0, 0, 2) + "0")))
    assert (parsed.width, parsed.height) == (640, 960 - 8)


def test_a_vui_that_ends_early_costs_only_the_frame_rate() -> None:
    parsed = avc.parse_config(record(sps(PICTURE + "11" + "0" + "1" + "1")))
    assert (parsed.width, parsed.frame_rate, parsed.pixel_aspect) == (640, None, (1, 1))


@pytest.mark.parametrize(("units", "scale"), [(0, 50), (1, 0), (1, 2**31)])
def test_an_absurd_frame_rate_is_none(units: int, scale: int) -> None:
    vui = "0000" + "1" + f"{units:032b}{scale:032b}" + "1"
    assert avc.parse_sps(sps(PICTURE + "11" + "0" + "1" + vui)).frame_rate is None


def test_reserved_bits_are_not_looked_at() -> None:
    lax = bytearray(REAL)
    lax[4] &= 0x03
    lax[5] &= 0x1F
    assert avc.parse_config(bytes(lax)) == avc.parse_config(REAL)


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (b"", "truncated"),
        (b"\x02" + REAL[1:], "version 2"),
        (REAL[:4] + b"\xfe" + REAL[5:], "3 bytes"),
        (REAL[:5] + b"\xe0" + REAL[6:], "no SPS"),
        (REAL[:34], "ends before its PPS count"),
        (REAL[:34] + b"\0", "no PPS"),
        (REAL[:36], "truncated in its PPS"),
        (REAL[:6] + b"\0\0" + REAL[8:], "empty SPS"),
        (REAL[:8] + b"\x68" + REAL[9:], "another NAL unit type"),
        (record(sps(golomb(0, 0, 2, 1) + "0" + golomb(2000, 29))), "pic_width"),
        (record(sps(PICTURE + "11" + "1" + golomb(200, 200, 0, 0))), "whole picture"),
    ],
)
def test_broken_records_say_what_is_wrong(broken: bytes, why: str) -> None:
    with pytest.raises(FormatError, match=why):
        avc.parse_config(broken)


@pytest.mark.parametrize("size", range(len(REAL) - 4))
def test_a_record_cut_anywhere_is_refused(size: int) -> None:
    with pytest.raises(FormatError):
        avc.parse_config(REAL[:size])


@given(st.integers(0, len(REAL) - 1), st.binary(min_size=1, max_size=4), st.integers(0, 4))
def test_a_mutated_record_is_read_or_refused(position: int, noise: bytes, removed: int) -> None:
    mutated = REAL[:position] + noise + REAL[position + removed :]
    try:
        parsed = avc.parse_config(mutated)
    except FormatError:
        return
    assert 0 < parsed.width <= 16880
    assert 0 < parsed.height <= 2 * 16880


@given(st.binary(max_size=80))
def test_noise_is_read_or_refused(noise: bytes) -> None:
    with contextlib.suppress(FormatError):
        avc.parse_sps(b"\x67" + noise)


def test_config_packets_of_ffmpeg_are_found() -> None:
    found = media.packets(media.flv_file())
    assert [packet.kind for packet in found if packet.is_config] == [Kind.VIDEO, Kind.AUDIO]
