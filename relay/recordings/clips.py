"""Clips on request, of what is live and of what is kept."""

import attrs
import structlog
import trio

from relay.fanout.budget import Budget
from relay.live.broadcast import Broadcast
from relay.live.packagers import Packagers
from relay.recordings.clipping import Clipper, NothingToClip, Piece
from relay.recordings.closing import closed
from relay.recordings.recording import Ending, Kind, Recording
from relay.recordings.recordings import Recordings
from relay.recordings.sources import newest_gop, recorded, rewindable

DISCARD_S = 5.0
_TO_THE_END_MS = 1 << 50

log = structlog.get_logger("relay.recordings")


@attrs.define(eq=False)
class Clips:
    """See the head of this module, and `recordings.clipping`."""

    _recordings: Recordings
    _packagers: Packagers
    _budget: Budget

    async def of_broadcast(self, broadcast: Broadcast, last_ms: int) -> Recording:
        """The last so many milliseconds of what is live.

        Raises:
            NothingToClip: there is nothing of it yet.
            FormatError: what is kept of it is not what it should be.
            OSError: there is no room for it.
            StoreUnavailable: it could not be kept.
        """
        moment = broadcast.moment
        if moment is None:
            raise NothingToClip("there is no picture yet")
        clip = self._recordings.made(broadcast.name, broadcast.session)
        pieces = await self._pieces(broadcast)
        return await self._cut(clip, pieces, moment.media_ms - last_ms, _TO_THE_END_MS)

    async def of_recording(self, recording: Recording, from_ms: int, to_ms: int) -> Recording:
        """From one moment of a recording to another, both counted from its beginning.

        Raises: as `of_broadcast`.
        """
        clip = self._recordings.made(recording.stream, recording.session)
        clip = attrs.evolve(clip, owner=recording.owner, title=recording.title)
        pieces = await recorded(self._recordings.kept.disk, recording.id)
        start_ms = recording.start_ms
        return await self._cut(clip, pieces, start_ms + from_ms, start_ms + to_ms)

    async def _pieces(self, broadcast: Broadcast) -> list[Piece]:
        recording = self._recordings.under_way(broadcast.name)
        if recording is not None and recording.media_bytes:
            return await recorded(self._recordings.kept.disk, recording.id)
        packager = self._packagers.current(broadcast.name)
        if packager is not None and packager.broadcast is broadcast:
            pieces = rewindable(packager)
            if pieces:
                return pieces
        return await newest_gop(broadcast, self._budget)

    async def _cut(
        self, clip: Recording, pieces: list[Piece], from_ms: int, to_ms: int
    ) -> Recording:
        """It is in no list before it is whole; what fails leaves no file."""
        kept = self._recordings.kept
        clip = attrs.evolve(clip, kind=Kind.CLIP)
        is_kept = False
        try:
            await Clipper(kept.disk, clip.id, from_ms, to_ms).write(pieces)
            clip = await closed(kept.disk, clip, Ending.CLIPPED)
            await kept.put(clip)
            is_kept = True
        finally:
            if not is_kept:
                with trio.move_on_after(DISCARD_S, shield=True):
                    await kept.discard(clip)
        seconds = clip.duration_ms / 1000
        log.info("clip made", recording=clip.id, stream=clip.stream, seconds=seconds)
        return clip
