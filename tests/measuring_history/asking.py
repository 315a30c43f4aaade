"""A client that asks one thing after the other on one connection."""

from types import TracebackType
from typing import Self

import attrs
import trio
from support.http_client import answer_length, read_answers, request_bytes


@attrs.define(eq=False)
class Client:
    """Shows its key with each request."""

    _stream: trio.SocketStream
    _key: str

    @classmethod
    async def connect(cls, address: str, key: str) -> "Client":
        host, _, port = address.rpartition(":")
        return cls(await trio.open_tcp_stream(host, int(port)), key)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stream.aclose()

    async def get(self, target: str) -> bytes:
        """The body of a good answer."""
        await self._stream.send_all(
            request_bytes("GET", target, ("Authorization", f"Bearer {self._key}"))
        )
        heard = await self._stream.receive_some(1 << 20)
        while b"\r\n\r\n" not in heard or len(heard) < answer_length(heard, "GET"):
            more = await self._stream.receive_some(1 << 20)
            assert more, "closed within an answer"
            heard += more
        (answer,) = read_answers(heard, "GET")
        assert answer.status == 200, answer
        return answer.body
