"""When the next pass of the pump may start: decisions only, no clock of its own.

The number of sends costs, not the bytes.  So a pass that was cheap is followed by the next one at
once, and a pass that was dear by a pause in which more news gathers and is joined.  No setting:
the pause follows from the CPU time the last passes really cost, and from nothing else.

    busy      CPU seconds of the last pass, smoothed over a few passes
    share     the part of the core that passes may take

A hundred viewers get each frame as it comes, a thousand each video frame, two thousand batches of
some 50 ms, ten thousand of some 180 ms; and reading, accepting and timers keep their share.
"""

import attrs

AUDIO_RIDES_S = 0.040
"""Audio waits so long for a video packet to ride with: half the sends, the same picture latency."""

RELAXED_SHARE = 0.4
RELAXED_PAUSE_S = 0.100
STRAINED_SHARE = 0.6
LONGEST_PAUSE_S = 0.250

_SMOOTHING = 0.25
"""Weight of the newest pass: one join burst must not slow the live edge for everybody."""


def pause_after(busy: float) -> float:
    """Seconds from the start of a pass that cost `busy` CPU seconds to the start of the next.

    Up to 100 ms the pump takes at most 0.4 of the core.  Beyond that it would rather take up to
    0.6 than wait longer; beyond 0.6 the pause grows again, to 250 ms and no further.
    """
    relaxed = busy / RELAXED_SHARE
    if relaxed <= RELAXED_PAUSE_S:
        return relaxed
    return min(LONGEST_PAUSE_S, max(RELAXED_PAUSE_S, busy / STRAINED_SHARE))


@attrs.define(eq=False)
class Pacer:
    """Remembers what passes cost."""

    busy: float = 0.0
    not_before: float = 0.0
    """Monotonic seconds; no pass starts earlier."""

    def record(self, *, started: float, busy: float) -> None:
        """A pass that started at `started` cost `busy` CPU seconds."""
        self.busy += _SMOOTHING * (busy - self.busy)
        self.not_before = started + pause_after(self.busy)
