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
_AUDIO_RUN_BYTES = 20
_VIDEO_RUN_BYTES = 36


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


class _PendingAudio:
    """Audio frames on their way into the next fragment."""

    def __init__(self, track: AudioTrack) -> None:
        self._clock = AudioClock(track.sample_rate, track.samples_per_frame)
        self._rate = track.sample_rate
        self.payloads: list[bytes] = []
        self._run: list[int] = []
        self._start = 0
        self._end = 0
        self._first_dts = 0
        self._bytes = 0

    def seam(self) -> None:
        self._clock.seam()

    def add(self, packet: Packet) -> None:
        start, duration = self._clock.place(packet.dts)
        if not self.payloads:
            self._start = start
            self._first_dts = packet.dts
        self._end = start + duration
        size = len(packet.payload)
        self._bytes += size
        self._run += (duration, size)
        self.payloads.append(packet.payload)

    def waited_ms(self, dts: int) -> int:
        """How long the first of them has waited at `dts`."""
        return dts - self._first_dts

    @property
    def duration_ms(self) -> int:
        return (self._end - self._start) * 1000 // self._rate

    def span_ms(self) -> tuple[int, int]:
        return self._start * 1000 // self._rate, self._end * 1000 // self._rate

    def take(self) -> tuple[list[bytes], list[int], int, int]:
        """Payloads, durations and sizes in turn, decode time, bytes; and begin anew."""
        taken = self.payloads, self._run, self._start, self._bytes
        self.payloads, self._run, self._bytes = [], [], 0
        return taken


class FragmentMuxer:
    """Packets of one session in decoding order in, fragments out.

    Decode times are continuous on each track from its first packet to its last; see
    `relay.fmp4.clocks`.  Memory: at most the audio of 200 ms.
    """

    def __init__(self, tracks: Tracks) -> None:
        video = tracks.video
        self._video = VideoClock(video.frame_rate) if video else None
        self._audio = _PendingAudio(tracks.audio) if tracks.audio else None
        self._sequence = 0
        self._next_resync_ms: int | None = None

    def add(self, packet: Packet) -> Fragment | None:
        """Take a packet; the fragment that it completes, if it does.

        Configuration, scripts, and packets of a track that is not there are passed over.
        """
        if packet.is_config:
            return None
        if packet.kind is Kind.VIDEO:
            return self._with_video(packet) if self._video else None
        if packet.kind is not Kind.AUDIO or not self._audio:
            return None
        self._audio.add(packet)
        if self._is_audio_due(self._audio, packet.dts):
            return self._audio_alone(self._audio)
        return None

    def seam(self) -> None:
        """A publisher returned: each track goes on exactly where it ended."""
        if self._video:
            self._video.seam()
        if self._audio:
            self._audio.seam()

    def flush(self) -> Fragment | None:
        """The audio that is still waiting, for the end of a run."""
        if self._audio and self._audio.payloads:
            return self._audio_alone(self._audio)
        return None

    def _is_audio_due(self, audio: _PendingAudio, dts: int) -> bool:
        if self._video:
            return audio.waited_ms(dts) >= AUDIO_WAIT_MS
        return audio.duration_ms >= AUDIO_ONLY_MS

    def _audio_alone(self, audio: _PendingAudio) -> Fragment:
        start_ms, end_ms = audio.span_ms()
        payloads, run, start, size = audio.take()
        moof_bytes = _MOOF.size + _AUDIO_TRAF.size + 4 * len(run)
        traf = _audio_traf(run, start, moof_bytes + _MDAT.size)
        is_resync = self._video is None and self._is_resync_due(start_ms)
        payload = self._join(moof_bytes, traf, size, payloads)
        return Fragment(payload, is_resync, len(payloads), start_ms, end_ms)

    def _is_resync_due(self, start_ms: int) -> bool:
        if self._next_resync_ms is not None and start_ms < self._next_resync_ms:
            return False
        self._next_resync_ms = start_ms + AUDIO_RESYNC_MS
        return True

    def _with_video(self, packet: Packet) -> Fragment:
        assert self._video  # noqa: S101 - narrows the type; `add` has looked
        clock, audio = self._video, self._audio
        decode, duration, shown = clock.place(packet.dts, packet.pts)
        start_ms, end_ms = shown, shown + clock.guess
        payloads, size = [packet.payload], len(packet.payload)
        moof_bytes = _MOOF.size + _VIDEO_TRAF.size
        audio_traf = b""
        audio_offset = size
        if audio and audio.payloads:
            audio_start, audio_end = audio.span_ms()
            start_ms, end_ms = min(start_ms, audio_start), max(end_ms, audio_end)
            audio_payloads, run, start, audio_bytes = audio.take()
            moof_bytes += _AUDIO_TRAF.size + 4 * len(run)
            audio_traf = _audio_traf(run, start, moof_bytes + _MDAT.size + audio_offset)
            payloads += audio_payloads
            size += audio_bytes
        traf = _VIDEO_TRAF.pack(
            _VIDEO_TRAF.size,
            b"traf",
            16,
            b"tfhd",
            BASE_IS_MOOF,
            VIDEO_ID,
            20,
            b"tfdt",
            DECODE_TIME_64,
            decode,
            _VIDEO_RUN_BYTES,
            b"trun",
            VIDEO_RUN,
            1,
            moof_bytes + _MDAT.size,
            duration,
            audio_offset,
            KEYFRAME_FLAGS if packet.is_keyframe else INTER_FLAGS,
            shown - decode,
        )
        payload = self._join(moof_bytes, traf + audio_traf, size, payloads)
        return Fragment(payload, packet.is_keyframe, len(payloads), start_ms, end_ms)

    def _join(self, moof_bytes: int, trafs: bytes, size: int, payloads: list[bytes]) -> bytes:
        self._sequence += 1
        head = _MOOF.pack(moof_bytes, b"moof", 16, b"mfhd", 0, self._sequence & 0xFFFFFFFF)
        return b"".join((head, trafs, _MDAT.pack(_MDAT.size + size, b"mdat"), *payloads))


def _audio_traf(run: list[int], start: int, data_offset: int) -> bytes:
    """`run` holds duration and size of each frame in turn; `data_offset` counts from `moof`."""
    entries = 4 * len(run)
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
        start,
        _AUDIO_RUN_BYTES + entries,
        b"trun",
        AUDIO_RUN,
        len(run) // 2,
        data_offset,
    )
    return head + struct.pack(f">{len(run)}I", *run)
