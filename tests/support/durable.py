"""A client of durable streams and of server-sent events, over the memory network."""

import json
from collections.abc import Sequence
from typing import Any

import attrs
import h11
import trio
from support.hostile import Peer
from support.http_client import Answer, read_answers, request_bytes

PATIENCE_S = 300
"""Of virtual time, in which a server goes on for ever."""
JSON = ("Content-Type", "application/json")
TEXT = ("Content-Type", "text/plain")
BYTES = ("Content-Type", "application/octet-stream")


@attrs.frozen
class Event:
    """A server-sent event, as a browser dispatches it."""

    name: str
    data: str
    last_id: str

    @property
    def value(self) -> Any:
        """Its data, which is JSON."""
        return json.loads(self.data)


def read_events(data: bytes) -> list[Event]:
    """A reader by the letter of the standard (HTML, 9.2.6)."""
    lines = data.decode().replace("\r\n", "\n").replace("\r", "\n").split("\n")
    events, name, pieces, last_id = [], "", list[str](), ""
    for line in lines:
        field, colon, value = line.partition(":")
        value = value.removeprefix(" ")
        match field:
            case "" if not colon:
                if pieces:
                    events.append(Event(name or "message", "\n".join(pieces), last_id))
                name, pieces = "", []
            case "event":
                name = value
            case "data":
                pieces.append(value)
            case "id" if "\0" not in value:
                last_id = value
    return events


@attrs.define(eq=False)
class StreamClient:
    """One keep-alive connection."""

    peer: Peer
    headers: Sequence[tuple[str, str]] = ()
    """Of every request."""

    async def ask(
        self, method: str, target: str, *headers: tuple[str, str], body: bytes = b""
    ) -> Answer:
        """One request below `/v1/stream/`, and its answer."""
        await self.say(method, f"/v1/stream/{target}", *headers, body=body)
        return await self.answer(method)

    async def say(
        self, method: str, target: str, *headers: tuple[str, str], body: bytes = b""
    ) -> None:
        length = [("Content-Length", str(len(body)))] if body or method in ("PUT", "POST") else []
        request = request_bytes(method, target, *length, *self.headers, *headers, body=body)
        await self.peer.say(request)

    async def answer(self, method: str) -> Answer:
        """The next answer, however many reads bring it."""
        heard = b""
        with trio.fail_after(PATIENCE_S):
            while not _is_whole(heard, method):
                more = await self.peer.hear()
                assert more, f"closed after {heard[-200:]!r}"
                heard += more
        (answer,) = read_answers(heard, method)
        return answer

    async def make(self, name: str, kind: tuple[str, str] = JSON, body: bytes = b"") -> str:
        """Make a stream; where it ends."""
        answer = await self.ask("PUT", name, kind, body=body)
        assert answer.status == 201, answer
        return answer.headers["stream-next-offset"]

    async def add(self, name: str, body: bytes, kind: tuple[str, str] = JSON) -> str:
        """Append; where the stream ends then."""
        answer = await self.ask("POST", name, kind, body=body)
        assert answer.status == 204, answer
        return answer.headers["stream-next-offset"]

    async def events(self, target: str, *headers: tuple[str, str]) -> "EventReader":
        """Ask for events, and read the head of the answer."""
        await self.say("GET", target, *headers)
        heard = await self.peer.hear_until(b"\r\n\r\n")
        head, _, rest = heard.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        return EventReader(self.peer, head + b"\r\n\r\n", rest)


@attrs.define(eq=False)
class EventReader:
    """An endless answer."""

    peer: Peer
    head: bytes
    heard: bytes

    async def until(self, wanted: bytes) -> list[Event]:
        """Every event so far, once these bytes have come in a whole one."""
        with trio.fail_after(PATIENCE_S):
            while wanted not in self.heard[: self.heard.rfind(b"\n\n") + 2]:
                more = await self.peer.hear()
                assert more, f"closed after {self.heard[-200:]!r}"
                self.heard += more
        return read_events(self.heard)

    async def all(self) -> list[Event]:
        """Every event up to the end of the connection."""
        self.heard += await self.peer.hear_all()
        return read_events(self.heard)


def _is_whole(data: bytes, method: str) -> bool:
    if not data:
        return False
    client = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 24)
    client.send(h11.Request(method=method, target="/", headers=[("Host", "relay.example")]))
    client.send(h11.EndOfMessage())
    client.receive_data(data)
    while (event := client.next_event()) is not h11.NEED_DATA:
        if isinstance(event, h11.EndOfMessage):
            return True
    return False
