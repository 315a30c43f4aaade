"""Audio and video messages in one step each.  The hottest path of ingest.

Nearly every message of a publisher is audio or video, behind a header of format 0 or 1, and whole
by the time it is looked at: in one chunk, or in chunks right behind each other.  `next_media` takes
those, and only those: it never refuses anything, never takes a part, and leaves all else to
`next_message`, which would have read the same.
"""

import struct

from relay.packet import Kind
from relay.rtmp import messages
from relay.rtmp.chunk_reader import LONGEST_RUN, ChunkReader, ChunkStream
from relay.rtmp.events import MediaMessage

MEDIA_KINDS = {messages.AUDIO: Kind.AUDIO, messages.VIDEO: Kind.VIDEO}

_SAME_PART = struct.Struct(">II")
"""What headers of format 0 and 1 share: basic header and time, length and type."""
_ENDS = (12, 8)
"""Where these headers end, their basic header included."""
_STREAM_ID = struct.Struct("<I")
_EXTENDED = 0xFFFFFF


class MediaReader(ChunkReader):
    """A `ChunkReader` with a short way for what comes most."""

    def next_media(self) -> MediaMessage | None:
        """The next message, if nothing about it is unusual; else `next_message` says what is."""
        buffer, start = self._buffer, self._position
        if self._open is not None or len(buffer) - start < _ENDS[0]:
            return None
        first, second = _SAME_PART.unpack_from(buffer, start)
        chunk_format, time, type_id = first >> 30, first & _EXTENDED, second & 0xFF
        # Ids above 63 have 0 or 1 here, which is nobody's id.
        stream = self._streams.get(first >> 24 & 0x3F)
        kind = MEDIA_KINDS.get(type_id)
        if chunk_format > 1 or time == _EXTENDED or kind is None or stream is None or stream.left:
            return None
        start += _ENDS[chunk_format]
        length = second >> 8
        payload = self._take_whole(stream, start, length)
        if payload is None:
            return None
        if chunk_format == 0:
            stream.stream_id = _STREAM_ID.unpack_from(buffer, start - 4)[0]
            stream.timestamp = time
        else:
            stream.timestamp = (stream.timestamp + time) & 0xFFFFFFFF
        stream.delta = time
        stream.length = length
        stream.type_id = type_id
        stream.extended = b""
        return MediaMessage(kind, stream.stream_id, stream.timestamp, payload)

    def _take_whole(self, stream: ChunkStream, start: int, length: int) -> bytes | None:
        """Take the payload at `start`, if it may be that long, is there, and in one piece."""
        buffer, size, limits = self._buffer, self.chunk_size, self._limits
        if length > limits.message_bytes or self._announced + length > limits.buffered_bytes:
            return None
        count = (length - 1) // size if length > size else 0
        end = start + length + count
        if end > len(buffer) or count > LONGEST_RUN or not self.expects_media:
            return None
        if not count:
            self._position = end
            return bytes(buffer[start:end])
        if buffer[start + size : end : size + 1].count(stream.marker) != count:
            return None
        self._position = end
        block = bytearray(memoryview(buffer)[start:end])
        del block[size :: size + 1]
        return bytes(block)
