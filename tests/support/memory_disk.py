"""A disk in memory: as large, as slow and as broken as a test wants it, and what a crash leaves."""

import errno
from collections import defaultdict
from math import inf

import attrs
import trio


@attrs.define(eq=False)
class MemoryDisk:
    """`relay.ports.Disk`."""

    files: dict[str, dict[str, bytearray]] = attrs.field(factory=lambda: defaultdict(dict))
    capacity: float = inf
    """Bytes, before it is full."""
    delay_s: float = 0.0
    """What each write takes."""
    is_broken: bool = False
    refused: int = 0
    """Writes for which there was no room."""
    writes: int = 0

    async def append(self, folder: str, name: str, data: bytes, /) -> None:
        await self._write()
        if len(data) > await self.free_bytes():
            self.refused += 1
            raise OSError(errno.ENOSPC, "no space left on device")
        self.files[folder].setdefault(name, bytearray()).extend(data)

    async def sync(self, folder: str, name: str, /) -> None:
        await self._write()

    async def read(self, folder: str, name: str, offset: int, size: int, /) -> bytes:
        await trio.lowlevel.checkpoint()
        if name not in self.files.get(folder, {}):
            raise FileNotFoundError(errno.ENOENT, "no such file", name)
        return bytes(self.files[folder][name][offset : offset + size])

    async def sizes(self, folder: str, /) -> dict[str, int]:
        await trio.lowlevel.checkpoint()
        return {name: len(data) for name, data in self.files.get(folder, {}).items()}

    async def cut(self, folder: str, name: str, size: int, /) -> None:
        await self._write()
        del self.files[folder][name][size:]

    async def remove(self, folder: str, /) -> None:
        await self._write()
        self.files.pop(folder, None)

    async def free_bytes(self) -> int:
        await trio.lowlevel.checkpoint()
        return int(min(self.capacity - self.used, 1 << 50))

    def use(self) -> dict[str, tuple[int, int]]:
        return {"memory": (0, 0)}

    @property
    def used(self) -> int:
        return sum(len(data) for files in self.files.values() for data in files.values())

    async def _write(self) -> None:
        await trio.sleep(self.delay_s)
        self.writes += 1
        if self.is_broken:
            raise OSError(errno.EIO, "input/output error")
