"""Viewers as plain as they can be: they read one of the four outputs and keep what they got."""

import json
import socket
from collections.abc import Callable
from typing import Any

import attrs
import trio
from support.http_client import request_bytes
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    RejectConnection,
    Request,
    TextMessage,
)

FORMATS = ("flv", "flv-ws", "mp4", "mp4-ws")
PATIENCE_S = 60


@attrs.define(eq=False)
class Viewer:
    """One viewer; `media` is what a player is fed, as one file."""

    format: str
    stream: trio.SocketStream
    keeps: bool = True
    """Whether it keeps media, or only looks at the time of their arrival."""
    status: int = 0
    media: bytearray = attrs.field(factory=bytearray)
    pieces: list[bytes] = attrs.field(factory=list)
    """The binary messages of a WebSocket."""
    messages: list[dict[str, Any]] = attrs.field(factory=list)
    """The text messages of `relay.fmp4.1`."""
    order: list[str] = attrs.field(factory=list)
    """What kind each message was: `binary`, or the type of a text message."""
    arrivals: list[float] = attrs.field(factory=list)
    received: int = 0
    closed: tuple[int, str] | None = None
    """Close code and reason of a WebSocket."""
    ended: bool = False
    was_reset: bool = False
    """Whether it ended by a reset, which throws away what was not read yet."""
    _news: trio.Event = attrs.field(factory=trio.Event)
    _head: bytes = b""
    _ws: WSConnection | None = None
    _partial: str = ""
    _piece: bytearray = attrs.field(factory=bytearray)

    @property
    def live(self) -> bool:
        """Whether media has come."""
        return bool(self.media)

    @property
    def states(self) -> list[str]:
        """What the `state` messages said."""
        return [message["value"] for message in self.messages if message["type"] == "state"]

    @property
    def saw_end(self) -> bool:
        return self.ended or "ended" in self.states

    async def read_to_end(self) -> None:
        """Read until the broadcast has ended, and hang up.

        A viewer of `relay.fmp4.1` would be let wait for the next one.
        """
        try:
            await self.read_until(lambda: self.saw_end)
        finally:
            self.stream.socket.close()

    async def read_until(self, done: Callable[[], bool]) -> None:
        """Read until `done()`, or the end.

        Raises:
            trio.TooSlowError: it took more than a minute.
        """
        with trio.fail_after(PATIENCE_S):
            while not done() and not self.ended:
                await self.read_once()

    async def read_to_live(self) -> None:
        """Read until media has come."""
        await self.read_until(lambda: self.live)

    async def wait_until(self, done: Callable[[], bool]) -> None:
        """Wait while another task reads."""
        with trio.fail_after(PATIENCE_S):
            while not done() and not self.ended:
                await self._news.wait()

    async def read_once(self) -> None:
        """Read once, and tell those who wait for it."""
        await self._read()
        self._news.set()
        self._news = trio.Event()

    async def _read(self) -> None:
        try:
            data = await self.stream.receive_some(256 * 1024)
        except trio.BrokenResourceError:
            data, self.was_reset = b"", True
        if not data:
            self.ended = True
            await self.stream.aclose()
            return
        self.received += len(data)
        if self.status:
            self.arrivals.append(trio.current_time())
        if self._ws is None:
            self._take_http(data)
        elif self.keeps or not self.status:
            await self._take_ws(self._ws, data)

    async def leave(self) -> None:
        self.ended = True
        await self.stream.aclose()

    def _take_http(self, data: bytes) -> None:
        if not self.status:
            self._head += data
            head, end, data = self._head.partition(b"\r\n\r\n")
            if not end:
                return
            self.status = int(head.split(b" ")[1])
        if self.keeps:
            self.media += data

    async def _take_ws(self, ws: WSConnection, data: bytes) -> None:
        ws.receive_data(data)
        for event in ws.events():
            answer = self._take_event(event)
            if answer is not None:
                await self.stream.send_all(ws.send(answer))

    def _take_event(self, event: Event) -> Event | None:
        match event:
            case AcceptConnection():
                self.status = 101
            case RejectConnection(status_code=status):
                self.status = status
            case BytesMessage(data=data, message_finished=whole):
                self._piece += data
                if whole:
                    self._take_piece()
            case TextMessage(data=text, message_finished=whole):
                self._partial += text
                if whole:
                    message, self._partial = json.loads(self._partial), ""
                    self.messages.append(message)
                    self.order.append(message["type"])
            case Ping():
                return event.response()
            case CloseConnection(code=code, reason=reason):
                self.closed = code, reason or ""
                return event.response()
        return None

    def _take_piece(self) -> None:
        self.pieces.append(bytes(self._piece))
        self.media += self._piece
        self._piece.clear()
        self.order.append("binary")


async def open_viewer(
    address: tuple[str, int],
    name: str,
    output: str,
    *,
    receive_buffer: int | None = None,
    keeps: bool = True,
) -> Viewer:
    """Ask for `live/NAME` in one of `FORMATS` and read the head of the answer."""
    sock = trio.socket.socket()
    if receive_buffer is not None:
        # Before connecting: the window is agreed upon in the handshake.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    await sock.connect(address)
    viewer = Viewer(output, trio.SocketStream(sock), keeps)
    kind, _, ws = output.partition("-")
    target = f"/live/{name}.{kind}"
    if ws:
        viewer._ws = WSConnection(ConnectionType.CLIENT)
        protocols = ["relay.fmp4.1"] if kind == "mp4" else []
        request = viewer._ws.send(Request("relay.example", target, subprotocols=protocols))
    else:
        request = request_bytes("GET", target)
    await viewer.stream.send_all(request)
    await viewer.read_until(lambda: viewer.status != 0)
    return viewer


async def wait_live(address: tuple[str, int], name: str) -> None:
    """Return as soon as `live/NAME` has a picture, or sound."""
    viewer = await open_viewer(address, name, "mp4-ws")
    await viewer.read_until(lambda: len(viewer.pieces) > 1)
    assert viewer.live
    await viewer.leave()
