"""The server's side of one WebSocket: reading, pings, and the close that says why."""

import enum
from collections.abc import Callable

import attrs

from relay.errors import RemoteProtocolError
from relay.http.signals import NEED_DATA
from relay.http.websocket import (
    CloseReceived,
    PingReceived,
    PongReceived,
    TextMessage,
    WebSocketConnection,
)
from relay.reasons import Reason
from relay.server.connection import Connection
from relay.server.exchange import Exchange

WINDOW_S = 10.0
"""Frames are counted over so long: a burst of a few is no flood."""
FRAMES_A_TURN = 32
"""One read may hold seven hundred pings, which to answer takes as long as half a video frame."""


class After(enum.Enum):
    """What goes before the next frame, if there will be one."""

    THE_LAST = enum.auto()
    A_READ = enum.auto()
    A_TURN = enum.auto()


OnText = Callable[[str], None]


def ignore(text: str) -> None:
    """Players that have nothing to say that we know of."""


@attrs.define(eq=False)
class WebSocketPeer:
    """One accepted WebSocket."""

    _connection: Connection
    _websocket: WebSocketConnection
    on_text: OnText = ignore
    """Gets its text messages; binary ones are ignored."""
    _gone: Reason = attrs.field(default=Reason.PEER_CLOSED, init=False)
    """Why this ends when the peer goes: it may only be answering our close."""
    _pong_due: bool = attrs.field(default=False, init=False)
    _window_ends: float = attrs.field(default=0.0, init=False)
    _frames: int = attrs.field(default=0, init=False)
    """Received in this window."""

    @classmethod
    def accept(cls, exchange: Exchange, *, subprotocols: tuple[str, ...] = ()) -> "WebSocketPeer":
        """Answer the upgrade.

        Raises:
            HttpError: 400 or 426; the connection still speaks HTTP.
        """
        connection = exchange.connection
        websocket = WebSocketConnection(connection.services.config.limits.ws_message_bytes)
        reply = websocket.accept(
            exchange.request, subprotocols=subprotocols, trailing=exchange.http.trailing_data()
        )
        connection.outlet.write_nowait(reply)
        connection.protocol = "websocket"
        peer = cls(connection, websocket)
        connection.goodbye = peer.say_goodbye
        return peer

    async def read(self) -> Reason:
        """Read until the peer goes, and ask it now and then whether it is there.

        Raises:
            RemoteProtocolError: with the close frame to answer.
            WireBroken: the connection is gone.
        """
        pinging = self._connection.services.pinging
        pinging.add(self)
        try:
            while (after := self._handle_frames()) is not After.THE_LAST:
                if after is After.A_TURN:
                    await self._connection.services.turns.wait()
                elif data := await self._connection.receive_some():
                    self._websocket.receive_data(data)
                    del data
                else:
                    break
        finally:
            pinging.remove(self)
            self.on_text = ignore
        return self._gone

    def _handle_frames(self) -> "After":
        """As many as one turn is for; apart from `read`, whose frame waits and must hold little."""
        for _ in range(FRAMES_A_TURN):
            self._count_frame()
            event = self._websocket.next_event()
            match event:
                case TextMessage(text):
                    self.on_text(text)
                case PingReceived(reply=reply):
                    self._connection.outlet.write_nowait(reply)
                case PongReceived():
                    self._pong_due = False
                case CloseReceived(reply=reply):
                    self._connection.outlet.write_nowait(reply)
                    return After.THE_LAST
            if event is NEED_DATA:
                return After.A_READ
        return After.A_TURN

    def _count_frame(self) -> None:
        """Raises RemoteProtocolError when there are too many."""
        now = self._connection.services.ports.monotonic()
        if now >= self._window_ends:
            self._window_ends, self._frames = now + WINDOW_S, 0
        self._frames += 1
        if self._frames > WINDOW_S * self._connection.services.config.limits.ws_frames_per_s:
            reply = self._websocket.close(1008, "too many frames")
            raise RemoteProtocolError("too many frames", reply=reply)

    def ping(self) -> None:
        """Ask whether somebody is there, or end if nobody has answered since the last time.

        A peer with a backlog is not asked: it cannot answer what it has not read, and the outlet
        has a deadline of its own for it.
        """
        if self._connection.outlet.backlogged:
            self._pong_due = False
        elif self._pong_due:
            self.end(Reason.PING_TIMEOUT)
        else:
            self._pong_due = True
            self._connection.outlet.write_nowait(self._websocket.ping())

    def say_goodbye(self) -> None:
        """The server is going away."""
        self.close(Reason.SERVER_STOPPING)

    def closing(self, reason: Reason) -> bytes:
        """The close frame that says why this connection ends."""
        return self._websocket.close(reason.value.ws_close, reason.description)

    def close(self, reason: Reason) -> None:
        """Say why this connection ends, and read on for the answer.

        Nothing may come after a close frame (RFC 6455, 5.5.1), so nothing is followed any more.
        """
        self._gone = reason
        self._connection.unfollow()
        self._connection.outlet.write_nowait(self.closing(reason))

    def end(self, reason: Reason) -> None:
        """Say why, and end the connection."""
        self.close(reason)
        self._connection.outlet.fail(reason)
