"""Packets to parts: where a broadcast is cut.

    packets -> fragments (one picture and the sound before it) -> parts -> segments

- A *part* is as many whole fragments as fit into PART-TARGET, which every playlist promises for its
  whole life.  So a part ends when the fragment behind it has come and does not fit any more.  That
  costs one frame of latency, and buys that it is known, when a part is listed, whether the segment
  goes on behind it: a preload hint names what really comes next.
- A *segment* begins with a keyframe.  Each GOP is one, unless it is so short that a list of them
  would be longer than what it lists: then the next keyframe ends it.
- At a seam (a publisher returned, or tracks changed) everything ends, and what follows is marked.
  Decode times go on without a hole even so; see `relay.fmp4.clocks`.

What is said at a moment of the picture goes in front of the fragment behind it, as an event message
with an ID3 tag.

A part may be shorter than it should be where its segment ends with it, and longer where a single
frame is: slides at one frame per second.
"""

from collections.abc import Callable, Iterator

import attrs

from relay.fmp4.emsg import event_message
from relay.fmp4.init import init_segment
from relay.fmp4.muxer import Fragment, FragmentMuxer
from relay.formats.id3 import user_text
from relay.hls.segments import Head, Init, Part
from relay.packet import Kind, Packet
from relay.timed import read_script
from relay.tracks import Tracks

PART_TARGET_MS = 334
"""PART-TARGET: ten frames at 30/s, eight at 25/s."""
ROUNDING_MS = 2
"""Publishers round to milliseconds: five frames at 15/s are 333 ms, and once in a while 335."""
MOST_SAID = 16
"""Of what is said between two fragments: more is no metadata, but a stream of its own."""
SHORTEST_SEGMENT_MS = 900
"""A GOP of one second, which jitters by a frame, is one segment; shorter ones are joined."""
AUDIO_ONLY_MS = 40
"""Without video, a fragment holds about this much, so that parts come near their target."""


@attrs.define(eq=False)
class Cutter:
    """One session's cuts.  See the head of this module."""

    _wall_ms: Callable[[int], int]
    """From media time to wall clock."""
    _muxer: FragmentMuxer = attrs.field(factory=lambda: FragmentMuxer(Tracks()), init=False)
    _init: Init | None = attrs.field(default=None, init=False)
    _head: Head | None = attrs.field(default=None, init=False)
    """Of the segment that is open."""
    _next_number: int = attrs.field(default=0, init=False)
    _is_after_seam: bool = attrs.field(default=False, init=False)
    _index: int = attrs.field(default=0, init=False)
    """Of the part that is open."""
    _fragments: list[Fragment] = attrs.field(factory=list, init=False)
    """Of the part that is open."""
    _said: list[tuple[int, bytes]] = attrs.field(factory=list, init=False)
    """ID3 tags for the next fragment, and when that was in media time."""
    _event_count: int = attrs.field(default=0, init=False)
    _segment_start_ms: int = attrs.field(default=0, init=False)
    _start_ms: int = attrs.field(default=0, init=False)
    """Where the open part starts."""
    _end_ms: int = attrs.field(default=0, init=False)
    """Where decoding has got to."""

    @property
    def ripe_ms(self) -> int:
        """No packet before this decode time ends the open part, unless it is a keyframe.

        A frame ends it when it would not end within the target: so one earlier than the target.
        """
        end_ms = self._start_ms + PART_TARGET_MS + ROUNDING_MS
        if not self._fragments:
            return end_ms
        last = self._fragments[-1]
        return end_ms - (last.decode_end_ms - last.decode_ms)

    def begin(self, tracks: Tracks, *, changed: bool) -> Iterator[Part]:
        """A run begins, with these tracks."""
        yield from self.pause()
        if self._init is None or changed:
            number = 0 if self._init is None else self._init.number + 1
            self._init = Init(number=number, tracks=tracks, data=init_segment(tracks))
        if not self._next_number:
            self._muxer = FragmentMuxer(tracks, AUDIO_ONLY_MS)
        else:
            self._muxer.seam(tracks if changed else None)
            self._is_after_seam = True

    def add(self, packet: Packet) -> Iterator[Part]:
        """Take the next packet; at the beginning it must be one that a player can start at."""
        if packet.kind is Kind.DATA:
            self._hear(packet)
            return
        fragment = self._muxer.add(packet)
        if fragment is not None:
            yield from self._add(fragment, packet)

    def pause(self) -> Iterator[Part]:
        """Nothing comes for a while, or ever: what there is of the open segment is all of it."""
        fragment = self._muxer.flush()
        if fragment is not None and self._head is not None:
            yield from self._make_room(fragment)
            self._append(fragment)
        if self._head is not None:
            yield self._part(is_last=True)
        self._head = None

    def _add(self, fragment: Fragment, packet: Packet) -> Iterator[Part]:
        if self._head is not None and self._ends_segment(fragment):
            yield self._part(is_last=True)
            self._head = None
        if self._head is None:
            self._open_segment(fragment, packet)
        yield from self._make_room(fragment)
        self._append(fragment)

    def _ends_segment(self, fragment: Fragment) -> bool:
        return fragment.is_resync and self._end_ms - self._segment_start_ms >= SHORTEST_SEGMENT_MS

    def _open_segment(self, fragment: Fragment, packet: Packet) -> None:
        assert self._init is not None
        if not self._next_number:
            self._start_ms = self._end_ms = fragment.decode_ms
        # By the publisher's own time: where a run begins, what is declared may lie a little before
        # that, and so before all the time in which nobody published.
        media_ms = packet.pts if fragment.has_video else fragment.start_ms
        self._head = Head(
            number=self._next_number,
            init=self._init,
            is_discontinuity=self._is_after_seam,
            media_ms=media_ms,
            wall_ms=self._wall_ms(packet.pts) + media_ms - packet.pts,
        )
        self._next_number += 1
        self._is_after_seam = False
        self._index = 0
        self._segment_start_ms = self._start_ms

    def _make_room(self, fragment: Fragment) -> Iterator[Part]:
        """End the open part if `fragment` does not fit into it."""
        limit_ms = self._start_ms + PART_TARGET_MS
        if self._fragments and fragment.decode_end_ms > limit_ms + ROUNDING_MS:
            yield self._part(is_last=False)

    def _hear(self, packet: Packet) -> None:
        timed = read_script(packet.payload)
        if timed is not None and len(self._said) < MOST_SAID:
            self._said.append((packet.pts, user_text(timed.name, timed.text)))

    def _events(self, fragment: Fragment) -> Iterator[bytes]:
        """What was said before this fragment, at a time that lies in it."""
        said, self._said = self._said, []
        for media_ms, tag in said:
            self._event_count += 1
            yield event_message(max(media_ms, fragment.start_ms), self._event_count, tag)

    def _append(self, fragment: Fragment) -> None:
        if self._said:
            fragment.payload = b"".join((*self._events(fragment), fragment.payload))
        self._fragments.append(fragment)
        # Where video is slow, sound goes alone, and ahead.
        self._end_ms = max(self._end_ms, fragment.decode_end_ms)

    def _part(self, *, is_last: bool) -> Part:
        assert self._head is not None
        fragments, self._fragments = self._fragments, []
        limit_ms = self._start_ms + PART_TARGET_MS
        # What a rounded time is above the target counts for the next part.
        end_ms = limit_ms if self._end_ms <= limit_ms + ROUNDING_MS else self._end_ms
        end_ms = min(end_ms, self._end_ms)
        part = Part(
            head=self._head,
            index=self._index,
            data=b"".join(fragment.payload for fragment in fragments),
            start_ms=self._start_ms,
            duration_ms=end_ms - self._start_ms,
            frames=sum(fragment.has_video for fragment in fragments),
            is_independent=any(fragment.is_resync for fragment in fragments),
            is_last=is_last,
        )
        self._index += 1
        self._start_ms = end_ms
        return part
