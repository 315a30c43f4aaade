"""The packets from the last keyframe on, kept for whoever comes next."""

from collections import deque

import attrs

from relay.packet import Kind, Packet

AUDIO_RESYNC_MS = 1_000
"""Without video any packet will do to start from; this much is kept."""
RECENT = 3
"""GOPs whose lengths are remembered."""
MAX_PACKETS = 16_384
"""Of twenty seconds there are some 3,000; a million tiny ones with one timestamp are an attack."""


@attrs.define(eq=False)
class GopCache:
    """Bounded in bytes, packets and media time; a GOP above any bound is not kept at all.

    Then newcomers wait for the next keyframe, which is what a stream with so few of them costs.
    """

    _max_bytes: int
    _max_ms: int
    packets: list[Packet] = attrs.field(factory=list, init=False)
    held_bytes: int = attrs.field(default=0, init=False)
    keyframe_interval_ms: int | None = attrs.field(default=None, init=False)
    recent_ms: deque[int] = attrs.field(factory=lambda: deque(maxlen=RECENT), init=False)
    """Lengths of the newest whole GOPs, kept or not."""
    _last_resync_ms: int | None = attrs.field(default=None, init=False)

    def is_resync(self, packet: Packet, *, has_video: bool) -> bool:
        """Whether a player can start at `packet`."""
        if has_video:
            return packet.kind is Kind.VIDEO and packet.is_keyframe
        if packet.kind is not Kind.AUDIO:
            return False
        last = self._last_resync_ms
        return last is None or packet.dts - last >= AUDIO_RESYNC_MS

    def add(self, packet: Packet, *, is_resync: bool) -> bool:
        """Keep `packet`; False when the GOP has just become too large and was given up."""
        if is_resync:
            self._begin(packet.dts)
        elif not self.packets:
            return True
        packets = self.packets
        packets.append(packet)
        self.held_bytes += len(packet.payload)
        if (
            self.held_bytes <= self._max_bytes
            and packet.dts - packets[0].dts <= self._max_ms
            and len(packets) <= MAX_PACKETS
        ):
            return True
        self.clear()
        return False

    def clear(self) -> None:
        self.packets = []
        self.held_bytes = 0

    def _begin(self, dts: int) -> None:
        if self._last_resync_ms is not None:
            self.keyframe_interval_ms = dts - self._last_resync_ms
            self.recent_ms.append(self.keyframe_interval_ms)
        self._last_resync_ms = dts
        self.clear()
