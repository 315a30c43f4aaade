"""A finished recording as one plain MP4 file, which is nowhere: made while it is sent.

    head | 0.mp4 | 1.mp4 ...

`relay.fmp4.whole` says why it has this form.  The head is made when somebody first asks for it, a
fragment at a time, so that others have their turns, and kept beside the files.  Everything else of
the file is on the disk already: so its size is known before the first byte is sent, and any range
of it is a few reads.
"""

import errno
from collections.abc import Sequence
from functools import partial
from itertools import accumulate

import attrs
import structlog
import trio

from relay.fmp4.init import init_segment
from relay.fmp4.whole import HEAD_LOOK_BYTES, MDAT_HEADER_BYTES, Whole, head_bytes
from relay.ports import Disk
from relay.recordings import index
from relay.recordings.files import read_fragment, read_index, read_tracks
from relay.recordings.index import Segment
from relay.store.threads import Threads

log = structlog.get_logger("relay.recordings")

HEAD_NAME = "head"
SHORT_SAMPLES = 100_000
"""Some twenty minutes: a head that takes no longer than a frame."""


@attrs.frozen
class Extent:
    """One of the files that it consists of."""

    name: str
    size: int
    data: bytes | None = None
    """Of one that there was no room for on the disk."""


@attrs.frozen
class Plain:
    """The whole file."""

    _disk: Disk
    _folder: str
    _extents: tuple[Extent, ...]
    size: int = attrs.field(init=False)

    @size.default
    def _size(self) -> int:
        return sum(extent.size for extent in self._extents)

    async def read(self, offset: int, size: int) -> bytes:
        """These bytes of it, or the first of them; at least one where there is one.

        Raises:
            OSError: they cannot be read.
        """
        for extent in self._extents:
            if offset < extent.size:
                size = min(size, extent.size - offset)
                if extent.data is not None:
                    return extent.data[offset : offset + size]
                return await self._disk.read(self._folder, extent.name, offset, size)
            offset -= extent.size
        return b""


async def plain_file(disk: Disk, heads: Threads, folder: str, only: int | None = None) -> Plain:
    """The file of a finished recording, or `only` of one of its stretches.

    A long head is put together in a thread: of a day it takes most of a second.

    Raises:
        FormatError: the recording is not what it should be.
        FileNotFoundError: there is nothing of it.
        OSError: it cannot be read.
    """
    found = [it for it in await read_index(disk, folder) if only in {None, it.stretch}]
    if not found:
        raise FileNotFoundError(errno.ENOENT, "nothing of it is listed")
    stretches = sorted({segment.stretch for segment in found})
    ends = [_end(found, stretch) for stretch in stretches]
    head = await _head_extent(disk, heads, folder, stretches, ends, only)
    files = [Extent(index.media_name(it), end) for it, end in zip(stretches, ends, strict=True)]
    return Plain(disk, folder, (head, *files))


async def _head_extent(
    disk: Disk,
    heads: Threads,
    folder: str,
    stretches: Sequence[int],
    ends: Sequence[int],
    only: int | None,
) -> Extent:
    """The head: the one that is there, or one that is made now."""
    name = HEAD_NAME if only is None else f"{HEAD_NAME}-{only}"
    size = (await disk.sizes(folder)).get(name)
    if size is not None:
        length = head_bytes(await disk.read(folder, name, 0, HEAD_LOOK_BYTES))
        if size - length in MDAT_HEADER_BYTES:
            return Extent(name, size)
        # Whoever wrote it was stopped.
        await disk.cut(folder, name, 0)
    whole = await _looked_through(disk, folder, stretches, ends)
    if whole.samples <= SHORT_SAMPLES:
        head = whole.head(sum(ends))
    else:
        head = await heads.run(partial(whole.head, sum(ends)))
    try:
        await disk.append(folder, name, head)
    except OSError as error:
        log.warning("a head is not kept", recording=folder, problem=str(error))
        return Extent(name, len(head), head)
    return Extent(name, len(head))


def _end(found: Sequence[Segment], stretch: int) -> int:
    """Up to where a stretch's file is listed."""
    return max(it.offset + it.size for it in found if it.stretch == stretch)


async def _looked_through(
    disk: Disk, folder: str, stretches: Sequence[int], ends: Sequence[int]
) -> Whole:
    whole = Whole()
    starts = accumulate(ends, initial=0)
    for stretch, end, start in zip(stretches, ends, starts, strict=False):
        tracks = await read_tracks(disk, folder, stretch)
        whole.begin(tracks, start)
        at = len(init_segment(tracks))
        while (moof := await read_fragment(disk, folder, stretch, at, end)) is not None:
            whole.add(moof)
            at += moof.size
            await trio.lowlevel.checkpoint()
    return whole
