"""Packets in chunks: every message says all about itself, whoever reads it from wherever on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import media
from support.rtmp_played import messages_in

from relay.formats import amf0
from relay.live.rtmp_encoding import RtmpEncoding
from relay.live.sequencer import Seam
from relay.packet import Codec, Kind, Packet
from relay.rtmp.messages import AUDIO, DATA_AMF0, VIDEO, Message

TRACKS = media.tracks_of(media.packets(media.flv_file(0.2)))
SEAM = Seam(tracks=TRACKS, metadata={"encoder": "test"}, changed=True, first=True)
EXTENDED = 0xFFFFFF
CHUNK_SIZE = 60_000


def encoding() -> RtmpEncoding:
    made = RtmpEncoding()
    assert list(made.begin(SEAM)) == []
    return made


def picture(dts: int, payload: bytes, *, is_keyframe: bool = True, offset: int = 0) -> Packet:
    return Packet(Kind.VIDEO, Codec.AVC, dts, dts + offset, is_keyframe, False, payload)


def sound(dts: int, payload: bytes) -> Packet:
    return Packet(Kind.AUDIO, Codec.AAC, dts, dts, False, False, payload)


def script(dts: int, payload: bytes) -> Packet:
    return Packet(Kind.DATA, Codec.SCRIPT, dts, dts, False, False, payload)


# Name, packet, what is on the wire.
WRITTEN: list[tuple[str, Packet, bytes]] = [
    (
        "a keyframe",
        picture(0x010203, b"abc", offset=40),
        bytes.fromhex("06 010203 000008 09 01000000 1701000028") + b"abc",
    ),
    (
        "a frame in between, shown before its time",
        picture(5, b"abc", is_keyframe=False, offset=-1),
        bytes.fromhex("06 000005 000008 09 01000000 2701ffffff") + b"abc",
    ),
    ("sound", sound(7, b"xy"), bytes.fromhex("04 000007 000004 08 01000000 af01") + b"xy"),
    (
        "a message of data",
        script(9, amf0.encode("onCue")),
        bytes.fromhex("05 000009 000008 12 01000000 020005") + b"onCue",
    ),
    (
        "the last time of 24 bits",
        sound(0xFFFFFE, b""),
        bytes.fromhex("04 fffffe 000002 08 01000000 af01"),
    ),
    (
        "the first that is extended",
        sound(0xFFFFFF, b""),
        bytes.fromhex("04 ffffff 000002 08 01000000 00ffffff af01"),
    ),
    (
        "4 hours and 40 minutes",
        sound(16_800_000, b""),
        bytes.fromhex("04 ffffff 000002 08 01000000 01005900 af01"),
    ),
    (
        "49 days, and 32 bits are over",
        sound(2**32 + 5, b""),
        bytes.fromhex("04 000005 000002 08 01000000 af01"),
    ),
    (
        "one chunk exactly",
        picture(1, bytes(CHUNK_SIZE - 5)),
        bytes.fromhex("06 000001 00ea60 09 01000000 1701000000") + bytes(CHUNK_SIZE - 5),
    ),
    (
        "a byte more",
        picture(1, bytes(CHUNK_SIZE - 4)),
        bytes.fromhex("06 000001 00ea61 09 01000000 1701000000")
        + bytes(CHUNK_SIZE - 5)
        + b"\xc6\x00",
    ),
    (
        "a byte more, at an extended time that every chunk repeats",
        picture(0x01020304, bytes(2 * CHUNK_SIZE - 4)),
        bytes.fromhex("06 ffffff 01d4c1 09 01000000 01020304 1701000000")
        + bytes(CHUNK_SIZE - 5)
        + bytes.fromhex("c6 01020304")
        + bytes(CHUNK_SIZE)
        + bytes.fromhex("c6 01020304 00"),
    ),
]


@pytest.mark.parametrize(
    ("packet", "written"), [case[1:] for case in WRITTEN], ids=[case[0] for case in WRITTEN]
)
def test_a_packet_is_a_message(packet: Packet, written: bytes) -> None:
    (piece,) = encoding().encode(packet, is_resync=False)
    assert piece.data == written
    assert piece.media_ms == packet.dts
    assert piece.packets == (packet.kind is not Kind.DATA)


PACKETS = st.builds(
    lambda make, dts, size: make(dts, bytes(size)),
    st.sampled_from([picture, sound]),
    st.integers(0, 2**33),
    st.integers(0, 200) | st.integers(CHUNK_SIZE - 8, CHUNK_SIZE + 8) | st.just(3 * CHUNK_SIZE),
)


@given(st.lists(PACKETS, max_size=6), st.integers(0, 6))
def test_whatever_is_written_reads_back_from_any_message_on(
    packets: list[Packet], start: int
) -> None:
    made = encoding()
    pieces = [piece for packet in packets for piece in made.encode(packet, is_resync=False)]
    found = messages_in(b"".join(piece.data for piece in pieces[start:]))
    assert found == [
        Message(
            VIDEO if packet.kind is Kind.VIDEO else AUDIO,
            1,
            packet.dts % 2**32,
            (b"\x17\x01\0\0\0" if packet.kind is Kind.VIDEO else b"\xaf\x01") + packet.payload,
        )
        for packet in packets[start:]
    ]


@pytest.mark.parametrize("at", [0, 0xFFFFFE, 0xFFFFFF, 2**32 - 1])
def test_the_opening_is_true_for_the_tracks_at_any_time(at: int) -> None:
    assert TRACKS.video
    assert TRACKS.audio
    metadata, video, audio = messages_in(encoding().opening(at))
    name, values = amf0.decode_all(metadata.payload)
    assert (metadata.type_id, metadata.timestamp, name) == (DATA_AMF0, 0, "onMetaData")
    assert isinstance(values, dict)
    assert (values["width"], values["height"], values["encoder"]) == (320.0, 180.0, "test")
    assert video == Message(VIDEO, 1, at, b"\x17\0\0\0\0" + TRACKS.video.config)
    assert audio == Message(AUDIO, 1, at, b"\xaf\0" + TRACKS.audio.config)


def test_pages_and_servers_are_told_what_players_are_not() -> None:
    made = encoding()
    assert list(made.say({"type": "edge"}, 0)) == []
    assert list(made.mark({"state": "live"}, 0)) == []
    assert list(made.finish()) == []
