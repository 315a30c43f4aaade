"""One recording while it is made: what its broadcast hands over, into its files.

A part is handed to the kernel in one append as soon as it is whole: what `kill -9` costs is the
part that was not.  A segment's file is synced before its line is added to the index: what a power
cut costs is the segment that was not.

The broadcast never waits for the disk, and never ends for it.  While the disk is slow this task
waits for it, and the intake fills; what is lost when that is full is a gap, and is marked.  When
there is no room, the recording ends here, with that as its reason.
"""

import errno
from collections.abc import Callable, Iterable

import attrs
import structlog
import trio

from relay.fmp4.part import Part
from relay.live.intake import Intake, Pause, Taken
from relay.ports import Disk
from relay.recordings import index
from relay.recordings.cutting import Add, Begin, Cutter, End, Step
from relay.recordings.index import Segment
from relay.recordings.recording import Ending, Recording
from relay.recordings.stretches import encoded

log = structlog.get_logger("relay.recordings")

FAREWELL_S = 5.0
"""What the last part may take at shutdown."""
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class _DiskLow(Exception):
    """There is less room than must be left."""


@attrs.define(eq=False)
class Recorder:
    """See the head of this module."""

    recording: Recording
    """As it is so far; its index has the rest."""
    _intake: Intake
    _detach: Callable[[], None]
    """Let the broadcast hand over nothing more."""
    _cutter: Cutter
    _disk: Disk
    _least_free_bytes: int
    _ending: Ending = attrs.field(default=Ending.BROADCAST_ENDED, init=False)
    _is_writing: bool = attrs.field(default=False, init=False)

    async def run(self) -> Ending:
        """Record until there is nothing more to record, or no room for it; why it has ended.

        Cancelled, what is held is still written, and the recording stays open: the next start
        closes it.
        """
        try:
            return await self._record()
        except _DiskLow:
            return Ending.DISK_LOW
        except OSError as error:
            log.warning("recording failed", recording=self.recording.id, problem=str(error))
            return Ending.DISK_FULL if error.errno in _NO_ROOM else Ending.DISK_FAILED
        finally:
            self.leave()

    def stop(self, why: Ending) -> None:
        """End it; what was handed over is still recorded."""
        self._ending = why
        self._detach()
        self._intake.end()

    def leave(self) -> None:
        """Take nothing more.  May be called twice."""
        self._detach()
        self._intake.close()

    @property
    def missed_packets(self) -> int:
        """That the disk was too slow for."""
        return self._intake.skipped_packets

    async def _record(self) -> Ending:
        try:
            async for handed in self._intake:
                for taken in handed:
                    await self._take(self._cut(taken))
                self._intake.ripe_ms = self._cutter.ripe_ms
        except trio.Cancelled:
            with trio.move_on_after(FAREWELL_S, shield=True):
                await self._say_farewell()
            raise
        await self._take(self._cutter.finish())
        return self._ending

    def _cut(self, taken: Taken) -> Iterable[Step]:
        if isinstance(taken, Pause):
            return self._cutter.finish()
        return self._cutter.take(taken)

    async def _say_farewell(self) -> None:
        """A write that was cut short goes on in its thread, and nothing may come behind it."""
        if not self._is_writing:
            await self._take(self._cutter.finish())

    async def _take(self, steps: Iterable[Step]) -> None:
        for step in steps:
            self._is_writing = True
            await self._do(step)
            self._is_writing = False

    async def _do(self, step: Step) -> None:
        match step:
            case Begin():
                await self._begin(step)
            case Add(part):
                await self._add(part)
            case End(segment):
                await self._end(segment)

    async def _begin(self, begin: Begin) -> None:
        folder = self.recording.id
        await self._disk.append(folder, index.tracks_name(begin.stretch), encoded(begin.tracks))
        await self._disk.append(folder, index.media_name(begin.stretch), begin.init)

    async def _add(self, part: Part) -> None:
        await self._check_room(len(part.payload))
        name = index.media_name(self._cutter.stretch)
        await self._disk.append(self.recording.id, name, part.payload)
        recording = self.recording
        start_ms = recording.start_ms if recording.media_bytes else part.start_ms
        self.recording = attrs.evolve(
            recording,
            start_ms=start_ms,
            duration_ms=max(part.end_ms - start_ms, recording.duration_ms),
            media_bytes=recording.media_bytes + len(part.payload),
        )

    async def _check_room(self, size: int) -> None:
        least = self._least_free_bytes
        if least and await self._disk.free_bytes() < least + size:
            raise _DiskLow

    async def _end(self, segment: Segment) -> None:
        folder = self.recording.id
        await self._disk.sync(folder, index.media_name(segment.stretch))
        await self._disk.append(folder, index.NAME, segment.encoded())
        await self._disk.sync(folder, index.NAME)
