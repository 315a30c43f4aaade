"""The recordings that there are: in the store, and in their folders."""

import hashlib
from collections import Counter

import attrs
import msgspec
import structlog
import trio

from relay.errors import FormatError
from relay.fmp4.init import init_segment
from relay.ports import Disk
from relay.recordings.closing import closed
from relay.recordings.files import read_index, read_tracks
from relay.recordings.plain import Plain, plain_file
from relay.recordings.playlist import playlist
from relay.recordings.recording import Ending, Recording, restored
from relay.recordings.telling import Tell
from relay.store.committing import commit
from relay.store.contract import Store, StoreUnavailable
from relay.store.recordings import DropRecording, PutRecording, StoredRecording
from relay.store.threads import Threads
from relay.store.writer import Writer

log = structlog.get_logger("relay.recordings")

PAGE = 100
KEY_BYTES = 16
PLAINS = 256

Numbered = tuple[int, Recording]


@attrs.define(eq=False)
class Kept:
    """See the head of this module."""

    disk: Disk
    _store: Store
    _writer: Writer
    _tell: Tell
    _secret: bytes
    """What nobody else knows; for this process."""
    endings: Counter[Ending] = attrs.field(factory=Counter, init=False)
    """Of those that ended since the start."""
    heads: Threads = attrs.field(factory=lambda: Threads(1), init=False)
    """In which long heads are put together."""
    _plains: dict[tuple[str, int | None], Plain] = attrs.field(factory=dict, init=False)
    """Of those that were played lately: a player asks for many ranges."""
    _making: trio.Lock = attrs.field(factory=trio.Lock, init=False)
    """One is made at a time: for the head of a long one there is much to read."""

    async def find(self, name: str) -> Recording | None:
        """The recording of this id.

        Raises:
            StoreUnavailable: the store cannot be read.
        """
        stored = await self._store.recording(name)
        return None if stored is None else _readable(stored)

    async def page(
        self, *, stream: str = "", owner: str = "", below: int = 0, limit: int
    ) -> list[Numbered]:
        """Recordings with their numbers, newest first, from below a number on.

        Raises:
            StoreUnavailable: the store cannot be read.
        """
        found = await self._store.recordings(stream=stream, owner=owner, below=below, limit=limit)
        read = ((stored.number, _readable(stored)) for stored in found)
        return [(number, it) for number, it in read if it is not None]

    async def every(self) -> list[Recording]:
        """All of them, newest first.

        Raises:
            StoreUnavailable: the store cannot be read.
        """
        every: list[Recording] = []
        below = 0
        while page := await self.page(below=below, limit=PAGE):
            every += [recording for _, recording in page]
            below = page[-1][0]
        return every

    async def begin(self, recording: Recording) -> None:
        """Keep that there is one, before there is anything of it.

        Raises:
            StoreUnavailable: it was not kept.
        """
        await commit(self._writer, PutRecording(recording.stored()))
        log.info("recording began", recording=recording.id, stream=recording.stream)

    async def put(self, recording: Recording) -> None:
        """Keep one that is finished, without a word to anybody.

        Raises:
            StoreUnavailable: it was not kept.
        """
        await commit(self._writer, PutRecording(recording.stored()))

    async def close(self, recording: Recording, ending: Ending) -> None:
        """There will be no more of it: keep what there is, and tell of it."""
        try:
            recording = await closed(self.disk, recording, ending)
        except (OSError, FormatError) as error:
            log.warning("a recording is not whole", recording=recording.id, problem=str(error))
            recording = attrs.evolve(recording, ending=ending)
        self.endings[ending] += 1
        log.info(
            "recording ended",
            recording=recording.id,
            stream=recording.stream,
            ending=ending.value,
            seconds=recording.duration_ms / 1000,
            media_bytes=recording.media_bytes,
            gaps=len(recording.gaps),
        )
        if recording.media_bytes:
            await self._tell(recording)
        else:
            await self._forget(recording)

    async def close_left_open(self, left_open: list[StoredRecording]) -> None:
        """Those of a server that is gone."""
        for stored in left_open:
            recording = _readable(stored)
            if recording is not None:
                await self.close(recording, Ending.INTERRUPTED)

    async def delete(self, recording: Recording) -> None:
        """Let one be gone that is finished.

        Its files go first: whatever happens between leaves a recording without any, which can be
        deleted again.

        Raises:
            OSError: its files cannot be removed.
            StoreUnavailable: it is in the store still.
        """
        for known in [each for each in self._plains if each[0] == recording.id]:
            del self._plains[known]
        await self.disk.remove(recording.id)
        await commit(self._writer, DropRecording(recording.id))
        log.info("recording deleted", recording=recording.id, stream=recording.stream)

    async def discard(self, recording: Recording) -> None:
        """Remove the files of one that has come to nothing."""
        try:
            await self.disk.remove(recording.id)
        except OSError as error:
            log.warning("files stay", recording=recording.id, problem=str(error))

    def key(self, recording: Recording) -> str:
        """What the addresses of its segments have in them: whoever has it may watch it.

        It is the same for everybody, and another one after a restart.
        """
        name, secret = recording.id.encode(), self._secret
        return hashlib.blake2b(name, key=secret, digest_size=KEY_BYTES).hexdigest()

    async def playlist(self, recording: Recording) -> str:
        """A finished recording as an HLS playlist; addresses are relative to its page's.

        Raises:
            FormatError: its files are not what they should be.
            OSError: they cannot be read.
        """
        found = await read_index(self.disk, recording.id)
        if not found:
            raise FormatError("nothing of it is listed")
        stretches = range(found[-1].stretch + 1)
        tracks = [await read_tracks(self.disk, recording.id, it) for it in stretches]
        lengths = [len(init_segment(each)) for each in tracks]
        return playlist(found, lengths, f"{recording.id}/{self.key(recording)}/")

    async def plain(self, recording: Recording, only: int | None) -> Plain:
        """A finished recording as one MP4 file, or `only` one of its stretches.

        Raises:
            FormatError: its files are not what they should be.
            OSError: they cannot be read.
        """
        which = recording.id, only
        await trio.lowlevel.checkpoint()
        if which not in self._plains:
            async with self._making:
                plain = await plain_file(self.disk, self.heads, recording.id, only)
            self._plains[which] = plain
            while len(self._plains) > PLAINS:
                del self._plains[next(iter(self._plains))]
            return plain
        return self._plains[which]

    async def _forget(self, recording: Recording) -> None:
        try:
            await self.delete(recording)
        except (OSError, StoreUnavailable) as error:
            # The next start finds it open, and closes it.
            log.warning("a recording stays", recording=recording.id, problem=str(error))


def _readable(stored: StoredRecording) -> Recording | None:
    try:
        return restored(stored)
    except msgspec.MsgspecError as error:
        log.warning("a recording cannot be read", recording=stored.id, problem=str(error))
        return None
