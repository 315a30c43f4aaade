"""Aggregate messages (RTMP 1.0, 7.1.6): many small messages in one."""

import base64
import struct
from collections.abc import Iterator
from typing import Any

import attrs

from relay.errors import RemoteProtocolError
from relay.rtmp.messages import AGGREGATE, Message

_U32 = struct.Struct(">I")
_TAG_HEADER = struct.Struct(">IIxxx")
_TAG_OVERHEAD = 11 + 4


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

    def snapshot(self) -> dict[str, Any]:
        """All state, as JSON can hold it."""
        return {
            "position": self.position,
            "stream_id": self.message.stream_id,
            "timestamp": self.message.timestamp,
            "payload": base64.b64encode(self.message.payload).decode(),
        }

    @classmethod
    def restore(cls, data: dict[str, Any]) -> "Aggregate":
        """An aggregate that goes on where `snapshot()` was taken."""
        payload = base64.b64decode(data["payload"])
        message = Message(AGGREGATE, data["stream_id"], data["timestamp"], payload)
        return cls(message, data["position"])

    def _first_time(self) -> int:
        return _tag_time(_U32.unpack_from(self.message.payload, 4)[0])


def _tag_time(field: int) -> int:
    """24 low bits, then the 8 high ones: FLV's way of having grown."""
    return field >> 8 | (field & 0xFF) << 24
