"""FLV files and streams to tags, without any input or output of its own (annex E.2, E.3, E.4)."""

import enum
from typing import Final

import attrs

from relay.errors import FormatError
from relay.packet import Kind

TAG_KINDS = {8: Kind.AUDIO, 9: Kind.VIDEO, 18: Kind.DATA}
TAG_HEADER_BYTES = 11
FILE_HEADER_BYTES = 9
MAX_HEADER_BYTES = 4096
"""DataOffset is 9 in version 1; more is allowed for, but not gigabytes of it."""
PREVIOUS_TAG_SIZE_BYTES = 4


class NeedData(enum.Enum):
    """The type of NEED_DATA."""

    NEED_DATA = enum.auto()


NEED_DATA: Final = NeedData.NEED_DATA
"""No whole tag has arrived yet: call `receive_data`."""


@attrs.frozen
class Tag:
    """One FLV tag."""

    kind: Kind
    timestamp: int
    """Milliseconds, 0 to 2^32 - 1."""
    body: bytes


class FlvDemuxer:
    """Bytes in, tags out.

    PreviousTagSize is passed over: nobody reads backwards here, and many writers get it wrong.
    Memory: what was given to `receive_data` and not yet taken as tags.  Whoever takes tags until
    NEED_DATA after each piece holds one tag (at most 16 MiB, by its 24 bit size) and that piece.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._position = 0
        self._is_started = False

    def receive_data(self, data: bytes) -> None:
        """Take the next bytes of the file."""
        if self._position:
            del self._buffer[: self._position]
            self._position = 0
        self._buffer += data

    def next_tag(self) -> Tag | NeedData:
        """The next whole tag.

        Raises:
            FormatError: this is not FLV, or no longer.
        """
        if not self._is_started and not self._start():
            return NEED_DATA
        start = self._position
        head = self._buffer[start : start + TAG_HEADER_BYTES]
        if len(head) < TAG_HEADER_BYTES:
            return NEED_DATA
        if head[0] not in TAG_KINDS:  # encrypted ones (filter bit 0x20) among them
            raise FormatError(f"FLV tag has type {head[0]}")
        start += TAG_HEADER_BYTES
        end = start + int.from_bytes(head[1:4], "big")
        if len(self._buffer) < end + PREVIOUS_TAG_SIZE_BYTES:
            return NEED_DATA
        self._position = end + PREVIOUS_TAG_SIZE_BYTES
        timestamp = head[7] << 24 | head[4] << 16 | head[5] << 8 | head[6]
        return Tag(TAG_KINDS[head[0]], timestamp, bytes(self._buffer[start:end]))

    def _start(self) -> bool:
        """Pass over the file header; False when it is not there yet."""
        header = self._buffer[:FILE_HEADER_BYTES]
        if not b"FLV\x01".startswith(header[:4]):
            raise FormatError("FLV does not start with its signature and version 1")
        if len(header) < FILE_HEADER_BYTES:
            return False
        offset = int.from_bytes(header[5:9], "big")
        if not FILE_HEADER_BYTES <= offset <= MAX_HEADER_BYTES:
            raise FormatError(f"FLV header claims {offset} bytes")
        first_tag = offset + PREVIOUS_TAG_SIZE_BYTES
        if len(self._buffer) < first_tag:
            return False
        self._position = first_tag
        self._is_started = True
        return True
