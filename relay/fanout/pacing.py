"""When the next pass of the pump may start: decisions only, no clock of its own.

The number of sends costs, not the bytes.  So a pass that was cheap is followed by the next one at
once, and a pass that was dear by a pause in which more news gathers and is joined.  No setting: the
pause follows from the CPU time that it really costs to serve everybody once, and nothing else.

    round     at least 30 ms, about a frame: in it each feed is visited once, be it in one pass for
              one feed with a thousand viewers or in a hundred passes for as many small feeds
    busy      CPU seconds of the passes of a round, the median of the last few
    pause     from the start of a pass to the earliest start of the next
    ride      how much longer news that had to wait may wait for the next video frame

While that takes two fifths of the core, every video frame goes out as it comes: to 1,200 or 2,000
viewers, by the machine.  Beyond that two frames leave together, which halves the sends and
costs the first of them one frame of latency; the ride makes the pass start with the second and not
a moment before it.  Twice as many viewers get three at a time, ten thousand some five; and reading,
accepting and timers keep their share of the core.

That is the pace of pictures, which come thirty times a second and go out together as well as one by
one.  Messages come when they come, and most of them alone: a pause does not join them, it delays
them.  So they have passes of their own, and each is followed by a pause only where pictures need
their share of the core.  What joins messages is the pass itself, while it lasts.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Callable

import attrs

AUDIO_RIDES_S = 0.040
"""Audio waits so long for a video packet to ride with: half the sends, the same picture latency."""

ROUND_S = 0.030

_PAUSES = (
    # busy and pause, in seconds; on straight lines in between
    (0.0, 0.0),
    (0.0130, 0.028),  # each frame at 30 a second, with some room for jitter
    (0.0140, 0.060),  # two
    (0.0240, 0.060),
    (0.0340, 0.090),  # three
    (0.060, 0.100),  # from here on 0.6 of the core rather than a longer pause,
    (0.150, 0.250),  # up to the longest
)
LONGEST_PAUSE_S = _PAUSES[-1][1]

_GATHERING_S = 0.040
"""A pause that is longer joins frames."""
RIDE_SHARE = 0.25
"""A ride lasts at most this share of the pause before it."""

_REMEMBERED = 9
"""Rounds, of which the median counts.  The pass of a keyframe is dearer, as one may be that
something else has disturbed, and the frames behind it must not be slower for that.
"""

LEAST_SHARE = 0.3
"""Of the core, for the passes of messages, whatever the pictures take."""


def pause_after(busy: float) -> float:
    """Seconds from the start of a pass to the next where a round costs `busy` CPU seconds."""
    i = bisect_right(_PAUSES, (busy, LONGEST_PAUSE_S))
    if i == len(_PAUSES):
        return LONGEST_PAUSE_S
    (left, low), (right, high) = _PAUSES[i - 1], _PAUSES[i]
    return low + (high - low) * (busy - left) / (right - left)


@attrs.define(eq=False)
class _Pace:
    """Passes, and the pauses between them."""

    pause: float = attrs.field(default=0.0, init=False)
    """Seconds from the start of a pass to the earliest start of the next, as it is now."""
    not_before: float = attrs.field(default=0.0, init=False)
    """Monotonic seconds; no pass starts earlier."""
    longest: float = attrs.field(default=0.0, init=False)
    """The longest pause so far that news had to wait for the end of, as it really was."""
    _started: float = attrs.field(default=0.0, init=False)
    _awaited: bool = attrs.field(default=False, init=False)
    """News waits for the end of this pause."""

    def begin_pass(self, now: float) -> None:
        """A pass starts; news that comes while it lasts waits for the next one's time."""
        if self._awaited:
            self.longest = max(self.longest, now - self._started)
            self._awaited = False
        self._started = now
        self.not_before = now + self.pause


@attrs.define(eq=False)
class PicturePace(_Pace):
    """Remembers what passes cost."""

    busy: float = attrs.field(default=0.0, init=False)
    _rounds: deque[float] = attrs.field(
        factory=lambda: deque([0.0] * _REMEMBERED, maxlen=_REMEMBERED), init=False
    )
    _round_began: float = attrs.field(default=0.0, init=False)
    _round_busy: float = attrs.field(default=0.0, init=False)

    @property
    def share(self) -> float:
        """Of the core, that the passes take when there is always news."""
        return self.busy / max(self.pause, ROUND_S)

    def start_of_pass(self, now: float) -> float:
        """When news of `now` is to go out, unless more comes.

        At once where it may; else after the pause, and a little later for a ride.
        """
        if now >= self.not_before:
            return now
        self._awaited = True
        if self.pause <= _GATHERING_S:
            return self.not_before
        longest = self.not_before - self.pause + LONGEST_PAUSE_S
        return min(self.not_before + RIDE_SHARE * self.pause, longest)

    def end_pass(self, busy: float) -> None:
        """The pass has cost `busy` CPU seconds."""
        if self._started >= self._round_began + ROUND_S:
            self._rounds.append(self._round_busy)
            self.busy = sorted(self._rounds)[_REMEMBERED // 2]
            self.pause = pause_after(self.busy)
            self._round_began, self._round_busy = self._started, 0.0
        self._round_busy += busy
        self.not_before = self._started + self.pause


@attrs.define(eq=False)
class MessagePace(_Pace):
    """A pass is followed by the next as soon as pictures can have had their share."""

    _pictures_share: Callable[[], float]

    def start_of_pass(self, now: float) -> float:
        """When news of `now` is to go out."""
        if now >= self.not_before:
            return now
        self._awaited = True
        return self.not_before

    def end_pass(self, busy: float) -> None:
        """The pass has cost `busy` CPU seconds."""
        share = max(LEAST_SHARE, 1.0 - self._pictures_share())
        self.pause = min(busy / share, LONGEST_PAUSE_S)
        self.not_before = self._started + self.pause
