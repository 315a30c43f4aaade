"""Messages to chunks (RTMP 1.0, section 5.3).

Every message starts with a full header (fmt 0).  That costs a few bytes more than deltas would,
and in exchange the same bytes suit every receiver with the same chunk size, from any message on.
"""

import struct

_HEADER = struct.Struct(">BBHBHB")
_U32 = struct.Struct(">I")
_U32_LITTLE = struct.Struct("<I")
_EXTENDED = 0xFFFFFF


class ChunkWriter:
    """Takes messages, gives bytes.  Its only state is the chunk size."""

    def __init__(self, chunk_size: int = 128) -> None:
        self.chunk_size = chunk_size

    def write(
        self, chunk_stream: int, type_id: int, stream_id: int, timestamp: int, payload: bytes
    ) -> bytes:
        """One message as chunks.  `chunk_stream` is 2 to 63, `timestamp` is taken modulo 2**32."""
        timestamp &= 0xFFFFFFFF
        short = min(timestamp, _EXTENDED)
        extended = _U32.pack(timestamp) if short == _EXTENDED else b""
        length = len(payload)
        header = _HEADER.pack(
            chunk_stream, short >> 16, short & 0xFFFF, length >> 16, length & 0xFFFF, type_id
        )
        head = header + _U32_LITTLE.pack(stream_id) + extended
        size = self.chunk_size
        if length <= size:
            return head + payload
        # Repeated in each type-3 chunk, as the specification (5.3.1.3), FMS and ffmpeg have it.
        between = bytes((0xC0 | chunk_stream,)) + extended
        return head + between.join(
            [payload[start : start + size] for start in range(0, length, size)]
        )
