"""A client of the Centrifugo protocol that says exactly what a test wants."""

import json
import struct
from typing import Any, Protocol, Self

import attrs
import trio
from joserfc import jwt
from joserfc.jwk import OctKey
from support.hostile import Site
from support.http_client import UPGRADE, masked_frame, request_bytes
from support.memory import FAULTLESS, Faults

from relay.identity.tokens import HMAC, OWN_KID

TARGET = "/connection/websocket"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
PATIENCE_S = 120
"""Of virtual time."""

Json = dict[str, Any]


class Refused(Exception):
    """The reply was an error."""

    def __init__(self, error: Json) -> None:
        super().__init__(f"{error['code']}: {error['message']}")
        self.code: int = error["code"]
        self.message: str = error["message"]
        self.temporary: bool = error.get("temporary", False)


class Wire(Protocol):
    """What a client speaks on."""

    async def say(self, data: bytes) -> None: ...
    async def hear(self) -> bytes: ...
    def close(self) -> None: ...


@attrs.define(eq=False)
class CentrifugoClient:
    """One connection."""

    peer: Wire
    pushes: list[Json] = attrs.field(factory=list)
    """What came without an id, in order."""
    replies: dict[int, Json] = attrs.field(factory=dict)
    """What came with one and was not asked for yet."""
    order: list[str] = attrs.field(factory=list)
    """Which message came when: `reply 3`, `pub`, `ping`..."""
    messages: list[str] = attrs.field(factory=list)
    """Every text message, as it came."""
    pings: int = 0
    answers_pings: bool = True
    closed: tuple[int, str] | None = None
    is_gone: bool = False
    _unread: bytes = b""
    _numbers: int = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.peer.close()

    # Saying.

    async def say(self, *lines: Json | str, opcode: int = TEXT) -> None:
        """One message."""
        text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
        await self.peer.say(masked_frame(opcode, text.encode()))

    def command(self, name: str, /, **request: Any) -> Json:
        """A command with the next id."""
        self._numbers += 1
        return {"id": self._numbers, name: request}

    async def ask(self, name: str, /, **request: Any) -> Json:
        """One command and its result.

        Raises:
            Refused: the reply is an error.
        """
        command = self.command(name, **request)
        await self.say(command)
        return await self.result(command)

    async def code(self, name: str, /, **request: Any) -> int:
        """The code of the error with which a command is refused; 0 where it is not."""
        try:
            await self.ask(name, **request)
        except Refused as refused:
            return refused.code
        return 0

    async def result(self, command: Json) -> Json:
        """The result of a command that was said."""
        number, name = command["id"], next(key for key in command if key != "id")
        with trio.fail_after(PATIENCE_S):
            while number not in self.replies:
                assert not self.is_gone, f"closed {self.closed} before the reply to {command}"
                await self.read()
        reply = self.replies.pop(number)
        if "error" in reply:
            raise Refused(reply["error"])
        result: Json = reply[name]
        return result

    # Hearing.

    async def read(self) -> None:
        """Whatever comes next."""
        data = await self.peer.hear()
        self.is_gone = not data
        self._unread += data
        while (message := self._next()) is not None:
            await self._take(*message)

    async def read_to_end(self) -> tuple[int, str] | None:
        """Until the server has closed; what its close frame said."""
        with trio.fail_after(PATIENCE_S):
            while not self.is_gone:
                await self.read()
        self.peer.close()
        return self.closed

    async def read_pings(self, count: int) -> None:
        with trio.fail_after(PATIENCE_S):
            while self.pings < count and not self.is_gone:
                await self.read()
        assert self.pings == count, self.closed

    async def push(self, kind: str) -> Json:
        """The next push of this kind, with its channel; others stay."""
        with trio.fail_after(PATIENCE_S):
            while True:
                for push in self.pushes:
                    if kind in push:
                        self.pushes.remove(push)
                        return push
                assert not self.is_gone, f"closed {self.closed} before a {kind}"
                await self.read()

    async def publications(self, count: int) -> list[Json]:
        """The next publications."""
        return [(await self.push("pub"))["pub"] for _ in range(count)]

    async def hang_up(self) -> None:
        await self.peer.say(masked_frame(CLOSE, b"\x03\xe8"))
        await self.read_to_end()

    def _next(self) -> tuple[int, bytes] | None:
        """The next frame; a server sends whole ones, and no mask (RFC 6455, 5.1)."""
        if len(self._unread) < 2:
            return None
        first, size = self._unread[0], self._unread[1]
        start = 2
        if size == 126 and len(self._unread) >= 4:
            (size,), start = struct.unpack_from("!H", self._unread, 2), 4
        elif size == 127 and len(self._unread) >= 10:
            (size,), start = struct.unpack_from("!Q", self._unread, 2), 10
        elif size >= 126:
            return None
        if len(self._unread) < start + size:
            return None
        payload, self._unread = self._unread[start : start + size], self._unread[start + size :]
        assert first & 0xF0 == 0x80, "a fragment"
        return first & 0x0F, payload

    async def _take(self, opcode: int, payload: bytes) -> None:
        match opcode:
            case 1:
                self.messages.append(payload.decode())
                for line in payload.decode().split("\n"):
                    await self._take_line(json.loads(line))
            case 8:
                (code,) = struct.unpack_from("!H", payload) if payload else (1005,)
                self.closed = code, payload[2:].decode()
                self.order.append("close")
            case 10:
                self.order.append("pong")
            case other:
                raise AssertionError(f"a frame of opcode {other}")

    async def _take_line(self, line: Json) -> None:
        if "id" in line:
            self.replies[line["id"]] = line
            self.order.append(f"reply {line['id']}")
        elif "push" in line:
            self.pushes.append(line["push"])
            self.order.append(next(key for key in line["push"] if key != "channel"))
        else:
            assert line == {}
            self.pings += 1
            self.order.append("ping")
            if self.answers_pings:
                await self.say({})


@attrs.define(eq=False)
class TcpWire:
    """To a server in another process."""

    _stream: trio.SocketStream

    async def say(self, data: bytes) -> None:
        await self._stream.send_all(data)

    async def hear(self) -> bytes:
        try:
            return await self._stream.receive_some()
        except trio.BrokenResourceError:
            return b""

    def close(self) -> None:
        self._stream.socket.close()


async def dial_tcp(address: tuple[str, int], token: str = "") -> CentrifugoClient:
    """A client of a real server that has connected."""
    client = await _dial(TcpWire(await trio.open_tcp_stream(*address)))
    await client.ask("connect", **({"token": token} if token else {}))
    return client


async def dial(
    here: Site, *headers: tuple[str, str], faults: Faults = FAULTLESS
) -> CentrifugoClient:
    """A WebSocket on which nothing was said yet."""
    return await _dial(await here.connect(faults=faults), *headers)


async def _dial(wire: Wire, *headers: tuple[str, str]) -> CentrifugoClient:
    await wire.say(request_bytes("GET", TARGET, *UPGRADE, *headers))
    head = b""
    while b"\r\n\r\n" not in head:
        more = await wire.hear()
        assert more, head
        head += more
    assert head.startswith(b"HTTP/1.1 101 "), head
    return CentrifugoClient(wire, unread=head.partition(b"\r\n\r\n")[2])


async def connected(here: Site, token: str = "", **request: Any) -> CentrifugoClient:
    """A client that has connected, with a token or without."""
    client = await dial(here)
    await client.ask("connect", **({"token": token} if token else {}), **request)
    return client


def token_of(here: Site, sub: str = "", **claims: Any) -> str:
    """A connection token by the server's own key; with `channel`, one for that channel."""
    return here.services.access.mint({"sub": sub, **claims})


def now(here: Site) -> float:
    """The server's wall clock."""
    return here.services.ports.wall()


def foreign_token(sub: str) -> str:
    """Signed by a key that nobody here knows."""
    return signed_token(b"0123456789abcdef0123456789abcdef", sub=sub)


def signed_token(secret: bytes, **claims: Any) -> str:
    """As a site's back end makes one with the server's own secret."""
    key = OctKey.import_key(secret)
    return jwt.encode({"alg": HMAC, "kid": OWN_KID}, claims, key)
