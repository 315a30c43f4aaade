"""Segments on disk, for as long as somebody may rewind to them: a folder that starts empty."""

import errno
import shutil
from pathlib import Path

import attrs
import structlog
import trio

from relay.store.threads import Threads

log = structlog.get_logger("relay.packager")

FOLDER = "segments"
"""Under the data directory."""
THREADS = 4
LEAST_FREE_BYTES = 256 * 1024 * 1024
"""What others need more: keys, the store, recordings."""


@attrs.define(eq=False)
class Shelf:
    """One server's; all of it in threads of its own, called `segments`."""

    _folder: Path
    threads: Threads = attrs.field(factory=lambda: Threads(THREADS), init=False)
    _keys: set[str] = attrs.field(factory=set, init=False)
    """Of which anything was written."""
    _is_full: bool = attrs.field(default=False, init=False)

    async def clear(self) -> None:
        """Remove what a former process has left."""
        await trio.lowlevel.checkpoint()
        if self._is_there():
            await self.threads.run(lambda: shutil.rmtree(self._folder, ignore_errors=True))

    async def write(self, key: str, number: int, data: bytes) -> bool:
        """Keep a segment; False where there is no room for it."""
        self._keys.add(key)
        try:
            await self.threads.run(lambda: self._write(key, number, data))
        except OSError as error:
            if not self._is_full:
                log.warning("segments cannot be kept on disk", problem=error.strerror)
            self._is_full = True
            return False
        self._is_full = False
        return True

    async def read(self, key: str, number: int) -> bytes:
        """A segment's bytes.

        Raises:
            FileNotFoundError: it is gone.
        """
        return await self.threads.run(self._place(key, number).read_bytes)

    async def remove(self, key: str, numbers: list[int]) -> None:
        """Forget these; those that are not there are no error."""
        await trio.lowlevel.checkpoint()
        if numbers:
            await self.threads.run(lambda: self._unlink(key, numbers))

    async def remove_all(self, key: str) -> None:
        """Forget a broadcast."""
        await trio.lowlevel.checkpoint()
        if key in self._keys:
            self._keys.remove(key)
            folder = self._folder / key
            await self.threads.run(lambda: shutil.rmtree(folder, ignore_errors=True))

    def _is_there(self) -> bool:
        return self._folder.exists()

    def _write(self, key: str, number: int, data: bytes) -> None:
        place = self._place(key, number)
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if shutil.disk_usage(place.parent).free < LEAST_FREE_BYTES + len(data):
            raise OSError(errno.ENOSPC, "too little room is left")
        place.write_bytes(data)

    def _unlink(self, key: str, numbers: list[int]) -> None:
        for number in numbers:
            self._place(key, number).unlink(missing_ok=True)

    def _place(self, key: str, number: int) -> Path:
        return self._folder / key / f"{number}.mp4"
