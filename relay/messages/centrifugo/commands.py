"""What clients say: lines of JSON in, typed commands out.

Data goes through untouched: it is checked to be JSON and handed on as it was written, because
decoding and encoding it again would cost more than everything else that happens to a publication.
"""

import re
from typing import Annotated

import msgspec

from relay.errors import FormatError
from relay.publication import Position

UInt32 = Annotated[int, msgspec.Meta(ge=0, lt=1 << 32)]
UInt63 = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]
Int32 = Annotated[int, msgspec.Meta(ge=-(1 << 31), lt=1 << 31)]

MAX_DEPTH = 64
"""Of the data in a command: a page parses what others have published."""


class _Request(msgspec.Struct, frozen=True, gc=False):
    """Fields that this server does not know are passed over: SDKs are newer than servers."""


class Subscribe(_Request, frozen=True):
    """Follow a channel; with `recover`, from behind what was seen before."""

    channel: str = ""
    token: str = ""
    recover: bool = False
    epoch: str = ""
    offset: UInt63 = 0
    positioned: bool = False
    recoverable: bool = False
    join_leave: bool = False
    flag: int = 0


def since(request: Subscribe | None) -> Position | None:
    """From where it wants to recover; None where it does not."""
    if request is None or not request.recover:
        return None
    return Position(request.epoch, request.offset)


REJECT_UNRECOVERED = 2
"""In `Subscribe.flag`: an error instead of `recovered: false`."""


class Connect(_Request, frozen=True):
    """The first command."""

    token: str = ""
    name: str = ""
    version: str = ""
    subs: dict[str, Subscribe] = {}
    """Where the client stands in the channels that the server subscribes it to."""


class Unsubscribe(_Request, frozen=True):
    channel: str = ""


class Publish(_Request, frozen=True):
    """Add to a channel.  `idempotency_key` is Relay's own, named as in Centrifugo's server API."""

    channel: str = ""
    data: msgspec.Raw = msgspec.Raw()
    idempotency_key: str = ""


class Presence(_Request, frozen=True):
    channel: str = ""


class PresenceStats(_Request, frozen=True):
    channel: str = ""


class Since(_Request, frozen=True):
    offset: UInt63 = 0
    epoch: str = ""


class History(_Request, frozen=True):
    """Read a channel; `limit` 0 asks only where it stands, a negative one for all there may be."""

    channel: str = ""
    limit: Int32 = 0
    since: Since | None = None
    reverse: bool = False


class Rpc(_Request, frozen=True):
    method: str = ""
    data: msgspec.Raw = msgspec.Raw()


class Send(_Request, frozen=True):
    """A message that nobody answers."""


class Refresh(_Request, frozen=True):
    token: str = ""


class SubRefresh(_Request, frozen=True):
    channel: str = ""
    token: str = ""


class Ping(_Request, frozen=True):
    """A client that asks whether we are there."""


Request = (
    Connect
    | Subscribe
    | Unsubscribe
    | Publish
    | Presence
    | PresenceStats
    | History
    | Ping
    | Send
    | Rpc
    | Refresh
    | SubRefresh
)


class Command(msgspec.Struct, frozen=True, gc=False):
    """One request, and the id that its reply will have; neither in the answer to a ping."""

    id: UInt32 = 0
    connect: Connect | None = None
    subscribe: Subscribe | None = None
    unsubscribe: Unsubscribe | None = None
    publish: Publish | None = None
    presence: Presence | None = None
    presence_stats: PresenceStats | None = None
    history: History | None = None
    ping: Ping | None = None
    send: Send | None = None
    rpc: Rpc | None = None
    refresh: Refresh | None = None
    sub_refresh: SubRefresh | None = None

    @property
    def request(self) -> Request | None:
        """The first one that is there, in the order of client.proto."""
        # Most commands are publishes and pongs.
        return self.publish or next((one for one in self._others if one is not None), None)

    @property
    def _others(self) -> tuple[Request | None, ...]:
        return (
            self.connect,
            self.subscribe,
            self.unsubscribe,
            self.presence,
            self.presence_stats,
            self.history,
            self.ping,
            self.send,
            self.rpc,
            self.refresh,
            self.sub_refresh,
        )


_decoder = msgspec.json.Decoder(Command)

_ESCAPES = re.compile(
    r"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)
"""A whole surrogate pair, or half of one, or any other escape."""
_LINE_BREAKS = b"\r\n"
_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{\]}]')


def read_commands(message: str) -> list[Command]:
    """The commands in one message, at least one.

    Raises:
        FormatError: it is something else.
    """
    try:
        commands = _decode(message)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise FormatError(f"not a command: {error}") from None
    if not commands:
        raise FormatError("an empty message")
    return commands


def _decode(message: str) -> list[Command]:
    try:
        return _decoder.decode_lines(message)
    except msgspec.DecodeError:
        # A page that cuts a text in the middle of an emoji sends half of it, which is JSON, though
        # no Unicode (RFC 8259, 8.2).  That must not end its connection for good.
        whole = _ESCAPES.sub(_without_half, message)
        if whole == message:
            raise
        return _decoder.decode_lines(whole)


def _without_half(escape: re.Match[str]) -> str:
    return r"\ufffd" if escape["half"] else escape[0]


def plain_json(raw: msgspec.Raw) -> bytes:
    """What stands in a command as data, as it can stand in a line.

    Raises:
        FormatError: there is nothing, or it is nested too deeply.
    """
    data = bytes(raw)
    if not data:
        raise FormatError("there is no data")
    if data.count(b"[") + data.count(b"{") > MAX_DEPTH and _depth(data) > MAX_DEPTH:
        raise FormatError(f"data is nested deeper than {MAX_DEPTH}")
    # Outside of strings a line break means nothing, and within them JSON has none.
    return data.translate(None, _LINE_BREAKS) if b"\n" in data or b"\r" in data else data


def _depth(data: bytes) -> int:
    depth = deepest = 0
    for match in _BRACKETS.finditer(data):
        if match[0] in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif match[0] in b"]}":
            depth -= 1
    return deepest
