"""A receiver of webhooks on a real port, which can be made to notice the worst moment."""

import enum
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import attrs
import h11
import trio

ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"


class Point(enum.Enum):
    """Moments of a delivery, as the receiver sees them."""

    CONNECTED = "the connection is there, and nothing has been read"
    REQUESTED = "the request has been read, and nothing answered"
    ANSWERED = "the answer has been sent"


@attrs.define(eq=False)
class RealReceiver:
    """Accepts everything."""

    port: int
    answer: bytes = ANSWER
    headers: list[dict[str, str]] = attrs.field(factory=list)
    """Of requests that came whole, in their order."""
    bodies: list[bytes] = attrs.field(factory=list)
    point: Point | None = None
    at_point: Callable[[], None] = lambda: None
    """Called once when a delivery gets to `point`."""
    is_open: trio.Event = attrs.field(factory=trio.Event)
    """Set when requests are read; until then a connection is all they get."""
    _news: trio.Event = attrs.field(factory=trio.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/in"

    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers in self.headers]

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for body in self.bodies]

    async def wait(self, done: Callable[["RealReceiver"], bool], *, within_s: float = 20) -> None:
        """Until `done(self)`."""
        with trio.fail_after(within_s):
            while not done(self):
                await self._news.wait()

    async def serve(self, stream: trio.SocketStream) -> None:
        async with stream:
            await self.is_open.wait()
            self._reach(Point.CONNECTED)
            if await self._read(stream):
                self._reach(Point.REQUESTED)
                await stream.send_all(self.answer)
                self._reach(Point.ANSWERED)

    def _reach(self, point: Point) -> None:
        if self.point is point:
            self.point = None
            self.at_point()
        self._news.set()
        self._news = trio.Event()

    async def _read(self, stream: trio.SocketStream) -> bool:
        """Whether a whole request has come."""
        server, body = h11.Connection(h11.SERVER), bytearray()
        headers: dict[str, str] = {}
        while True:
            event = server.next_event()
            match event:
                case h11.NEED_DATA:
                    try:
                        server.receive_data(await stream.receive_some())
                    except trio.BrokenResourceError:
                        return False
                case h11.Request():
                    headers = {name.decode(): value.decode() for name, value in event.headers}
                case h11.Data(data=data):
                    body += data
                case h11.EndOfMessage():
                    self.headers.append(headers)
                    self.bodies.append(bytes(body))
                    return True
                case _:
                    return False


@asynccontextmanager
async def real_receiver() -> AsyncIterator[RealReceiver]:
    """One that listens on the loopback address."""
    async with trio.open_nursery() as nursery:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        receiver = RealReceiver(listener.socket.getsockname()[1])
        receiver.is_open.set()
        await nursery.start(trio.serve_listeners, receiver.serve, [listener])
        yield receiver
        nursery.cancel_scope.cancel()
