"""From a connection to the first byte of media, in each way there is; without I/O.

An opening is asked for what to send, and told what came, until it is `playing`.  From then on a
viewer reads without understanding, so what a server wants from a living peer goes out unasked: an
RTMP acknowledgement of all bytes, or a WebSocket pong (RFC 6455, 5.5.3, allows it).
"""

import base64
from typing import Protocol

import attrs

from relay.bench.targets import Target
from relay.errors import RelayError, RemoteProtocolError
from relay.rtmp import (
    NEED_DATA,
    CommandError,
    CommandResult,
    Connection,
    ConnectRequest,
    CreateStream,
    HandshakeCompleted,
    MediaMessage,
    OnStatus,
    Play,
    Received,
    Role,
    Sendable,
    messages,
)
from relay.rtmp.chunk_writer import ChunkWriter
from relay.rtmp.outgoing import write_control

MAX_HEAD_BYTES = 16 * 1024
PONG = b"\x8a\x80\0\0\0\0"
"""Masked, as a client's frames are, and empty."""

_CONNECT, _CREATE, _PLAY = 1.0, 2.0, 3.0
_LIVE = -1.0
_PLAYER = "LNX 9,0,124,2"
"""Servers expect FMLE's commands of encoders, and these of players."""


class NotServed(RelayError):
    """The server will not have this viewer, or does not speak as it should."""


class Opening(Protocol):
    """One viewer's way to its stream."""

    accepted: bool
    """The server took the request."""
    playing: bool
    """Media has come."""

    def hello(self) -> bytes:
        """What to send first."""

    def receive(self, data: bytes) -> bytes:
        """Take what came, and return what to answer.

        Raises:
            NotServed: there will be no media.
        """

    def sign_of_life(self, received: int) -> bytes:
        """What to send now and then while playing, after so many bytes; perhaps nothing."""


@attrs.define
class HttpOpening:
    """`GET`, and the body of the answer."""

    target: Target
    accepted: bool = attrs.field(default=False, init=False)
    playing: bool = attrs.field(default=False, init=False)
    _head: bytes = attrs.field(default=b"", init=False)

    def hello(self) -> bytes:
        return request(self.target)

    def receive(self, data: bytes) -> bytes:
        if self.accepted:
            self.playing = True
            return b""
        self._head, body = past_head(self._head + data, 200)
        self.accepted = body is not None
        self.playing = bool(body)
        return b""

    def sign_of_life(self, received: int) -> bytes:
        return b""


@attrs.define
class WebSocketOpening:
    """An upgrade, and the first binary message; text in front of it speaks about media."""

    target: Target
    entropy: bytes
    accepted: bool = attrs.field(default=False, init=False)
    playing: bool = attrs.field(default=False, init=False)
    _buffer: bytes = attrs.field(default=b"", init=False)

    def hello(self) -> bytes:
        if self.target.path.partition("?")[0].endswith(".mp4"):
            return upgrade(self.target, self.entropy, "Sec-WebSocket-Protocol: relay.fmp4.1")
        return upgrade(self.target, self.entropy)

    def receive(self, data: bytes) -> bytes:
        self._buffer += data
        if not self.accepted:
            self._buffer, frames = past_head(self._buffer, 101)
            if frames is None:
                return b""
            self.accepted, self._buffer = True, frames
        self._pass_over_text()
        return b""

    def sign_of_life(self, received: int) -> bytes:
        return PONG

    def _pass_over_text(self) -> None:
        while (size := frame_bytes(self._buffer)) is not None:
            match self._buffer[0] & 0x0F:
                case 2:
                    self._buffer, self.playing = b"", True
                    return
                case 8:
                    raise NotServed(f"closed: {_close_reason(self._buffer)}")
            if len(self._buffer) < size:
                return
            self._buffer = self._buffer[size:]


class RtmpOpening:
    """Handshake, `connect`, `createStream`, `play`, and the first audio or video message."""

    def __init__(self, target: Target, entropy: bytes) -> None:
        self.accepted = self.playing = False
        self._app, self._name = target.app_and_name()
        self._tc_url = f"rtmp://{target.authority}/{self._app}"
        self._rtmp = Connection(Role.CLIENT, entropy=entropy)

    def hello(self) -> bytes:
        return self._rtmp.data_to_send()

    def receive(self, data: bytes) -> bytes:
        self._rtmp.receive_data(data)
        answer = b""
        try:
            while not self.playing and (event := self._rtmp.next_event()) is not NEED_DATA:
                for wanted in self._answers(event):
                    answer += self._rtmp.send(wanted)
        except RemoteProtocolError as error:
            raise NotServed(f"not RTMP: {error}") from error
        return answer + self._rtmp.data_to_send()

    def sign_of_life(self, received: int) -> bytes:
        payload = messages.u32(received & 0xFFFFFFFF)
        return write_control(ChunkWriter(), messages.ACKNOWLEDGEMENT, payload)

    def _answers(self, event: Received) -> tuple[Sendable, ...]:
        match event:
            case HandshakeCompleted():
                return (ConnectRequest(_CONNECT, self._app, self._tc_url, _PLAYER),)
            case CommandResult(transaction=number) if number == _CONNECT:
                return (CreateStream(_CREATE),)
            case CommandResult(transaction=number, values=[_, float(stream), *_]) if (
                number == _CREATE
            ):
                return (Play(_PLAY, int(stream), self._name, _LIVE),)
            case OnStatus(level="error", code=code):
                raise NotServed(code)
            case CommandError(transaction=number) if number in (_CONNECT, _CREATE):
                raise NotServed("the server answered _error")
            case OnStatus(code="NetStream.Play.Start"):
                self.accepted = True
            case MediaMessage():
                self.accepted = self.playing = True
        return ()


def opening(target: Target, entropy: bytes) -> Opening:
    """The opening that a URL's scheme asks for; `entropy` has the 3072 bytes of a handshake."""
    match target.scheme:
        case "rtmp":
            return RtmpOpening(target, entropy)
        case "ws" | "wss":
            return WebSocketOpening(target, entropy)
    return HttpOpening(target)


def upgrade(target: Target, entropy: bytes, *headers: str) -> bytes:
    """The request for a WebSocket (RFC 6455, 4.1)."""
    return request(
        target,
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {base64.b64encode(entropy[:16]).decode()}",
        "Sec-WebSocket-Version: 13",
        *headers,
    )


def request(target: Target, *headers: str) -> bytes:
    """A `GET`."""
    lines = [
        f"GET {target.path} HTTP/1.1",
        f"Host: {target.authority}",
        "User-Agent: relay-bench",
        "Accept: */*",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def past_head(data: bytes, wanted: int) -> tuple[bytes, bytes | None]:
    """The head so far, and what stands behind it once it is whole.

    Raises:
        NotServed: it is too long, or says something else than `wanted`.
    """
    head, end, rest = data.partition(b"\r\n\r\n")
    if not end:
        if len(data) > MAX_HEAD_BYTES:
            raise NotServed("not HTTP: a head without an end")
        return data, None
    status = head.partition(b"\r\n")[0].decode("latin-1")
    if not status.startswith(f"HTTP/1.1 {wanted}") and not status.startswith(f"HTTP/1.0 {wanted}"):
        raise NotServed(status[:80])
    return b"", rest


def frame_bytes(data: bytes) -> int | None:
    """How long the WebSocket frame at the start of `data` is, when that can be told."""
    if len(data) < 2:
        return None
    length = data[1] & 0x7F
    extended = {126: 2, 127: 8}.get(length, 0)
    if len(data) < 2 + extended:
        return None
    if extended:
        length = int.from_bytes(data[2 : 2 + extended], "big")
    return 2 + extended + length


def _close_reason(frame: bytes) -> str:
    return f"{int.from_bytes(frame[2:4], 'big')} {frame[4:].decode(errors='replace')}".strip()
