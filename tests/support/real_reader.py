"""A subscriber of feeds on a real port: says yes, and keeps what it is sent."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import parse_qsl, urlsplit

import attrs
import h11
import trio


@attrs.define(eq=False)
class RealReader:
    """See the head of this module."""

    port: int
    asked: list[dict[str, str]] = attrs.field(factory=list)
    """The parameters of verifications."""
    pushed: list[tuple[dict[str, str], bytes]] = attrs.field(factory=list)
    at_push: Callable[[], None] | None = None
    """Called once instead of an answer to what is pushed."""
    _news: trio.Event = attrs.field(factory=trio.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/in?key=k-1"

    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.pushed]

    async def wait(self, done: Callable[["RealReader"], bool], *, within_s: float = 20) -> None:
        """Until `done(self)`."""
        with trio.fail_after(within_s):
            while not done(self):
                await self._news.wait()

    async def serve(self, stream: trio.SocketStream) -> None:
        async with stream:
            request, body = await _read(stream)
            answer = self._answer(request, body)
            self._news.set()
            self._news = trio.Event()
            await stream.send_all(answer)

    def _answer(self, request: h11.Request, body: bytes) -> bytes:
        if request.method == b"GET":
            query = urlsplit(request.target.decode()).query
            self.asked.append(dict(parse_qsl(query)))
            challenge = self.asked[-1]["hub.challenge"].encode()
            return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(challenge), challenge)
        headers = {name.decode(): value.decode() for name, value in request.headers}
        self.pushed.append((headers, body))
        if self.at_push is not None:
            self.at_push()
            self.at_push = None
            return b""
        return b"HTTP/1.1 204 No Content\r\n\r\n"


async def _read(stream: trio.SocketStream) -> tuple[h11.Request, bytes]:
    """One whole request."""
    server, body = h11.Connection(h11.SERVER), bytearray()
    request: h11.Request | None = None
    while True:
        match server.next_event():
            case h11.NEED_DATA:
                server.receive_data(await stream.receive_some())
            case h11.Request() as request:
                pass
            case h11.Data(data=data):
                body += data
            case h11.EndOfMessage():
                assert request is not None
                return request, bytes(body)
            case other:
                raise AssertionError(f"the request is not whole: {other!r}")


@asynccontextmanager
async def real_reader() -> AsyncIterator[RealReader]:
    """One that listens on the loopback address."""
    async with trio.open_nursery() as nursery:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        reader = RealReader(listener.socket.getsockname()[1])
        await nursery.start(trio.serve_listeners, reader.serve, [listener])
        yield reader
        nursery.cancel_scope.cancel()
