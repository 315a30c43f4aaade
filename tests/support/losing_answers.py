"""A TCP proxy that loses the answer to one question, or the question itself."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import trio


@attrs.define(eq=False)
class AnswerLoser:
    """Passes everything on, until it is told to `cut`."""

    _target: tuple[str, int]
    port: int = 0
    question: bytes | None = None
    """At the first chunk from a client that holds this, the connection is cut ..."""
    is_delivered: bool = True
    """... after the server has answered; otherwise before it has heard."""
    refuses: int = 0
    """How many of the next connections to break at once."""
    cuts: int = attrs.field(default=0, init=False)

    def cut(self, question: bytes, *, is_delivered: bool, refuses: int = 0) -> None:
        """Do so once."""
        self.question, self.is_delivered, self.refuses = question, is_delivered, refuses

    async def serve(self, *, task_status: trio.TaskStatus[None]) -> None:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        self.port = listeners[0].socket.getsockname()[1]
        task_status.started()
        await trio.serve_listeners(self._pass_on, listeners)

    async def _pass_on(self, client: trio.SocketStream) -> None:
        if self.cuts and self.refuses:
            self.refuses -= 1
            await client.aclose()
            return
        server = await trio.open_tcp_stream(*self._target)
        async with server, client, trio.open_nursery() as nursery:
            nursery.start_soon(self._down, server, client, nursery.cancel_scope)
            await self._up(client, server)
            nursery.cancel_scope.cancel()

    async def _up(self, client: trio.SocketStream, server: trio.SocketStream) -> None:
        async for data in client:
            if self.question is None or self.question not in data:
                await server.send_all(data)
                continue
            self.question = None
            self.cuts += 1
            if self.is_delivered:
                await server.send_all(data)
                await trio.sleep_forever()
            return

    async def _down(
        self, server: trio.SocketStream, client: trio.SocketStream, scope: trio.CancelScope
    ) -> None:
        cuts = self.cuts
        async for data in server:
            if self.cuts > cuts:
                break
            await client.send_all(data)
        scope.cancel()


@asynccontextmanager
async def losing_answers(host: str, port: int) -> AsyncIterator[AnswerLoser]:
    """Run one before a server."""
    proxy = AnswerLoser((host, port))
    async with trio.open_nursery() as nursery:
        await nursery.start(proxy.serve)
        yield proxy
        nursery.cancel_scope.cancel()
