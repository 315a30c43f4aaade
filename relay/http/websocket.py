"""The server's side of one WebSocket (RFC 6455), without I/O.

wsproto reads the frames: it unmasks, joins UTF-8 across fragments, and refuses what 5.2 forbids.
Around it stands what it leaves open:

- **A bound on messages.**  wsproto hands a frame out in the pieces in which it arrives, so the sum
  passes our bound long before a frame that claims 2^62 bytes could be kept.
- **Memory of who says nothing.**  A viewer is silent but for a pong now and then, so wsproto's
  objects are here only while something of a frame or a message is.
- **Cost of who says little.**  Nearly all that clients say is a small text in one frame that comes
  whole.  Those are read here at a third of the price, and wsproto judges everything else.
- **No extensions.**  With permessage-deflate a 48 KB frame becomes a 50 MB message.
- **The handshake**, because wsproto's lets decoding errors of hostile headers escape.

Frames to send need no connection at all: those of a server are unmasked, so one bytes object
serves every follower of a broadcast.  `frame` writes them.
"""

import re
from collections.abc import Sequence
from typing import Final, Literal

import attrs
from wsproto.frame_protocol import CloseReason, Frame, FrameProtocol, Opcode, ParseFailed
from wsproto.utilities import generate_accept_token

from relay.errors import LocalProtocolError, RemoteProtocolError
from relay.http.errors import HttpError
from relay.http.frame import close_frame, frame_header, ping_frame, pong_frame
from relay.http.request import Request, comma_list
from relay.http.signals import NEED_DATA, Signal


@attrs.frozen
class TextMessage:
    """A whole text message."""

    text: str


@attrs.frozen
class BinaryMessage:
    """A whole binary message."""

    data: bytes


@attrs.frozen
class PingReceived:
    """The peer wants a pong; send `reply`.  The caller bounds how many it answers."""

    payload: bytes
    reply: bytes


@attrs.frozen
class PongReceived:
    """The peer answered a ping, or felt like it (5.5.3)."""

    payload: bytes


@attrs.frozen
class CloseReceived:
    """The peer closes.  Send `reply`, which is empty if our close went first, and disconnect."""

    code: int
    """1005 when the peer gave none (7.1.5)."""
    reason: str
    reply: bytes


Event = TextMessage | BinaryMessage | PingReceived | PongReceived | CloseReceived

VERSION: Final = "13"
_MASK_BYTES = 4
_SMALLEST = 2 + _MASK_BYTES
"""Of a client's frames."""
_WHOLE_TEXT = 0x81
_MASKED = 0x80
_LENGTH_FOLLOWS = 126


class WebSocketConnection:
    """One WebSocket.  `accept` comes first; after a close or an error nothing more is read."""

    __slots__ = (
        "_accepted",
        "_close_sent",
        "_finished",
        "_frames",
        "_message",
        "_message_bytes",
        "_plain",
        "_unread",
        "subprotocol",
    )

    def __init__(self, message_bytes: int) -> None:
        self._message_bytes = message_bytes
        self._frames: FrameProtocol | None = None
        self._plain = b""
        """What has arrived while there was nothing of a frame or a message."""
        self._unread = 0
        """Bytes that `_frames` was given, less those of messages that came in one piece."""
        self._message = bytearray()
        self._accepted = False
        self._close_sent = False
        self._finished = False
        self.subprotocol: str | None = None
        """What `accept` chose."""

    def accept(
        self,
        request: Request,
        *,
        subprotocols: Sequence[str] = (),
        required: bool = False,
        trailing: bytes = b"",
    ) -> bytes:
        """The answer to an upgrade request (4.2.2).

        Chooses the first of our `subprotocols` that the client offers.  With `required`, a client
        that offers none of them is refused; else it is taken without one.  `trailing` are the
        bytes behind the request.

        Raises:
            HttpError: 400 or 426; the connection still speaks HTTP.
        """
        if self._accepted:
            raise LocalProtocolError("this WebSocket was accepted before")
        key = check_upgrade(request)
        self.subprotocol = _choose(subprotocols, request.header("sec-websocket-protocol"))
        if required and self.subprotocol is None:
            raise HttpError(400, f"offer the subprotocol {' or '.join(subprotocols)}")
        self._accepted = True
        self.receive_data(trailing)
        return _switching_protocols(key, self.subprotocol)

    def receive_data(self, data: bytes) -> None:
        """Keep what arrived.  An end of file needs no telling."""
        if self._finished or not data:
            return
        if self._frames is None:
            self._plain += data
        else:
            self._parse(self._frames, data)

    def next_event(self) -> Event | Literal[Signal.NEED_DATA]:
        """The next whole message or control frame.

        Raises:
            RemoteProtocolError: the peer broke the protocol; `reply` is our close frame.
        """
        if self._plain:
            found = _plain_text(self._plain, self._message_bytes)
            if found is not None:
                text, size = found
                self._plain = self._plain[size:]
                return TextMessage(text)
            self._frames = FrameProtocol(client=False, extensions=[])
            data, self._plain = self._plain, b""
            self._parse(self._frames, data)
        try:
            while self._frames and (got := next(self._frames.received_frames(), None)):
                event = self._event(got)
                if event is not None:
                    return event
        except ParseFailed as error:
            raise self._failure(error.code, str(error)) from error
        if not self._unread:
            self._frames = None
        return NEED_DATA

    def _parse(self, frames: FrameProtocol, data: bytes) -> None:
        self._unread += len(data)
        frames.receive_bytes(data)

    def close(self, code: int, reason: str = "") -> bytes:
        """Start closing, or nothing if that was done before.  Read on for the peer's answer."""
        if self._close_sent or self._finished:
            return b""
        self._close_sent = True
        return close_frame(code, reason)

    def ping(self, payload: bytes = b"") -> bytes:
        """Ask for a pong with the same payload, of at most 125 bytes."""
        return b"" if self._close_sent or self._finished else ping_frame(payload)

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will be read: the peer closed or broke the protocol."""
        return self._finished

    def _failure(self, code: int, message: str) -> RemoteProtocolError:
        reply = self.close(code, message)
        self._finish()
        return RemoteProtocolError(message, reply=reply)

    def _finish(self) -> None:
        self._finished = True
        self._message.clear()
        self._frames, self._plain = None, b""

    def _event(self, got: Frame) -> Event | None:
        match got:
            case Frame(Opcode.CLOSE, (int(code), str(reason))):
                reply = self.close(code)
                self._finish()
                return CloseReceived(int(code), reason, reply)
            case Frame(Opcode.PING, bytes(payload)):
                self._unread -= _masked_size(len(payload))
                return PingReceived(payload, b"" if self._close_sent else pong_frame(payload))
            case Frame(Opcode.PONG, bytes(payload)):
                self._unread -= _masked_size(len(payload))
                return PongReceived(payload)
            case Frame(Opcode.TEXT, str(text)):
                return self._message_event(got, text.encode())
            case Frame(Opcode.BINARY, bytes(data)):
                return self._message_event(got, data)
        raise ParseFailed("unexpected frame")

    def _message_event(self, got: Frame, piece: bytes) -> TextMessage | BinaryMessage | None:
        if len(self._message) + len(piece) > self._message_bytes:
            raise ParseFailed(
                f"a message may have {self._message_bytes} bytes", CloseReason.MESSAGE_TOO_BIG
            )
        if got.message_finished and not self._message:
            self._unread -= _masked_size(len(piece))
        # One buffer, not a list of pieces: 64,000 fragments of one byte would cost megabytes.
        self._message += piece
        if not got.message_finished:
            return None
        data = bytes(self._message)
        self._message.clear()
        return TextMessage(data.decode()) if got.opcode is Opcode.TEXT else BinaryMessage(data)


def _plain_text(data: bytes, most: int) -> tuple[str, int] | None:
    """The text in the frame at the start of `data`, and the frame's size.

    None where it is not whole, not a masked text that is a message by itself, longer than `most`,
    or anything but faultless.
    """
    if len(data) < _SMALLEST or data[0] != _WHOLE_TEXT:
        return None
    size, start = data[1] - _MASKED, _SMALLEST
    if size == _LENGTH_FOLLOWS:
        size, start = int.from_bytes(data[2:4], "big"), _SMALLEST + 2
        if size < _LENGTH_FOLLOWS:
            return None
    elif not 0 <= size < _LENGTH_FOLLOWS:
        return None
    end = start + size
    if end > len(data) or size > most:
        return None
    mask = (data[start - _MASK_BYTES : start] * (size // _MASK_BYTES + 1))[:size]
    text = int.from_bytes(data[start:end], "big") ^ int.from_bytes(mask, "big")
    try:
        return text.to_bytes(size, "big").decode(), end
    except UnicodeDecodeError:
        return None


def _masked_size(payload_bytes: int) -> int:
    """Of a whole frame as a client sends it: there is one way to write a length (5.2)."""
    return len(frame_header(Opcode.BINARY, payload_bytes)) + _MASK_BYTES + payload_bytes


_UPGRADE_FIELDS = (("Upgrade", "websocket"), ("Connection", "Upgrade"))
_VERSION_FIELD = (("Sec-WebSocket-Version", VERSION),)
_KEY = re.compile(r"[A-Za-z0-9+/]{22}==")
"""Sixteen bytes in Base64."""


def check_upgrade(request: Request) -> str:
    """The key of a WebSocket upgrade request (4.2.1).

    Raises:
        HttpError: 426 where WebSocket of our version was not asked for, 400 where it was, badly.
    """
    if not request.wants_upgrade_to_websocket:
        raise HttpError(426, "connect with WebSocket", headers=_UPGRADE_FIELDS + _VERSION_FIELD)
    if request.method != "GET" or request.version != "1.1" or request.body:
        raise HttpError(400, "a WebSocket begins with GET and HTTP/1.1, without a body")
    if "upgrade" not in comma_list(request.header("connection")):
        raise HttpError(400, "the header Connection: Upgrade is missing")
    if request.header("sec-websocket-version") != VERSION:
        raise HttpError(
            426, "this server speaks version 13", headers=_UPGRADE_FIELDS + _VERSION_FIELD
        )
    key = request.header("sec-websocket-key") or ""
    if not _KEY.fullmatch(key):
        raise HttpError(400, "Sec-WebSocket-Key is missing or malformed")
    return key


def _choose(ours: Sequence[str], offered: str | None) -> str | None:
    # Subprotocol names are case-sensitive (RFC 6455, 11.5), unlike most lists of tokens.
    theirs = {name.strip(" \t") for name in (offered or "").split(",")}
    return next((name for name in ours if name in theirs), None)


def _switching_protocols(key: str, subprotocol: str | None) -> bytes:
    # By hand, because h11 writes 101 only for a request that the same object has read.
    lines = [
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Accept: {generate_accept_token(key.encode()).decode()}",
    ]
    if subprotocol is not None:
        lines.append(f"Sec-WebSocket-Protocol: {subprotocol}")
    return "\r\n".join((*lines, "", "")).encode()
