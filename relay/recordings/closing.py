"""Closing a recording: whoever made it is done, or is gone without a word.

What a crash leaves is a file whose index may lack its last lines, and whose end may be half a part,
or whatever a power cut makes of one.  So the parts behind the last line are read: those that are
whole become segments, and the rest is cut off.  After an orderly end there is nothing to
find, and this is how it is known.
"""

from collections.abc import Iterator
from itertools import groupby

import attrs
import structlog

from relay.errors import FormatError
from relay.fmp4.init import init_segment
from relay.fmp4.reader import Moof
from relay.ports import Disk
from relay.recordings import index
from relay.recordings.files import read_fragment, read_index, read_tracks
from relay.recordings.fragment_times import Span, is_start, spans
from relay.recordings.index import LINE_BYTES, SEAM_BEFORE, SEGMENT_MS, Segment
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
    await _list(disk, recording, found)
    stretches = await _stretches(disk, recording.id, found)
    return attrs.evolve(with_segments(recording, found), ending=ending, stretches=stretches)


async def _list(disk: Disk, recording: Recording, found: list[Segment]) -> None:
    """Add the segments that have no line yet, to `found` and to the index."""
    folder = recording.id
    sizes = await disk.sizes(folder)
    if (odd := sizes.get(index.NAME, 0) % LINE_BYTES) != 0:
        await disk.cut(folder, index.NAME, sizes[index.NAME] - odd)
    stretch = found[-1].stretch if found else 0
    while (size := sizes.get(index.media_name(stretch))) is not None:
        for segment in await _behind(disk, recording, stretch, size, found):
            found.append(segment)
            try:
                await disk.append(folder, index.NAME, segment.encoded())
            except OSError as error:
                # A disk without room for 32 bytes.
                log.warning("a segment is not listed", recording=folder, problem=str(error))
        stretch += 1


async def _behind(
    disk: Disk, recording: Recording, stretch: int, size: int, found: list[Segment]
) -> list[Segment]:
    """What is behind the last listed segment of a stretch's file."""
    try:
        tracks = await read_tracks(disk, recording.id, stretch)
    except FormatError:
        return []
    at = len(init_segment(tracks))
    if found and found[-1].stretch == stretch:
        at = found[-1].offset + found[-1].size
    moofs = []
    while (moof := await read_fragment(disk, recording.id, stretch, at, size)) is not None:
        moofs.append(moof)
        at += moof.size
    if at < size:
        log.info("the end of a recording is not whole", recording=recording.id, cut=size - at)
        await disk.cut(recording.id, index.media_name(stretch), at)
    return _placed(list(_segments(moofs, tracks, stretch)), recording, found)


def _placed(segments: list[Segment], recording: Recording, found: list[Segment]) -> list[Segment]:
    """When they were is in no file: the wall clock ran as media time did."""
    if not segments:
        return []
    offset_ms = recording.began_ms - segments[0].start_ms
    if found:
        offset_ms = found[-1].wall_ms - found[-1].start_ms
        if found[-1].stretch != segments[0].stretch:
            segments[0] = attrs.evolve(segments[0], flags=SEAM_BEFORE)
    return [attrs.evolve(it, wall_ms=it.start_ms + offset_ms) for it in segments]


def _segments(moofs: list[Moof], tracks: Tracks, stretch: int) -> Iterator[Segment]:
    """Fragments as segments, cut as a recorder cuts them."""
    times, first = spans(moofs, tracks), 0
    for n in range(1, len(moofs)):
        is_enough = times[n][0] - times[first][0] >= SEGMENT_MS
        if is_enough and is_start(moofs[n], tracks):
            yield _segment(moofs[first:n], times[first:n], stretch)
            first = n
    if moofs:
        yield _segment(moofs[first:], times[first:], stretch)


def _segment(moofs: list[Moof], times: list[Span], stretch: int) -> Segment:
    start_ms, end_ms = times[0][0], max(end for _, end in times)
    return Segment(
        stretch=stretch,
        offset=moofs[0].offset,
        size=sum(moof.size for moof in moofs),
        start_ms=start_ms,
        duration_ms=max(end_ms - start_ms, 0),
        wall_ms=0,
    )


async def _stretches(disk: Disk, folder: str, found: list[Segment]) -> tuple[Stretch, ...]:
    stretches = []
    for number, of_stretch in groupby(found, lambda segment: segment.stretch):
        first, *others = of_stretch
        tracks = await read_tracks(disk, folder, number)
        last = others[-1] if others else first
        stretches.append(shown(tracks, first.start_ms, last.end_ms))
    return tuple(stretches)
