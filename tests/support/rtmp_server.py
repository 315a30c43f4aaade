"""An RTMP server that does what a test tells it, on a real socket."""

import functools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import attrs
import trio
from support.rtmp_bytes import ENTROPY

from relay.rtmp import NEED_DATA, Connection, Role, events

Answer = Callable[[events.Received], tuple[events.Sendable, ...]]


def agree(event: events.Received) -> tuple[events.Sendable, ...]:
    """What a server answers that lets everybody publish; media stream 1."""
    match event:
        case events.ConnectRequest(transaction=number):
            return (events.ConnectAccepted(number),)
        case events.CreateStream(transaction=number):
            return (events.StreamCreated(number, 1),)
        case events.Publish(stream_id=stream_id, name=name):
            return (events.PublishStarted(stream_id, name),)
    return ()


@attrs.define(eq=False)
class RtmpServer:
    """Serves one connection at a time, answering each event with what `answer` says."""

    answer: Answer
    port: int = 0
    received: list[events.Received] = attrs.field(factory=list)
    reading: trio.Event = attrs.field(factory=trio.Event)
    """Nothing is read before this is set."""
    ended: trio.Event = attrs.field(factory=trio.Event)

    @property
    def url(self) -> str:
        return f"rtmp://127.0.0.1:{self.port}/live/cat"

    async def serve(self, stream: trio.SocketStream) -> None:
        connection = Connection(Role.SERVER, entropy=ENTROPY)
        async with stream:
            while not self.ended.is_set():
                await self.reading.wait()
                connection.receive_data(await stream.receive_some(65536))
                await self._take_events(connection, stream)

    async def _take_events(self, connection: Connection, stream: trio.SocketStream) -> None:
        while (event := connection.next_event()) is not NEED_DATA:
            self.received.append(event)
            if isinstance(event, events.ConnectionClosed):
                self.ended.set()
                return
            for answer in self.answer(event):
                await stream.send_all(connection.send(answer))
        await stream.send_all(connection.data_to_send())


@asynccontextmanager
async def rtmp_server(answer: Answer = agree) -> AsyncIterator[RtmpServer]:
    """Run one; it reads at once unless the test clears `reading`."""
    server = RtmpServer(answer)
    server.reading.set()
    async with trio.open_nursery() as nursery:
        (listener,) = await nursery.start(
            functools.partial(trio.serve_tcp, server.serve, 0, host="127.0.0.1")
        )
        server.port = listener.socket.getsockname()[1]
        yield server
        nursery.cancel_scope.cancel()
