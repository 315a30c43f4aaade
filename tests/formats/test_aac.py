"""AudioSpecificConfigs: ffmpeg's, made-up and broken ones; and frames of silence."""

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import media

from relay.errors import FormatError
from relay.formats import aac
from relay.packet import Kind


def bits(*fields: tuple[int, int]) -> bytes:
    """Fields of (value, width) in bits."""
    text = "".join(f"{value:0{width}b}" for value, width in fields)
    size = (len(text) + 7) // 8
    return int(text.ljust(8 * size, "0"), 2).to_bytes(size, "big")


LC, TAIL = (2, 5), (0, 3)
RATE_48000, RATE_24000 = (3, 4), (6, 4)
STEREO = (2, 4)
CHANNELS_ONE_BY_ONE = bits(
    LC, RATE_48000, (0, 4), TAIL,
    (0, 10), (1, 4), (0, 4), (1, 4), (1, 2), (0, 7), (0, 3),  # 1 front, 1 back, 1 low
    (1, 1), (0, 4), (0, 1), (0, 4),  # a pair, then a single one
)  # fmt: skip

MIXED_DOWN = bits(
    LC, RATE_48000, (0, 4), TAIL,
    (0, 10), (2, 4), (0, 4), (0, 4), (0, 2), (0, 7),  # 2 front
    (1, 1), (0, 4), (1, 1), (15, 4), (1, 1), (7, 3),  # mono, stereo and matrix mixdown
    (0, 1), (0, 4), (0, 1), (0, 4),
)  # fmt: skip

CASES = [
    # name, configuration, codec string, rate, channels, samples per frame
    ("LC, 48 kHz, stereo", bytes.fromhex("1190"), "mp4a.40.2", 48000, 2, 1024),
    ("LC, 44.1 kHz, mono", bytes.fromhex("1208"), "mp4a.40.2", 44100, 1, 1024),
    ("LC, 8 kHz, mono", bytes.fromhex("1588"), "mp4a.40.2", 8000, 1, 1024),
    ("Main", bits((1, 5), (4, 4), STEREO, TAIL), "mp4a.40.1", 44100, 2, 1024),
    ("7.1", bits(LC, RATE_48000, (7, 4), TAIL), "mp4a.40.2", 48000, 8, 1024),
    ("960 samples", bits(LC, RATE_48000, STEREO, (4, 3)), "mp4a.40.2", 48000, 2, 960),
    (
        "depends on a core coder",
        bits(LC, RATE_48000, STEREO, (1, 2), (9, 14), (0, 1)),
        "mp4a.40.2",
        48000,
        2,
        1024,
    ),
    (
        "rate in full",
        bits(LC, (15, 4), (24000, 24), STEREO, TAIL),
        "mp4a.40.2",
        24000,
        2,
        1024,
    ),
    (
        "HE-AAC",
        bits((5, 5), RATE_24000, STEREO, RATE_48000, LC, TAIL),
        "mp4a.40.5",
        24000,
        2,
        1024,
    ),
    (
        "HE-AAC v2",
        bits((29, 5), RATE_24000, (1, 4), RATE_48000, LC, TAIL),
        "mp4a.40.29",
        24000,
        1,
        1024,
    ),
    ("HE-AAC behind LC", bytes.fromhex("131056e598"), "mp4a.40.2", 24000, 2, 1024),
    ("mixed down", MIXED_DOWN, "mp4a.40.2", 48000, 2, 1024),
    ("channels one by one", CHANNELS_ONE_BY_ONE, "mp4a.40.2", 48000, 4, 1024),
]
VALID = bytes.fromhex("1190")


@pytest.mark.parametrize(
    ("config", "codec_string", "rate", "channels", "samples"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_configurations_tell_codec_rate_and_channels(
    config: bytes, codec_string: str, rate: int, channels: int, samples: int
) -> None:
    parsed = aac.parse_config(config)
    assert parsed.codec_string == codec_string
    assert parsed.sample_rate == rate
    assert (parsed.channels, parsed.samples_per_frame) == (channels, samples)


@pytest.mark.parametrize(("rate", "channels"), [(48000, 2), (44100, 1), (22050, 2), (48000, 6)])
def test_configurations_of_ffmpeg_are_understood(rate: int, channels: int) -> None:
    data = media.flv_file(0.2, sample_rate=rate, channels=channels, video="")
    config = next(packet.payload for packet in media.packets(data) if packet.is_config)
    parsed = aac.parse_config(config)
    assert (parsed.sample_rate, parsed.channels) == (rate, channels)


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (b"", "truncated"),
        (b"\x11", "truncated"),
        (bits((2, 5), (13, 4), (2, 4), (0, 3)), "index 13 is reserved"),
        (bits((2, 5), (15, 4), (1, 24), (2, 4), (0, 3)), "1 Hz is out of range"),
        (bits((2, 5), (3, 4), (15, 4), (0, 3)), "channel configuration 15"),
        (bits((2, 5), (3, 4), (0, 4), (0, 200)), "channel configuration 0"),
        (bits((31, 5), (10, 6), (3, 4), (2, 4), (0, 3)), "object type 42 is not supported"),
        (bits((5, 5), (6, 4), (2, 4), (3, 4), (5, 5), (0, 3)), "object type 5 is not supported"),
        (VALID + bytes(511), "too long"),
    ],
)
def test_broken_configurations_say_what_is_wrong(broken: bytes, why: str) -> None:
    with pytest.raises(FormatError, match=why):
        aac.parse_config(broken)


@given(st.binary(max_size=40))
def test_noise_is_read_or_refused(noise: bytes) -> None:
    try:
        parsed = aac.parse_config(noise)
    except FormatError:
        return
    assert 7350 <= parsed.sample_rate <= 96000
    assert 0 < parsed.channels < 100


@pytest.mark.parametrize("layout", range(1, 7))
def test_silence_decodes_to_silence_in_every_layout(layout: int) -> None:
    config = bits((2, 5), (3, 4), (layout, 4), (0, 3))
    parsed = aac.parse_config(config)
    decoder = av.AudioCodecContext.create("aac", "r")
    decoder.extradata = config
    frames = [frame for _ in range(3) for frame in decoder.decode(av.Packet(parsed.silence))]
    assert [frame.samples for frame in frames] == [1024] * 3
    assert {frame.layout.nb_channels for frame in frames} == {parsed.channels}
    assert not any(frame.to_ndarray().any() for frame in frames)


def test_elements_of_one_kind_have_different_tags() -> None:
    """4.5.2.1.1 wants it; decoders differ in what they make of anything else."""
    silence = aac.parse_config(bits(LC, RATE_48000, (5, 4), TAIL)).silence
    text = f"{int.from_bytes(silence, 'big'):0{8 * len(silence)}b}"
    single, first, second = text[:29], text[29:81], text[81:133]
    assert (single[:7], first[:7], second[:7]) == ("0000000", "0010000", "0010001")
    assert text[133:136] == "111"


def test_unusual_layouts_have_no_silence() -> None:
    assert aac.parse_config(bits((2, 5), (3, 4), (7, 4), (0, 3))).silence == b""


def test_silence_fits_between_frames_of_ffmpeg() -> None:
    found = [p for p in media.packets(media.flv_file(1)) if p.kind is Kind.AUDIO]
    parsed = aac.parse_config(found[0].payload)
    decoder = av.AudioCodecContext.create("aac", "r")
    decoder.extradata = found[0].payload
    payloads = [found[10].payload, found[11].payload, *[parsed.silence] * 3, found[12].payload]
    levels = [
        frame.to_ndarray().max()
        for payload in payloads
        for frame in decoder.decode(av.Packet(payload))
    ]
    assert levels[1] > 0.1
    assert levels[3] == levels[4] == 0
    assert levels[5] > 0.1
