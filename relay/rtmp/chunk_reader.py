"""Chunks to messages (RTMP 1.0, section 5.3).  The hot path of ingest.

A peer cuts its messages into chunks and may interleave the chunks of several chunk streams.  Each
chunk stream remembers its last header, because later ones are sent as differences to it:

    fmt 0   11 bytes   timestamp, length, type, message stream
    fmt 1    7 bytes   timestamp delta, length, type
    fmt 2    3 bytes   timestamp delta
    fmt 3    0 bytes   the next piece of the message, or a new message with the same everything,
                       its delta included (after fmt 0 the delta is that timestamp, 5.3.1.2.4)

**Extended timestamps.**  A 24-bit field of FFFFFF says that four more bytes follow (for fmt 1 and
2 they are a delta).  The specification repeats them in each type-3 chunk; FMLE, FMS and current
encoders do; older librtmp, and OBS with it until 2024, did not.  So a type-3 chunk's first four
bytes are compared with what would be repeated: equal, they are a timestamp, else payload.

**Speed.**  Encoders that never leave the default chunk size of 128 send thousands of chunks a
second.  A message's pieces mostly follow each other without a break, so the one-byte headers
between them sit at equal distances: one extended slice shows whether all are the expected byte, and
one `del` takes them out.  Only interleaved chunks, extended timestamps and chunk stream ids above
63 go chunk by chunk.

What is read stays the `bytes` that it was as long as nothing but a little of the read before is
left in front of it: a slice of `bytes` is a payload, one of a `bytearray` has to be copied again.

**Bounds.**  A message is refused at its header.  The buffer holds no more than one chunk that is
not whole plus one read; messages under way hold no more than `buffered_bytes` in sum.
"""

import base64
import struct
from typing import Any, Self

import attrs

from relay.errors import RemoteProtocolError
from relay.rtmp import messages
from relay.rtmp.limits import RtmpLimits
from relay.rtmp.messages import Message

_U32 = struct.Struct(">I")
_U32_LITTLE = struct.Struct("<I")
_EXTENDED = 0xFFFFFF
_HEADER_SIZES = (11, 7, 3, 0)
_JOINED_BYTES = 16 * 1024
"""Remainders of a read up to this size are joined with the next one; longer ones would be copied
with each of many reads, and go where appending is cheap."""
_CONTROL_BYTES = 64
LONGEST_RUN = 1024
"""Chunks looked at in one step.  Unbounded, one-byte chunks that alternate would cost n squared."""
_AMF_TYPES = frozenset(
    {
        messages.DATA_AMF3,
        messages.SHARED_OBJECT_AMF3,
        messages.COMMAND_AMF3,
        messages.DATA_AMF0,
        messages.SHARED_OBJECT_AMF0,
        messages.COMMAND_AMF0,
    }
)


@attrs.define(eq=False, slots=True)
class ChunkStream:
    """The last header of a chunk stream, and the message that is under way on it."""

    marker: int
    """Its type-3 header where that is one byte; -1 where it is longer."""
    timestamp: int = 0
    delta: int = 0
    length: int = 0
    type_id: int = 0
    stream_id: int = 0
    extended: bytes = b""
    """The last extended timestamp field as it was sent; empty without one."""
    left: int = 0
    """Bytes of the message under way that have not come yet."""
    partial: bytearray = attrs.field(factory=bytearray)


class ChunkReader:
    """Takes bytes, gives whole messages."""

    def __init__(self, limits: RtmpLimits) -> None:
        self.chunk_size = 128
        self.expects_media = True
        """Off, every message may be as long as a command and no longer: the peer is nobody yet."""
        self._limits = limits
        self._buffer: bytes | bytearray = b""
        self._position = 0
        self._streams: dict[int, ChunkStream] = {}
        self._open: ChunkStream | None = None
        """The chunk stream whose payload comes next; None where a header does."""
        self._announced = 0
        """Lengths of all messages under way."""

    def receive_data(self, data: bytes | bytearray | memoryview) -> None:
        buffer, position = self._buffer, self._position
        self._position = 0
        if position == len(buffer):
            self._buffer = bytes(data)
        elif len(buffer) - position <= _JOINED_BYTES:
            self._buffer = b"".join((memoryview(buffer)[position:], data))
        else:
            if isinstance(buffer, bytes):
                self._buffer = buffer = bytearray(buffer)
            del buffer[:position]
            buffer += data

    def next_message(self) -> Message | None:
        """The next whole message; None when more bytes are needed.

        Raises:
            RemoteProtocolError: these are no chunks, or a limit is passed.
        """
        while True:
            stream = self._open or self._read_header()
            if stream is None:
                return None
            self._open = stream
            if stream.left and not self._take_chunks(stream):
                return None
            self._open = None
            if not stream.left:
                return self._finish(stream)

    def abort(self, chunk_stream: int) -> None:
        """Forget the message that is under way (5.4.2).  Unknown ids are nobody's loss."""
        stream = self._streams.get(chunk_stream)
        if stream is None or not stream.left:
            return
        self._announced -= stream.length
        stream.left = 0
        stream.partial = bytearray()

    def _finish(self, stream: ChunkStream) -> Message:
        self._announced -= stream.length
        payload = bytes(stream.partial)
        stream.partial = bytearray()
        return Message(stream.type_id, stream.stream_id, stream.timestamp, payload)

    def _take_chunks(self, stream: ChunkStream) -> bool:
        """Take the chunk at hand, and those of the same message right behind it.

        False when the first is not whole yet.
        """
        size, left, start = self.chunk_size, stream.left, self._position
        available = len(self._buffer) - start
        end = min(size, left)
        if available < end:
            return False
        if left <= size or stream.extended or stream.marker < 0:
            block = self._buffer[start : start + end]
        else:
            end = self._run(stream, available)
            block = bytearray(self._buffer[start : start + end])
            del block[size :: size + 1]
        self._position = start + end
        stream.left = left - len(block)
        if stream.partial:
            stream.partial += block
        else:
            stream.partial = bytearray(block)
        return True

    def _run(self, stream: ChunkStream, available: int) -> int:
        """Length of the longest run of whole chunks of one message, one-byte headers included."""
        size, left = self.chunk_size, stream.left
        step = size + 1
        end = left + (left - 1) // size
        if available < end:
            end = size + (available - size) // step * step
        end = min(end, size + LONGEST_RUN * step)
        start = self._position
        headers = self._buffer[start + size : start + end : step]
        same = len(headers) - len(headers.lstrip(bytes((stream.marker,))))
        return end if same == len(headers) else size + same * step

    def _read_header(self) -> ChunkStream | None:
        """Read a chunk's header and step over it; None, and no step, when it is not whole yet."""
        buffer, start = self._buffer, self._position
        available = len(buffer) - start
        if not available:
            self._buffer, self._position = b"", 0
            return None
        first = buffer[start]
        chunk_format, number, size = first >> 6, first & 0x3F, 1
        if number < 2:
            size = 2 + number
            if available < size:
                return None
            number = 64 + int.from_bytes(buffer[start + 1 : start + size], "little")
        stream = self._streams.get(number)
        if chunk_format == 3:
            return self._read_type_3(stream, number, start + size)
        if available < size + _HEADER_SIZES[chunk_format]:
            return None
        if stream is None:
            stream = self._new_stream(number, chunk_format)
        elif stream.left:
            raise RemoteProtocolError(f"a new message inside another on chunk stream {number}")
        return self._read_fields(stream, chunk_format, start + size)

    def _new_stream(self, number: int, chunk_format: int) -> ChunkStream:
        # Starting with fmt 1 is against the book but complete: librtmp does it for its pings.
        if chunk_format == 2:
            raise RemoteProtocolError(f"chunk stream {number} starts without a length")
        if len(self._streams) >= self._limits.chunk_streams:
            raise RemoteProtocolError(f"more than {self._limits.chunk_streams} chunk streams")
        stream = ChunkStream(0xC0 | number if number < 64 else -1)
        self._streams[number] = stream
        return stream

    def _read_fields(
        self, stream: ChunkStream, chunk_format: int, start: int
    ) -> ChunkStream | None:
        """Read the header of format 0, 1 or 2 at `start` and begin its message."""
        buffer = self._buffer
        end = start + _HEADER_SIZES[chunk_format]
        time = buffer[start] << 16 | buffer[start + 1] << 8 | buffer[start + 2]
        extended = b""
        if time == _EXTENDED:
            extended = bytes(buffer[end : end + 4])
            if len(extended) < 4:
                return None
            end += 4
            time = _U32.unpack(extended)[0]
        length, type_id, stream_id = stream.length, stream.type_id, stream.stream_id
        if chunk_format < 2:
            length_and_type = _U32.unpack_from(buffer, start + 3)[0]
            length, type_id = length_and_type >> 8, length_and_type & 0xFF
        if chunk_format == 0:
            stream_id = _U32_LITTLE.unpack_from(buffer, start + 7)[0]
        self._begin(stream, length, type_id)
        stream.stream_id = stream_id
        stream.extended = extended
        stream.delta = time
        stream.timestamp = time if chunk_format == 0 else (stream.timestamp + time) & 0xFFFFFFFF
        self._position = end
        return stream

    def _read_type_3(self, stream: ChunkStream | None, number: int, end: int) -> ChunkStream | None:
        """Read what may follow a type-3 header, at `end`: an extended timestamp, or nothing."""
        if stream is None:
            raise RemoteProtocolError(f"chunk stream {number} starts without a header")
        if stream.extended:
            repeated = self._buffer[end : end + 4]
            if repeated == stream.extended:
                end += 4
            elif stream.extended.startswith(repeated):
                return None
        if not stream.left:
            self._begin(stream, stream.length, stream.type_id)
            stream.timestamp = (stream.timestamp + stream.delta) & 0xFFFFFFFF
        self._position = end
        return stream

    def _begin(self, stream: ChunkStream, length: int, type_id: int) -> None:
        """Let a message start, if it may be that long."""
        announced = self._announced + length
        if length > self._longest(type_id):
            raise RemoteProtocolError(f"a message of type {type_id} with {length} bytes")
        if announced > self._most_announced():
            raise RemoteProtocolError(f"{announced} bytes of unfinished messages")
        self._announced = announced
        stream.length = stream.left = length
        stream.type_id = type_id

    def _longest(self, type_id: int) -> int:
        if type_id in _AMF_TYPES:
            return self._limits.amf_bytes
        if type_id <= 6:
            return _CONTROL_BYTES
        return self._limits.message_bytes if self.expects_media else self._limits.amf_bytes

    def _most_announced(self) -> int:
        return self._limits.buffered_bytes if self.expects_media else 2 * self._limits.amf_bytes

    def snapshot(self) -> dict[str, Any]:
        """All state, as JSON can hold it."""
        opened = [number for number, stream in self._streams.items() if stream is self._open]
        return {
            "chunk_size": self.chunk_size,
            "expects_media": self.expects_media,
            "buffer": _pack(self._buffer[self._position :]),
            "announced": self._announced,
            "open": opened[0] if opened else None,
            "streams": {
                str(number): {
                    **attrs.asdict(stream),
                    "extended": _pack(stream.extended),
                    "partial": _pack(stream.partial),
                }
                for number, stream in self._streams.items()
            },
        }

    @classmethod
    def restore(cls, limits: RtmpLimits, data: dict[str, Any]) -> Self:
        """A reader that goes on where `snapshot()` was taken."""
        reader = cls(limits)
        reader.chunk_size = data["chunk_size"]
        reader.expects_media = data["expects_media"]
        reader._buffer += base64.b64decode(data["buffer"])
        reader._announced = data["announced"]
        for number, fields in data["streams"].items():
            packed = {
                "extended": base64.b64decode(fields["extended"]),
                "partial": bytearray(base64.b64decode(fields["partial"])),
            }
            reader._streams[int(number)] = ChunkStream(**{**fields, **packed})
        reader._open = None if data["open"] is None else reader._streams[data["open"]]
        return reader


def _pack(data: bytes | bytearray) -> str:
    return base64.b64encode(data).decode()
