"""When what is shown happened: media time of one session to wall clock.

Media time has no holes, so the time in which nobody published is in no timestamp.  It is in this
table instead: each entry says from which media time on, and at what wall clock, it went on.
Between two entries both clocks run alike.

The wall clock of a later picture is never earlier: an entry that says so was told late (a network
that paused) or by a clock that was set back, and what stood before goes on.
"""

from bisect import bisect_right

import attrs

MOST_ENTRIES = 4096
"""A publisher that returns every few seconds for a day; then the oldest are given up."""


@attrs.define(eq=False)
class SessionClock:
    """See the head of this module; all times in milliseconds."""

    _from_ms: list[int] = attrs.field(factory=list, init=False)
    _offsets: list[int] = attrs.field(factory=list, init=False)
    """Wall clock less media time, for each entry."""
    _begun_ms: int | None = attrs.field(default=None, init=False)
    """Where a run began whose first packets are still being read."""
    _run_ms: int = attrs.field(default=-1, init=False)
    _jumps: int = attrs.field(default=0, init=False)
    """How many are in the table."""

    def begin_run(self, media_ms: int) -> None:
        """A run begins at `media_ms`; when that was, `learn` will know.  May be said again."""
        if media_ms > self._run_ms:
            self._begun_ms = self._run_ms = media_ms

    def learn(self, edge_ms: int, wall_ms: int, jumps: int) -> None:
        """The newest packet is at `edge_ms`, now; the timeline has cut out `jumps` until then."""
        if self._begun_ms is None and jumps == self._jumps:
            return
        from_ms = edge_ms if self._begun_ms is None else self._begun_ms
        self.anchor(from_ms, wall_ms + from_ms - edge_ms)
        self._begun_ms, self._jumps = None, jumps

    def anchor(self, media_ms: int, wall_ms: int) -> None:
        """From `media_ms` on, which was at `wall_ms`, both clocks run alike."""
        offset = wall_ms - media_ms
        if self._offsets and offset <= self._offsets[-1]:
            return
        while self._from_ms and self._from_ms[-1] >= media_ms:
            self._from_ms.pop()
            self._offsets.pop()
        self._from_ms.append(media_ms)
        self._offsets.append(offset)
        del self._from_ms[:-MOST_ENTRIES], self._offsets[:-MOST_ENTRIES]

    def wall_ms(self, media_ms: int) -> int:
        """Milliseconds since 1970 at which `media_ms` was live; 0 before the first entry."""
        if not self._offsets:
            return 0
        index = max(bisect_right(self._from_ms, media_ms) - 1, 0)
        return media_ms + self._offsets[index]
