"""Packets to fragments: one `moof` and one `mdat` each, sent as they are.

A fragment holds one video sample and the audio that came before it, and leaves with the video:
nothing waits for the frame after.  Where video is slow or absent the audio goes alone.

The boxes (ISO/IEC 14496-12, 8.8) have fixed shapes here, so each is one precompiled struct:

    moof  mfhd                       sequence number
          traf  tfhd tfdt trun       video: one sample with duration, size, flags and offset
          traf  tfhd tfdt trun       audio: n samples with duration and size
    mdat  video sample, audio samples
"""

import struct

import attrs

from relay.errors import LocalProtocolError
from relay.fmp4.clocks import AudioClock, VideoClock
from relay.fmp4.init import AUDIO_ID, VIDEO_ID
from relay.packet import Kind, Packet
from relay.tracks import AudioTrack, Tracks

AUDIO_WAIT_MS = 200
"""Audio waits this long for a video frame; below 5 frames/s it goes ahead on its own."""
AUDIO_ONLY_MS = 80
"""A fragment of a broadcast without video holds about this much."""
AUDIO_RESYNC_MS = 1000
"""Without video, newcomers may start every second."""

BASE_IS_MOOF = 0x020000
VIDEO_RUN = 0x01000F01
"""`trun` version 1 (signed offsets): data offset; duration, size, flags and offset per sample."""
AUDIO_RUN = 0x00000301
"""`trun` version 0: data offset; duration and size per sample."""
DECODE_TIME_64 = 0x01000000

KEYFRAME_FLAGS = 0x02000000
"""8.8.3.1: depends on no other sample."""
INTER_FLAGS = 0x01010000
"""8.8.3.1: depends on others, is not a sync sample."""

_MOOF = struct.Struct(">I4sI4sII")
_VIDEO_TRAF = struct.Struct(">I4sI4sIII4sIQI4sIIIIIIi")
_AUDIO_TRAF = struct.Struct(">I4sI4sIII4sIQI4sIII")
_MDAT = struct.Struct(">I4s")
_AUDIO_SAMPLE_BYTES = 8


@attrs.define(eq=False, slots=True)
class Fragment:
    """One whole `moof` and `mdat`."""

    payload: bytes
    is_resync: bool
    """Whether decoding can start here."""
    packets: int
    start_ms: int
    """When its first sample is presented, on the session's timeline."""
    end_ms: int
    """When its last sample has been presented, as far as known."""
    decode_ms: int
    """When decoding of its video sample starts, or of its sound where it has no video."""
    decode_end_ms: int
    """What the next one's `decode_ms` will be, as it is declared."""
    has_video: bool


class _PendingAudio:
    """Audio frames on their way into the next fragment."""

    def __init__(self, track: AudioTrack) -> None:
        self._clock = AudioClock(
            track.sample_rate, track.samples_per_frame, has_silence=bool(track.silence)
        )
        self._shape(track)
        self._first_dts = 0
        self._start = 0
        self.clear()

    def change(self, track: AudioTrack) -> None:
        """Go on with audio of another shape; nothing may be waiting."""
        self._clock = self._clock.continued(
            track.sample_rate, track.samples_per_frame, has_silence=bool(track.silence)
        )
        self._shape(track)

    def _shape(self, track: AudioTrack) -> None:
        self._rate = track.sample_rate
        self._silence = [track.silence]
        self._silent_run = [track.samples_per_frame, len(track.silence)]

    def clear(self) -> None:
        """Begin the next fragment."""
        self._run: list[int] = []
        self.payloads: list[bytes] = []
        self.packets = 0

    def seam(self) -> None:
        self._clock.seam()

    def add(self, packet: Packet) -> None:
        place = self._clock.place(packet.dts)
        if not self.packets:
            self._start = place.start
            self._first_dts = packet.dts
        if place.silent_frames:
            self.payloads += self._silence * place.silent_frames
            self._run += self._silent_run * place.silent_frames
        self.payloads.append(packet.payload)
        self._run += (place.duration, len(packet.payload))
        self.packets += 1

    def waited_ms(self, dts: int) -> int:
        """How long the first of them has waited at `dts`."""
        return dts - self._first_dts

    def span_ms(self) -> tuple[int, int]:
        """When they begin and end to be heard."""
        end = self._start + sum(self._run[::2])
        return self._start * 1000 // self._rate, end * 1000 // self._rate

    @property
    def traf_bytes(self) -> int:
        return _AUDIO_TRAF.size + 4 * len(self._run)

    def traf(self, data_offset: int) -> bytes:
        """The track fragment (8.8.6 to 8.8.12); `data_offset` counts from the `moof`."""
        entries = 4 * len(self._run)
        head = _AUDIO_TRAF.pack(
            _AUDIO_TRAF.size + entries,
            b"traf",
            16,
            b"tfhd",
            BASE_IS_MOOF,
            AUDIO_ID,
            20,
            b"tfdt",
            DECODE_TIME_64,
            self._start,
            20 + entries,
            b"trun",
            AUDIO_RUN,
            len(self.payloads),
            data_offset,
        )
        return head + struct.pack(f">{len(self._run)}I", *self._run)


class FragmentMuxer:
    """Packets of one session in decoding order in, fragments out.

    Decode times are continuous on each track from its first packet to its last; see
    `relay.fmp4.clocks`.  Memory: at most the audio of 200 ms.
    """

    def __init__(self, tracks: Tracks, alone_ms: int = AUDIO_ONLY_MS) -> None:
        """Without video, a fragment holds about `alone_ms` of sound."""
        self._alone_ms = alone_ms
        self._video = VideoClock(tracks.video.frame_rate) if tracks.video else None
        self._audio = _PendingAudio(tracks.audio) if tracks.audio else None
        self._sequence = 0
        self._next_resync_ms = 0

    def add(self, packet: Packet) -> Fragment | None:
        """Take a packet; the fragment that it completes, if it does.

        Configuration, scripts, and packets of a track that is not there are passed over.
        """
        if packet.is_config:
            return None
        if packet.kind is Kind.VIDEO and self._video:
            return self._with_video(packet, self._video)
        if packet.kind is not Kind.AUDIO or not self._audio:
            return None
        self._audio.add(packet)
        if self._is_audio_due(self._audio, packet.dts):
            return self._audio_alone(self._audio)
        return None

    def seam(self, tracks: Tracks | None = None) -> None:
        """A publisher returned: each track goes on exactly where it ended.

        With `tracks`, their configurations changed and an init segment goes out in front of the
        next fragment.  Time goes on for the tracks that are still there, so that a player who
        keeps its buffers sees no hole.

        Raises:
            LocalProtocolError: with `tracks`, audio is waiting that belongs in front of that
                init segment; `flush` first.
        """
        if tracks:
            self._change(tracks)
        if self._video:
            self._video.seam()
        if self._audio:
            self._audio.seam()

    def _change(self, tracks: Tracks) -> None:
        if self._audio and self._audio.packets:
            raise LocalProtocolError("audio of the former tracks is still waiting")
        if not tracks.video or not self._video:
            self._video = VideoClock(tracks.video.frame_rate) if tracks.video else None
        if tracks.audio and self._audio:
            self._audio.change(tracks.audio)
        else:
            self._audio = _PendingAudio(tracks.audio) if tracks.audio else None

    def flush(self) -> Fragment | None:
        """The audio that is still waiting, for the end of a run."""
        if self._audio and self._audio.packets:
            return self._audio_alone(self._audio)
        return None

    def _is_audio_due(self, audio: _PendingAudio, dts: int) -> bool:
        if self._video:
            return audio.waited_ms(dts) >= AUDIO_WAIT_MS
        start_ms, end_ms = audio.span_ms()
        return end_ms - start_ms >= self._alone_ms

    def _audio_alone(self, audio: _PendingAudio) -> Fragment:
        start_ms, end_ms = audio.span_ms()
        moof_bytes = _MOOF.size + audio.traf_bytes
        traf = audio.traf(moof_bytes + _MDAT.size)
        payload = self._join(moof_bytes, traf, audio.payloads)
        is_resync = self._video is None and start_ms >= self._next_resync_ms
        if is_resync:
            self._next_resync_ms = start_ms + AUDIO_RESYNC_MS
        fragment = Fragment(
            payload, is_resync, audio.packets, start_ms, end_ms, start_ms, end_ms, has_video=False
        )
        audio.clear()
        return fragment

    def _with_video(self, packet: Packet, clock: VideoClock) -> Fragment:
        start, duration, shown = clock.place(packet.dts, packet.pts)
        start_ms, end_ms = shown, shown + clock.guess
        moof_bytes = _MOOF.size + _VIDEO_TRAF.size
        video_bytes = len(packet.payload)
        payloads, audio_traf, packets = [packet.payload], b"", 1
        audio = self._audio
        if audio and audio.packets:
            audio_start_ms, audio_end_ms = audio.span_ms()
            start_ms, end_ms = min(start_ms, audio_start_ms), max(end_ms, audio_end_ms)
            moof_bytes += audio.traf_bytes
            audio_traf = audio.traf(moof_bytes + _MDAT.size + video_bytes)
            payloads += audio.payloads
            packets += audio.packets
            audio.clear()
        flags = KEYFRAME_FLAGS if packet.is_keyframe else INTER_FLAGS
        sample = (moof_bytes + _MDAT.size, duration, video_bytes, flags, shown - start)
        traf = _video_traf(start, sample) + audio_traf
        payload = self._join(moof_bytes, traf, payloads)
        return Fragment(
            payload,
            packet.is_keyframe,
            packets,
            start_ms,
            end_ms,
            start,
            start + duration,
            has_video=True,
        )

    def _join(self, moof_bytes: int, trafs: bytes, payloads: list[bytes]) -> bytes:
        self._sequence = self._sequence + 1 & 0xFFFFFFFF
        head = _MOOF.pack(moof_bytes, b"moof", 16, b"mfhd", 0, self._sequence)
        mdat_bytes = _MDAT.size + sum(map(len, payloads))
        return b"".join((head, trafs, _MDAT.pack(mdat_bytes, b"mdat"), *payloads))


def _video_traf(start: int, sample: tuple[int, int, int, int, int]) -> bytes:
    """The track fragment of one `sample`: data offset, duration, size, flags, offset."""
    return _VIDEO_TRAF.pack(
        _VIDEO_TRAF.size,
        b"traf",
        16,
        b"tfhd",
        BASE_IS_MOOF,
        VIDEO_ID,
        20,
        b"tfdt",
        DECODE_TIME_64,
        start,
        36,
        b"trun",
        VIDEO_RUN,
        1,
        *sample,
    )
