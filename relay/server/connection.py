"""One connection, from accept to its one log line.

One task owns a connection: it reads, keeps the state machine and is cancelled as a whole.  Whatever
ends it, it ends here, for one named reason: the session returns one, an outlet fails with one, an
error carries one.  The goodbye that its protocol has is sent, the line is logged, the sums are
kept, and the socket is closed: gently where the peer is to read our last words, at once where a
frame may be torn.
"""

from collections.abc import Awaitable, Callable
from typing import Any

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
LAST_WORDS_S = 2.0
"""How long a goodbye may take: until it is with the kernel, and until the peer has read it."""

_TORN = (Reason.PEER_LOST, Reason.VIEWER_STALLED, Reason.OUTLET_OVERFLOW, Reason.VIEWER_TOO_SLOW)


@attrs.define(eq=False)
class Connection:
    """What a session works with."""

    services: Services
    wire: Wire
    protocol: str
    nursery: trio.Nursery
    outlet: Outlet
    stranger: Stranger
    client: str
    """Address without port; behind trusted proxies the client's own."""
    is_operators: bool = False
    """Whether it came in by the operator's listener."""
    facts: dict[str, Any] = attrs.field(factory=dict)
    """For the log line."""
    follower: Follower | None = None
    goodbye: Callable[[], None] | None = None
    """Says in this connection's protocol that the server is going away."""
    received_bytes: int = 0
    is_publishing: bool = False
    """Whether media is what comes in; nobody else is read without waiting for a turn."""
    _given_back: bytes = attrs.field(default=b"", init=False)
    _missed: FollowerStatistics = attrs.field(default=FollowerStatistics(0, 0), init=False)
    """By what this connection followed before."""

    async def receive_some(self) -> bytes:
        """What has arrived; `b""` when the peer will send no more.

        Raises:
            WireBroken: the connection is gone.
        """
        if self._given_back:
            data, self._given_back = self._given_back, b""
            await trio.lowlevel.checkpoint()
            return data
        data = await self.wire.receive_some(READ_BYTES if self.is_publishing else WORDS_BYTES)
        self.received_bytes += len(data)
        if data and not self.is_publishing:
            await self.services.turns.wait()
        return data

    def give_back(self, data: bytes) -> None:
        """Let the next `receive_some` return `data`: it belongs to the session."""
        self._given_back = data

    def follow(self, feed: Feed, *, facts: dict[str, Any]) -> Follower:
        """Follow a feed until `unfollow`, or the end of this connection."""
        services = self.services
        follower = Follower(
            feed,
            self.outlet,
            services.ports.monotonic,
            services.config.limits.lags_per_minute,
        )
        self.stranger.leave()
        self.follower = follower
        self.facts |= facts
        feed.add(follower)
        return follower

    def unfollow(self) -> None:
        """Follow nothing; what was missed so far is kept for the log line."""
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


Session = Callable[[Connection], Awaitable[Reason]]


async def serve_connection(
    services: Services, wire: Wire, protocol: str, session: Session, *, is_operators: bool = False
) -> None:
    """Run one session on one wire."""
    started = services.ports.monotonic()
    services.admission.connections += 1
    client = wire.peer.rpartition(":")[0].strip("[]")
    connection: Connection | None = None
    try:
        async with trio.open_nursery() as nursery:
            outlet = Outlet(
                wire,
                limits=services.outlet_limits,
                budget=services.budget,
                clock=services.ports.monotonic,
                spawn=nursery.start_soon,
                on_fail=nursery.cancel_scope.cancel,
            )
            stranger = services.admission.enter(client, lambda: outlet.fail(Reason.IDLE_TIMEOUT))
            connection = Connection(
                services, wire, protocol, nursery, outlet, stranger, client, is_operators
            )
            services.connections[connection] = None
            try:
                reason = await _reason(connection, session)
                connection.unfollow()
                with trio.move_on_after(LAST_WORDS_S):
                    await outlet.wait_drained()
                outlet.fail(reason)
            finally:
                # From here on nobody may write: a drainer would have no nursery.
                connection.unfollow()
        await _linger(connection)
    finally:
        services.admission.connections -= 1
        if connection is not None:
            connection.stranger.leave()
            _close(connection)
            services.connections.pop(connection, None)
            _record(connection, services.ports.monotonic() - started)


async def _reason(connection: Connection, session: Session) -> Reason:
    """Run the session; why it ended."""
    try:
        with trio.fail_after(connection.services.config.limits.handshake_s):
            await connection.wire.start()
        return await session(connection)
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


def _record(connection: Connection, seconds: float) -> None:
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
