"""Viewers who stop reading for good, and what they cost: the process, and the kernel."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlsplit

import attrs
import trio
from benchmarks.beside import Scene, Seen, When
from benchmarks.machine import Memory
from benchmarks.sockets import kernel_bytes

SAMPLE_EVERY_S = 0.5
_AT_ONCE = 50
_HEAD_BYTES = 1024
_REQUEST = "GET {} HTTP/1.1\r\nHost: {}\r\n\r\n"


@attrs.frozen
class Stalled:
    """Viewers read the head of the answer, and never again."""

    viewers: int
    when: When = When.WARM

    @asynccontextmanager
    async def happen(self, scene: Scene) -> AsyncIterator[Seen]:
        seen, before = Seen(), Memory.of(scene.pid).rss
        peaks = [before]
        async with AsyncExitStack() as stack, trio.open_nursery() as nursery:
            nursery.start_soon(_watch_memory, scene.pid, peaks)
            sockets = await self._join(scene.url)
            for sock in sockets:
                stack.callback(sock.close)
            yield seen
            held = await kernel_bytes({sock.getsockname()[1] for sock in sockets})
            nursery.cancel_scope.cancel()
        unsent = sorted(size for size in held if size)
        seen.figures["growth_mb"] = (max(peaks) - before) / 1024
        seen.figures["stuck"] = len(unsent)
        if unsent:
            seen.figures["kernel_max_kb"] = unsent[-1] / 1024
            seen.figures["kernel_p50_kb"] = unsent[len(unsent) // 2] / 1024
        if len(unsent) < self.viewers:
            seen.doubts.append(f"only {len(unsent)} of {self.viewers} really stalled")

    async def _join(self, url: str) -> list[trio.socket.SocketType]:
        joined = list[trio.socket.SocketType]()
        for _ in range(0, self.viewers, _AT_ONCE):
            async with trio.open_nursery() as nursery:
                for _ in range(_AT_ONCE):
                    nursery.start_soon(_read_head, url, joined)
        return joined


async def _read_head(url: str, joined: list[trio.socket.SocketType]) -> None:
    target = urlsplit(url.replace("%", "0"))
    sock = trio.socket.socket()
    await sock.connect((target.hostname, target.port))
    await sock.send(_REQUEST.format(target.path, target.netloc).encode())
    await sock.recv(_HEAD_BYTES)
    joined.append(sock)


async def _watch_memory(pid: int, peaks: list[int]) -> None:
    while True:
        peaks.append(Memory.of(pid).rss)
        await trio.sleep(SAMPLE_EVERY_S)
