"""What a publisher writes into every video frame, and viewers find again in any container.

A stamp is an SEI message of our own (H.264, D.1.6: user data, unregistered) in front of the
picture.  Decoders pass over it, servers carry it along like any other NAL unit, and since it is
ASCII behind a UUID without zeros it never needs emulation prevention.  Whatever a server puts
around a frame, FLV, fragmented MP4, chunks or WebSocket frames, it can be found without
understanding any of it.  It lies within the first 70 bytes of its message, so that RTMP's smallest
chunks do not cut it either.

    UUID | machine, 8 digits | microseconds, 16 | number, 8 | k or p

Digits are hexadecimal.  The clock is the monotonic one, which never jumps and means nothing
anywhere else: `machine` says where it ticks.
"""

import re

import attrs

UUID = bytes.fromhex("72656c6179b0a34e9fd1c2e5ad8b6e73")

STAMP_BYTES = len(UUID) + 8 + 16 + 8 + 1

_SEI, _UNREGISTERED, _STOP = 0x06, 0x05, 0x80
_STAMP = re.compile(re.escape(UUID) + rb"([0-9a-f]{8})([0-9a-f]{16})([0-9a-f]{8})([kp])")


@attrs.frozen
class Stamp:
    """Where and when a frame was sent, and which one it is."""

    machine: str
    """The first 8 hexadecimal digits of the machine's boot id: of its monotonic clock."""
    sent_us: int
    number: int
    """Counts a publisher's frames, modulo 2**32."""
    is_keyframe: bool


def sei_unit(stamp: Stamp) -> bytes:
    """The stamp as a NAL unit."""
    number = stamp.number & 0xFFFFFFFF
    text = f"{stamp.machine}{stamp.sent_us:016x}{number:08x}{'k' if stamp.is_keyframe else 'p'}"
    return bytes((_SEI, _UNREGISTERED, STAMP_BYTES)) + UUID + text.encode() + bytes((_STOP,))


class Scanner:
    """Bytes in, stamps out; keeps no more than the start of a stamp that was cut in two."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Stamp]:
        """The stamps that end in `data`."""
        data = self._rest + data
        found, end = [], 0
        for match in _STAMP.finditer(data):
            machine, sent, number, kind = match.groups()
            found.append(Stamp(machine.decode(), int(sent, 16), int(number, 16), kind == b"k"))
            end = match.end()
        self._rest = data[max(end, len(data) - STAMP_BYTES + 1) :]
        return found


@attrs.define
class Continuity:
    """Whether the frames of one stream arrive whole and in order."""

    seen: int = attrs.field(default=0, init=False)
    lost: int = attrs.field(default=0, init=False)
    out_of_order: int = attrs.field(default=0, init=False)
    """Repeated ones too.  A publisher that starts anew is one of these."""
    _last: int | None = attrs.field(default=None, init=False)

    def begin(self) -> None:
        """Count from here; what comes next must still follow on what came."""
        self.seen = self.lost = self.out_of_order = 0

    def add(self, number: int) -> None:
        if self._last is None or number == self._last + 1:
            pass
        elif number > self._last:
            self.lost += number - self._last - 1
        else:
            self.out_of_order += 1
        self.seen += 1
        self._last = number
