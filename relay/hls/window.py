"""Which segments of a broadcast there are: what playlists list, and what is still there behind it.

    gone | leaving | listed, on disk | listed, in memory | open: parts of the newest segment

- Segments leave the list at its end, one by one, once what is left is as long as the window.  What
  has left is still there for a while: a player may have read the list just before.
- TARGETDURATION must never change (RFC 8216, 4.3.3.1), and no segment may be longer.  A live server
  cannot know how long an encoder's GOPs will be.  So it is set when three of them are known, at
  twice the longest, and until then there is no playlist.  A longer GOP later makes a segment that
  is too long.  That is against the letter, is counted, and plays: cutting it elsewhere would make a
  segment that nobody can start at.
"""

from collections import deque
from collections.abc import Sequence
from math import ceil

import attrs

from relay.hls.segments import Head, Init, Part

GOPS = 3
"""How many are looked at before TARGETDURATION is set."""
SHORTEST_TARGET_S = 2
LEAST_LISTED = 2
"""Whole segments in the first playlist: hls.js stumbles where it has to begin with the first."""
SHORTEST_WINDOW_TARGETS = 6
"""A list shorter than three would stall players (RFC 8216, 6.2.2); deltas need six."""
STAYS_MS = 60_000
"""How long a segment is there that is not listed any more: a slow download, and a pause of hls.js.

RFC 8216, 6.2.2 wants the length of the list.  For a rewind window that would double it, and only
for those who watch its very end.
"""


@attrs.define(eq=False)
class Held:
    """A whole segment."""

    head: Head
    start_ms: int
    """Where decoding of it starts, on the session's timeline."""
    duration_ms: int
    byte_count: int
    frames: int
    part_count: int
    parts: tuple[Part, ...]
    """Its bytes; empty once they are on disk."""

    @property
    def number(self) -> int:
        return self.head.number

    @property
    def end_ms(self) -> int:
        return self.start_ms + self.duration_ms

    @property
    def data(self) -> bytes | None:
        """What a player gets for it; None where that is on disk."""
        return b"".join([part.data for part in self.parts]) if self.parts else None

    @classmethod
    def of(cls, parts: Sequence[Part]) -> "Held":
        return cls(
            head=parts[0].head,
            start_ms=parts[0].start_ms,
            duration_ms=sum(part.duration_ms for part in parts),
            byte_count=sum(len(part.data) for part in parts),
            frames=sum(part.frames for part in parts),
            part_count=len(parts),
            parts=tuple(parts),
        )


@attrs.define(eq=False)
class Window:
    """One broadcast's.  See the head of this module."""

    _keep_ms: int
    """How much is listed at least, once there is so much."""
    listed: deque[Held] = attrs.field(factory=deque, init=False)
    """Whole segments, the oldest first."""
    open_parts: list[Part] = attrs.field(factory=list, init=False)
    """Of the segment that is not whole yet."""
    target_s: int | None = attrs.field(default=None, init=False)
    """TARGETDURATION, once it is set."""
    discontinuities: int = attrs.field(default=0, init=False)
    """That have left the list: EXT-X-DISCONTINUITY-SEQUENCE."""
    is_over: bool = attrs.field(default=False, init=False)
    too_long: int = attrs.field(default=0, init=False)
    """Segments that were longer than TARGETDURATION."""
    memory_bytes: int = attrs.field(default=0, init=False)
    """What whole segments have in memory."""
    leaving: deque[Held] = attrs.field(factory=deque, init=False)
    inits: dict[int, Init] = attrs.field(factory=dict, init=False)
    """By number, those of all segments that are there."""
    version: int = attrs.field(default=0, init=False)
    """Changes whenever playlists do."""

    @property
    def first_number(self) -> int:
        """EXT-X-MEDIA-SEQUENCE."""
        return self.listed[0].number if self.listed else self.next_number

    @property
    def next_number(self) -> int:
        """Of the segment that is open, or comes next."""
        if self.open_parts:
            return self.open_parts[0].head.number
        return self.listed[-1].number + 1 if self.listed else 0

    @property
    def is_ready(self) -> bool:
        """Whether there can be a playlist."""
        least = 1 if self.is_over else LEAST_LISTED
        return self.target_s is not None and len(self.listed) >= least

    def add(self, part: Part, gops_ms: Sequence[int]) -> Held | None:
        """Take the next part; the segment that it completes, if it does.

        `gops_ms` are the lengths of the newest GOPs, as far as known, for as long as that matters.
        """
        if self.target_s is None and len(gops_ms) >= GOPS:
            self._set_target(gops_ms)
        self.version += 1
        self.inits[part.head.init.number] = part.head.init
        self.open_parts.append(part)
        if not part.is_last:
            return None
        held = Held.of(self.open_parts)
        self.open_parts = []
        self.listed.append(held)
        self.memory_bytes += held.byte_count
        self._judge(held)
        self._shorten()
        return held

    def end(self) -> None:
        """Nothing comes any more."""
        self.version += 1
        self.is_over = True
        if self.target_s is None and self.listed:
            self._set_target([held.duration_ms for held in self.listed])

    def find(self, number: int) -> Held | None:
        """The whole segment of this number, listed or leaving."""
        for held_ones in (self.listed, self.leaving):
            index = number - held_ones[0].number if held_ones else -1
            if 0 <= index < len(held_ones):
                return held_ones[index]
        return None

    def part(self, number: int, index: int) -> Part | None:
        """This part of this segment, if it is there."""
        held = self.find(number)
        parts: Sequence[Part] = self.open_parts if held is None else held.parts
        if index >= len(parts) or parts[0].head.number != number:
            return None
        return parts[index]

    def gone(self) -> list[Held]:
        """Take those whose time is over, the oldest first."""
        gone = []
        while self.leaving and self.leaving[0].end_ms + STAYS_MS <= self._oldest_ms:
            gone.append(self.leaving.popleft())
            self._free(gone[-1])
        self._forget_inits()
        return gone

    def oldest_in_memory(self) -> Held | None:
        """What should go to disk next: whole, and so old that its parts are not listed."""
        for held_ones in (self.leaving, self.listed):
            for held in held_ones:
                if held.parts:
                    return None if self.lists_parts(held) else held
        return None

    def put_away(self, held: Held) -> None:
        """Its bytes are on disk."""
        self._free(held)
        held.parts = ()

    def give_up_until(self, held: Held) -> None:
        """Forget `held` and what is older, though the window is not full: there is no room."""
        while self.leaving and self.leaving[0].number <= held.number:
            self._free(self.leaving.popleft())
        while self.listed and self.listed[0].number <= held.number:
            self._drop_first()
            self._free(self.leaving.pop())
        self._forget_inits()
        self.version += 1

    def lists_parts(self, held: Held) -> bool:
        """Whether playlists say of which parts `held` consists: near the live edge.

        (rfc8216bis, 4.4.4.9: parts within three target durations of the end.)
        """
        return self.edge_ms - held.end_ms < 3000 * (self.target_s or SHORTEST_TARGET_S)

    @property
    def edge_ms(self) -> int:
        """Where decoding of what there is ends, on the session's timeline."""
        if self.open_parts:
            last = self.open_parts[-1]
            return last.start_ms + last.duration_ms
        return self.listed[-1].end_ms if self.listed else 0

    @property
    def _oldest_ms(self) -> int:
        return self.listed[0].start_ms if self.listed else 0

    def _set_target(self, gops_ms: Sequence[int]) -> None:
        self.target_s = max(SHORTEST_TARGET_S, ceil(2 * max(gops_ms) / 1000))

    def _judge(self, held: Held) -> None:
        # EXTINF is compared as rounded to the nearest second (RFC 8216, 4.3.3.1).
        if self.target_s is not None and (held.duration_ms + 500) // 1000 > self.target_s:
            self.too_long += 1

    def _shorten(self) -> None:
        if self.target_s is None:
            return
        keep_ms = max(self._keep_ms, 1000 * SHORTEST_WINDOW_TARGETS * self.target_s)
        while len(self.listed) > 1 and self.edge_ms - self.listed[1].start_ms >= keep_ms:
            self._drop_first()

    def _free(self, held: Held) -> None:
        if held.parts:
            self.memory_bytes -= held.byte_count

    def _forget_inits(self) -> None:
        oldest = self.leaving or self.listed
        if oldest:
            first = oldest[0].head.init.number
            self.inits = {n: init for n, init in self.inits.items() if n >= first}

    def _drop_first(self) -> None:
        first = self.listed.popleft()
        self.discontinuities += first.head.is_discontinuity
        self.leaving.append(first)
