"""Viewers: FLV and fragmented MP4, over HTTP and over WebSocket.

A viewer's task reads, because viewers say little and leave without a word; what they see is written
by the pump, and its end is told by the feed.
"""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import attrs

from relay.errors import RemoteProtocolError
from relay.http.errors import HttpError
from relay.http.response_head import media_head
from relay.live.broadcast import Broadcast, waiting
from relay.live.encodings import Format, json_frame
from relay.reasons import Reason
from relay.server.connection import Connection, Next
from relay.server.exchange import Exchange
from relay.server.showing import details_message
from relay.server.websocket import WebSocketPeer

SUBPROTOCOL = "relay.fmp4.1"
MOVE_AFTER_MS = 500
"""At shutdown viewers are told to come back after this long; a restart takes about that."""

_HEADS = {Format.FLV: media_head("video/x-flv"), Format.MP4: media_head("video/mp4")}
"""Of endless answers: the same for everybody."""


def flv(exchange: Exchange) -> Reason | Next:
    """`/APP/NAME.flv`: FLV over HTTP, or over WebSocket with an upgrade."""
    broadcast = _live(exchange)
    if not exchange.request.wants_upgrade_to_websocket:
        return _endless(exchange, broadcast, Format.FLV)
    peer = WebSocketPeer.accept(exchange)
    follow(exchange.connection, broadcast, Format.FLV_WS, peer.end)
    return peer.read


def mp4(exchange: Exchange) -> Reason | Next:
    """`/APP/NAME.mp4`: one endless file over HTTP, or `relay.fmp4.1` with an upgrade."""
    if not exchange.request.wants_upgrade_to_websocket:
        return _endless(exchange, _live(exchange), Format.MP4)
    exchange.refuse_if_full()
    peer = WebSocketPeer.accept(exchange, subprotocols=(SUBPROTOCOL,))
    viewer = _Mp4Viewer(exchange.connection, peer, exchange.stream)
    exchange.connection.goodbye = viewer.say_goodbye
    peer.on_text = viewer.answer
    viewer.begin()
    return peer.read


def follow(
    connection: Connection,
    broadcast: Broadcast,
    output_format: Format,
    on_end: Callable[[Reason], None],
) -> None:
    """Let this connection follow a broadcast in one format."""
    facts = {"stream": broadcast.name, "format": output_format.value}
    connection.follow(broadcast.feed(output_format), on_end, facts=facts)


def _live(exchange: Exchange) -> Broadcast:
    broadcast = exchange.services.stage.broadcast(exchange.stream)
    if broadcast is None:
        raise HttpError(404, "nobody is live here", headers=(("Cache-Control", "no-store"),))
    exchange.refuse_if_full()
    return broadcast


def _endless(exchange: Exchange, broadcast: Broadcast, output_format: Format) -> Reason | Next:
    connection = exchange.connection
    connection.outlet.write_nowait(_HEADS[output_format])
    if exchange.request.method == "HEAD":
        return Reason.SERVED
    follow(connection, broadcast, output_format, connection.outlet.fail)
    return partial(_read, connection)


async def _read(connection: Connection) -> Reason:
    while await connection.receive_some():
        pass  # Viewers only ever say goodbye.
    return Reason.PEER_CLOSED


@attrs.define(eq=False)
class _Mp4Viewer:
    """One viewer who speaks `relay.fmp4.1`: stays through silence, returns and new broadcasts."""

    _connection: Connection
    _peer: WebSocketPeer
    _stream: str

    def begin(self) -> None:
        """Show what is live, or say that it is waited for."""
        broadcast = self._connection.services.stage.broadcast(self._stream)
        if broadcast is not None:
            self._show(broadcast)
            return
        self._say_hello(None)
        self._say(waiting("offline", None))
        self._await_next()

    def _show(self, broadcast: Broadcast) -> None:
        self._say_hello(broadcast.session)
        if (message := broadcast.waiting_message) is not None:
            self._say(message)
        follow(self._connection, broadcast, Format.MP4_WS, self._end)

    def _end(self, _reason: Reason) -> None:
        """One broadcast is over; what there was to say about it is in its feed."""
        self._connection.unfollow()
        self._await_next()

    def _await_next(self) -> None:
        stage = self._connection.services.stage
        self._connection.call_after(partial(stage.wait_broadcast, self._stream), self._show)

    def answer(self, text: str) -> None:
        """A `clock` message asks for our time, so that the page can show its latency.

        Raises:
            RemoteProtocolError: the message is not of this protocol.
        """
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            message = None
        match message:
            case {"type": "clock", "id": int(number)}:
                self._say({"type": "clock", "id": number, "server_time_ms": self._now_ms()})
            case {"type": str()}:
                pass  # A later version of the protocol may say more.
            case _:
                reply = self._peer.closing(Reason.PROTOCOL_ERROR)
                raise RemoteProtocolError("not a message of relay.fmp4.1", reply=reply)

    def say_goodbye(self) -> None:
        """The server is going away: come back a little later."""
        self._say({"type": "move", "after_ms": MOVE_AFTER_MS})
        self._peer.close(Reason.SERVER_STOPPING)

    def _say_hello(self, session: str | None) -> None:
        self._say({"type": "hello", "session": session, "server_time_ms": self._now_ms()})
        self._say(details_message(self._connection.services.catalog[self._stream]))

    def _say(self, message: dict[str, Any]) -> None:
        self._connection.outlet.write_nowait(json_frame(message))

    def _now_ms(self) -> int:
        return round(self._connection.services.ports.wall() * 1000)
