"""Closing a recording: whoever made it is done, or is gone without a word.

What a crash leaves is a file whose index may lack its last lines, and whose end may be half a part,
or whatever a power cut makes of one.  So the parts behind the last line are read: those that are
whole become one more segment, and the rest is cut off.  After an orderly end there is nothing to
find, and this is how it is known.
"""

from itertools import groupby

import attrs
import structlog

from relay.errors import FormatError
from relay.fmp4.init import init_segment
from relay.fmp4.reader import Moof
from relay.ports import Disk
from relay.recordings import index
from relay.recordings.files import read_fragment, read_index, read_tracks
from relay.recordings.fragment_times import spans
from relay.recordings.index import SEAM_BEFORE, Segment
from relay.recordings.recording import Ending, Recording, Stretch, with_segments
from relay.recordings.stretches import shown
from relay.tracks import Tracks

log = structlog.get_logger("relay.recordings")


async def closed(disk: Disk, recording: Recording, ending: Ending) -> Recording:
    """The recording as it is from now on: with all that is whole on the disk, and no more.

    Raises:
        OSError: the disk cannot be read.
    """
    found = await read_index(disk, recording.id)
    found += await _unlisted(disk, recording, found)
    stretches = await _stretches(disk, recording.id, found)
    return attrs.evolve(with_segments(recording, found), ending=ending, stretches=stretches)


async def _unlisted(disk: Disk, recording: Recording, listed: list[Segment]) -> list[Segment]:
    """Segments that have no line yet, which they get here."""
    sizes, last = await disk.sizes(recording.id), listed[-1] if listed else None
    found = []
    stretch = 0 if last is None else last.stretch
    while (size := sizes.get(index.media_name(stretch))) is not None:
        segment = await _behind(disk, recording, stretch, size, last)
        if segment is not None:
            found.append(segment)
            await _list(disk, recording.id, segment)
        stretch += 1
    return found


async def _behind(
    disk: Disk, recording: Recording, stretch: int, size: int, last: Segment | None
) -> Segment | None:
    """What is behind the last listed segment of a stretch's file, as one segment."""
    try:
        tracks = await read_tracks(disk, recording.id, stretch)
    except FormatError:
        return None
    start = len(init_segment(tracks))
    if last is not None and last.stretch == stretch:
        start = last.offset + last.size
    moofs, at = [], start
    while (moof := await read_fragment(disk, recording.id, stretch, at, size)) is not None:
        moofs.append(moof)
        at += moof.size
    if at < size:
        log.info("the end of a recording is not whole", recording=recording.id, cut=size - at)
        await disk.cut(recording.id, index.media_name(stretch), at)
    return _segment(recording, stretch, tracks, moofs, last) if moofs else None


def _segment(
    recording: Recording, stretch: int, tracks: Tracks, moofs: list[Moof], last: Segment | None
) -> Segment:
    times = spans(moofs, tracks)
    start_ms, end_ms = times[0][0], max(end for _, end in times)
    # What the wall clock said is in no file; both clocks run alike.
    wall_ms = recording.began_ms
    if last is not None:
        wall_ms = last.wall_ms + start_ms - last.start_ms
    is_other = last is not None and last.stretch != stretch
    return Segment(
        stretch=stretch,
        offset=moofs[0].offset,
        size=sum(moof.size for moof in moofs),
        start_ms=start_ms,
        duration_ms=max(end_ms - start_ms, 0),
        wall_ms=wall_ms,
        flags=SEAM_BEFORE if is_other else 0,
    )


async def _list(disk: Disk, folder: str, segment: Segment) -> None:
    try:
        await disk.append(folder, index.NAME, segment.encoded())
    except OSError as error:
        # A disk without room for 32 bytes.
        log.warning("a segment is not listed", recording=folder, problem=str(error))


async def _stretches(disk: Disk, folder: str, found: list[Segment]) -> tuple[Stretch, ...]:
    stretches = []
    for number, of_stretch in groupby(found, lambda segment: segment.stretch):
        first, *others = of_stretch
        tracks = await read_tracks(disk, folder, number)
        last = others[-1] if others else first
        stretches.append(shown(tracks, first.start_ms, last.end_ms))
    return tuple(stretches)
