"""From a connection to being subscribed, in each way there is; without I/O.

As an SDK does it, one step after the other: the upgrade, `connect`, `subscribe`.  Where messages
come over a plain WebSocket, the upgrade is all.
"""

import json
from typing import Any, Protocol

import attrs

from relay.bench.messages_stamps import Frames
from relay.bench.openings import NotServed, past_head, upgrade
from relay.bench.targets import Target

_CONNECT, _SUBSCRIBE = 1, 2
_MASK = bytes(4)
"""Any four bytes will do, and these leave the payload as it is."""
_TEXT_FRAME = 0x81


@attrs.define
class Seat:
    """Where a subscriber stands in its channel: what it comes back with."""

    epoch: str = ""
    offset: int | None = None
    """None where there is nothing to come back to."""


class MessagesOpening(Protocol):
    """One subscriber's way to its channel."""

    is_open: bool
    is_recovered: bool
    """Whether the server said that nothing is missing."""

    def hello(self) -> bytes:
        """What to send first."""

    def upgraded(self) -> bytes:
        """What to send once the server has taken the upgrade."""

    def receive(self, frames: Frames) -> bytes:
        """Take what came, and return what to answer.

        Raises:
            NotServed: there will be no messages.
        """


@attrs.define
class PlainOpening:
    """A WebSocket of which everything is said in the URL."""

    target: Target
    entropy: bytes
    is_open: bool = attrs.field(default=False, init=False)
    is_recovered: bool = attrs.field(default=True, init=False)

    def hello(self) -> bytes:
        return upgrade(self.target, self.entropy)

    def upgraded(self) -> bytes:
        self.is_open = True
        return b""

    def receive(self, frames: Frames) -> bytes:
        return b""


@attrs.define
class CentrifugoOpening:
    """`connect`, and `subscribe` unless there is no channel."""

    target: Target
    entropy: bytes
    channel: str
    token: str
    seat: Seat
    is_open: bool = attrs.field(default=False, init=False)
    is_recovered: bool = attrs.field(default=False, init=False)

    def hello(self) -> bytes:
        return upgrade(self.target, self.entropy, "Sec-WebSocket-Protocol: centrifuge-json")

    def upgraded(self) -> bytes:
        return text_frame(command(_CONNECT, "connect", {"token": self.token} if self.token else {}))

    def receive(self, frames: Frames) -> bytes:
        answer = frames.answer
        for reply in map(json.loads, frames.replies):
            if "error" in reply:
                raise NotServed("error {code}: {message}".format(**reply["error"]))
            answer += self._answer(reply)
        return answer

    def _answer(self, reply: dict[str, Any]) -> bytes:
        if reply["id"] == _CONNECT and self.channel:
            return text_frame(command(_SUBSCRIBE, "subscribe", self._subscription()))
        self.is_open = True
        result = reply.get("subscribe", {})
        self.is_recovered = result.get("recovered", False)
        self.seat.epoch, self.seat.offset = result.get("epoch", ""), result.get("offset", 0)
        return b""

    def _subscription(self) -> dict[str, Any]:
        asked: dict[str, Any] = {"channel": self.channel}
        if self.seat.offset is not None:
            asked |= {"recover": True, "epoch": self.seat.epoch, "offset": self.seat.offset}
        return asked


def command(number: int, name: str, body: dict[str, Any]) -> bytes:
    """A line of the Centrifugo client protocol."""
    return json.dumps({"id": number, name: body}, separators=(",", ":")).encode()


def text_frame(payload: bytes) -> bytes:
    """A masked frame, as clients send them (RFC 6455, 5.3)."""
    size = len(payload)
    if size < 126:
        return bytes((_TEXT_FRAME, 0x80 | size)) + _MASK + payload
    return bytes((_TEXT_FRAME, 0x80 | 126)) + size.to_bytes(2, "big") + _MASK + payload


@attrs.define
class Upgrade:
    """The answer to the upgrade, piece by piece."""

    _head: bytes = attrs.field(default=b"", init=False)

    def receive(self, data: bytes) -> bytes | None:
        """What stands behind it, once it is whole.

        Raises:
            NotServed: the server will not.
        """
        self._head, rest = past_head(self._head + data, 101)
        return rest
