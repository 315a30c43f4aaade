"""What is read of a recording's folder."""

from relay.errors import FormatError
from relay.fmp4.reader import LOOK_BYTES, Moof, bytes_needed, read_moof
from relay.ports import Disk
from relay.recordings import index
from relay.recordings.index import Segment, segments
from relay.recordings.stretches import decoded
from relay.tracks import Tracks

TRACKS_BYTES = 64 * 1024
INDEX_BYTES = 1024 * 1024
"""Read at once; a day is half of it."""


async def read_index(disk: Disk, folder: str) -> list[Segment]:
    """Every segment that has a line; none where there is no index.

    Raises:
        OSError: it cannot be read.
    """
    data = b""
    try:
        while more := await disk.read(folder, index.NAME, len(data), INDEX_BYTES):
            data += more
    except FileNotFoundError:
        return []
    return list(segments(data))


async def read_tracks(disk: Disk, folder: str, stretch: int) -> Tracks:
    """A stretch's tracks.

    Raises:
        FormatError: they are not known.
        OSError: they cannot be read.
    """
    try:
        return decoded(await disk.read(folder, index.tracks_name(stretch), 0, TRACKS_BYTES))
    except FileNotFoundError:
        raise FormatError("a stretch has no tracks") from None


async def read_fragment(disk: Disk, folder: str, stretch: int, start: int, end: int) -> Moof | None:
    """The fragment at `start`; None where there is no whole one before `end`.

    Raises:
        OSError: it cannot be read.
    """
    name = index.media_name(stretch)
    data = await disk.read(folder, name, start, min(LOOK_BYTES, end - start))
    if (needed := bytes_needed(data)) > len(data):
        data = await disk.read(folder, name, start, needed)
    return read_moof(data, start, end)
