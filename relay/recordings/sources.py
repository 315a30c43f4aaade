"""What clips are cut from, in pieces."""

from collections.abc import Awaitable, Callable
from functools import partial

import trio

from relay.errors import FormatError
from relay.fanout.budget import Budget
from relay.fmp4.emsg import without_event_messages
from relay.fmp4.init import init_segment
from relay.hls.segments import Head
from relay.live.broadcast import Broadcast
from relay.live.intake import Intake, Pause
from relay.live.packager import Packager
from relay.ports import Disk
from relay.recordings import index
from relay.recordings.clipping import Piece
from relay.recordings.cutting import Add, Begin, Cutter, Step
from relay.recordings.files import read_fragment, read_index, read_tracks
from relay.recordings.fragment_times import spans
from relay.recordings.index import SEAM_BEFORE, Segment
from relay.tracks import Tracks


async def recorded(disk: Disk, folder: str) -> list[Piece]:
    """A recording, finished or not, up to the last part that is on the disk.

    Raises:
        FormatError: its files are not what they should be.
        OSError: they cannot be read.
    """
    found = await read_index(disk, folder)
    tracks = {
        stretch: await read_tracks(disk, folder, stretch)
        for stretch in sorted({segment.stretch for segment in found})
    }
    pieces = [_listed(disk, folder, segment, tracks[segment.stretch]) for segment in found]
    return [*pieces, *await _unlisted(disk, folder, found[-1] if found else None)]


def _listed(disk: Disk, folder: str, segment: Segment, tracks: Tracks) -> Piece:
    name = index.media_name(segment.stretch)
    return Piece(
        start_ms=segment.start_ms,
        wall_ms=segment.wall_ms,
        tracks=tracks,
        flags=segment.flags,
        load=partial(disk.read, folder, name, segment.offset, segment.size),
    )


async def _unlisted(disk: Disk, folder: str, last: Segment | None) -> list[Piece]:
    """What is behind the last segment that has ended."""
    sizes, pieces = await disk.sizes(folder), []
    stretch = 0 if last is None else last.stretch
    while (size := sizes.get(index.media_name(stretch))) is not None:
        try:
            tracks = await read_tracks(disk, folder, stretch)
        except FormatError:
            break
        start = len(init_segment(tracks))
        if last is not None and last.stretch == stretch:
            start = last.offset + last.size
        first = await read_fragment(disk, folder, stretch, start, size)
        if first is not None:
            ((start_ms, _),) = spans([first], tracks)
            name = index.media_name(stretch)
            load = partial(disk.read, folder, name, start, size - start)
            wall_ms = 0 if last is None else last.wall_ms + start_ms - last.start_ms
            pieces.append(
                Piece(start_ms=start_ms, wall_ms=wall_ms, tracks=tracks, flags=0, load=load)
            )
        stretch += 1
    return pieces


def rewindable(packager: Packager) -> list[Piece]:
    """The window that there is to rewind to, up to the newest part."""
    window = packager.window
    pieces = [_of_window(held.head, partial(packager.read, held)) for held in window.listed]
    if window.open_parts:
        data = b"".join(part.data for part in window.open_parts)
        pieces.append(_of_window(window.open_parts[0].head, partial(_known, data)))
    return pieces


def _of_window(head: Head, load: Callable[[], Awaitable[bytes]]) -> Piece:
    return Piece(
        start_ms=head.media_ms,
        wall_ms=head.wall_ms,
        tracks=head.init.tracks,
        flags=SEAM_BEFORE if head.is_discontinuity else 0,
        load=partial(_media, load),
    )


async def _media(load: Callable[[], Awaitable[bytes]]) -> bytes:
    """Without what was said at a moment of the picture, which is for HLS players."""
    return without_event_messages(await load())


async def newest_gop(broadcast: Broadcast, budget: Budget) -> list[Piece]:
    """What is kept for newcomers."""
    intake, cutter = Intake(budget), Cutter(broadcast.clock.wall_ms)
    with broadcast.handed_to(intake):
        intake.end()
    steps: list[Step] = []
    async for handed in intake:
        for taken in handed:
            if not isinstance(taken, Pause):
                steps += cutter.take(taken)
    steps += cutter.finish()
    intake.close()
    tracks = [step.tracks for step in steps if isinstance(step, Begin)]
    parts = [step.part for step in steps if isinstance(step, Add)]
    if not parts:
        return []
    start_ms, data = parts[0].start_ms, b"".join(part.payload for part in parts)
    wall_ms = broadcast.clock.wall_ms(start_ms)
    load = partial(_known, data)
    return [Piece(start_ms=start_ms, wall_ms=wall_ms, tracks=tracks[0], flags=0, load=load)]


async def _known(data: bytes) -> bytes:
    await trio.lowlevel.checkpoint()
    return data
