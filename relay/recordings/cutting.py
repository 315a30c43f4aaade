"""From what comes off a broadcast to what goes into files: every decision, and no disk.

    broadcast --`relay.live.intake`--> recorder, which asks here --steps--> the disk

What an intake hands over goes in; steps come out, in the order in which they must be taken:

- `Begin`: a stretch begins, with a file of its own
- `Add`: a part, for the end of the stretch's file
- `End`: a segment has ended, for the index

Media time has no hole at a seam.  Where there is one all the same, packets are missing: the disk
was so slow that the intake was full.  The segment behind it says so.

A crash between a part and its segment's line costs nothing: whoever closes the recording reads the
parts behind the last line (`recovering`).
"""

from collections.abc import Callable, Iterator

import attrs

from relay.fmp4.init import init_segment
from relay.fmp4.part import Part, PartMuxer
from relay.live.sequencer import Placed, Seam
from relay.packet import Packet
from relay.recordings.index import GAP_BEFORE, SEAM_BEFORE, SEGMENT_MS, Segment
from relay.tracks import Tracks

GAP_MS = 200
"""Tracks end apart by less where nothing is missing."""


@attrs.frozen
class Begin:
    """A stretch begins."""

    stretch: int
    tracks: Tracks
    init: bytes


@attrs.frozen
class Add:
    """A part of the stretch that began last."""

    part: Part


@attrs.frozen
class End:
    """A segment has ended."""

    segment: Segment


Step = Begin | Add | End


@attrs.define(eq=False)
class Cutter:
    """One recording.  Memory: one part and one segment's line, however long it grows."""

    _wall_ms: Callable[[int], int]
    """When a media time was, in milliseconds since 1970."""
    stretch: int = attrs.field(default=-1, init=False)
    """The one that began last."""
    _tracks: Tracks | None = attrs.field(default=None, init=False)
    _muxer: PartMuxer = attrs.field(factory=lambda: PartMuxer(Tracks()), init=False)
    _size: int = attrs.field(default=0, init=False)
    """Of the stretch's file so far."""
    _segment: Segment | None = attrs.field(default=None, init=False)
    """The one that goes on."""
    _is_after_seam: bool = attrs.field(default=False, init=False)
    _last_dts: int | None = attrs.field(default=None, init=False)
    _resumed_ms: int = attrs.field(default=0, init=False)
    """When the first packet behind the last seam or gap is shown."""
    _flags: int = attrs.field(default=0, init=False)
    """Of the next segment."""

    @property
    def ripe_ms(self) -> int:
        """Nothing comes of a packet before this decode time, unless it is a keyframe, or huge."""
        return self._muxer.ripe_ms

    def take(self, taken: Placed | Seam) -> Iterator[Step]:
        """What this amounts to."""
        if isinstance(taken, Placed):
            yield from self._packet(taken.packet)
            return
        yield from self.finish()
        yield from self._begin(taken.tracks)

    def finish(self) -> Iterator[Step]:
        """All that is held, and the end of the segment: nobody publishes now, or ever."""
        part = self._muxer.flush()
        if part is not None:
            yield from self._part(part)
        yield from self._end_segment()

    def _begin(self, tracks: Tracks) -> Iterator[Step]:
        self._is_after_seam = self._tracks is not None
        if tracks == self._tracks:
            self._muxer.seam()
            return
        self._muxer.seam(tracks)
        self._tracks = tracks
        init = init_segment(tracks)
        self.stretch += 1
        self._size = len(init)
        yield Begin(self.stretch, tracks, init)

    def _packet(self, packet: Packet) -> Iterator[Step]:
        if self._is_after_seam:
            self._is_after_seam = False
            is_gap = self._last_dts is not None and packet.dts > self._last_dts + GAP_MS
            self._flags |= GAP_BEFORE if is_gap else SEAM_BEFORE
            self._resumed_ms = packet.pts
        self._last_dts = packet.dts
        part = self._muxer.add(packet)
        if part is not None:
            yield from self._part(part)

    def _part(self, part: Part) -> Iterator[Step]:
        if self._segment is not None and self._is_enough(self._segment, part):
            yield from self._end_segment()
        if self._segment is None:
            self._segment = self._opened(part)
        yield Add(part)
        size, segment = len(part.payload), self._segment
        end_ms = max(segment.end_ms, part.end_ms)
        self._segment = attrs.evolve(
            segment, size=segment.size + size, duration_ms=end_ms - segment.start_ms
        )
        self._size += size

    def _is_enough(self, segment: Segment, part: Part) -> bool:
        return part.is_resync and part.start_ms - segment.start_ms >= SEGMENT_MS

    def _opened(self, part: Part) -> Segment:
        flags, self._flags = self._flags, 0
        start_ms = max(part.start_ms, 0)
        if flags & GAP_BEFORE:
            # The part fills the gap, with a picture that stands still and with silence.
            start_ms = max(start_ms, self._resumed_ms)
        # Where a run begins, what is declared may lie some milliseconds before it, and so before
        # all the time in which nobody published.
        at_ms = self._resumed_ms if flags else start_ms
        return Segment(
            stretch=self.stretch,
            offset=self._size,
            size=0,
            start_ms=start_ms,
            duration_ms=0,
            wall_ms=self._wall_ms(at_ms) + start_ms - at_ms,
            flags=flags,
        )

    def _end_segment(self) -> Iterator[Step]:
        segment, self._segment = self._segment, None
        if segment is not None:
            yield End(segment)
