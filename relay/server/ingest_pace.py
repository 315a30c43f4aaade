"""How long a publisher's task waits between two reads: decisions only, no clock of its own.

A message costs a few microseconds; to wake a task for it, to call the kernel and to wake the
broadcast's task behind it costs ten times that.  So a read should bring several messages when many
publish, and must bring each as it comes when few do.  No setting, as with the fan-out pump: the
pause follows from the CPU time that reads really cost.

    cost      CPU seconds of one read and what it held, smoothed
    share     the part of the core that the reads of all publishers may take so measured

More than half of what a read brings about is not in `cost`: the scheduler's work, the broadcast's.
Up to some thirty publishers, a sixth of the core in all, nobody waits; a hundred are read every
40 ms or so, two hundred and more every 80 ms.
"""

import attrs

SHARE = 0.08
SHORTEST_PAUSE_S = 0.010
"""Less than this gathers nothing: an encoder's messages come some 14 ms apart."""
LONGEST_PAUSE_S = 0.080

_SMOOTHING = 0.01
"""Weight of the newest read: a keyframe is no load."""


@attrs.define(eq=False)
class IngestPace:
    """Remembers what reads cost."""

    publishers: int = 0
    """How many there are now."""
    cost: float = 0.0

    def record(self, cost: float) -> None:
        """A read and what it held cost so many CPU seconds."""
        self.cost += _SMOOTHING * (cost - self.cost)

    @property
    def pause(self) -> float:
        """Seconds that each publisher's task waits between two reads."""
        pause = self.publishers * self.cost / SHARE
        return 0.0 if pause < SHORTEST_PAUSE_S else min(pause, LONGEST_PAUSE_S)
