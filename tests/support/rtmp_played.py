"""What an RTMP player gets, as messages and as the FLV file that a player makes of them."""

import struct

from relay.rtmp.chunk_reader import ChunkReader
from relay.rtmp.limits import RtmpLimits
from relay.rtmp.messages import AUDIO, DATA_AMF0, VIDEO, Message

CHUNK_SIZE = 60_000
MEDIA = (AUDIO, VIDEO, DATA_AMF0)
_HEADER = b"FLV\x01\x05\0\0\0\x09\0\0\0\0"


def messages_in(data: bytes) -> list[Message]:
    """All messages of `data`, by a reader that was told the chunk size."""
    reader = ChunkReader(RtmpLimits())
    reader.chunk_size = CHUNK_SIZE
    reader.receive_data(data)
    found = []
    while (message := reader.next_message()) is not None:
        found.append(message)
    return found


def as_flv(messages: list[Message]) -> bytes:
    """What librtmp hands on: each message of media as a tag (annex E.4.1)."""
    return _HEADER + b"".join(_tag(message) for message in messages if message.type_id in MEDIA)


def _tag(message: Message) -> bytes:
    size, time = len(message.payload), message.timestamp
    head = struct.pack(">II", message.type_id << 24 | size, (time & 0xFFFFFF) << 8 | time >> 24)
    return head + bytes(3) + message.payload + struct.pack(">I", 11 + size)
