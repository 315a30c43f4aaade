"""RTMP messages: what chunks carry (RTMP 1.0, section 6 and 7.1), and the protocol's own ones."""

import struct
from collections.abc import Iterator

import attrs

from relay.errors import RemoteProtocolError

SET_CHUNK_SIZE, ABORT, ACKNOWLEDGEMENT, USER_CONTROL = 1, 2, 3, 4
WINDOW_ACK_SIZE, SET_PEER_BANDWIDTH = 5, 6
AUDIO, VIDEO = 8, 9
DATA_AMF3, SHARED_OBJECT_AMF3, COMMAND_AMF3 = 15, 16, 17
DATA_AMF0, SHARED_OBJECT_AMF0, COMMAND_AMF0 = 18, 19, 20
AGGREGATE = 22

# User control events (7.1.7).
STREAM_BEGIN, STREAM_EOF, PING_REQUEST, PING_RESPONSE = 0, 1, 6, 7

# Set Peer Bandwidth limit types (5.4.5).
HARD, SOFT, DYNAMIC = 0, 1, 2

MAX_CHUNK_SIZE = 0xFFFFFF
"""A larger chunk than the longest message makes no sense (5.4.1)."""

_U32 = struct.Struct(">I")
_TAG_HEADER = struct.Struct(">IIxxx")
_TAG_OVERHEAD = 11 + 4


@attrs.define(eq=True, slots=True)
class Message:
    """One whole message.  Made for every audio and video frame: slots, no validation."""

    type_id: int
    stream_id: int
    timestamp: int
    """Milliseconds modulo 2**32."""
    payload: bytes


def u32(value: int) -> bytes:
    """Four bytes, big-endian."""
    return _U32.pack(value)


def read_u32(payload: bytes, what: str) -> int:
    """The four bytes at the start of a protocol control message.

    Raises:
        RemoteProtocolError: there are fewer.
    """
    if len(payload) < 4:
        raise RemoteProtocolError(f"{what} has {len(payload)} bytes")
    return int(_U32.unpack_from(payload)[0])


def user_control(event: int, value: int) -> bytes:
    """Payload of a user control message with one 4-byte parameter (7.1.7)."""
    return event.to_bytes(2, "big") + _U32.pack(value)


@attrs.define
class Aggregate:
    """An aggregate message (7.1.6), handed out one part at a time.

    The parts look like FLV tags.  Only the distances between their timestamps count: the first
    part happens at the aggregate's own timestamp.  Parts are made when asked for, because eight
    megabytes of empty ones would be half a million objects.
    """

    message: Message
    position: int = 0

    def __iter__(self) -> Iterator[Message]:
        return self

    def __next__(self) -> Message:
        payload = self.message.payload
        start = self.position
        if start == len(payload):
            raise StopIteration
        if len(payload) - start < _TAG_OVERHEAD:
            raise RemoteProtocolError("an aggregate message ends inside a part's header")
        type_and_size, time = _TAG_HEADER.unpack_from(payload, start)
        size = type_and_size & 0xFFFFFF
        body = start + 11
        # The back pointer after the body is not looked at: some writers count the header, some not.
        if len(payload) - body < size + 4:
            raise RemoteProtocolError("an aggregate message ends inside a part")
        self.position = body + size + 4
        rebased = (self.message.timestamp + _tag_time(time) - self._first_time()) & 0xFFFFFFFF
        part = payload[body : body + size]
        return Message(type_and_size >> 24, self.message.stream_id, rebased, part)

    def _first_time(self) -> int:
        return _tag_time(_U32.unpack_from(self.message.payload, 4)[0])


def _tag_time(field: int) -> int:
    """24 low bits, then the 8 high ones: FLV's way of having grown."""
    return field >> 8 | (field & 0xFF) << 24
