"""Packets to FLV: the bytes themselves, and FFmpeg's opinion of them."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import media

from relay.errors import FormatError
from relay.flv import reader, writer
from relay.formats import amf0
from relay.packet import Codec, Kind, Packet
from relay.tracks import Tracks

FOUND = media.packets(media.flv_file())
TRACKS = media.tracks_of(FOUND)
VIDEO_ONLY, AUDIO_ONLY = Tracks(video=TRACKS.video), Tracks(audio=TRACKS.audio)


def packet(kind: Kind, dts: int, **changes: object) -> Packet:
    codec = {Kind.AUDIO: Codec.AAC, Kind.VIDEO: Codec.AVC, Kind.DATA: Codec.SCRIPT}[kind]
    return attrs.evolve(Packet(kind, codec, dts, dts, False, False, b"\xaa"), **changes)  # type: ignore[arg-type]  # names checked at run time


WRITTEN = [
    ("audio", packet(Kind.AUDIO, 0x17), "08000003 00001700 000000 af01 aa 0000000e"),
    (
        "audio configuration",
        packet(Kind.AUDIO, 0, is_config=True),
        "08000003 00000000 000000 af00 aa 0000000e",
    ),
    ("inter frame", packet(Kind.VIDEO, 1), "09000006 00000100 000000 2701000000 aa 00000011"),
    (
        "keyframe shown 66 ms later",
        packet(Kind.VIDEO, 0, pts=66, is_keyframe=True),
        "09000006 00000000 000000 1701000042 aa 00000011",
    ),
    (
        "frame shown earlier",
        packet(Kind.VIDEO, 16, pts=0),
        "09000006 00001000 000000 2701fffff0 aa 00000011",
    ),
    (
        "video configuration",
        packet(Kind.VIDEO, 0, is_config=True),
        "09000006 00000000 000000 1700000000 aa 00000011",
    ),
    ("script", packet(Kind.DATA, 2), "12000001 00000200 000000 aa 0000000c"),
    (
        "time above 24 bits",
        packet(Kind.AUDIO, 0xFE020304),
        "08000003 020304fe 000000 af01 aa 0000000e",
    ),
    (
        "time above 32 bits",
        packet(Kind.AUDIO, 0x1_00000005),
        "08000003 00000500 000000 af01 aa 0000000e",
    ),
]


@pytest.mark.parametrize(
    ("decoded", "encoded"), [case[1:] for case in WRITTEN], ids=[case[0] for case in WRITTEN]
)
def test_packets_become_tags(decoded: Packet, encoded: str) -> None:
    assert writer.tag(decoded).hex() == encoded.replace(" ", "")


@pytest.mark.parametrize(
    ("tracks", "flags"),
    [(TRACKS, 5), (VIDEO_ONLY, 1), (AUDIO_ONLY, 4)],
    ids=["both", "video", "audio"],
)
def test_the_header_announces_what_there_is(tracks: Tracks, flags: int) -> None:
    assert writer.header(tracks) == b"FLV\x01" + bytes([flags]) + b"\0\0\0\x09\0\0\0\0"


def metadata(tag: bytes) -> object:
    assert tag[0] == 18
    assert int.from_bytes(tag[-4:], "big") == len(tag) - 4
    name, values = amf0.decode_all(tag[11:-4])
    assert name == "onMetaData"
    return values


def test_metadata_tells_the_truth_about_tracks() -> None:
    extra: dict[str, amf0.AmfValue] = {
        "encoder": "Lavf", "width": 1.0, "audiocodecid": 2.0, "duration": 7.0, "hasAudio": False,
    }  # fmt: skip
    assert metadata(writer.on_metadata(TRACKS, extra)) == {
        "encoder": "Lavf",
        "width": 320.0,
        "height": 180.0,
        "framerate": 30.0,
        "videocodecid": 7.0,
        "audiocodecid": 10.0,
        "audiosamplerate": 48000.0,
        "audiosamplesize": 16.0,
        "stereo": True,
    }


def test_metadata_is_silent_about_what_is_not_there() -> None:
    assert metadata(writer.on_metadata(AUDIO_ONLY, {"width": 320.0})) == {
        "audiocodecid": 10.0,
        "audiosamplerate": 48000.0,
        "audiosamplesize": 16.0,
        "stereo": True,
    }


def test_metadata_has_the_time_0() -> None:
    assert writer.on_metadata(TRACKS, {})[4:8] == bytes(4)


def test_a_script_tag_holds_a_name_and_a_value() -> None:
    tag = writer.script("onRelay", {"session": "s1"}, 0x01020304)
    assert tag[:11].hex() == "12" + f"{len(tag) - 15:06x}" + "02030401" + "000000"
    assert amf0.decode_all(tag[11:-4]) == ["onRelay", {"session": "s1"}]


def test_configurations_are_written_alike_from_tracks_and_packets() -> None:
    assert TRACKS.video
    assert TRACKS.audio
    video, audio = (item for item in FOUND if item.is_config)
    assert writer.config(TRACKS.video, 5) == writer.config(video, 5)
    assert writer.config(TRACKS.audio, 5) == writer.config(audio, 5)
    assert writer.config(video, video.dts) == writer.tag(video)


def test_a_frame_too_large_for_a_tag_is_refused() -> None:
    with pytest.raises(FormatError, match="does not fit"):
        writer.tag(packet(Kind.AUDIO, 0, payload=bytes(0xFFFFFE)))


TIMES = st.integers(0, 2**32 - 1)
PAYLOADS = st.binary(min_size=1, max_size=300)
FRAMES = st.one_of(
    st.builds(packet, st.just(Kind.AUDIO), TIMES, payload=PAYLOADS, is_config=st.booleans()),
    st.builds(packet, st.just(Kind.VIDEO), TIMES, payload=PAYLOADS, is_keyframe=st.booleans()),
    st.builds(packet, st.just(Kind.VIDEO), TIMES, payload=PAYLOADS, is_config=st.just(True)),
)


@given(FRAMES, st.integers(-(2**23), 2**23 - 1))
def test_what_is_written_is_read_back(made: Packet, offset: int) -> None:
    if made.kind is Kind.VIDEO and not made.is_config:
        made.pts += offset
    (found,) = media.tags(writer.header(TRACKS) + writer.tag(made))
    read = {Kind.AUDIO: reader.read_audio, Kind.VIDEO: reader.read_video}[found.kind]
    again = read(found.timestamp, found.body)
    assert again
    assert attrs.asdict(again) == attrs.asdict(made)


@pytest.mark.parametrize("bframes", [0, 2])
def test_ffmpeg_reads_the_same_frames_at_the_same_times(bframes: int) -> None:
    data = media.flv_file(video=media.DEFAULT_VIDEO + f" -bf {bframes}")
    found = media.packets(data)
    written = media.as_flv(media.tracks_of(found), found)
    assert media.samples(written) == media.samples(data)


@pytest.mark.parametrize("missing", ["video", "audio"])
def test_one_track_alone_is_read_back(missing: str) -> None:
    data = media.flv_file(0.5, **{missing: ""})
    found = media.packets(data)
    written = media.as_flv(media.tracks_of(found), found)
    assert media.samples(written) == media.samples(data)
    assert len({sample.kind for sample in media.samples(written)}) == 1


@pytest.mark.parametrize(("decoded", "encoded"), [row[1:] for row in WRITTEN])
def test_a_body_is_a_tag_without_header_and_size(decoded: Packet, encoded: str) -> None:
    assert writer.body(decoded) == bytes.fromhex(encoded)[11:-4]
