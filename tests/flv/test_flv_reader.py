"""Tag bodies to packets: usual, unusual, unsupported and broken ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.errors import FormatError
from relay.flv.reader import UnsupportedCodec, read_audio, read_video
from relay.packet import Codec, Kind, Packet


def video(pts: int, payload: bytes, *, key: bool = False, config: bool = False) -> Packet:
    return Packet(Kind.VIDEO, Codec.AVC, 1000, pts, key, config, payload)


def audio(payload: bytes, *, config: bool = False) -> Packet:
    return Packet(Kind.AUDIO, Codec.AAC, 1000, 1000, False, config, payload)


def fields(packet: Packet | None) -> tuple[object, ...] | None:
    """Packets do not compare; their fields do."""
    if packet is None:
        return None
    return tuple(getattr(packet, name) for name in packet.__slots__ if name != "__weakref__")


VIDEO = [
    ("keyframe", "1701000000" + "aabb", video(1000, b"\xaa\xbb", key=True)),
    ("inter frame", "2701000000" + "aabb", video(1000, b"\xaa\xbb")),
    ("disposable inter frame", "3701000000" + "aa", video(1000, b"\xaa")),
    ("generated keyframe", "4701000000" + "aa", video(1000, b"\xaa", key=True)),
    ("shown later", "2701000042" + "aa", video(1066, b"\xaa")),
    ("shown earlier", "2701fffff0" + "aa", video(984, b"\xaa")),
    ("the longest offset", "27017fffff" + "aa", video(1000 + 0x7FFFFF, b"\xaa")),
    ("the earliest offset", "2701800000" + "aa", video(1000 - 0x800000, b"\xaa")),
    ("configuration", "1700000000" + "01", video(1000, b"\x01", config=True)),
    ("configuration marked as inter frame", "2700000000" + "01", video(1000, b"\x01", config=True)),
    ("nothing", "", None),
    ("end of sequence", "1702000000", None),
    ("end of sequence, short", "1702", None),
    ("frame without a payload", "2701000000", None),
    ("configuration without a payload", "1700000000", None),
    ("command frame of Wowza", "5700", None),
    ("command frame of another codec", "5200", None),
    ("enhanced configuration", "90" + "61766331" + "01", video(1000, b"\x01", config=True)),
    ("enhanced keyframe", "91" + "61766331" + "000042" + "aa", video(1066, b"\xaa", key=True)),
    ("enhanced inter frame", "a1" + "61766331" + "ffffff" + "aa", video(999, b"\xaa")),
    ("enhanced without offset", "a3" + "61766331" + "aa", video(1000, b"\xaa")),
    ("enhanced end of sequence", "92" + "61766331", None),
    ("enhanced frame without a payload", "a3" + "61766331", None),
    ("enhanced configuration without a payload", "90" + "61766331", None),
    ("enhanced metadata", "94" + "68766331" + "00", None),
    ("enhanced command frame", "d0" + "00", None),
]
AUDIO = [
    ("frame", "af01" + "aabb", audio(b"\xaa\xbb")),
    ("frame with other sound flags", "a201" + "aa", audio(b"\xaa")),
    ("configuration", "af00" + "1190", audio(b"\x11\x90", config=True)),
    ("nothing", "", None),
    ("frame without a payload, as Wowza sends", "af01", None),
    ("configuration without a payload", "af00", None),
    ("enhanced configuration", "90" + "6d703461" + "1190", audio(b"\x11\x90", config=True)),
    ("enhanced frame", "91" + "6d703461" + "aa", audio(b"\xaa")),
    ("enhanced end of sequence", "92" + "6d703461", None),
    ("enhanced channel order", "94" + "6d703461" + "0102", None),
    ("enhanced frame without a payload", "91" + "6d703461", None),
]


@pytest.mark.parametrize(
    ("encoded", "decoded"), [case[1:] for case in VIDEO], ids=[case[0] for case in VIDEO]
)
def test_video_bodies_become_packets(encoded: str, decoded: Packet | None) -> None:
    assert fields(read_video(1000, bytes.fromhex(encoded))) == fields(decoded)


@pytest.mark.parametrize(
    ("encoded", "decoded"), [case[1:] for case in AUDIO], ids=[case[0] for case in AUDIO]
)
def test_audio_bodies_become_packets(encoded: str, decoded: Packet | None) -> None:
    assert fields(read_audio(1000, bytes.fromhex(encoded))) == fields(decoded)


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b"\x12abc", "Sorenson H.263"),
        (b"\x14abc", "VP6"),
        (b"\x1c\x00abc", "HEVC"),
        (b"\x1f\x00abc", "video codec id 15"),
        (b"\x90hvc1abc", "HEVC"),
        (b"\x90av01abc", "AV1"),
        (b"\x90vp09abc", "VP9"),
        (b"\x90zzzzabc", "video codec 'zzzz'"),
        (b"\x90\xff\xfe\x00\x01abc", "video codec '\ufffd\ufffd\\x00\\x01'"),
        (b"\x96\x00avc1", "multitrack video"),
    ],
)
def test_other_video_codecs_are_named(body: bytes, name: str) -> None:
    with pytest.raises(UnsupportedCodec) as caught:
        read_video(0, body)
    assert caught.value.codec == name
    assert str(caught.value).startswith(name)


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b"\x2fabc", "MP3"),
        (b"\x7fabc", "G.711 A-law"),
        (b"\xb2abc", "Speex"),
        (b"\xffabc", "audio codec id 15"),
        (b"\x90Opusabc", "Opus"),
        (b"\x90ac-3abc", "AC-3"),
        (b"\x95\x00mp4a", "multitrack audio"),
    ],
)
def test_other_audio_codecs_are_named(body: bytes, name: str) -> None:
    with pytest.raises(UnsupportedCodec) as caught:
        read_audio(0, body)
    assert caught.value.codec == name


@pytest.mark.parametrize(
    "encoded",
    [
        "17", "1701", "1700000000"[:8], "2703000000aa", "0701000000aa", "6701000000aa",
        "90", "90617663", "91617663310000", "95617663310000", "99617663310000",
    ],
)  # fmt: skip
def test_broken_video_is_refused(encoded: str) -> None:
    with pytest.raises(FormatError):
        read_video(0, bytes.fromhex(encoded))


@pytest.mark.parametrize("encoded", ["af", "af02aa", "90", "906d70"])
def test_broken_audio_is_refused(encoded: str) -> None:
    with pytest.raises(FormatError):
        read_audio(0, bytes.fromhex(encoded))


@given(st.binary(max_size=20))
def test_noise_is_a_packet_nothing_or_a_format_error(body: bytes) -> None:
    for read in (read_audio, read_video):
        try:
            packet = read(5, body)
        except FormatError:
            continue
        assert packet is None or (packet.dts == 5 and body.endswith(packet.payload))
