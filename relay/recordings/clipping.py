"""A piece of a broadcast or of a recording, in files of its own.

Nothing is coded again, so a clip begins at a keyframe: the last one that is not later than what was
asked for, so that nothing asked for is missing.  It ends in front of the first keyframe that is not
earlier, or with what there is.  What was really cut is said of the clip, to the millisecond.

Where it comes from: the recording, if there is one; or else the window that there is to rewind to;
or else what is kept for newcomers, which is the newest GOP.
"""

from collections.abc import Awaitable, Callable, Sequence

import attrs

from relay.errors import RelayError
from relay.fmp4.init import init_segment
from relay.fmp4.reader import moofs
from relay.ports import Disk
from relay.recordings import index
from relay.recordings.fragment_times import is_start, spans
from relay.recordings.index import Segment
from relay.recordings.stretches import encoded
from relay.tracks import Tracks


class NothingToClip(RelayError):
    """There is no picture of that time."""


@attrs.frozen(kw_only=True)
class Piece:
    """Some seconds of the source, from a keyframe on."""

    start_ms: int
    wall_ms: int
    """When that was."""
    tracks: Tracks
    flags: int
    """As in an index."""
    load: Callable[[], Awaitable[bytes]]
    """Its fragments."""


@attrs.frozen
class _Cut:
    """What is taken of one piece."""

    data: bytes
    start_ms: int
    end_ms: int
    is_last: bool
    """Whether what was asked for ends here."""


@attrs.define(eq=False)
class Clipper:
    """Writes one clip."""

    _disk: Disk
    _folder: str
    _from_ms: int
    _to_ms: int
    segments: list[Segment] = attrs.field(factory=list, init=False)
    """What has been written."""
    _stretch: int = attrs.field(default=-1, init=False)
    _tracks: Tracks | None = attrs.field(default=None, init=False)
    _size: int = attrs.field(default=0, init=False)

    async def write(self, pieces: Sequence[Piece]) -> None:
        """Take what was asked for from pieces in order.

        Raises:
            NothingToClip: it is not in them.
            OSError: a piece cannot be read, or the clip not be written.
        """
        for piece in _from(pieces, self._from_ms):
            if piece.start_ms >= self._to_ms:
                break
            cut = _cut(piece, await piece.load(), self._from_ms, self._to_ms)
            if cut is not None:
                await self._add(piece, cut)
                if cut.is_last:
                    break
        if not self.segments:
            raise NothingToClip("there is no picture of that time")

    async def _add(self, piece: Piece, cut: _Cut) -> None:
        if piece.tracks != self._tracks:
            await self._begin(piece.tracks)
        await self._disk.append(self._folder, index.media_name(self._stretch), cut.data)
        segment = Segment(
            stretch=self._stretch,
            offset=self._size,
            size=len(cut.data),
            start_ms=cut.start_ms,
            duration_ms=cut.end_ms - cut.start_ms,
            wall_ms=piece.wall_ms + cut.start_ms - piece.start_ms,
            flags=piece.flags if self.segments else 0,
        )
        await self._disk.append(self._folder, index.NAME, segment.encoded())
        self.segments.append(segment)
        self._size += len(cut.data)

    async def _begin(self, tracks: Tracks) -> None:
        self._stretch += 1
        self._tracks = tracks
        init = init_segment(tracks)
        self._size = len(init)
        await self._disk.append(self._folder, index.tracks_name(self._stretch), encoded(tracks))
        await self._disk.append(self._folder, index.media_name(self._stretch), init)


def _from(pieces: Sequence[Piece], from_ms: int) -> Sequence[Piece]:
    """Those from the last one on that begins in time, or all of them."""
    before = sum(piece.start_ms <= from_ms for piece in pieces)
    return pieces[max(before - 1, 0) :]


def _cut(piece: Piece, data: bytes, from_ms: int, to_ms: int) -> _Cut | None:
    """What is wanted of a piece; None where nothing is."""
    found = list(moofs(lambda offset, size: data[offset : offset + size], 0, len(data)))
    if not found:
        return None
    times = spans(found, piece.tracks)
    starts = [n for n, moof in enumerate(found) if is_start(moof, piece.tracks)]
    early = [n for n in starts if times[n][0] <= from_ms]
    late = [n for n in starts if times[n][0] >= to_ms]
    first = early[-1] if early else 0
    end = next((n for n in late if n > first), len(found))
    taken = data[found[first].offset : found[end - 1].offset + found[end - 1].size]
    end_ms = max(span[1] for span in times[first:end])
    if end_ms <= from_ms:
        return None
    return _Cut(taken, times[first][0], end_ms, end < len(found))
