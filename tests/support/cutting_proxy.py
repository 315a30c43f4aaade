"""A TCP proxy that cuts WebSockets in the middle of a frame, and counts that it did.

Phones lose their network like this: half of a message has come, then nothing, and for a while
there is nobody to connect to.
"""

import random
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import trio

RESET = struct.pack("ii", 1, 0)
PATIENCE_S = 20


@attrs.define(eq=False)
class FrameEdges:
    """Where frames end in what a server sends (RFC 6455, 5.2), after its answer to the upgrade."""

    _head: bytes = b""
    _in_head: bool = True
    _header: bytes = b""
    _left: int = 0

    def feed(self, data: bytes) -> set[int]:
        """The positions in `data` at which a frame, or the answer, is complete."""
        edges: set[int] = set()
        position = 0
        if self._in_head:
            before = len(self._head)
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return edges
            self._in_head = False
            position = end + 4 - before
            edges.add(position)
        while position < len(data):
            if self._left == 0:
                self._header += data[position : position + 1]
                position += 1
                size = _payload_size(self._header)
                if size is None:
                    continue
                self._header, self._left = b"", size
            step = min(self._left, len(data) - position)
            position += step
            self._left -= step
            if self._left == 0:
                edges.add(position)
        return edges


def _payload_size(header: bytes) -> int | None:
    """None while the header is not whole."""
    if len(header) < 2:
        return None
    size, whole = header[1] & 0x7F, {126: 4, 127: 10}.get(header[1] & 0x7F, 2)
    if len(header) < whole:
        return None
    return size if whole == 2 else int.from_bytes(header[2:whole], "big")


@attrs.define(eq=False)
class _Link:
    """One client, and its connection to the server."""

    client: trio.SocketStream
    server: trio.SocketStream
    edges: FrameEdges = attrs.field(factory=FrameEdges)

    def reset(self) -> None:
        for stream in (self.client, self.server):
            if stream.socket.fileno() >= 0:
                stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                stream.socket.close()


@attrs.define(eq=False)
class CuttingProxy:
    """Where clients connect; what is behind can change."""

    address: tuple[str, int]
    target: tuple[str, int]
    mid_frame: int = 0
    """How many connections were cut inside of a frame."""
    between_frames: int = 0
    """How many were not: this must stay 0 where the middle is what is tested."""
    cut_links: int = 0
    """How many were cut at once."""
    refused: int = 0
    """Connections that came while there was nobody."""
    is_down: bool = False
    _chance: random.Random = attrs.field(factory=lambda: random.Random(20))
    _links: dict[_Link, None] = attrs.field(factory=dict)
    _whole: trio.Event = attrs.field(factory=trio.Event)
    """Set when every link is cut."""

    @property
    def open_links(self) -> int:
        return len(self._links)

    async def cut(self) -> None:
        """Cut every connection within its next frame, and let nobody in until `mend`."""
        self.is_down = True
        self._whole = trio.Event()
        if self._links:
            with trio.fail_after(PATIENCE_S):
                await self._whole.wait()

    def cut_at_once(self) -> None:
        """Cut every connection where it stands, also those on which nothing comes."""
        self.is_down = True
        for link in list(self._links):
            self.cut_links += 1
            link.reset()

    def mend(self) -> None:
        self.is_down = False

    async def handle(self, client: trio.SocketStream) -> None:
        if self.is_down:
            self.refused += 1
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            client.socket.close()
            return
        try:
            server = await trio.open_tcp_stream(*self.target)
        except OSError:
            client.socket.close()
            return
        link = _Link(client, server)
        self._links[link] = None
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._up, link, nursery)
                await self._down(link)
                nursery.cancel_scope.cancel()
        finally:
            del self._links[link]
            link.reset()
            if not self._links:
                self._whole.set()

    async def _up(self, link: _Link, nursery: trio.Nursery) -> None:
        try:
            while data := await link.client.receive_some():
                await link.server.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        nursery.cancel_scope.cancel()

    async def _down(self, link: _Link) -> None:
        try:
            while data := await link.server.receive_some():
                edges = link.edges.feed(data)
                if self.is_down:
                    await self._send_part(link, data, edges)
                    return
                await link.client.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return

    async def _send_part(self, link: _Link, data: bytes, edges: set[int]) -> None:
        inside = [position for position in range(1, len(data)) if position not in edges]
        if not inside:
            self.between_frames += 1
            return
        await link.client.send_all(data[: self._chance.choice(inside)])
        self.mid_frame += 1


@asynccontextmanager
async def cutting_proxy(target: tuple[str, int]) -> AsyncIterator[CuttingProxy]:
    """Run one on a free port of the loopback interface."""
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    host, port = listener.socket.getsockname()[:2]
    proxy = CuttingProxy((host, port), target)
    async with trio.open_nursery() as nursery:
        await nursery.start(trio.serve_listeners, proxy.handle, [listener])
        yield proxy
        nursery.cancel_scope.cancel()
