"""Fragments and parts read back: where each sample of a file of ours lies, and when it is shown.

What is read was written here, but a file that a power cut has ended may end in anything: whatever
is not a whole `moof` and `mdat` in one of our two shapes ends the reading, and is no error.
"""

import struct
from collections.abc import Callable, Iterator, Sequence

import attrs

from relay.errors import FormatError
from relay.fmp4.init import AUDIO_ID, VIDEO_ID
from relay.fmp4.part import KEYFRAME_FLAGS

Read = Callable[[int, int], bytes]
"""Bytes from an offset on, at most so many; fewer at the end of the file."""

LOOK_BYTES = 4096
"""Most `moof`s fit."""
MOOF_BYTES = 1024 * 1024
_HEADER = struct.Struct(">I4s")
_TRAF = struct.Struct(">I4sI4sIII4sIQI4sIII")
_SHAPES = {(VIDEO_ID, 0x01000F01): 4, (AUDIO_ID, 0x00000301): 2}
_MFHD_END = 24


@attrs.frozen
class TrackRun:
    """One track's samples in a fragment; times in the track's units."""

    track_id: int
    start: int
    offset: int
    """Of the first sample, from the start of the `moof`; the others follow."""
    durations: Sequence[int]
    sizes: Sequence[int]
    flags: Sequence[int]
    """Of pictures; empty for sound."""
    delays: Sequence[int]
    """From decoding to being shown, of pictures; empty for sound."""

    @property
    def end(self) -> int:
        return self.start + sum(self.durations)

    @property
    def starts_well(self) -> bool:
        return not self.flags or self.flags[0] == KEYFRAME_FLAGS


@attrs.frozen
class Moof:
    """One `moof` with its `mdat`."""

    offset: int
    size: int
    """Of both."""
    runs: tuple[TrackRun, ...]

    @property
    def picture(self) -> TrackRun | None:
        return next((run for run in self.runs if run.track_id == VIDEO_ID), None)


def moofs(read: Read, start: int, end: int) -> Iterator[Moof]:
    """Every whole fragment from `start` on, up to `end`."""
    while (moof := next_moof(read, start, end)) is not None:
        yield moof
        start += moof.size


def next_moof(read: Read, start: int, end: int) -> Moof | None:
    """The fragment at `start`; None where there is no whole one before `end`."""
    data = read(start, min(LOOK_BYTES, end - start))
    if (needed := bytes_needed(data)) > len(data):
        data = read(start, needed)
    return read_moof(data, start, end)


def bytes_needed(data: bytes) -> int:
    """How much of a fragment that begins so is to be read to know it; 0 where it is none."""
    size, name = _header(data, 0)
    is_moof = name == b"moof" and _MFHD_END <= size <= MOOF_BYTES
    return size + _HEADER.size if is_moof else 0


def read_moof(data: bytes, start: int, end: int) -> Moof | None:
    """As `next_moof`, of the first bytes from `start` on, which are enough to know it."""
    needed = bytes_needed(data)
    if not 0 < needed <= len(data):
        return None
    size = needed - _HEADER.size
    mdat_bytes, name = _header(data, size)
    whole = size + mdat_bytes
    if name != b"mdat" or mdat_bytes < _HEADER.size or start + whole > end:
        return None
    try:
        return Moof(start, whole, tuple(_runs(data[:size], whole)))
    except (FormatError, struct.error):
        return None


def _header(data: bytes, offset: int) -> tuple[int, bytes]:
    if len(data) < offset + _HEADER.size:
        return 0, b""
    size, name = _HEADER.unpack_from(data, offset)
    return size, name


def _runs(moof: bytes, whole: int) -> Iterator[TrackRun]:
    at = _MFHD_END
    while at < len(moof):
        size, name, *_, track_id, _, _, _, start, _, _, shape, count, offset = _TRAF.unpack_from(
            moof, at
        )
        stride = _SHAPES.get((track_id, shape))
        if name != b"traf" or stride is None or size != _TRAF.size + 4 * stride * count:
            raise FormatError("this is no track fragment of ours")
        yield _run(moof, at + _TRAF.size, track_id, start, offset, stride * count, whole)
        at += size


def _run(
    moof: bytes, at: int, track_id: int, start: int, offset: int, numbers: int, whole: int
) -> TrackRun:
    entries = struct.unpack_from(f">{numbers}I", moof, at)
    stride = 4 if track_id == VIDEO_ID else 2
    sizes = entries[1::stride]
    if offset + sum(sizes) > whole:
        raise FormatError("samples lie beyond their fragment")
    flags: Sequence[int] = ()
    delays: Sequence[int] = ()
    if track_id == VIDEO_ID:
        flags = entries[2::4]
        delays = [delay - (delay >> 31 << 32) for delay in entries[3::4]]
    return TrackRun(track_id, start, offset, entries[0::stride], sizes, flags, delays)
