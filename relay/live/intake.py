"""What a broadcast hands to somebody within this process who takes all of it, seams included.

    broadcast's task --a bounded queue of steps--> packager's task, recorder's task

Whoever takes says up to which media time nothing will come of it (`ripe_ms`), and is woken when
that has been reached, or by whatever does not wait: a keyframe, a seam, a pause, the end.  To wake
a task for each of 73 packets a second costs six times what cutting them does: for a hundred
broadcasts a sixth of a core.

The broadcast never waits.  When the queue is full whoever takes from it has been kept from running
for seconds; then what does not fit is left out up to the next keyframe, counted, and what follows
is marked as if a publisher had returned there.
"""

import enum
from collections import deque
from collections.abc import Iterable, Iterator
from math import inf

import attrs
import trio

from relay.fanout.budget import Budget
from relay.live.sequencer import Placed, Seam
from relay.packet import Packet
from relay.tracks import Tracks

QUEUE_STEPS = 2048
QUEUE_BYTES = 16 * 1024 * 1024


class Pause(enum.Enum):
    """Nobody publishes any more; whoever does next begins with a seam."""

    PAUSE = enum.auto()


Taken = Seam | Placed | Pause


@attrs.define(eq=False)
class Intake:
    """See the head of this module.  Packets are shared with others: leave them as they are."""

    _budget: Budget
    skipped_packets: int = attrs.field(default=0, init=False)
    gaps: int = attrs.field(default=0, init=False)
    ripe_ms: float = attrs.field(default=-inf, init=False)
    """Decode time of the first packet that its taker wants to be woken for."""
    _steps: deque[Taken] = attrs.field(factory=deque, init=False)
    _kept: int = attrs.field(default=0, init=False)
    """How many of them there were before: they are the broadcast's own, and count for nothing."""
    _seam: Seam | None = attrs.field(default=None, init=False)
    """Goes in front of the next packet."""
    _tracks: Tracks = attrs.field(factory=Tracks, init=False)
    _needs_resync: bool = attrs.field(default=True, init=False)
    _queued_bytes: int = attrs.field(default=0, init=False)
    _ripe: trio.Event = attrs.field(factory=trio.Event, init=False)
    _is_over: bool = attrs.field(default=False, init=False)

    # The taker's side.

    def __aiter__(self) -> "Intake":
        return self

    async def __anext__(self) -> Iterator[Taken]:
        """What there is, when it is worth a turn; it may grow while it is gone through."""
        await self._ripe.wait()
        if self._is_over:
            if not self._steps:
                raise StopAsyncIteration
        else:
            self._ripe = trio.Event()
        return self._drained()

    def _drained(self) -> Iterator[Taken]:
        while self._steps:
            step = self._steps.popleft()
            if self._kept:
                self._kept -= 1
            elif isinstance(step, Placed):
                self._hold(-len(step.packet.payload))
            yield step

    # The broadcast's side.

    def start_from(self, seam: Seam, packets: Iterable[Packet]) -> None:
        """Begin with what is kept for newcomers; without any, at the next keyframe."""
        self.begin(seam)
        for packet in packets:
            if self._needs_resync:
                self._steps.append(seam)
            self._steps.append(Placed(packet, self._needs_resync))
            self._needs_resync, self._seam = False, None
        self._kept = len(self._steps)
        if self._kept:
            self._ripe.set()

    def begin(self, seam: Seam) -> None:
        """A run begins, or tracks changed: told in front of the next packet."""
        self._tracks = seam.tracks
        if self._seam is not None and self._seam.changed:
            seam = attrs.evolve(seam, changed=True)
        self._seam = seam

    def take(self, packet: Packet, is_resync: bool) -> None:
        """Queue the next packet, or count it as skipped."""
        if self._needs_resync and not is_resync:
            self.skipped_packets += min(self.gaps, 1)
            return
        if not self._has_room(packet):
            self._fall_behind()
            return
        if self._seam is not None:
            self._steps.append(self._seam)
        if self._seam is not None or is_resync or packet.dts >= self.ripe_ms:
            self._ripe.set()
        self._seam, self._needs_resync = None, False
        self._hold(len(packet.payload))
        self._steps.append(Placed(packet, is_resync))

    def pause(self) -> None:
        """Nobody publishes any more."""
        if not self._needs_resync and not self._is_paused:
            self._steps.append(Pause.PAUSE)
            self._ripe.set()

    def end(self) -> None:
        """There will be no more packets."""
        self._is_over = True
        self._ripe.set()

    def close(self) -> None:
        """Nobody takes any more."""
        self._steps.clear()
        self._hold(-self._queued_bytes)

    @property
    def _is_paused(self) -> bool:
        return bool(self._steps) and self._steps[-1] is Pause.PAUSE

    def _has_room(self, packet: Packet) -> bool:
        queued = len(self._steps) - self._kept
        return queued < QUEUE_STEPS and self._queued_bytes + len(packet.payload) <= QUEUE_BYTES

    def _fall_behind(self) -> None:
        self.gaps += not self._needs_resync
        self.skipped_packets += 1
        self._needs_resync = True
        if self._seam is None:
            self._seam = Seam(tracks=self._tracks, metadata={}, changed=False, first=False)

    def _hold(self, n: int) -> None:
        self._queued_bytes += n
        self._budget.change(n)
