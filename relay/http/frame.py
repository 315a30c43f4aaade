"""WebSocket frames as a server sends them (RFC 6455, 5.2): whole, unmasked, not compressed.

Written here and not with wsproto, which copies the payload three times on the way.  A broadcast
writes each frame once for all of its viewers.
"""

import struct

from wsproto.frame_protocol import Opcode

from relay.errors import LocalProtocolError

_FIN = 0x80
_CONTROL_BYTES = 125
_NEVER_ON_THE_WIRE = (1005, 1006, 1015)


def frame_header(opcode: Opcode, length: int) -> bytes:
    """The header of an unfragmented frame with `length` bytes of payload."""
    if length < 126:
        return struct.pack("!BB", _FIN | opcode, length)
    if length < 1 << 16:
        return struct.pack("!BBH", _FIN | opcode, 126, length)
    return struct.pack("!BBQ", _FIN | opcode, 127, length)


def frame(opcode: Opcode, payload: bytes | bytearray | memoryview) -> bytes:
    """One whole frame.

    Raises:
        LocalProtocolError: a control frame's payload is longer than 125 bytes (5.5).
    """
    if opcode.iscontrol() and len(payload) > _CONTROL_BYTES:
        raise LocalProtocolError("a control frame holds at most 125 bytes")
    return b"".join((frame_header(opcode, len(payload)), payload))


def text_frame(text: str) -> bytes:
    """A text message."""
    return frame(Opcode.TEXT, text.encode())


def binary_frame(data: bytes | bytearray | memoryview) -> bytes:
    """A binary message."""
    return frame(Opcode.BINARY, data)


def ping_frame(payload: bytes = b"") -> bytes:
    """A ping; its pong brings the payload back."""
    return frame(Opcode.PING, payload)


def pong_frame(payload: bytes) -> bytes:
    """The answer to a ping."""
    return frame(Opcode.PONG, payload)


def close_frame(code: int, reason: str = "") -> bytes:
    """A close frame; a reason too long for it is cut between characters.

    1005, 1006 and 1015 only describe a connection (7.4.1): a frame without a code stands for them.
    """
    if code in _NEVER_ON_THE_WIRE:
        return frame(Opcode.CLOSE, b"")
    cut = reason.encode()[: _CONTROL_BYTES - 2].decode(errors="ignore").encode()
    return frame(Opcode.CLOSE, struct.pack("!H", code) + cut)
