"""One connection that speaks the Centrifugo client protocol.

Its task reads, and answers while it reads: a command is done before the next one is looked at,
unless it is a publication, which is acknowledged when it is safe.  So replies need no queue, and
the one joint where something can pile up has a bound: over so many unacknowledged publications
the task does not read on, and TCP pushes back.

Nothing is written but whole frames through the outlet.  What the connection follows is written by
the pump; a subscription begins, synchronously, behind what its reply says (`subscription`).  That
reply must go out first, so replies are kept together for one send only until this task waits.

An idle peer costs what a silent viewer does, and beside it this object, its subscriptions and its
place in a ping group: no task, no timer and no parser of its own.
"""

from collections.abc import Awaitable, Callable
from functools import partial

import attrs
import trio

from relay.errors import FormatError, RemoteProtocolError
from relay.fanout.outlet import Outlet
from relay.http.signals import NEED_DATA
from relay.http.websocket import (
    BinaryMessage,
    CloseReceived,
    PingReceived,
    PongReceived,
    TextMessage,
    WebSocketConnection,
)
from relay.identity.caller import Caller, Kind
from relay.messages.centrifugo import replies
from relay.messages.centrifugo.codes import (
    FORCE_NO_RECONNECT,
    UNSUBSCRIBED_BY_SERVER,
    CommandRefused,
    Disconnect,
    Unsubscribe,
    disconnect_for,
)
from relay.messages.centrifugo.commands import Command, Request, read_commands
from relay.messages.centrifugo.replies import SubscribeResult
from relay.publication import Author, Position
from relay.reasons import Reason
from relay.server.centrifugo.deadlines import Deadline
from relay.server.centrifugo.encoding import text
from relay.server.centrifugo.subscription import Approach, Subscription, Terms, approach, join
from relay.server.connection import LAST_WORDS_S, Connection
from relay.server.services import Services

WINDOW_S = 1.0
"""Commands are counted over so long; who sends too many is let wait for the next."""
PUBLISHING_S = 10.0
"""Publications are counted over so long."""
COMMANDS_PER_TURN = 32
"""Then somebody else's are read."""
MERGED_BYTES = 64 * 1024
"""Of replies in one frame."""


_UNKNOWN = Author("", "")

Answer = Callable[["CentrifugoSession", int, Request], Awaitable[None] | None]
"""Answers a command, by its id: at once, or when what it returns was awaited."""


@attrs.define(eq=False)
class CentrifugoSession:
    """See the head of this module."""

    connection: Connection
    _websocket: WebSocketConnection
    caller: Caller
    """Who its token says it is."""
    _answer: Answer
    client: str = attrs.field(default="", init=False)
    """The connection's id; empty before the first command was accepted."""
    subscriptions: dict[str, Subscription] = attrs.field(factory=dict, init=False)
    author: Author = attrs.field(default=_UNKNOWN, init=False)
    """As others see it."""
    unacknowledged: int = attrs.field(default=0, init=False)
    """Publications under way."""
    _ends: Deadline | None = attrs.field(default=None, init=False)
    """When its token expires; before it has connected, when it is too late for that."""
    is_over: bool = attrs.field(default=False, init=False)
    is_held: bool = attrs.field(default=False, init=False)
    """Whether what the peer says lies unread because we have too much of it."""
    _gone: Reason = attrs.field(default=Reason.PEER_CLOSED, init=False)
    """Why this ends when the peer goes: it may only be answering our close."""
    _group: int | None = attrs.field(default=None, init=False)
    """Of pings."""
    _room: trio.Event | None = attrs.field(default=None, init=False)
    _window_ends: float = attrs.field(default=0.0, init=False)
    _commands: int = attrs.field(default=0, init=False)
    """In this window."""
    _publishing_ends: float = attrs.field(default=0.0, init=False)
    _published: int = attrs.field(default=0, init=False)
    """In a window of their own."""
    _replies: list[bytes] = attrs.field(factory=list, init=False)
    """What goes out when this task waits next."""

    @property
    def services(self) -> Services:
        return self.connection.services

    @property
    def outlet(self) -> Outlet:
        return self.connection.outlet

    @property
    def channels(self) -> tuple[str, ...]:
        return tuple(self.subscriptions)

    # Reading.

    async def serve(self) -> Reason:
        """Read until the peer goes, or is sent away.

        Raises:
            RemoteProtocolError: with the close frame to answer.
            WireBroken: the connection is gone.
        """
        patience = trio.current_time() + self.services.config.limits.handshake_s
        self._ends = self.services.deadlines.at(patience, self._expire)
        try:
            # What came with the request.
            await self._take(b"")
            while not self.is_over and (data := await self.connection.receive_some()):
                await self._take(data)
                del data
            return self._gone
        finally:
            self._leave_all()

    async def _take(self, data: bytes) -> None:
        """Carry out what has come in whole, and send the replies."""
        self._websocket.receive_data(data)
        while not self.is_over and (event := self._websocket.next_event()) is not NEED_DATA:
            match event:
                case TextMessage(message):
                    await self._carry_out_all(message)
                case BinaryMessage(message):
                    await self._carry_out_all(self._decoded(message))
                case PingReceived(reply=reply):
                    self.outlet.write_nowait(reply)
                    await self._count()
                case PongReceived():
                    await self._count()
                case CloseReceived(reply=reply):
                    self.outlet.write_nowait(reply)
                    self.is_over = True
        self.flush()

    def _decoded(self, message: bytes) -> str:
        """Some clients write their text into binary messages."""
        try:
            return message.decode()
        except UnicodeDecodeError as error:
            raise self.broken(str(error)) from None

    async def _carry_out_all(self, message: str) -> None:
        try:
            commands = read_commands(message)
        except FormatError as error:
            raise self.broken(str(error)) from None
        for number, command in enumerate(commands, 1):
            await self._count()
            await self._carry_out(command)
            if self.is_over:
                return
            if number % COMMANDS_PER_TURN == 0:
                await self._hold(self.services.turns.wait)

    async def _carry_out(self, command: Command) -> None:
        """One command, up to its reply, or until it is under way."""
        if self.unacknowledged >= self.services.config.limits.unacknowledged_publishes:
            await self._hold(self._wait_room)
        request = command.request
        if request is None or not command.id:
            self._take_idless(command)
            return
        try:
            waiting = self._answer(self, command.id, request)
            if waiting is not None:
                self.flush()
                await waiting
        except CommandRefused as refused:
            self.reply(replies.refusal(command.id, refused.code))

    def _take_idless(self, command: Command) -> None:
        """A pong, or a message that nobody answers."""
        if command.id or (command.request is not None and command.send is None):
            raise self.broken("a command has an id and a request")
        if self._group is None:
            raise self.broken("the first command is connect")
        if command.request is None:
            self.services.pings.answered(self._group, self)

    # Not reading.

    async def _count(self) -> None:
        """Count a command, or what is none and costs as much; over the limit, wait."""
        now = self.services.ports.monotonic()
        if now >= self._window_ends:
            self._window_ends, self._commands = now + WINDOW_S, 0
        self._commands += 1
        most = WINDOW_S * self.services.config.limits.commands_per_s
        if self._commands > most and self.caller.kind is not Kind.OPERATOR:
            await self._hold(partial(trio.sleep, self._window_ends - now))

    async def _hold(self, until: Callable[[], Awaitable[None]]) -> None:
        """Let what the peer says lie unread meanwhile."""
        self.flush()
        self.is_held = True
        try:
            await until()
        finally:
            self.is_held = False

    async def _wait_room(self) -> None:
        """Wait until a publication has been acknowledged."""
        self._room = trio.Event()
        await self._room.wait()

    def acknowledged(self) -> None:
        """A publication is not under way any more."""
        self.unacknowledged -= 1
        if self._room is not None:
            self._room.set()
            self._room = None

    def may_publish_more(self, per_s: float) -> bool:
        """Count a publication; whether there were no more than so many lately."""
        now = self.services.ports.monotonic()
        if now >= self._publishing_ends:
            self._publishing_ends, self._published = now + PUBLISHING_S, 0
        self._published += 1
        return self.caller.kind is Kind.OPERATOR or self._published <= PUBLISHING_S * per_s

    # Writing.

    def reply(self, line: bytes) -> None:
        """Send this when the task waits next; at once if that would be too much together."""
        self._replies.append(line)
        if len(line) > MERGED_BYTES // COMMANDS_PER_TURN:
            self.flush()

    def flush(self) -> None:
        """Send what is to be sent."""
        if self._replies:
            lines, self._replies = self._replies, []
            self.push(b"\n".join(lines))

    def push(self, line: bytes) -> None:
        """Send something now."""
        if not self.is_over:
            self.outlet.write_nowait(text(line))

    # Being connected.

    def begin(self, caller: Caller, client: str) -> None:
        """The first command was accepted, and its reply is ready to go."""
        self.caller, self.client = caller, client
        self.author = Author(caller.sub, client, caller.info)
        self.services.sessions.add(self)
        self._group = self.services.pings.add(self)
        self.expire_at(caller.expires_at)
        self.connection.facts |= {"user": caller.sub, "client_id": client}
        if caller.kind > Kind.NOBODY:
            self.connection.stranger.leave()

    def expire_at(self, when: float | None) -> None:
        """End then, unless another token is shown before; None for never."""
        if self._ends is not None:
            self._ends.cancel()
            self._ends = None
        if when is not None:
            left = when - self.services.ports.wall() + self.services.config.limits.expired_grace_s
            self._ends = self.services.deadlines.at(trio.current_time() + left, self._expire)

    def _expire(self) -> None:
        self.end(Reason.TOKEN_EXPIRED if self.client else Reason.HANDSHAKE_TIMEOUT)

    def join(self, near: Approach, terms: Terms) -> SubscribeResult:
        """Subscribe; the result must be written before anybody waits.

        Raises:
            CommandRefused: it cannot be done.
        """
        result = join(self, near, terms)
        self.connection.stranger.leave()
        return result

    # What the server API does.

    async def subscribe_to(
        self,
        channel: str,
        *,
        since: Position | None = None,
        data: bytes = b"",
        info: bytes = b"",
        expires_at: float | None = None,
    ) -> None:
        near = await approach(self.services.hub, channel, self.caller, since)
        if self.is_over or channel in self.subscriptions:
            return
        author = attrs.evolve(self.author, info=info) if info else self.author
        terms = Terms(author=author, data=data, expires_at=expires_at)
        self.push(replies.subscribed(channel, self.join(near, terms)))

    def unsubscribe_from(self, channel: str, why: Unsubscribe = UNSUBSCRIBED_BY_SERVER) -> bool:
        subscription = self.subscriptions.get(channel)
        if subscription is None:
            return False
        subscription.end(why)
        return True

    def send_away(self, why: Disconnect = FORCE_NO_RECONNECT) -> None:
        self.end(Reason.SENT_AWAY, why)

    # The end.

    def fall_behind(self) -> None:
        """It has missed something; it comes back and recovers that."""
        self.end(Reason.SUBSCRIBER_TOO_SLOW)

    def end_silent(self) -> None:
        self.end(Reason.PING_TIMEOUT)

    def say_goodbye(self) -> None:
        """The server is going away."""
        self._close(Reason.SERVER_STOPPING, disconnect_for(Reason.SERVER_STOPPING))

    def broken(self, problem: str) -> RemoteProtocolError:
        """The peer has broken the protocol."""
        self.flush()
        why = disconnect_for(Reason.PROTOCOL_ERROR)
        return RemoteProtocolError(problem, reply=self._websocket.close(why.code, why.reason))

    def end(self, reason: Reason, why: Disconnect | None = None) -> None:
        """Say why, and end the connection."""
        if self.is_over:
            return
        self._close(reason, disconnect_for(reason) if why is None else why)
        outlet = self.outlet
        if not outlet.backlogged:
            outlet.fail(reason)
            return
        # A slow one must come to the reason behind what it has not read yet: it says to come back.
        self.connection.call_after(partial(_drained_or_late, outlet), lambda _: outlet.fail(reason))

    def _close(self, reason: Reason, why: Disconnect) -> None:
        """Say why this connection ends; nothing may come after it (RFC 6455, 5.5.1)."""
        self.flush()
        self._leave_all()
        self._gone, self.is_over = reason, True
        self.outlet.write_nowait(self._websocket.close(why.code, why.reason))

    def _leave_all(self) -> None:
        """May be called twice."""
        for subscription in list(self.subscriptions.values()):
            subscription.leave()
        if self._group is not None:
            self.services.pings.remove(self._group, self)
            self._group = None
        self.expire_at(None)
        self.services.sessions.remove(self)


async def _drained_or_late(outlet: Outlet) -> None:
    with trio.move_on_after(LAST_WORDS_S):
        await outlet.wait_drained()
