"""RTMP messages: what chunks carry (RTMP 1.0, section 6 and 7.1), and the protocol's own ones."""

import struct

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
