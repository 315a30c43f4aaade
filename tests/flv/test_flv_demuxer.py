"""FLV files to tags: whole, bytewise, with a tail, and broken."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import media

from relay.errors import FormatError
from relay.flv.demuxer import NEED_DATA, FlvDemuxer, Tag
from relay.packet import Kind

HEADER = b"FLV\x01\x05\0\0\0\x09\0\0\0\0"
AUDIO_TAG = b"\x08\0\0\x03\0\0\x17\0\0\0\0" + b"\xaf\x01\xaa" + b"\0\0\0\x0e"
LATE_TAG = b"\x09\0\0\x01\x02\x03\x04\xfe\0\0\0" + b"\x57" + b"\0\0\0\x0c"
SCRIPT_TAG = b"\x12\0\0\0\0\0\0\0\0\0\0" + b"" + b"\0\0\0\x0b"
FILE = HEADER + AUDIO_TAG + LATE_TAG + SCRIPT_TAG
TAGS = [
    Tag(Kind.AUDIO, 0x17, b"\xaf\x01\xaa"),
    Tag(Kind.VIDEO, 0xFE020304, b"\x57"),
    Tag(Kind.DATA, 0, b""),
]


def demux(*pieces: bytes) -> list[Tag]:
    demuxer = FlvDemuxer()
    found = []
    for piece in pieces:
        demuxer.receive_data(piece)
        while (tag := demuxer.next_tag()) is not NEED_DATA:
            found.append(tag)
    return found


def test_a_whole_file_gives_its_tags() -> None:
    assert demux(FILE) == TAGS


def test_a_file_byte_by_byte_gives_the_same_tags() -> None:
    assert demux(*(bytes([byte]) for byte in FILE)) == TAGS


def test_the_beginning_of_another_tag_waits() -> None:
    assert demux(FILE, AUDIO_TAG[:-1]) == TAGS
    assert demux(FILE, AUDIO_TAG[:-1], AUDIO_TAG[-1:]) == [*TAGS, TAGS[0]]


def test_a_longer_header_is_passed_over() -> None:
    assert demux(b"FLV\x01\x05\0\0\0\x0bxx\0\0\0\0" + AUDIO_TAG) == TAGS[:1]


def test_sizes_of_previous_tags_are_not_looked_at() -> None:
    assert demux(FILE.replace(b"\0\0\0\x0e", b"\xff\xff\xff\xff")) == TAGS


def test_memory_is_given_back_once_tags_are_taken() -> None:
    demuxer = FlvDemuxer()
    demuxer.receive_data(HEADER)
    for _ in range(1000):
        demuxer.receive_data(AUDIO_TAG)
        assert demuxer.next_tag() == TAGS[0]
    assert len(demuxer._buffer) <= len(HEADER) + len(AUDIO_TAG)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"GIF89a", "signature"),
        (b"F_", "signature"),
        (b"FLV\x02", "version 1"),
        (b"FLV\x01\x05\0\0\0\x08", "claims 8 bytes"),
        (b"FLV\x01\x05\xff\xff\xff\xff", "claims 4294967295 bytes"),
        (HEADER + b"\x28" + AUDIO_TAG[1:], "type 40"),
        (FILE + bytes(11), "type 0"),
    ],
)
def test_what_is_not_flv_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(FormatError, match=why):
        demux(data)


@given(st.binary(max_size=60), st.booleans())
def test_noise_gives_tags_or_a_format_error(noise: bytes, with_header: bool) -> None:
    with contextlib.suppress(FormatError):
        demux((HEADER if with_header else b"") + noise)


def test_a_file_of_ffmpeg_gives_every_frame() -> None:
    found = media.packets(media.flv_file())
    expected = media.digests(media.flv_file())
    for kind, wanted in expected.items():
        assert len([p for p in found if p.kind is kind and not p.is_config]) == len(wanted)
