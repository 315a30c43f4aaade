"""The real disk, in threads of two pools: those who record never wait behind those who watch.

A file is opened for each append and closed after it.  That is two system calls more each second
and stream, and nothing is held that a cancelled task could leave behind.
"""

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

import attrs

from relay.store.threads import Threads

T = TypeVar("T")

WRITERS = 4
READERS = 4
_PRIVATE = 0o600


@attrs.define(eq=False)
class KernelDisk:
    """`relay.ports.Disk` below one directory."""

    _root: Path
    _writers: Threads = attrs.field(factory=lambda: Threads(WRITERS), init=False)
    _readers: Threads = attrs.field(factory=lambda: Threads(READERS), init=False)

    async def append(self, folder: str, name: str, data: bytes, /) -> None:
        await self._write(partial(_append, self._root / folder / name, data))

    async def sync(self, folder: str, name: str, /) -> None:
        await self._write(partial(_sync, self._root / folder / name))

    async def read(self, folder: str, name: str, offset: int, size: int, /) -> bytes:
        return await self._read(partial(_read, self._root / folder / name, offset, size))

    async def sizes(self, folder: str, /) -> dict[str, int]:
        return await self._read(partial(_sizes, self._root / folder))

    async def cut(self, folder: str, name: str, size: int, /) -> None:
        await self._write(partial(os.truncate, self._root / folder / name, size))

    async def remove(self, folder: str, /) -> None:
        await self._write(partial(_remove, self._root / folder))

    async def free_bytes(self) -> int:
        return await self._write(partial(_free_bytes, self._root))

    def use(self) -> dict[str, tuple[int, int]]:
        pools = {"recordings-writers": self._writers, "recordings-readers": self._readers}
        uses = {name: pool.use() for name, pool in pools.items()}
        return {name: (use.busy, use.waiting) for name, use in uses.items()}

    async def _write(self, call: Callable[[], T]) -> T:
        return await self._writers.run(call)

    async def _read(self, call: Callable[[], T]) -> T:
        return await self._readers.run(call)


# In threads.


def _append(path: Path, data: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, _PRIVATE)
    try:
        before = os.fstat(file).st_size
        try:
            _write_all(file, data)
        except OSError:
            # A disk that is full takes a part, and a file that ends in one is read up to there.
            with suppress(OSError):
                os.ftruncate(file, before)
            raise
    finally:
        os.close(file)


def _write_all(file: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]


def _sync(path: Path) -> None:
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fdatasync(file)
    finally:
        os.close(file)


def _read(path: Path, offset: int, size: int) -> bytes:
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.pread(file, size, offset)
    finally:
        os.close(file)


def _sizes(folder: Path) -> dict[str, int]:
    if not folder.is_dir():
        return {}
    return {entry.name: entry.stat().st_size for entry in os.scandir(folder)}


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=not folder.exists())


def _free_bytes(root: Path) -> int:
    """Of the file system that the directory is on, or will be."""
    there = next(path for path in (root, *root.absolute().parents) if path.exists())
    return shutil.disk_usage(there).free
