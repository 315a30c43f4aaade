"""What a broadcast hands to somebody within this process who takes all of it, seams included.

    broadcast's task --memory channel of steps--> packager's task

The broadcast never waits.  When the channel is full whoever takes from it has been kept from
running for seconds; then what does not fit is left out up to the next keyframe, counted, and what
follows is marked as if a publisher had returned there.
"""

import enum
from collections import deque
from collections.abc import Iterable

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
    _kept: deque[Taken] = attrs.field(factory=deque, init=False)
    """What there was before; it is the broadcast's own, and so not in the channel."""
    _seam: Seam | None = attrs.field(default=None, init=False)
    """Goes in front of the next packet."""
    _tracks: Tracks = attrs.field(factory=Tracks, init=False)
    _needs_resync: bool = attrs.field(default=True, init=False)
    _queued_bytes: int = attrs.field(default=0, init=False)
    _arrivals: trio.MemorySendChannel[Taken] = attrs.field(init=False)
    _departures: trio.MemoryReceiveChannel[Taken] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._arrivals, self._departures = trio.open_memory_channel[Taken](QUEUE_STEPS)

    # The taker's side.

    def __aiter__(self) -> "Intake":
        return self

    async def __anext__(self) -> Taken:
        if self._kept:
            await trio.lowlevel.checkpoint()
            return self._kept.popleft()
        try:
            step = await self._departures.receive()
        except trio.EndOfChannel:
            raise StopAsyncIteration from None
        if isinstance(step, Placed):
            self._hold(-len(step.packet.payload))
        return step

    # The broadcast's side.

    def start_from(self, seam: Seam, packets: Iterable[Packet]) -> None:
        """Begin with what is kept for newcomers; without any, at the next keyframe."""
        self.begin(seam)
        for packet in packets:
            if self._needs_resync:
                self._kept.append(seam)
            self._kept.append(Placed(packet, self._needs_resync))
            self._needs_resync, self._seam = False, None

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
            self._arrivals.send_nowait(self._seam)
        self._seam, self._needs_resync = None, False
        self._hold(len(packet.payload))
        self._arrivals.send_nowait(Placed(packet, is_resync))

    def pause(self) -> None:
        """Nobody publishes any more."""
        if not self._needs_resync and self._room > 0:
            self._arrivals.send_nowait(Pause.PAUSE)

    def end(self) -> None:
        """There will be no more packets."""
        self._arrivals.close()

    def close(self) -> None:
        """Nobody takes any more."""
        self._departures.close()
        self._hold(-self._queued_bytes)

    @property
    def _room(self) -> int:
        return QUEUE_STEPS - self._arrivals.statistics().current_buffer_used

    def _has_room(self, packet: Packet) -> bool:
        return self._room >= 2 and self._queued_bytes + len(packet.payload) <= QUEUE_BYTES

    def _fall_behind(self) -> None:
        self.gaps += not self._needs_resync
        self.skipped_packets += 1
        self._needs_resync = True
        if self._seam is None:
            self._seam = Seam(tracks=self._tracks, metadata={}, changed=False, first=False)

    def _hold(self, n: int) -> None:
        self._queued_bytes += n
        self._budget.change(n)
