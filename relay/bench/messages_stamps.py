"""What a publisher writes into every message, and what subscribers find in what they receive.

The data of a message is a JSON string:

    "relay-bench MACHINE MICROSECONDS NUMBER FILLER"

with 8, 16 and 8 hexadecimal digits as in `stamps`, so that it is found without understanding what
a server puts around it.  The number counts the messages of a channel.

Everybody who follows a channel gets the same bytes, joined in a few ways.  So whole frames are read
once and *remembered*: for all others it is a look into a dictionary to know how many messages came,
that none is missing, and whether there was a ping among them.
"""

import itertools
import re

import attrs

from relay.bench.openings import NotServed, frame_bytes
from relay.bench.stamps import Stamp

REMEMBERED = 512
NUMBERS = 1 << 32

_STAMP = re.compile(rb'"relay-bench ([0-9a-f]{8}) ([0-9a-f]{16}) ([0-9a-f]{8})')
_OFFSET = re.compile(rb'"offset":([0-9]+)')
_ANSWERS = {b"{}": b"\x81\x82\0\0\0\0{}"}
"""Pings, and what a client says to them: masked, as its frames are."""
_TEXT, _BINARY, _CLOSE, _PING = 1, 2, 8, 9
_PONG = b"\x8a\x80\0\0\0\0"


def stamped(stamp: Stamp, size: int) -> bytes:
    """A message's data, in `size` bytes or as many as the stamp needs."""
    number = stamp.number % NUMBERS
    text = f'"relay-bench {stamp.machine} {stamp.sent_us:016x} {number:08x} '
    return text.ljust(size - 1, "x").encode() + b'"'


@attrs.frozen(kw_only=True)
class Frames:
    """What whole frames held."""

    stamps: tuple[Stamp, ...] = ()
    is_gapless: bool = True
    """Whether the stamps' numbers follow each other."""
    offset: int | None = None
    """The last one that was spoken of."""
    replies: tuple[bytes, ...] = ()
    """Lines that answer a command."""
    answer: bytes = b""
    """What pings want to hear."""
    rest: bytes = b""
    """The beginning of a frame."""

    @property
    def first(self) -> int:
        return self.stamps[0].number

    @property
    def after(self) -> int:
        """The number behind the last one."""
        return self.stamps[-1].number + 1


def read_frames(data: bytes) -> Frames:
    """Take a server's WebSocket frames apart.

    Raises:
        NotServed: the server closes.
    """
    payloads, answer, start = [], b"", 0
    while (size := frame_bytes(data[start : start + 10])) is not None:
        if start + size > len(data):
            break
        frame, start = data[start : start + size], start + size
        payload = frame[_head_bytes(frame) :]
        match frame[0] & 0x0F:
            case 0x8:
                reason = payload[2:].decode(errors="replace")
                raise NotServed(f"closed: {int.from_bytes(payload[:2], 'big')} {reason}".strip())
            case 0x9:
                answer += _PONG
            case _:
                payloads.append(payload)
    return _frames(b"\n".join(payloads), answer, data[start:])


def _frames(text: bytes, answer: bytes, rest: bytes) -> Frames:
    stamps = tuple(
        Stamp(machine.decode(), int(sent, 16), int(number, 16), is_keyframe=False)
        for machine, sent, number in _STAMP.findall(text)
    )
    lines = text.split(b"\n")
    offsets = _OFFSET.findall(text)
    return Frames(
        stamps=stamps,
        is_gapless=all(b.number == a.number + 1 for a, b in itertools.pairwise(stamps)),
        offset=int(offsets[-1]) if offsets else None,
        replies=tuple(line for line in lines if line.startswith(b'{"id":')),
        answer=answer + b"".join(_ANSWERS[line] for line in lines if line in _ANSWERS),
        rest=rest,
    )


def _head_bytes(frame: bytes) -> int:
    return 2 + {126: 2, 127: 8}.get(frame[1] & 0x7F, 0)


class Reader:
    """Reads what many receive, each thing once."""

    def __init__(self) -> None:
        self._known: dict[bytes, Frames] = {}

    def read(self, data: bytes) -> Frames:
        """As `read_frames`."""
        known = self._known.get(data)
        if known is not None:
            return known
        frames = read_frames(data)
        if not frames.rest and not frames.replies:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[data] = frames
        return frames
