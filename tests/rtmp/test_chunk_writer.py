"""Messages to chunks."""

import pytest

from relay.rtmp.chunk_reader import ChunkReader
from relay.rtmp.chunk_writer import ChunkWriter
from relay.rtmp.limits import RtmpLimits
from relay.rtmp.messages import Message


def test_a_short_message_is_one_chunk_with_a_full_header() -> None:
    written = ChunkWriter().write(6, 9, 1, 0x010203, b"abc")
    assert written == bytes.fromhex("06 010203 000003 09 01000000") + b"abc"


def test_a_long_message_continues_with_type_3() -> None:
    written = ChunkWriter(2).write(6, 9, 1, 0, b"abcde")
    assert written[12:] == b"ab\xc6cd\xc6e"


def test_every_chunk_repeats_an_extended_timestamp() -> None:
    written = ChunkWriter(2).write(6, 9, 1, 0x01020304, b"abcd")
    extended = bytes.fromhex("01020304")
    assert written == bytes.fromhex("06 ffffff 000004 09 01000000") + extended + (
        b"ab\xc6" + extended + b"cd"
    )


@pytest.mark.parametrize("size", [1, 2, 127, 128, 129, 60_000, 0xFFFFFF])
@pytest.mark.parametrize("time", [0, 0xFFFFFE, 0xFFFFFF, 0x1000000, 0xFFFFFFFF, 0x100000005])
@pytest.mark.parametrize("length", [0, 1, 127, 128, 129, 257])
def test_what_is_written_reads_back(size: int, time: int, length: int) -> None:
    writer, reader = ChunkWriter(size), ChunkReader(RtmpLimits())
    reader.chunk_size = size
    payload = bytes(range(256)) * 2
    messages = [
        Message(9, 1, time & 0xFFFFFFFF, payload[:length]),
        Message(8, 1, 7, payload[1 : length + 1]),
    ]
    written = writer.write(6, 9, 1, time, payload[:length])
    reader.receive_data(written + writer.write(4, 8, 1, 7, payload[1 : length + 1]))
    assert [reader.next_message(), reader.next_message()] == messages
    assert reader.next_message() is None
