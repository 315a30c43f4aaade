"""A subscriber within this process: packets through a bounded memory channel.

    async for packet in subscription: ...

Newcomers start at the last keyframe, with what the broadcast keeps for everybody; that is read from
its own list, so a subscriber's queue holds nothing but what came since.  When the queue is full the
subscriber has fallen behind: what does not fit is skipped up to the next keyframe, and counted.  A
keyframe after a gap, and every change of tracks, has the codec configurations before it.

The broadcast never waits for a subscriber.
"""

from collections import deque
from collections.abc import Iterable

import attrs
import trio

from relay.fanout.budget import Budget
from relay.live.sequencer import Seam
from relay.packet import Kind, Packet
from relay.tracks import Tracks

QUEUE_PACKETS = 1024
QUEUE_BYTES = 8 * 1024 * 1024


@attrs.frozen
class SubscriptionStatistics:
    """A snapshot."""

    skipped_packets: int
    gaps: int
    queued_bytes: int


@attrs.define(eq=False)
class Subscription:
    """See the head of this module.  The packets are shared with others: leave them as they are."""

    _budget: Budget
    skipped_packets: int = attrs.field(default=0, init=False)
    """Packets that this subscriber was too slow for."""
    gaps: int = attrs.field(default=0, init=False)
    _kept: deque[Packet] = attrs.field(factory=deque, init=False)
    _tracks: Tracks = attrs.field(factory=Tracks, init=False)
    _starting: bool = attrs.field(default=True, init=False)
    """The next packet must be a resync point, with configurations before it."""
    _reconfigured: bool = attrs.field(default=False, init=False)
    _queued_bytes: int = attrs.field(default=0, init=False)
    _arrivals: trio.MemorySendChannel[Packet] = attrs.field(init=False)
    _departures: trio.MemoryReceiveChannel[Packet] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._arrivals, self._departures = trio.open_memory_channel[Packet](QUEUE_PACKETS)

    # The subscriber's side.

    def __aiter__(self) -> "Subscription":
        return self

    async def __anext__(self) -> Packet:
        if self._kept:
            await trio.lowlevel.checkpoint()
            return self._kept.popleft()
        try:
            packet = await self._departures.receive()
        except trio.EndOfChannel:
            raise StopAsyncIteration from None
        self._hold(-len(packet.payload))
        return packet

    def statistics(self) -> SubscriptionStatistics:
        return SubscriptionStatistics(self.skipped_packets, self.gaps, self._queued_bytes)

    # The broadcast's side.

    def begin(self, seam: Seam) -> None:
        """What follows is of these tracks."""
        self._reconfigured = seam.tracks != self._tracks
        self._tracks = seam.tracks

    def pause(self) -> None:
        """Packets are all that a subscriber hears of."""

    def start_from(self, seam: Seam, packets: Iterable[Packet]) -> None:
        """Begin with what is kept for newcomers; nothing, if there is nothing."""
        self.begin(seam)
        for packet in packets:
            if self._starting:
                self._kept += self._configurations(packet.dts)
            self._starting = self._reconfigured = False
            self._kept.append(packet)

    def take(self, packet: Packet, is_resync: bool) -> None:
        """Queue the next packet, or count it as skipped."""
        if self._starting and not is_resync:
            self.skipped_packets += min(self.gaps, 1)
            return
        due = [packet]
        if self._starting or self._reconfigured:
            due = [*self._configurations(packet.dts), packet]
        if not self._has_room(due):
            self.gaps += not self._starting
            self.skipped_packets += 1
            self._starting = True
            return
        self._starting = self._reconfigured = False
        for one in due:
            self._hold(len(one.payload))
            self._arrivals.send_nowait(one)

    def end(self) -> None:
        """There will be no more packets."""
        self._arrivals.close()

    def close(self) -> None:
        """Nobody listens any more."""
        self._departures.close()
        self._hold(-self._queued_bytes)

    def _has_room(self, due: list[Packet]) -> bool:
        used = self._arrivals.statistics().current_buffer_used
        size = sum(len(packet.payload) for packet in due)
        return used + len(due) <= QUEUE_PACKETS and self._queued_bytes + size <= QUEUE_BYTES

    def _hold(self, n: int) -> None:
        self._queued_bytes += n
        self._budget.change(n)

    def _configurations(self, dts: int) -> list[Packet]:
        tracks = ((Kind.VIDEO, self._tracks.video), (Kind.AUDIO, self._tracks.audio))
        return [
            Packet(kind, track.codec, dts, dts, False, True, track.config)
            for kind, track in tracks
            if track is not None
        ]
