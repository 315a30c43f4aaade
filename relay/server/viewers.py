"""Viewers: FLV and fragmented MP4, over HTTP and over WebSocket.

A viewer's task reads, because viewers say little and leave without a word; what they see is written
by the pump.  A second, small task waits for the end of what is followed.
"""

import json
from typing import Any

import attrs

from relay.errors import RemoteProtocolError
from relay.fanout.follower import Follower
from relay.http.errors import HttpError
from relay.http.response import Response
from relay.http.response_head import media_head
from relay.live.broadcast import Broadcast, waiting
from relay.live.encodings import Format, json_frame
from relay.reasons import Reason
from relay.server.connection import Connection
from relay.server.exchange import Exchange
from relay.server.websocket import WebSocketPeer

SUBPROTOCOL = "relay.fmp4.1"
MOVE_AFTER_MS = 500
"""At shutdown viewers are told to come back after this long; a restart takes about that."""

_MEDIA_TYPES = {Format.FLV: "video/x-flv", Format.MP4: "video/mp4"}


async def flv(exchange: Exchange) -> Response | Reason:
    """`/APP/NAME.flv`: FLV over HTTP, or over WebSocket with an upgrade."""
    broadcast = _live(exchange)
    if not exchange.request.wants_upgrade_to_websocket:
        return await _endless(exchange, broadcast, Format.FLV)
    peer = WebSocketPeer.accept(exchange)
    follower = follow(exchange.connection, broadcast, Format.FLV_WS)
    exchange.connection.nursery.start_soon(peer.end_with, follower)
    return await peer.read(_ignore)


async def mp4(exchange: Exchange) -> Response | Reason:
    """`/APP/NAME.mp4`: one endless file over HTTP, or `relay.fmp4.1` with an upgrade."""
    if not exchange.request.wants_upgrade_to_websocket:
        return await _endless(exchange, _live(exchange), Format.MP4)
    exchange.refuse_if_full()
    peer = WebSocketPeer.accept(exchange, subprotocols=(SUBPROTOCOL,))
    viewer = _Mp4Viewer(exchange.connection, peer, exchange.stream)
    exchange.connection.goodbye = viewer.say_goodbye
    exchange.connection.nursery.start_soon(viewer.show)
    return await peer.read(viewer.answer)


def follow(connection: Connection, broadcast: Broadcast, output_format: Format) -> Follower:
    """Let this connection follow a broadcast in one format."""
    facts = {"stream": broadcast.name, "format": output_format.value}
    return connection.follow(broadcast.feed(output_format), facts=facts)


def _live(exchange: Exchange) -> Broadcast:
    broadcast = exchange.services.stage.broadcast(exchange.stream)
    if broadcast is None:
        raise HttpError(404, "nobody is live here", headers=(("Cache-Control", "no-store"),))
    exchange.refuse_if_full()
    return broadcast


async def _endless(exchange: Exchange, broadcast: Broadcast, output_format: Format) -> Reason:
    connection = exchange.connection
    connection.outlet.write_nowait(media_head(_MEDIA_TYPES[output_format]))
    if exchange.request.method == "HEAD":
        return Reason.SERVED
    follower = follow(connection, broadcast, output_format)
    connection.nursery.start_soon(_end_with, connection, follower)
    while await connection.receive_some():
        pass  # Viewers only ever say goodbye.
    return Reason.PEER_CLOSED


async def _end_with(connection: Connection, follower: Follower) -> None:
    await follower.ended.wait()
    await connection.outlet.wait_drained()
    assert follower.end_reason is not None
    connection.outlet.fail(follower.end_reason)


def _ignore(text: str) -> None:
    """FLV players have nothing to say that we know of."""


@attrs.define(eq=False)
class _Mp4Viewer:
    """One viewer who speaks `relay.fmp4.1`: stays through silence, returns and new broadcasts."""

    _connection: Connection
    _peer: WebSocketPeer
    _stream: str

    async def show(self) -> None:
        """Show one broadcast after the other, and say what is waited for between them."""
        stage = self._connection.services.stage
        broadcast = stage.broadcast(self._stream)
        if broadcast is None:
            self._say_hello(None)
            self._say(waiting("offline", None))
        while True:
            broadcast = await stage.wait_broadcast(self._stream)
            self._say_hello(broadcast.session)
            if (message := broadcast.waiting_message) is not None:
                self._say(message)
            follower = follow(self._connection, broadcast, Format.MP4_WS)
            await follower.ended.wait()
            # Unfollowing drops what is queued, and with it the last pictures and the end itself.
            await self._connection.outlet.wait_drained()
            self._connection.unfollow()

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

    def _say(self, message: dict[str, Any]) -> None:
        self._connection.outlet.write_nowait(json_frame(message))

    def _now_ms(self) -> int:
        return round(self._connection.services.ports.wall() * 1000)
