"""One connection that speaks the Centrifugo client protocol: what it is, follows and says.

Its task reads, and answers while it reads (`reading`): a command is done before the next one is
looked at, unless it is a publication, which is acknowledged when it is safe.  So replies need no
queue, and the one joint where something can pile up has a bound (`flow`).

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

from relay.errors import RemoteProtocolError
from relay.fanout.outlet import Outlet
from relay.http.websocket import WebSocketConnection
from relay.identity.caller import Caller, Kind
from relay.messages.centrifugo import replies
from relay.messages.centrifugo.codes import (
    FORCE_NO_RECONNECT,
    UNSUBSCRIBED_BY_SERVER,
    Disconnect,
    Unsubscribe,
    disconnect_for,
)
from relay.messages.centrifugo.replies import SubscribeResult
from relay.publication import Author, Position
from relay.reasons import Reason
from relay.server.centrifugo.deadlines import Deadline
from relay.server.centrifugo.encoding import text
from relay.server.centrifugo.flow import Flow
from relay.server.centrifugo.subscription import Approach, Subscription, Terms, approach, join
from relay.server.connection import LAST_WORDS_S, Connection
from relay.server.services import Services

LARGE_BYTES = 2048
"""Of a reply that is not merged with others: some clients take no large message."""

_UNKNOWN = Author("", "")


@attrs.define(eq=False)
class CentrifugoSession:
    """See the head of this module."""

    connection: Connection
    websocket: WebSocketConnection
    caller: Caller
    """Who its token says it is."""
    flow: Flow
    client: str = attrs.field(default="", init=False)
    """The connection's id; empty before the first command was accepted."""
    subscriptions: dict[str, Subscription] = attrs.field(factory=dict, init=False)
    author: Author = attrs.field(default=_UNKNOWN, init=False)
    """As others see it."""
    _ends: Deadline | None = attrs.field(default=None, init=False)
    """When its token expires; before it has connected, when it is too late for that."""
    is_over: bool = attrs.field(default=False, init=False)
    is_held: bool = attrs.field(default=False, init=False)
    """Whether what the peer says lies unread because we have too much of it."""
    gone: Reason = attrs.field(default=Reason.PEER_CLOSED, init=False)
    """Why this ends when the peer goes: it may only be answering our close."""
    group: int | None = attrs.field(default=None, init=False)
    """Of pings."""
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

    async def hold(self, until: Callable[[], Awaitable[None]]) -> None:
        """Let what the peer says lie unread meanwhile."""
        self.flush()
        self.is_held = True
        try:
            await until()
        finally:
            self.is_held = False

    # Writing.

    def reply(self, line: bytes) -> None:
        """Send this when the task waits next."""
        if len(line) > LARGE_BYTES:
            self.flush()
            self.push(line)
        else:
            self._replies.append(line)

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
        self.flow.is_bounded = caller.kind is not Kind.OPERATOR
        self.author = Author(caller.sub, client, caller.info)
        self.services.sessions.add(self)
        self.group = self.services.pings.add(self)
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

    def expect_connect(self) -> None:
        """Its first command must come before long."""
        patience = trio.current_time() + self.services.config.limits.handshake_s
        self._ends = self.services.deadlines.at(patience, self._expire)

    def _expire(self) -> None:
        self.end(Reason.TOKEN_EXPIRED if self.client else Reason.HANDSHAKE_TIMEOUT)

    def join(self, near: Approach, terms: Terms, most_bytes: int = 0) -> SubscribeResult:
        """Subscribe; the result must be written before anybody waits.

        It holds at most so many bytes of publications; 0 for as many as a reply may.

        Raises:
            CommandRefused: it cannot be done.
        """
        result = join(self, near, terms, most_bytes or self.services.config.limits.reply_bytes)
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
        return RemoteProtocolError(problem, reply=self.websocket.close(why.code, why.reason))

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
        self.leave_all()
        self.gone, self.is_over = reason, True
        self.outlet.write_nowait(self.websocket.close(why.code, why.reason))

    def leave_all(self) -> None:
        """May be called twice."""
        for subscription in list(self.subscriptions.values()):
            subscription.leave()
        if self.group is not None:
            self.services.pings.remove(self.group, self)
            self.group = None
        self.expire_at(None)
        self.services.sessions.remove(self)


async def _drained_or_late(outlet: Outlet) -> None:
    with trio.move_on_after(LAST_WORDS_S):
        await outlet.wait_drained()
