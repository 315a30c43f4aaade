"""Where a publisher's timestamps lie on the session's own timeline.

RTMP timestamps are 32 bits of milliseconds that start anywhere, wrap after 49.7 days, and are
wrong in every way that encoders have found: audio and video that start hours apart, steps back,
jumps after a suspended laptop.  All of it is repaired here and nowhere else.  A bad timestamp is
reported; it never ends a broadcast.

Each track has an *offset* from the publisher's time to the session's.  Tracks share it, because the
difference between sound and picture is the publisher's to choose.  When one track jumps, its offset
is changed so that it goes on where it stood, and the other track takes over the same offset if that
makes *its* jump disappear too; so a jump of both keeps them in step.

A *run* is one publisher connection.  Where a run ends the next begins: at the later of the tracks'
ends, so that neither track ever goes back.
"""

import enum

import attrs

from relay.packet import Kind, Packet

_WRAP = 1 << 32
_HALF = 1 << 31

JUMP_FORWARD_MS = 3_000
JUMP_BACK_MS = 1_000
APART_MS = 5_000
"""Tracks that start further apart than this were never meant to."""
_SAME_JUMP_MS = 1_000
_FIRST_GUESS_MS = {Kind.AUDIO: 23, Kind.VIDEO: 33, Kind.DATA: 0}
_LONGEST_GUESS_MS = 100


class Repair(enum.Enum):
    """What was wrong with a timestamp, in words for the streamer."""

    JUMP = "timestamps jumped"
    BACKWARDS = "timestamps went back"
    APART = "audio and video started far apart"


@attrs.define(eq=False)
class _Track:
    offset: int
    raw: int
    """The last packet's time, unwrapped to more than 32 bits."""
    dts: int
    step: int
    """The last plausible distance between two packets."""

    @property
    def end(self) -> int:
        return self.dts + self.step


@attrs.define(eq=False)
class Timeline:
    """One session's timeline, in milliseconds from its first packet."""

    repairs: dict[Repair, int] = attrs.field(factory=lambda: dict.fromkeys(Repair, 0))
    _tracks: dict[Kind, _Track] = attrs.field(factory=dict, init=False)
    _seam: int = attrs.field(default=0, init=False)
    _base: int | None = attrs.field(default=None, init=False)
    _reference: int = attrs.field(default=0, init=False)
    """Some recent raw time of this run, to unwrap others against."""
    _offset: int = attrs.field(default=0, init=False)
    """The newest offset of any track of this run."""
    _newest: int = attrs.field(default=0, init=False)
    """The later of the tracks' last times in this run; no track ever goes back."""

    @property
    def begun_ms(self) -> int:
        """Where this run began."""
        return self._seam

    @property
    def end_ms(self) -> int:
        """Where the next run begins: the later of the tracks' ends."""
        return max([self._seam, *(track.end for track in self._tracks.values())])

    def begin_run(self, first_timestamps: list[int]) -> None:
        """A publisher begins; the earliest of its first timestamps lies at the seam."""
        self._seam = self.end_ms
        self._tracks = {}
        self._newest = self._seam
        anchor = first_timestamps[0]
        self._reference = min(anchor + _distance(anchor, t) for t in first_timestamps)
        self._offset = self._seam - self._reference

    def place(self, packet: Packet) -> None:
        """Move `packet` from the publisher's time to the session's."""
        raw = packet.dts
        composition = packet.pts - raw
        if not -JUMP_FORWARD_MS <= raw - self._reference <= JUMP_FORWARD_MS:
            raw = self._reference + _distance(self._reference, raw)
        track = self._tracks.get(packet.kind)
        dts = self._first(packet.kind, raw) if track is None else self._next(track, raw)
        self._reference = raw
        self._newest = max(self._newest, dts)
        packet.dts = dts
        packet.pts = dts + composition

    def _first(self, kind: Kind, raw: int) -> int:
        dts = raw + self._offset
        others = [track.dts for track in self._tracks.values()]
        if others and abs(dts - others[0]) > APART_MS:
            self.repairs[Repair.APART] += 1
            dts = others[0]
        dts = max(dts, self._seam)
        self._tracks[kind] = _Track(dts - raw, raw, dts, _FIRST_GUESS_MS[kind])
        return dts

    def _next(self, track: _Track, raw: int) -> int:
        delta = raw - track.raw
        dts = raw + track.offset
        # A camera that was covered, a microphone that was muted: ahead of its own track, and
        # still where the other one is.
        if dts < track.dts - JUMP_BACK_MS or dts > self._newest + JUMP_FORWARD_MS:
            self.repairs[Repair.JUMP] += 1
            dts = self._after_jump(track, raw)
        if dts < track.dts:
            self.repairs[Repair.BACKWARDS] += 1
            dts = track.dts
        if 0 < delta <= _LONGEST_GUESS_MS:
            track.step = delta
        track.raw = raw
        track.dts = dts
        return dts

    def _after_jump(self, track: _Track, raw: int) -> int:
        if abs(raw + self._offset - track.end) <= _SAME_JUMP_MS:
            track.offset = self._offset
        else:
            track.offset = self._offset = track.end - raw
        return raw + track.offset


def _distance(start: int, end: int) -> int:
    """From one time to another, the shorter way round.

    FFmpeg's RTMP timestamps have 31 bits (flvenc's `put_timestamp`), so after 2**31 - 1 comes 0;
    a jump by just that much is no jump.
    """
    short = _signed(end - start, _HALF)
    return short if abs(short) <= JUMP_FORWARD_MS else _signed(end - start, _WRAP)


def _signed(difference: int, wrap: int) -> int:
    return (difference + wrap // 2) % wrap - wrap // 2
