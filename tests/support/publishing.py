"""An encoder of our own: real sockets, and every timestamp, chunk size and pause by hand."""

import socket
import struct
from collections.abc import Iterable

import attrs
import trio
from support.rtmp_bytes import ENTROPY

from relay.flv.demuxer import Tag
from relay.packet import Kind
from relay.rtmp import (
    NEED_DATA,
    CommandError,
    CommandResult,
    Connection,
    ConnectionClosed,
    ConnectRequest,
    CreateStream,
    DeleteStream,
    HandshakeCompleted,
    MediaMessage,
    OnStatus,
    Publish,
    Received,
    Role,
    Sendable,
    SetChunkSize,
)

STARTED = "NetStream.Publish.Start"
_RESET = struct.pack("ii", 1, 0)
_PATIENCE_S = 20


@attrs.define(eq=False)
class Encoder:
    """One connection to an RTMP server."""

    stream: trio.SocketStream
    received: bytearray = attrs.field(factory=bytearray)
    """All that the server has sent, byte by byte."""
    _writing: trio.Lock = attrs.field(factory=trio.Lock, init=False)
    """One task sends media while another waits for answers, and acknowledges."""
    _rtmp: Connection = attrs.field(
        factory=lambda: Connection(Role.CLIENT, entropy=ENTROPY), init=False
    )

    @classmethod
    async def connect(
        cls, address: tuple[str, int], *, app: str = "live", chunk_size: int = 4096
    ) -> "Encoder":
        """Everything up to `createStream`."""
        encoder = cls(await trio.open_tcp_stream(*address))
        await encoder._write(encoder._rtmp.data_to_send())
        await encoder._wait_for(HandshakeCompleted)
        host, port = address
        await encoder.send(ConnectRequest(1.0, app, f"rtmp://{host}:{port}/{app}"))
        await encoder._wait_for(CommandResult)
        await encoder.send(SetChunkSize(chunk_size))
        await encoder.send(CreateStream(2.0))
        await encoder._wait_for(CommandResult)
        return encoder

    async def publish(self, name: str) -> OnStatus:
        """Ask to publish; what the server says to it."""
        await self.send(Publish(3.0, 1, name))
        return await self.wait_status()

    async def wait_status(self) -> OnStatus:
        """The next thing that the server says about the stream."""
        status = await self._wait_for(OnStatus)
        assert isinstance(status, OnStatus)
        return status

    async def wait_closed(self) -> None:
        """Wait until the server has closed the connection."""
        await self._wait_for(ConnectionClosed)

    async def send(self, event: Sendable) -> None:
        await self._write(self._rtmp.send(event))

    async def send_tags(self, tags: Iterable[Tag], *, shift_ms: int = 0) -> None:
        """Audio and video tags at once, with `shift_ms` on their timestamps (modulo 2**32)."""
        data = bytearray()
        for tag in tags:
            if tag.kind is not Kind.DATA:
                message = MediaMessage(tag.kind, 1, (tag.timestamp + shift_ms) % 2**32, tag.body)
                data += self._rtmp.send(message)
        await self._write(data)

    async def stop(self) -> None:
        """End the stream as encoders do, and go when the server has seen it."""
        async with self.stream:
            await self.send(DeleteStream(0.0, 1))
            await self.stream.send_eof()
            with trio.fail_after(_PATIENCE_S):
                while await self.stream.receive_some():
                    pass

    def vanish(self) -> None:
        """Die: a reset instead of a goodbye."""
        sock = self.stream.socket
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        sock.close()

    async def _write(self, data: bytes | bytearray) -> None:
        async with self._writing:
            await self.stream.send_all(data)

    async def _wait_for(self, kind: type[Received]) -> Received:
        with trio.fail_after(_PATIENCE_S):
            while not isinstance(event := await self._next(), kind):
                assert not isinstance(event, CommandError | ConnectionClosed), event
        return event

    async def _next(self) -> Received:
        while (event := self._rtmp.next_event()) is NEED_DATA:
            if data := self._rtmp.data_to_send():
                await self._write(data)
            data = await self.stream.receive_some()
            self.received += data
            self._rtmp.receive_data(data)
        return event


async def publish(
    address: tuple[str, int], name: str, *, app: str = "live", chunk_size: int = 4096
) -> Encoder:
    """An encoder whose `publish` was granted."""
    encoder = await Encoder.connect(address, app=app, chunk_size=chunk_size)
    status = await encoder.publish(name)
    assert status.code == STARTED, status
    return encoder


async def send_in_real_time(encoder: Encoder, tags: list[Tag], *, shift_ms: int = 0) -> None:
    """Send tags when their timestamps say, from now on."""
    began = trio.current_time() - tags[0].timestamp / 1000
    for tag in tags:
        await trio.sleep_until(began + tag.timestamp / 1000)
        await encoder.send_tags([tag], shift_ms=shift_ms)
