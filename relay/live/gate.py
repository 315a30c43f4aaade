"""Holds a run back until it is known which tracks it has and where it can start.

The set of tracks stands in file headers and init segments, which cannot be taken back.  Encoders
announce it badly: the codec configuration of the second track may come a second after the first.
So packets wait until both configurations are there, for at most one second, and then begin at the
first video keyframe, or at the first audio frame where there is no video.
"""

import attrs

from relay.packet import Kind, Packet
from relay.tracks import Tracks, audio_track, video_track

PATIENCE_S = 1.0
MAX_HELD = 4096
MAX_HELD_BYTES = 16 * 1024 * 1024


@attrs.define(eq=False)
class Gate:
    """One run's beginning."""

    tracks: Tracks = attrs.field(factory=lambda: Tracks(video=None, audio=None), init=False)
    """What is known so far; final when the gate opens."""
    _patient_until: float | None = attrs.field(default=None, init=False)
    _held: list[Packet] = attrs.field(factory=list, init=False)
    _held_bytes: int = attrs.field(default=0, init=False)

    @property
    def is_decodable(self) -> bool:
        """Whether at least one codec configuration has come."""
        return self.tracks.video is not None or self.tracks.audio is not None

    def offer(self, packet: Packet, now: float) -> list[Packet]:
        """Take the next packet; the run's first packets when the gate opens with this one.

        Raises:
            FormatError: a codec configuration is broken; the packet is dropped.
        """
        if self._patient_until is None:
            self._patient_until = now + PATIENCE_S
        if packet.is_config:
            self._learn(packet)
        elif packet.kind is not Kind.DATA and self.is_decodable:
            self._hold(packet)
        return self._release() if self._is_settled(now) else []

    def _learn(self, packet: Packet) -> None:
        if packet.kind is Kind.VIDEO:
            self.tracks = attrs.evolve(self.tracks, video=video_track(packet.payload))
        else:
            self.tracks = attrs.evolve(self.tracks, audio=audio_track(packet.payload))

    def _hold(self, packet: Packet) -> None:
        self._held.append(packet)
        self._held_bytes += len(packet.payload)
        if len(self._held) > MAX_HELD or self._held_bytes > MAX_HELD_BYTES:
            self._let_go()

    def _let_go(self) -> None:
        self._held = []
        self._held_bytes = 0

    def _is_settled(self, now: float) -> bool:
        if self.tracks.video is not None and self.tracks.audio is not None:
            return True
        return self.is_decodable and self._patient_until is not None and now >= self._patient_until

    def _release(self) -> list[Packet]:
        first = 0
        if self.tracks.video is not None:
            starts = (i for i, packet in enumerate(self._held) if _is_start(packet))
            first = next(starts, len(self._held))
        released = self._held[first:]
        self._let_go()
        return released


def _is_start(packet: Packet) -> bool:
    return packet.kind is Kind.VIDEO and packet.is_keyframe
