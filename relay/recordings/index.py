"""The index of a recording: one line of 32 bytes for each segment, added when it has ended.

A segment is some seconds from a keyframe on.  Everything finer is in the file itself, where the
boxes say it, and everything coarser would be too coarse to find a moment in: so a day is less than
half a megabyte, and none of it is in memory while it grows.

A recording is a folder:

    index          these lines
    0.json 0.mp4   the first stretch: its codec configurations, and its init segment and parts
    1.json 1.mp4   the next one, from where the tracks changed
    head           of the plain MP4 that all of it is, made when it is asked for

Times are milliseconds on the session's own timeline, so that what was said in its chat is in step.
"""

import struct
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import attrs

NAME = "index"
SEGMENT_MS = 6_000
"""A segment ends at the first keyframe after so much."""

GAP_BEFORE = 1
"""Something is missing in front of it: the disk was too slow."""
SEAM_BEFORE = 2
"""A publisher returned there, or another one took over."""

_LINE = struct.Struct(">QIIIqHH")
LINE_BYTES = _LINE.size


@attrs.frozen(kw_only=True)
class Segment:
    """One line."""

    stretch: int
    offset: int
    """In its stretch's file."""
    size: int
    start_ms: int
    duration_ms: int
    wall_ms: int
    """When it was so, wall clock."""
    flags: int = 0

    @property
    def end_ms(self) -> int:
        return self.start_ms + self.duration_ms

    def encoded(self) -> bytes:
        return _LINE.pack(
            self.offset,
            self.size,
            self.start_ms,
            self.duration_ms,
            self.wall_ms,
            self.stretch,
            self.flags,
        )


@attrs.frozen
class Gap:
    """What is missing, in milliseconds of media time."""

    from_ms: int
    to_ms: int


def segments(data: bytes) -> Iterator[Segment]:
    """The lines of an index; one that was cut off is none."""
    whole = len(data) - len(data) % LINE_BYTES
    for offset, size, start_ms, duration_ms, wall_ms, stretch, flags in _LINE.iter_unpack(
        memoryview(data)[:whole]
    ):
        yield Segment(
            stretch=stretch,
            offset=offset,
            size=size,
            start_ms=start_ms,
            duration_ms=duration_ms,
            wall_ms=wall_ms,
            flags=flags,
        )


def gaps(found: Sequence[Segment]) -> list[Gap]:
    """Where something is missing between two segments."""
    pairs = pairwise(found)
    return [Gap(before.end_ms, it.start_ms) for before, it in pairs if it.flags & GAP_BEFORE]


def duration_ms(found: Sequence[Segment]) -> int:
    """From the first to the end of the last, gaps included."""
    return found[-1].end_ms - found[0].start_ms if found else 0


def media_bytes(found: Iterable[Segment]) -> int:
    return sum(segment.size for segment in found)


def media_name(stretch: int) -> str:
    """The file of a stretch."""
    return f"{stretch}.mp4"


def tracks_name(stretch: int) -> str:
    """Where its codec configurations are."""
    return f"{stretch}.json"
