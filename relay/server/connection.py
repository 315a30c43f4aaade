"""One connection, from accept to its one log line.

One task owns a connection: it reads, keeps the state machine and is cancelled as a whole.  Whatever
ends it, it ends here, for one named reason: the session returns one, an outlet fails with one, an
error carries one.  The goodbye that its protocol has is sent, the line is logged, the sums are
kept, and the socket is closed: gently where the peer is to read our last words, at once where a
frame may be torn.

A viewer stays for hours and says next to nothing, so what it costs is what its waiting task holds.
A session that has become one therefore does not wait itself: it returns what is to be done *next*,
and its frames, the request and its parser are gone before that begins.  There is no nursery for
each connection either: what runs beside the task, a drainer at most, runs in the one nursery of all
connections, and ends when the outlet has.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from math import inf
from typing import Any, TypeVar

import attrs
import structlog
import trio

from relay.errors import RemoteProtocolError, WireBroken
from relay.fanout.feed import Feed
from relay.fanout.follower import Follower, FollowerStatistics
from relay.fanout.outlet import Outlet
from relay.identity.redact import redact
from relay.ports import Wire
from relay.reasons import Reason
from relay.server.admission import Stranger
from relay.server.services import Services

log = structlog.get_logger("relay.connection")

READ_BYTES = 64 * 1024
WORDS_BYTES = 4096
"""What is read at once of a peer who does not publish: its turn must be short."""
WORD_BYTES, WORD_EVERY_S = 128, 1.0
"""Who says no more than this, and no more often, needs no turn: most words are pongs, and a turn
costs more than to read one."""
T = TypeVar("T")

LAST_WORDS_S = 2.0
"""How long a goodbye may take: until it is with the kernel, and until the peer has read it."""

_TORN = (Reason.PEER_LOST, Reason.VIEWER_STALLED, Reason.OUTLET_OVERFLOW, Reason.VIEWER_TOO_SLOW)


@attrs.define(eq=False)
class Connection:
    """What a session works with."""

    services: Services
    wire: Wire
    protocol: str
    outlet: Outlet
    stranger: Stranger
    client: str
    """Address without port; behind trusted proxies the client's own."""
    is_operators: bool = False
    """Whether it came in by the operator's listener."""
    is_secure: bool = False
    """Whether it has TLS that ends here, and not at a proxy."""
    _nursery: trio.Nursery = attrs.field(kw_only=True)
    """Of all connections."""
    scope: trio.CancelScope = attrs.field(kw_only=True)
    opened: float = attrs.field(kw_only=True)
    facts: dict[str, Any] = attrs.field(factory=dict)
    """For the log line."""
    follower: Follower | None = None
    goodbye: Callable[[], None] | None = None
    """Says in this connection's protocol that the server is going away."""
    received_bytes: int = 0
    _heard_at: float = attrs.field(default=-inf, init=False)
    _given_back: bytes = attrs.field(default=b"", init=False)
    _missed: FollowerStatistics = attrs.field(default=FollowerStatistics(0, 0), init=False)
    """By what this connection followed before."""
    _awaiting: trio.CancelScope | None = attrs.field(default=None, init=False)

    async def receive_some(self) -> bytes:
        """What has arrived; `b""` when the peer will send no more.

        Raises:
            WireBroken: the connection is gone.
        """
        if self._given_back:
            data, self._given_back = self._given_back, b""
            await trio.lowlevel.checkpoint()
            return data
        data = await self.wire.receive_some(WORDS_BYTES)
        is_first = not self.received_bytes
        self.received_bytes += len(data)
        heard_at, self._heard_at = self._heard_at, self.services.ports.monotonic()
        is_word = len(data) <= WORD_BYTES and self._heard_at >= heard_at + WORD_EVERY_S
        if is_word and not is_first:
            return data
        self.stranger.is_unheard = is_first
        await self.services.turns.wait()
        self.stranger.is_unheard = False
        return data

    async def wait_gone(self) -> Reason:
        """Wait until the peer is gone.  What it says meanwhile is kept for `receive_some`.

        Only one read of it: a peer that goes on talking while it waits for an answer waits for
        itself, and whether it goes is not seen any more.
        """
        while not self._given_back:
            try:
                await self.wire.wait_readable()
                data = self.wire.receive_nowait(WORDS_BYTES)
            except BlockingIOError:
                continue
            except WireBroken:
                return Reason.PEER_LOST
            if not data:
                return Reason.PEER_CLOSED
            self.received_bytes += len(data)
            self._given_back = data
        await trio.sleep_forever()
        raise AssertionError("unreachable")

    def take_read_ahead(self) -> bytes:
        """What `wait_gone` has kept, for somebody who goes on by `receive_media`."""
        data, self._given_back = self._given_back, b""
        return data

    def receive_media(self) -> bytes:
        """What has arrived of a publisher, who needs no turn; `b""` when it will send no more.

        Raises:
            BlockingIOError: nothing has.
            WireBroken: the connection is gone.
        """
        data = self.wire.receive_nowait(READ_BYTES)
        self.received_bytes += len(data)
        return data

    def give_back(self, data: bytes) -> None:
        """Let the next `receive_some` return `data`: it belongs to the session."""
        self._given_back = data

    def follow(
        self, feed: Feed, on_end: Callable[[Reason], None], *, facts: dict[str, Any]
    ) -> None:
        """Follow a feed until `unfollow`, or the end of this connection.

        `on_end` is called when the feed has ended and everything of it is with the kernel.
        """
        services = self.services
        follower = Follower(
            feed,
            self.outlet,
            services.ports.monotonic,
            services.config.limits.lags_per_minute,
            on_end,
        )
        self.stranger.leave()
        self.follower = follower
        self.facts |= facts
        feed.add(follower)

    def call_after(self, wait: Callable[[], Awaitable[T]], then: Callable[[T], None]) -> None:
        """Wait in a task of its own, then call `then`; unless `unfollow` comes first."""
        self._awaiting = trio.CancelScope()
        self._nursery.start_soon(_call_after, self._awaiting, wait, then)

    def unfollow(self) -> None:
        """Follow nothing; what was missed so far is kept for the log line."""
        if self._awaiting is not None:
            self._awaiting.cancel()
            self._awaiting = None
        self._missed = self.missed()
        if self.follower is not None:
            self.follower.leave()
            self.follower = None

    def missed(self) -> FollowerStatistics:
        """What this connection has not got of all that it followed."""
        before = self._missed
        if self.follower is None:
            return before
        now = self.follower.statistics()
        return FollowerStatistics(
            before.skipped_packets + now.skipped_packets, before.gaps + now.gaps
        )


async def _call_after(
    scope: trio.CancelScope, wait: Callable[[], Awaitable[T]], then: Callable[[T], None]
) -> None:
    with scope:
        result = await wait()
        # Both may have happened at once.
        if not scope.cancel_called:
            then(result)


Next = Callable[[], Awaitable[Reason]]
"""What is to be done once the session that returned it is gone."""
Session = Callable[[Connection], Awaitable[Reason | Next]]


def open_connection(
    services: Services,
    wire: Wire,
    protocol: str,
    nursery: trio.Nursery,
    *,
    is_operators: bool = False,
    is_secure: bool = False,
) -> Connection:
    """Count a wire that was accepted; `serve_connection` comes next, in a task of `nursery`."""
    scope = trio.CancelScope()
    outlet = Outlet(
        wire,
        limits=services.outlet_limits,
        budget=services.budget,
        clock=services.ports.monotonic,
        spawn=nursery.start_soon,
        on_fail=scope.cancel,
    )
    client = host_of(wire)
    stranger = services.admission.enter(client, partial(outlet.fail, Reason.IDLE_TIMEOUT))
    connection = Connection(
        services,
        wire,
        protocol,
        outlet,
        stranger,
        client,
        is_operators,
        is_secure,
        scope=scope,
        nursery=nursery,
        opened=services.ports.monotonic(),
    )
    services.admission.connections += 1
    services.connections[connection] = None
    return connection


async def serve_connection(connection: Connection, session: Session) -> None:
    """Run one session on one connection."""
    services, outlet = connection.services, connection.outlet
    try:
        with connection.scope:
            try:
                reason = await _reason(connection, session)
                connection.unfollow()
                with trio.move_on_after(LAST_WORDS_S):
                    await outlet.wait_drained()
                outlet.fail(reason)
            finally:
                connection.unfollow()
        await _linger(connection)
        # Thousands may leave at once, and the line about each is most of what that costs.
        await services.turns.wait()
    finally:
        services.admission.connections -= 1
        connection.stranger.leave()
        # Who says goodbye knows this connection: no cycle is left for the garbage collector.
        connection.goodbye = None
        _close(connection)
        services.connections.pop(connection, None)
        _record(connection)


def host_of(wire: Wire) -> str:
    """The peer's address without its port."""
    return wire.peer.rpartition(":")[0].strip("[]")


async def _reason(connection: Connection, session: Session) -> Reason:
    """Run the session; why it ended."""
    try:
        with trio.fail_after(connection.services.config.limits.handshake_s):
            await connection.wire.start()
        result = await session(connection)
        return result if isinstance(result, Reason) else await result()
    except RemoteProtocolError as error:
        connection.facts["problem"] = redact(str(error))
        if error.reply:
            connection.outlet.write_nowait(error.reply)
        return Reason.PROTOCOL_ERROR
    except WireBroken:
        return Reason.PEER_LOST
    except trio.TooSlowError:
        return Reason.HANDSHAKE_TIMEOUT
    except Exception:
        log.exception("session failed", protocol=connection.protocol, **connection.facts)
        return Reason.INTERNAL_ERROR


async def _linger(connection: Connection) -> None:
    """Let the peer read our last words.

    A socket that is closed while something unread lies in it is reset, and a reset throws away
    what the peer has not read yet: the refusal, say, that an encoder is to show.
    """
    reason = connection.outlet.reason
    if reason in _TORN or reason is Reason.IDLE_TIMEOUT or connection.outlet.backlogged:
        # Who was idle is told nothing, and one that made room for a newcomer must not stay.
        return
    connection.wire.finish()
    with trio.move_on_after(LAST_WORDS_S):
        try:
            while await connection.wire.receive_some(READ_BYTES):
                await connection.services.turns.wait()
        except WireBroken:
            return


def _close(connection: Connection) -> None:
    outlet = connection.outlet
    if outlet.reason is None:
        # Cancelled from outside: the server has run out of patience.
        outlet.reason = Reason.SERVER_STOPPING
    if outlet.reason in _TORN or outlet.backlogged:
        outlet.abort()
    else:
        outlet.close()


def _record(connection: Connection) -> None:
    seconds = connection.services.ports.monotonic() - connection.opened
    reason = connection.outlet.reason or Reason.INTERNAL_ERROR
    sent = connection.outlet.statistics()
    tally = connection.services.tally
    tally.connections[connection.protocol, reason] += 1
    tally.received_bytes[connection.protocol] += connection.received_bytes
    tally.sent_bytes[connection.protocol] += sent.sent_bytes
    tally.writes += sent.writes
    tally.short_sends += sent.short_sends
    missed = connection.missed()
    tally.skipped_packets += missed.skipped_packets
    tally.gaps += missed.gaps
    log.info(
        "connection ended",
        protocol=connection.protocol,
        client=connection.client,
        reason=reason.label,
        seconds=round(seconds, 3),
        received_bytes=connection.received_bytes,
        sent_bytes=sent.sent_bytes,
        skipped_packets=missed.skipped_packets,
        gaps=missed.gaps,
        **connection.facts,
    )
