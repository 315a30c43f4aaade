"""Fragments as one MP4 file of the plain kind, with all of its tables in front (8.6, 8.7).

A fragmented file is what players are fed, and what QuickTime, editors and phones are slow to open
and cannot seek in: they would have to read every `moof`.  A plain file with its `moov` in front
opens and seeks at once everywhere.  Nothing needs to be copied for it: the fragments become the
body of one `mdat` as they are, `moof`s and all, and the tables point at the samples within.  So of
a recording there is one *head* to make, and what follows it are the bytes on the disk.

    ftyp  moov  mdat header | fragment fragment fragment ...

A file may go through several *stretches*, each with tracks of its own: another picture size is
another sample entry (8.5.2), and a track that is gone for a while has its last sample last until it
is back.  Sound of another rate keeps its samples and is counted in the first one's rate.

Times begin at 0; an edit list (8.6.6) puts sound and picture where they lay to each other.
"""

import struct
import sys
from array import array
from collections.abc import Iterator
from functools import cached_property

import attrs

from relay.fmp4.boxes import UNITY_MATRIX, box, full_box
from relay.fmp4.init import (
    AUDIO_ID,
    VIDEO_ID,
    VIDEO_TIMESCALE,
    audio_entry,
    audio_media,
    track_header,
    video_entry,
    video_media,
)
from relay.fmp4.reader import Moof, TrackRun
from relay.tracks import AudioTrack, Tracks, VideoTrack

MOVIE_TIMESCALE = 1000
_SMALL = 1 << 32
_FAR = _SMALL - (1 << 28)
"""A longer body has offsets of 64 bits; a head in front of a shorter one is never so large."""
MDAT_HEADER_BYTES = (8, 16)
"""Of a body that fits 32 bits, and of a larger one (4.2)."""
_SYNC_FLAGS = 0x02000000


class _Runs:
    """A table of (count, value), in which equal neighbours are one."""

    def __init__(self) -> None:
        self.entries = array("I")

    def add(self, value: int) -> None:
        entries = self.entries
        if entries and entries[-1] == value:
            entries[-2] += 1
        else:
            entries.extend((1, value))

    def lengthen_last(self, more: int) -> None:
        """Let the last sample last longer."""
        entries = self.entries
        last = entries[-1]
        if entries[-2] == 1:
            del entries[-2:]
        else:
            entries[-2] -= 1
        self.add(last + more)

    def table(self, name: bytes, version: int = 0) -> bytes:
        entries = self.entries
        return full_box(name, version, 0, struct.pack(">I", len(entries) // 2), _packed(entries))


@attrs.define(eq=False)
class _Table:
    """One track of the file."""

    track: VideoTrack | AudioTrack
    """The first that there was, which the headers describe."""
    entries: list[bytes] = attrs.field(factory=list)
    """Sample entries, one for each time that the configuration changed."""
    durations: _Runs = attrs.field(factory=_Runs)
    delays: _Runs = attrs.field(factory=_Runs)
    sizes: "array[int]" = attrs.field(factory=lambda: array("I"))
    keyframes: "array[int]" = attrs.field(factory=lambda: array("I"))
    chunks: "array[int]" = attrs.field(factory=lambda: array("Q"))
    """Where each begins, from the start of the body."""
    chunk_sizes: list[tuple[int, int, int]] = attrs.field(factory=list)
    """First chunk, samples in each from there on, and their entry (8.7.4)."""
    first: int = 0
    first_delay: int = 0
    end: int = 0

    @property
    def track_id(self) -> int:
        return VIDEO_ID if isinstance(self.track, VideoTrack) else AUDIO_ID

    @property
    def timescale(self) -> int:
        return self.track.sample_rate if isinstance(self.track, AudioTrack) else VIDEO_TIMESCALE

    def describe(self, entry: bytes) -> None:
        """What follows is of this configuration."""
        if not self.entries or self.entries[-1] != entry:
            self.entries.append(entry)

    def add(self, run: TrackRun, at: int, rate: int) -> None:
        """The samples of one fragment, of which the first lies at `at`."""
        start = run.start * self.timescale // rate
        if not self.sizes:
            self.first = self.end = start
            self.first_delay = run.delays[0] if run.delays else 0
        elif start > self.end:
            self.durations.lengthen_last(start - self.end)
            self.end = start
        self._add_chunk(at, len(run.sizes))
        if run.flags:
            before = len(self.sizes)
            self.keyframes.extend(
                before + n for n, flags in enumerate(run.flags, 1) if flags == _SYNC_FLAGS
            )
        self.sizes.extend(run.sizes)
        for delay in run.delays:
            self.delays.add(delay & 0xFFFFFFFF)
        self._last(run, rate)

    def _last(self, run: TrackRun, rate: int) -> None:
        """How long each sample lasts; of another rate, as near as can be."""
        at = run.start
        for duration in run.durations:
            at += duration
            end = at * self.timescale // rate
            self.durations.add(max(end - self.end, 0))
            self.end = max(end, self.end)

    def _add_chunk(self, at: int, samples: int) -> None:
        self.chunks.append(at)
        entry = len(self.entries)
        if not self.chunk_sizes or self.chunk_sizes[-1][1:] != (samples, entry):
            self.chunk_sizes.append((len(self.chunks), samples, entry))

    @cached_property
    def made(self) -> bytes:
        """All tables but the one of where chunks lie; when everything has been added."""
        return b"".join(_sample_tables(self))

    @property
    def shown_from_ms(self) -> float:
        return (self.first + self.first_delay) * 1000 / self.timescale

    @property
    def duration_ms(self) -> int:
        return (self.end - self.first) * 1000 // self.timescale


@attrs.define(eq=False)
class Whole:
    """Takes the fragments of a file in order, stretch by stretch; then makes its head."""

    _tracks: Tracks | None = attrs.field(default=None, init=False)
    _picture: _Table | None = attrs.field(default=None, init=False)
    _sound: _Table | None = attrs.field(default=None, init=False)
    _base: int = attrs.field(default=0, init=False)

    def begin(self, tracks: Tracks, body_offset: int) -> None:
        """A stretch: its file begins at this place of the body, whatever stands there in front of
        its first fragment.
        """
        self._tracks, self._base = tracks, body_offset
        video, audio = tracks.video, tracks.audio
        if video is not None:
            if self._picture is None:
                self._picture = _Table(video)
            self._picture.describe(video_entry(video))
        if audio is not None:
            if self._sound is None:
                self._sound = _Table(audio)
            self._sound.describe(audio_entry(audio))

    def add(self, moof: Moof) -> None:
        """The next fragment."""
        assert self._tracks is not None
        for run in moof.runs:
            at = self._base + moof.offset + run.offset
            if run.track_id == VIDEO_ID and self._picture is not None:
                self._picture.add(run, at, VIDEO_TIMESCALE)
            elif self._sound is not None and self._tracks.audio is not None:
                self._sound.add(run, at, self._tracks.audio.sample_rate)

    @property
    def samples(self) -> int:
        """How many have been added."""
        return sum(len(table.sizes) for table in (self._picture, self._sound) if table)

    def head(self, body_bytes: int) -> bytes:
        """Everything in front of a body of so many bytes."""
        file_type = box(
            b"ftyp", b"isom", struct.pack(">I", 512), b"isom", b"iso2", b"avc1", b"mp41"
        )
        mdat = _mdat_header(body_bytes)
        is_far = body_bytes >= _FAR
        length = len(file_type) + len(self._moov(0, is_far=is_far)) + len(mdat)
        return file_type + self._moov(length, is_far=is_far) + mdat

    def _moov(self, before: int, *, is_far: bool) -> bytes:
        tables = [table for table in (self._picture, self._sound) if table and table.sizes]
        begin_ms = min((table.shown_from_ms for table in tables), default=0.0)
        traks = [self._trak(table, begin_ms, before, is_far=is_far) for table in tables]
        longest = max((_shown_ms(table, begin_ms) for table in tables), default=0)
        return box(b"moov", _movie_header(longest), *traks)

    def _trak(self, table: _Table, begin_ms: float, before: int, *, is_far: bool) -> bytes:
        samples = box(b"stbl", table.made, _offsets(table, before, is_far=is_far))
        track, length = table.track, table.end - table.first
        if isinstance(track, VideoTrack):
            media = video_media(samples, length)
        else:
            media = audio_media(track, samples, length)
        header = track_header(table.track_id, track, _shown_ms(table, begin_ms))
        return box(b"trak", header, _edits(table, begin_ms), media)


HEAD_LOOK_BYTES = 40
"""From so many the length of a head can be told."""


def head_bytes(data: bytes) -> int:
    """How long a head is that begins so, without the `mdat` header at its end; 0 for none."""
    if len(data) < HEAD_LOOK_BYTES:
        return 0
    file_type_bytes, _ = struct.unpack_from(">I4s", data)
    if file_type_bytes > HEAD_LOOK_BYTES - 8:
        return 0
    moov_bytes, name = struct.unpack_from(">I4s", data, file_type_bytes)
    return file_type_bytes + moov_bytes if name == b"moov" else 0


def _shown_ms(table: _Table, begin_ms: float) -> int:
    return round(table.shown_from_ms - begin_ms) + table.duration_ms


def _movie_header(duration_ms: int) -> bytes:
    """8.2.2, in the form for long times."""
    return full_box(
        b"mvhd",
        1,
        0,
        struct.pack(">QQIQIH10x", 0, 0, MOVIE_TIMESCALE, duration_ms, 0x10000, 0x100),
        UNITY_MATRIX,
        struct.pack(">24xI", AUDIO_ID + 1),
    )


def _edits(table: _Table, begin_ms: float) -> bytes:
    """8.6.6: nothing until it begins, then all of it from its first picture on."""
    wait_ms = round(table.shown_from_ms - begin_ms)
    edits = [(wait_ms, -1)] if wait_ms else []
    edits.append((table.duration_ms, table.first_delay))
    entries = b"".join(struct.pack(">QqHH", length, at, 1, 0) for length, at in edits)
    return box(b"edts", full_box(b"elst", 1, 0, struct.pack(">I", len(edits)), entries))


def _sample_tables(table: _Table) -> Iterator[bytes]:
    """8.5 to 8.7, but for where chunks lie."""
    entries = table.entries
    yield full_box(b"stsd", 0, 0, struct.pack(">I", len(entries)), *entries)
    yield table.durations.table(b"stts")
    if table.delays.entries:
        yield table.delays.table(b"ctts", 1)
        yield full_box(
            b"stss", 0, 0, struct.pack(">I", len(table.keyframes)), _packed(table.keyframes)
        )
    chunks = b"".join(struct.pack(">III", *entry) for entry in table.chunk_sizes)
    yield full_box(b"stsc", 0, 0, struct.pack(">I", len(table.chunk_sizes)), chunks)
    yield full_box(b"stsz", 0, 0, struct.pack(">II", 0, len(table.sizes)), _packed(table.sizes))


def _offsets(table: _Table, before: int, *, is_far: bool) -> bytes:
    """8.7.5: where chunks lie, in a file with so many bytes in front of its body."""
    offsets = array("Q" if is_far else "I", (before + at for at in table.chunks))
    name = b"co64" if is_far else b"stco"
    return full_box(name, 0, 0, struct.pack(">I", len(offsets)), _packed(offsets))


def _mdat_header(body_bytes: int) -> bytes:
    """4.2: of a body that fits 32 bits, or of any other."""
    if body_bytes + 8 < _SMALL:
        return struct.pack(">I4s", body_bytes + 8, b"mdat")
    return struct.pack(">I4sQ", 1, b"mdat", body_bytes + MDAT_HEADER_BYTES[1])


def _packed(numbers: "array[int]") -> bytes:
    """Big-endian."""
    copy = array(numbers.typecode, numbers)
    if sys.byteorder == "little":
        copy.byteswap()
    return copy.tobytes()
