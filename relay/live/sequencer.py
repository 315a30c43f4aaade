"""From what publishers send to what a session plays: every decision about packets, and no I/O.

Packets of one run after the other go in, with the time; *steps* come out, in the order in which
encodings must take them:

- `Seam`: a run begins, or tracks changed in mid-run, came, or were lost; what follows starts with a
  keyframe
- `Placed`: a packet on the session's timeline
- `GopLost`: the GOP has grown too large to be kept for newcomers

All but a few packets become one `Placed`, thousands of times a second: that way is straight.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import attrs

from relay.errors import FormatError
from relay.live.attendance import Attendance
from relay.live.gate import Gate
from relay.live.gop import GopCache
from relay.live.timeline import Timeline
from relay.packet import Kind, Packet
from relay.tracks import Tracks, audio_track, video_track

_AUDIO, _VIDEO, _DATA = Kind.AUDIO, Kind.VIDEO, Kind.DATA
"""An enum's attribute is looked up in Python."""


@attrs.frozen(kw_only=True)
class Seam:
    """A run begins, or its tracks changed."""

    tracks: Tracks
    metadata: dict[str, Any]
    """What the publisher said of itself and Relay repeats: its encoder."""
    changed: bool
    """Tracks or codec configurations differ from before."""
    first: bool
    """Nothing of this session was played before."""


@attrs.define(slots=True)
class Placed:
    """A packet with session times.  Hot: not frozen, which costs a call for each field."""

    packet: Packet
    is_resync: bool


@attrs.frozen
class GopLost:
    """Newcomers have to wait for the next keyframe."""


Step = Seam | Placed | GopLost

MAX_METADATA_CHARACTERS = 100


@attrs.define(eq=False)
class Sequencer:
    """One session's packets.  See the head of this module."""

    gop: GopCache
    timeline: Timeline = attrs.field(factory=Timeline, init=False)
    tracks: Tracks = attrs.field(factory=lambda: Tracks(video=None, audio=None), init=False)
    metadata: dict[str, Any] = attrs.field(factory=dict, init=False)
    dropped: int = attrs.field(default=0, init=False)
    """Packets that could not be used: before a keyframe, of no track, broken."""
    edge_ms: int = attrs.field(default=0, init=False)
    """Decode time of the newest packet."""
    shown_ms: int = attrs.field(default=0, init=False)
    """Presentation time of the newest picture, or sound: with B-frames it is ahead of `edge_ms`."""
    _gate: Gate | None = attrs.field(default=None, init=False)
    _played: bool = attrs.field(default=False, init=False)
    _needs_keyframe: bool = attrs.field(default=False, init=False)
    _attendance: Attendance = attrs.field(factory=Attendance, init=False)

    @property
    def is_decodable(self) -> bool:
        """Whether this run has brought a codec configuration."""
        return self._gate is None or self._gate.is_decodable

    def begin_run(self) -> None:
        """A publisher has connected."""
        self._gate = Gate()
        self.metadata = {}

    def take(self, packet: Packet, now: float) -> Iterable[Step]:
        """What the next packet of this run amounts to."""
        if self._gate is None and not packet.is_config:
            return self._play(packet)
        return self._take_unusual(packet, now)

    def learn(self, metadata: dict[str, Any]) -> None:
        """The publisher's onMetaData: its encoder's name; the rest is read from the tracks."""
        encoder = metadata.get("encoder")
        if isinstance(encoder, str):
            self.metadata["encoder"] = encoder[:MAX_METADATA_CHARACTERS]

    def _take_unusual(self, packet: Packet, now: float) -> Iterator[Step]:
        try:
            if self._gate is None:
                yield from self._reconfigure(packet)
            else:
                yield from self._through_gate(self._gate, packet, now)
        except FormatError:
            self.dropped += 1

    def _through_gate(self, gate: Gate, packet: Packet, now: float) -> Iterator[Step]:
        first = gate.offer(packet, now)
        if not first:
            return
        self._gate = None
        self.timeline.begin_run([packet.dts for packet in first])
        self._attendance.begin(gate.tracks, self.timeline.begun_ms)
        yield self._seam(gate.tracks)
        for held in first:
            yield from self._play(held)

    def _reconfigure(self, packet: Packet) -> Iterator[Step]:
        """A sequence header in mid-run: most repeat what is known, some change everything.

        That of a track that is not on air changes nothing yet: the track comes at a keyframe.
        """
        tracks, attendance = self.tracks, self._attendance
        if packet.kind is Kind.VIDEO:
            track, is_on_air = video_track(packet.payload), tracks.video is not None
            if track == attendance.configured.video:
                return
            attendance.configure_video(track, is_on_air=is_on_air)
            if is_on_air:
                self._needs_keyframe = True
                yield self._seam(attrs.evolve(tracks, video=track))
        else:
            sound, is_on_air = audio_track(packet.payload), tracks.audio is not None
            if sound == attendance.configured.audio:
                return
            attendance.configure_audio(sound, is_on_air=is_on_air)
            if is_on_air:
                self._needs_keyframe = tracks.video is not None
                yield self._seam(attrs.evolve(tracks, audio=sound))

    def _seam(self, tracks: Tracks) -> Seam:
        changed, first = tracks != self.tracks, not self._played
        self.tracks = tracks
        self._played = True
        self.gop.clear()
        return Seam(tracks=tracks, metadata=self.metadata, changed=changed, first=first)

    def _play(self, packet: Packet) -> Iterable[Step]:
        kind, attendance = packet.kind, self._attendance
        if kind is _VIDEO:
            if attendance.configured.video is None:
                return self._drop()
            attendance.seen_ms = self.edge_ms
            if packet.is_keyframe:
                if (tracks := attendance.present(self.edge_ms)) != self.tracks:
                    return self._changing(tracks, packet)
                self._needs_keyframe = False
            elif self._needs_keyframe or self.tracks.video is None:
                return self._drop()
        elif kind is _AUDIO:
            if attendance.configured.audio is None:
                return self._drop()
            attendance.heard_ms = self.edge_ms
            if self.tracks.video is not None and not attendance.has_picture(self.edge_ms):
                return self._changing(attendance.present(self.edge_ms), packet)
            if self.tracks.audio is None:
                # It comes with the next keyframe, and until then time goes by.
                self._place(packet)
                return self._drop()
        return self._placed(packet)

    def _drop(self) -> Iterable[Step]:
        self.dropped += 1
        return ()

    def _changing(self, tracks: Tracks, packet: Packet) -> Iterable[Step]:
        """A track was lost, or came: `packet` is the first with these."""
        self._needs_keyframe = False
        return (self._seam(tracks), *self._placed(packet))

    def _placed(self, packet: Packet) -> Iterable[Step]:
        if packet.kind is _DATA:
            # Encoders stamp script data with anything, often 0: it happens now.
            packet.dts, packet.pts = self.edge_ms, self.shown_ms
        else:
            self._place(packet)
        gop = self.gop
        is_resync = gop.is_resync(packet, has_video=self.tracks.video is not None)
        placed = Placed(packet, is_resync)
        return (placed,) if gop.add(packet, is_resync=is_resync) else (placed, GopLost())

    def _place(self, packet: Packet) -> None:
        self.timeline.place(packet)
        self.edge_ms = max(self.edge_ms, packet.dts)
        self.shown_ms = max(self.shown_ms, packet.pts)
