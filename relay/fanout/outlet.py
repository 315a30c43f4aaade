"""The writing side of one connection, and the only place where bytes leave it.

`write_nowait` is synchronous and is called by everybody who has something to say: the pump with
media, the reader with a pong, the session with a reply or a goodbye.  Each call hands over whole
frames and is over before anything else runs, so frames cannot interleave and no lock exists.

While the peer keeps up, a write is one `send` on a non-blocking socket and nothing else: no task is
woken.  When the kernel takes less than all of it:

- the unsent *tail* stays here.  It has been started, so it goes out first and is never dropped;
- what follows waits in a bounded memory channel;
- a *drainer* task is started in the connection's own nursery.  It waits for the wire to become
  writable, sends tail and queue, and is gone when both are empty.

Over the limits (256 pieces, bytes, age) the unstarted pieces *of the follower that overflows* are
taken out of the channel, and the follower is told where its gap begins; what others have queued on
the same outlet stays, in order.  Pieces that no follower stands behind (a reply, a pong) cannot be
dropped: a peer that lets those overflow is disconnected.

A write never raises.  A wire that breaks, or a peer that takes nothing for too long, *fails* the
outlet: the first reason given stays, and the connection's scope is cancelled.
"""

import errno
from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol

import attrs
import trio

from relay.errors import WireBroken
from relay.fanout.budget import Budget
from relay.fanout.piece import Piece
from relay.ports import Wire
from relay.reasons import Reason

QUEUE_PIECES = 256


@attrs.frozen(kw_only=True)
class OutletLimits:
    """What one slow peer may hold, in bytes and seconds."""

    queued_bytes: int
    queued_s: float
    stalled_s: float


class Source(Protocol):
    """Whoever stands behind a piece that may be dropped."""

    def fell_behind(self, mark: Piece) -> None:
        """Everything from `mark` on, as given to `write_nowait`, did not go out."""

    def caught_up(self) -> None:
        """Everything written so far is with the kernel."""


class _Queued(NamedTuple):
    data: bytes
    source: Source | None
    mark: Piece | None
    since: float


@attrs.frozen
class OutletStatistics:
    """A snapshot for the log line and the metrics."""

    sent_bytes: int
    writes: int
    short_sends: int
    queued_bytes: int


class Outlet:
    """See the head of this module."""

    __slots__ = (
        "_arrivals",
        "_backlogged",
        "_budget",
        "_clock",
        "_departures",
        "_drained",
        "_held",
        "_limits",
        "_on_fail",
        "_send",
        "_sent_of_tail",
        "_sources",
        "_spawn",
        "_tail",
        "_tail_since",
        "queued_bytes",
        "reason",
        "sent_bytes",
        "short_sends",
        "wire",
        "writes",
    )

    def __init__(
        self,
        wire: Wire,
        *,
        limits: OutletLimits,
        budget: Budget,
        clock: Callable[[], float],
        spawn: Callable[[Callable[[], Awaitable[None]]], None],
        on_fail: Callable[[], None],
    ) -> None:
        self.wire = wire
        self.reason: Reason | None = None
        self.sent_bytes = 0
        self.writes = 0
        self.short_sends = 0
        self.queued_bytes = 0
        self._send = wire.send_nowait
        self._limits = limits
        self._budget = budget
        self._clock = clock
        self._spawn = spawn
        self._on_fail = on_fail
        self._backlogged = False
        self._tail = b""
        self._sent_of_tail = 0
        self._tail_since = 0.0
        self._held = 0
        self._drained: trio.Event | None = None
        self._sources: list[Source] = []
        self._arrivals: trio.MemorySendChannel[_Queued]
        self._departures: trio.MemoryReceiveChannel[_Queued]
        self._arrivals, self._departures = trio.open_memory_channel[_Queued](QUEUE_PIECES)

    @property
    def backlogged(self) -> bool:
        """Whether something waits here for the peer."""
        return self._backlogged

    def write_nowait(
        self, data: bytes, source: Source | None = None, mark: Piece | None = None
    ) -> None:
        """Send `data` now, or queue what the kernel does not take.

        `data` is whole frames.  With a `source` it may be dropped while it is unstarted; `mark`
        is then the first piece of the source's feed that it holds.
        """
        if self._backlogged:
            self._enqueue(data, source, mark)
            return
        self.writes += 1
        try:
            sent = self._send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.fail(Reason.PEER_LOST)
            return
        self.sent_bytes += sent
        if sent != len(data):
            self._begin_backlog(data, sent)

    def fail(self, reason: Reason) -> None:
        """End the connection, for this reason unless it already has one; nothing more is sent.

        A pass that is under way may still hold this outlet: its write must not start a drainer in
        a nursery that has closed.
        """
        if self.reason is None:
            self.reason = reason
            self._send = _refuse
            self._on_fail()

    def attach(self, source: Source) -> None:
        """Tell `source` from now on when everything has been sent."""
        self._sources.append(source)

    def detach(self, source: Source) -> None:
        """Forget `source` and what it has queued.  May be called twice."""
        if source in self._sources:
            self._sources.remove(source)
            self._remove(source)

    async def wait_drained(self) -> None:
        """Wait until nothing is queued here any more."""
        if not self._backlogged:
            await trio.lowlevel.checkpoint()
            return
        if self._drained is None:
            self._drained = trio.Event()
        await self._drained.wait()

    def close(self) -> None:
        """Close the wire; what the kernel already has is still delivered."""
        self._settle()
        self.wire.close()

    def abort(self) -> None:
        """Close the wire and throw away what was not delivered: after a torn frame, say."""
        self._settle()
        self.wire.abort()

    def statistics(self) -> OutletStatistics:
        return OutletStatistics(self.sent_bytes, self.writes, self.short_sends, self.queued_bytes)

    # Falling behind.

    def _begin_backlog(self, data: bytes, sent: int) -> None:
        self.short_sends += 1
        self._backlogged = True
        self._hold(data)
        self._tail, self._sent_of_tail = data, sent
        self._tail_since = self._clock()
        self._held = self.wire.unread_bytes()
        self._budget.change(self._held)
        self._spawn(self._drain)

    def _enqueue(self, data: bytes, source: Source | None, mark: Piece | None) -> None:
        if self.reason is not None:
            return
        if source is None and not self._has_room(len(data)):
            self._drop_everything_droppable()
        # What cannot be dropped gains nothing from its age: a slow peer still gets its pong.
        if self._has_room(len(data)) and (source is None or not self._is_late()):
            self._arrivals.send_nowait(_Queued(data, source, mark, self._clock()))
            self._hold(data)
        elif source is None or mark is None:
            self.fail(Reason.OUTLET_OVERFLOW)
        else:
            source.fell_behind(self._remove(source) or mark)

    def _drop_everything_droppable(self) -> None:
        for source in list(self._sources):
            first = self._remove(source)
            if first is not None:
                source.fell_behind(first)

    def _has_room(self, n: int) -> bool:
        queue = self._arrivals.statistics()
        return (
            queue.current_buffer_used < QUEUE_PIECES
            and self.queued_bytes + n <= self._limits.queued_bytes
        )

    def _is_late(self) -> bool:
        return self._clock() - self._tail_since > self._limits.queued_s

    def _remove(self, source: Source) -> Piece | None:
        """Take what `source` has queued out of the channel; the mark of the first such piece.

        A Trio channel cannot drop: it is emptied, and what stays is put back in order.
        """
        first: Piece | None = None
        kept: list[_Queued] = []
        while (piece := self._next_queued()) is not None:
            if piece.source is not source:
                kept.append(piece)
                continue
            self._release(piece.data)
            first = first or piece.mark
        for piece in kept:
            self._arrivals.send_nowait(piece)
        return first

    def _next_queued(self) -> _Queued | None:
        try:
            return self._departures.receive_nowait()
        except trio.WouldBlock:
            return None

    def _hold(self, data: bytes) -> None:
        self.queued_bytes += len(data)
        self._budget.hold(data)

    def _release(self, data: bytes) -> None:
        self.queued_bytes -= len(data)
        self._budget.release(data)

    # Catching up.

    async def _drain(self) -> None:
        """Send the tail, then the queue; end when there is nothing left."""
        while self._backlogged:
            with trio.move_on_after(self._limits.stalled_s) as patience:
                await self._wait_writable()
            if patience.cancelled_caught:
                self.fail(Reason.VIEWER_STALLED)
            if self.reason is not None:
                return
            self._send_queued()

    async def _wait_writable(self) -> None:
        try:
            await self.wire.wait_writable()
        except WireBroken:
            self.fail(Reason.PEER_LOST)

    def _send_queued(self) -> None:
        while True:
            try:
                sent = self._send(memoryview(self._tail)[self._sent_of_tail :])
            except BlockingIOError:
                return
            except OSError:
                self.fail(Reason.PEER_LOST)
                return
            self.sent_bytes += sent
            self._sent_of_tail += sent
            if self._sent_of_tail < len(self._tail):
                return
            self._release(self._tail)
            self._tail = b""
            piece = self._next_queued()
            if piece is None:
                self._end_backlog()
                return
            self.writes += 1
            self._tail, self._sent_of_tail = piece.data, 0
            self._tail_since = piece.since

    def _end_backlog(self) -> None:
        self._settle()
        for source in self._sources:
            source.caught_up()

    def _settle(self) -> None:
        """Nothing is held for this peer any more."""
        if self._tail:
            self._release(self._tail)
        while (piece := self._next_queued()) is not None:
            self._release(piece.data)
        self._budget.change(-self._held)
        self._backlogged, self._tail, self._held = False, b"", 0
        if self._drained is not None:
            self._drained.set()
            self._drained = None


def _refuse(_data: bytes | memoryview, /) -> int:
    raise OSError(errno.EPIPE, "this connection has ended")
