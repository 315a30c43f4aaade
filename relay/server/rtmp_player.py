"""An RTMP player: who may watch, what it is told, and its few words while it watches.

What it sees is written by the pump, from a feed of `relay.live.rtmp_encoding`.  Like every viewer
its task only reads, and what it costs is what that task holds.

**Who.**  RTMP has no headers, so a token comes in the URL, `NAME?token=...`: of a user, a guest or
the operator, and a wrong one is an error, as over HTTP.  Then the site is asked, where it wants to
be.  A stream key says nothing about who watches, and is passed over.

**What is not live** is refused at once, as over HTTP: `StreamNotFound` makes ffplay, mpv and VLC
say so.  Flash, nginx-rtmp and SRS let a player wait, and its window stays black without a word,
the more so where a name was mistyped.  In a hold there is something to wait for, and players do.

**Live has no past.**  `start` and `duration` are not obeyed: librtmp counts in milliseconds what
the specification counts in seconds, and who wants less can hang up.  `seek` is granted, because
ffplay waits for the answer for ever and takes a refusal for the end, and goes on at the last
keyframe; so does who comes back from `pause`.  There is one programme for all, so whoever wants
no sound (`receiveAudio`) gets it all the same, and need not play it.

**The end** is told when the broadcast is over and never during a hold: librtmp and ffmpeg hang up
on `UnpublishNotify`.
"""

from math import inf

import attrs
import trio

from relay.errors import RemoteProtocolError
from relay.identity.caller import NOBODY, Caller, Kind
from relay.identity.tokens import TokenExpired, TokenInvalid
from relay.live.broadcast import Broadcast
from relay.live.encodings import Format
from relay.live.rtmp_encoding import MESSAGE_STREAM_ID
from relay.live.statistics import State as BroadcastState
from relay.reasons import Reason
from relay.rtmp import (
    NEED_DATA,
    CloseStream,
    ConnectionClosed,
    DeleteStream,
    Pause,
    Play,
    PlayEnded,
    PlayStarted,
    Publish,
    Receive,
    Received,
    Seek,
    State,
    Status,
    StreamAddress,
)
from relay.rtmp.urls import KEY_PREFIX
from relay.server.connection import Connection, Next
from relay.server.rtmp_peer import Refusal, RtmpPeer

WINDOW_S = 10.0
"""Words are counted over so long: a seek or two are no flood."""

NOT_FOUND, FAILED = "NetStream.Play.StreamNotFound", "NetStream.Play.Failed"


async def play(peer: RtmpPeer, asked: Play) -> Reason | Next:
    """Let a peer play what it asks for, or refuse it, which ends the connection."""
    player = _Player(peer)
    return await player.begin(asked) or player.read


@attrs.define(eq=False)
class _Player:
    """See the head of this module."""

    _peer: RtmpPeer
    _broadcast: Broadcast | None = attrs.field(default=None, init=False)
    """What is played, or paused."""
    _stopped_at: float = attrs.field(default=inf, init=False)
    """Since when it plays nothing."""
    _window_ends: float = attrs.field(default=0.0, init=False)
    _heard: int = attrs.field(default=0, init=False)
    """Bytes, in this window."""

    @property
    def _connection(self) -> Connection:
        return self._peer.connection

    async def begin(self, asked: Play) -> Reason | None:
        """Play this from now on; or why not, which has been said."""
        self._stop()
        # A read may hold a hundred of them.
        await self._connection.services.turns.wait()
        broadcast = await self._permitted(asked)
        if isinstance(broadcast, Refusal):
            return self._refuse(asked.stream_id, broadcast)
        self._broadcast, self._stopped_at = broadcast, inf
        self._peer.send(PlayStarted(asked.stream_id, broadcast.name, asked.reset))
        self._follow(broadcast, returns=False)
        return None

    def _refuse(self, stream_id: int, refusal: Refusal) -> Reason:
        if refusal.reason not in (Reason.PEER_CLOSED, Reason.PEER_LOST):
            code = NOT_FOUND if refusal.reason is Reason.NOT_LIVE else FAILED
            self._peer.send(Status(stream_id, "error", code, refusal.description))
        return refusal.reason

    # Who may.

    async def _permitted(self, asked: Play) -> Broadcast | Refusal:
        """What it is let play."""
        if asked.stream_id != MESSAGE_STREAM_ID:
            return Refusal(Reason.PROTOCOL_ERROR, "createStream has given another message stream")
        address = self._peer.address(asked.name)
        if isinstance(address, Refusal):
            return address
        if address.name is None:
            return Refusal(Reason.INVALID_NAME, "a stream is watched by its name")
        stream = f"{address.app}/{address.name}"
        facts = self._connection.facts
        facts |= {"stream": stream, "player": facts.pop("encoder", facts.get("player", ""))}
        refusal = await self._refusal(stream, address)
        return refusal or self._live(stream)

    async def _refusal(self, stream: str, address: StreamAddress) -> Refusal | None:
        """Why this viewer may not watch, by its token or by the site's word."""
        caller = self._caller(address)
        if isinstance(caller, Refusal):
            return caller
        connection = self._connection
        ask = connection.services.permissions.to_play(
            stream, caller, connection.client, address.parameters
        )
        if ask is None:
            return None
        if ask.is_under_way or caller.kind >= Kind.USER:
            # As over HTTP (`playing`): it waits for an answer that comes anyway, or is known.
            connection.stranger.leave()
        refusal = await self._peer.refusal_by_site(ask)
        # Thousands may have waited for this answer.
        await connection.services.turns.wait()
        return refusal

    def _caller(self, address: StreamAddress) -> Caller | Refusal:
        token = address.key
        if token is None or token.startswith(KEY_PREFIX):
            return NOBODY
        try:
            return self._connection.services.access.identify(token)
        except TokenExpired:
            return Refusal(Reason.TOKEN_EXPIRED)
        except TokenInvalid as error:
            return Refusal(Reason.WRONG_TOKEN, str(error))

    def _live(self, stream: str) -> Broadcast | Refusal:
        services = self._connection.services
        broadcast = services.stage.broadcast(stream)
        if broadcast is None:
            return Refusal(Reason.NOT_LIVE)
        if services.budget.is_full:
            return Refusal(Reason.SERVER_FULL)
        return broadcast

    # What is seen.

    def _follow(self, broadcast: Broadcast, *, returns: bool = True) -> None:
        """Go on at the last keyframe, or at the next one where none is kept."""
        feed = broadcast.feed(Format.RTMP, returns=returns)
        facts = {"stream": broadcast.name, "format": Format.RTMP.value}
        self._connection.follow(feed, self._end, facts=facts)

    def _stop(self) -> None:
        self._connection.unfollow()
        self._broadcast = None
        self._stopped_at = trio.current_time()

    def _end(self, reason: Reason) -> None:
        """The broadcast is over, and all of it is with the kernel."""
        self._peer.send(PlayEnded(MESSAGE_STREAM_ID, reason.description))
        self._connection.outlet.fail(reason)

    # What is heard.

    async def read(self) -> Reason:
        """Read until the peer goes; why this ended.

        Raises:
            RemoteProtocolError: the peer broke the protocol.
            WireBroken: the connection is gone.
        """
        rtmp = self._peer.rtmp
        while True:
            event = rtmp.next_event()
            if event is NEED_DATA:
                self._peer.flush()
                if self._broadcast is None and not await self._is_heard():
                    return Reason.IDLE_TIMEOUT
                data = await self._connection.receive_some()
                rtmp.receive_data(data)
                self._count(len(data))
                # It waits for hours, and must hold nothing meanwhile.
                del data, event
            elif (reason := await self._take(event)) is not None:
                return reason

    async def _is_heard(self) -> bool:
        """Whether somebody who plays nothing says something while there is patience."""
        patience_s = self._connection.services.config.limits.handshake_s
        with trio.move_on_at(self._stopped_at + patience_s):
            await self._connection.wire.wait_readable()
            return True
        return False

    def _count(self, size: int) -> None:
        """Raises RemoteProtocolError when it says too much for somebody who watches."""
        services = self._connection.services
        now = services.ports.monotonic()
        if now >= self._window_ends:
            self._window_ends, self._heard = now + WINDOW_S, 0
        self._heard += size
        if self._heard > WINDOW_S * services.config.limits.player_bytes_per_s:
            problem = "says much for somebody who plays"
            refusal = Status(MESSAGE_STREAM_ID, "error", FAILED, problem)
            raise RemoteProtocolError(problem, reply=self._peer.rtmp.send(refusal))

    async def _take(self, event: Received) -> Reason | None:
        """Do what it asks for; why the connection is to end, if it is."""
        match event:
            case ConnectionClosed():
                return Reason.PEER_CLOSED
            case Play():
                return await self.begin(event)
            case Publish(stream_id=stream_id):
                problem = "one connection publishes or plays, and not both"
                self._peer.send(Status(stream_id, "error", "NetStream.Publish.Rejected", problem))
                self._connection.facts["problem"] = problem
                return Reason.PROTOCOL_ERROR
            case Pause() | Seek() | Receive():
                # Each may be a GOP once more, and a read may hold a hundred.
                await self._connection.services.turns.wait()
                self._control(event)
            case DeleteStream() | CloseStream():
                # It may have been another one that nothing is played on.
                if self._peer.rtmp.state is State.CONNECTED:
                    self._stop()
            case _:
                self._peer.answer(event)
        return None

    def _control(self, event: Pause | Seek | Receive) -> None:
        broadcast = self._broadcast
        if broadcast is None:
            return
        match event:
            case Pause(is_paused=True):
                self._connection.unfollow()
                self._say("Pause.Notify", f"{broadcast.name} is paused.")
            case Pause():
                self._say("Unpause.Notify", f"{broadcast.name} goes on.")
                self._go_on(broadcast)
            case Seek():
                self._say("Seek.Notify", f"{broadcast.name} is live, and goes on.")
                if self._connection.follower is not None:
                    self._connection.unfollow()
                    self._go_on(broadcast)
            case Receive(is_wanted=True):
                # What 7.2.2.4 wants; there is no answer to `false`.
                self._say("Seek.Notify", f"{broadcast.name} is live, and goes on.")
                self._say("Play.Start", f"{broadcast.name} is played now.")

    def _go_on(self, broadcast: Broadcast) -> None:
        if broadcast.state is BroadcastState.ENDED:
            self._end(Reason.BROADCAST_ENDED)
        elif self._connection.follower is None:
            self._follow(broadcast)

    def _say(self, code: str, description: str) -> None:
        self._peer.send(Status(MESSAGE_STREAM_ID, "status", f"NetStream.{code}", description))
