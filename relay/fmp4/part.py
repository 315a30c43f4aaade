"""Packets to parts: about a second of a broadcast in one `moof` and one `mdat`, as files keep it.

Viewers need each picture at once, and get a fragment for each (`relay.fmp4.muxer`).  A file that is
read later has nothing of that but a hundred boxes where one would do, and a player who looks for a
moment in it reads them all.  So a recording is muxed apart, by the same clocks: what was placed at
a time there lies at the same time here.

A part ends before a keyframe, or when it holds enough: whoever cuts a file at keyframes cuts it
between parts.  Its samples lie together by track, picture before sound.
"""

import struct

import attrs

from relay.errors import LocalProtocolError
from relay.fmp4.clocks import AudioClock, VideoClock
from relay.fmp4.init import AUDIO_ID, VIDEO_ID
from relay.packet import Kind, Packet
from relay.tracks import AudioTrack, Tracks, VideoTrack

PART_MS = 1_000
"""What a crash may cost at most, and a longer one would not be found faster."""
SHORTEST_MS = 250
"""Where every picture is a keyframe, not each is a part of its own."""
MOST_BYTES = 4 * 1024 * 1024
"""At fifty megabits a second a part is shorter."""

KEYFRAME_FLAGS = 0x02000000
INTER_FLAGS = 0x01010000
"""8.8.3.1, as in `relay.fmp4.muxer`."""
_BASE_IS_MOOF = 0x020000
_DECODE_TIME_64 = 0x01000000
_VIDEO_RUN = 0x01000F01
_AUDIO_RUN = 0x00000301

_MOOF = struct.Struct(">I4sI4sII")
_TRAF = struct.Struct(">I4sI4sIII4sIQI4sIII")
_MDAT = struct.Struct(">I4s")
_MASK = 0xFFFFFFFF


@attrs.frozen
class Part:
    """One whole `moof` and `mdat`."""

    payload: bytes
    is_resync: bool
    """Whether decoding can start here."""
    start_ms: int
    """When its first picture is shown, or its sound heard, on the session's timeline."""
    end_ms: int
    """Where the next one starts, as it is declared."""


@attrs.define(eq=False)
class _Samples:
    """What one track has in the part to be."""

    entries: list[int] = attrs.field(factory=list)
    payloads: list[bytes] = attrs.field(factory=list)
    start: int = 0

    def traf(self, track_id: int, run: int, offset: int) -> bytes:
        """The track fragment (8.8.6 to 8.8.12); `offset` counts from the `moof`."""
        entry_bytes = 4 * len(self.entries)
        head = _TRAF.pack(
            self.traf_bytes,
            b"traf",
            16,
            b"tfhd",
            _BASE_IS_MOOF,
            track_id,
            20,
            b"tfdt",
            _DECODE_TIME_64,
            self.start,
            20 + entry_bytes,
            b"trun",
            run,
            len(self.payloads),
            offset,
        )
        return head + struct.pack(f">{len(self.entries)}I", *self.entries)

    @property
    def traf_bytes(self) -> int:
        return _TRAF.size + 4 * len(self.entries) if self.payloads else 0

    @property
    def payload_bytes(self) -> int:
        return sum(map(len, self.payloads))


@attrs.define(eq=False)
class _Picture:
    clock: VideoClock
    samples: _Samples = attrs.field(factory=_Samples)
    delay: int = 0
    """From the decoding of a keyframe to its being shown; those between are in the same order."""
    end: int = 0

    @classmethod
    def of(cls, track: VideoTrack) -> "_Picture":
        return cls(VideoClock(track.frame_rate))

    def add(self, packet: Packet) -> None:
        start, duration, shown = self.clock.place(packet.dts, packet.pts)
        if not self.samples.payloads:
            self.samples.start = start
        if packet.is_keyframe:
            self.delay = shown - start
        flags = KEYFRAME_FLAGS if packet.is_keyframe else INTER_FLAGS
        size = len(packet.payload)
        self.samples.entries += (duration, size, flags, shown - start & _MASK)
        self.samples.payloads.append(packet.payload)
        self.end = start + duration

    def span_ms(self) -> tuple[int, int]:
        return self.samples.start + self.delay, self.end + self.delay


@attrs.define(eq=False)
class _Sound:
    clock: AudioClock
    rate: int
    frame: int
    silence: bytes
    samples: _Samples = attrs.field(factory=_Samples)
    end: int = 0

    @classmethod
    def of(cls, track: AudioTrack, before: "_Sound | None" = None) -> "_Sound":
        rate, frame, has_silence = track.sample_rate, track.samples_per_frame, bool(track.silence)
        if before is None:
            clock = AudioClock(rate, frame, has_silence=has_silence)
        else:
            clock = before.clock.continued(rate, frame, has_silence=has_silence)
        return cls(clock, rate, frame, track.silence)

    def add(self, packet: Packet) -> None:
        place = self.clock.place(packet.dts)
        if not self.samples.payloads:
            self.samples.start = place.start
        for _ in range(place.silent_frames):
            self.samples.entries += (self.frame, len(self.silence))
            self.samples.payloads.append(self.silence)
        self.samples.entries += (place.duration, len(packet.payload))
        self.samples.payloads.append(packet.payload)
        self.end = place.start + place.silent_frames * self.frame + place.duration

    def span_ms(self) -> tuple[int, int]:
        return self.samples.start * 1000 // self.rate, self.end * 1000 // self.rate


class PartMuxer:
    """Packets of one session in decoding order in, parts out.  Memory: one part."""

    def __init__(self, tracks: Tracks) -> None:
        self._picture = _Picture.of(tracks.video) if tracks.video else None
        self._sound = _Sound.of(tracks.audio) if tracks.audio else None
        self._sequence = 0
        self._first_dts = 0
        self._held_bytes = 0
        self._starts_well = False

    @property
    def ripe_ms(self) -> int:
        """No packet before this decode time ends the part, unless it is a keyframe, or huge."""
        return self._first_dts + PART_MS

    def add(self, packet: Packet) -> Part | None:
        """Take a packet; the part that ended before it, if one did.

        Configuration, scripts, and packets of a track that is not there are passed over.
        """
        track = self._track(packet)
        if track is None:
            return None
        ended = self.flush() if self._ends_before(packet) else None
        if not self._held_bytes:
            self._first_dts = packet.dts
            self._starts_well = packet.is_keyframe or self._picture is None
        track.add(packet)
        self._held_bytes += len(packet.payload) or 1
        return ended

    def flush(self) -> Part | None:
        """What is held, for the end of a run."""
        if not self._held_bytes:
            return None
        start_ms, end_ms = self._span_ms()
        part = Part(self._joined(), self._starts_well, start_ms, end_ms)
        for track in (self._picture, self._sound):
            if track is not None:
                track.samples = _Samples()
        self._held_bytes = 0
        return part

    def seam(self, tracks: Tracks | None = None) -> None:
        """A publisher returned: each track goes on exactly where it ended.

        With `tracks`, what follows is another file's; as in `relay.fmp4.muxer`, time goes on.

        Raises:
            LocalProtocolError: something is held that belongs to what was before; `flush` first.
        """
        if self._held_bytes:
            raise LocalProtocolError("a part of before the seam is still held")
        if tracks is not None:
            self._change(tracks)
        if self._picture:
            self._picture.clock.seam()
        if self._sound:
            self._sound.clock.seam()

    def _change(self, tracks: Tracks) -> None:
        if not tracks.video or not self._picture:
            self._picture = _Picture.of(tracks.video) if tracks.video else None
        self._sound = _Sound.of(tracks.audio, self._sound) if tracks.audio else None

    def _track(self, packet: Packet) -> _Picture | _Sound | None:
        if packet.is_config:
            return None
        if packet.kind is Kind.VIDEO:
            return self._picture
        return self._sound if packet.kind is Kind.AUDIO else None

    def _ends_before(self, packet: Packet) -> bool:
        if not self._held_bytes:
            return False
        held_ms = packet.dts - self._first_dts
        if packet.kind is Kind.VIDEO and packet.is_keyframe:
            return held_ms >= SHORTEST_MS or not self._starts_well
        is_beside_picture = packet.kind is Kind.AUDIO and self._picture is not None
        # Sound leaves the end to the picture, as long as there is one.
        enough_ms = PART_MS + SHORTEST_MS if is_beside_picture else PART_MS
        return held_ms >= enough_ms or self._held_bytes + len(packet.payload) > MOST_BYTES

    def _span_ms(self) -> tuple[int, int]:
        """Of the picture; where there is none, of the sound."""
        picture, sound = self._picture, self._sound
        if picture is not None and picture.samples.payloads:
            return picture.span_ms()
        assert sound is not None
        return sound.span_ms()

    def _joined(self) -> bytes:
        self._sequence = self._sequence + 1 & _MASK
        picture = self._picture.samples if self._picture else _Samples()
        sound = self._sound.samples if self._sound else _Samples()
        moof_bytes = _MOOF.size + picture.traf_bytes + sound.traf_bytes
        offset = moof_bytes + _MDAT.size
        trafs = []
        if picture.payloads:
            trafs.append(picture.traf(VIDEO_ID, _VIDEO_RUN, offset))
        if sound.payloads:
            trafs.append(sound.traf(AUDIO_ID, _AUDIO_RUN, offset + picture.payload_bytes))
        mdat_bytes = _MDAT.size + picture.payload_bytes + sound.payload_bytes
        head = _MOOF.pack(moof_bytes, b"moof", 16, b"mfhd", 0, self._sequence)
        mdat = _MDAT.pack(mdat_bytes, b"mdat")
        return b"".join((head, *trafs, mdat, *picture.payloads, *sound.payloads))
