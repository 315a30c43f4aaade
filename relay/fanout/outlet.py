"""The writing side of one connection, and the only place where bytes leave it.

`write_nowait` is synchronous and is called by everybody who has something to say: the pump with
media, the reader with a pong, the session with a reply or a goodbye.  Each call hands over whole
frames and is over before anything else runs, so frames cannot interleave and no lock exists.

While the peer keeps up, a write is one `send` on a non-blocking socket and nothing else: no task is
woken.  When the kernel takes less than all of it, a `Backlog` begins: the rest of what was started,
a bounded queue behind it, and a *drainer* task in the connection's own nursery.  It waits for the
wire to become writable, sends tail and queue, and is gone when both are empty.

Over the limits (256 pieces, bytes, age) the unstarted pieces *of the follower that overflows* are
taken out of the queue, and the follower is told where its gap begins; what others have queued on
the same outlet stays, in order.  Pieces that no follower stands behind (a reply, a pong) cannot be
dropped: a peer that lets those overflow is disconnected.

A write never raises.  A wire that breaks, or a peer that takes nothing for too long, *fails* the
outlet: the first reason given stays, and the connection's scope is cancelled.

`write_all_nowait` is `write_nowait` for a thousand outlets that all get the same bytes and have no
backlog.  It calls nothing but each wire's own `send`, because at that number what costs is memory:
to look at one attribute of an outlet is to wait for a cache line of it, once per viewer and pass,
and those waits were a quarter of the server.  So the sources of an outlet say what went out this
way when somebody asks for the sums (`sent_directly`), and are told when it has to end (`held_up`).
"""

import errno
from collections.abc import Awaitable, Callable, Iterable
from math import inf

import attrs
import trio

from relay.errors import WireBroken
from relay.fanout.backlog import Backlog, Queued, Source
from relay.fanout.budget import Budget
from relay.fanout.piece import Piece
from relay.ports import Wire
from relay.reasons import Reason

Send = Callable[[bytes], int]
"""A wire's `send_nowait`."""

BROKEN = -1
"""Bytes taken by a wire that is gone."""


@attrs.frozen(kw_only=True)
class OutletLimits:
    """What one slow peer may hold, in bytes and seconds."""

    queued_bytes: int
    queued_s: float
    stalled_s: float


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
        "_backlog",
        "_budget",
        "_clock",
        "_drained",
        "_limits",
        "_on_fail",
        "_progress_at",
        "_sent_bytes",
        "_short_sends",
        "_sources",
        "_spawn",
        "_writes",
        "reason",
        "send",
        "wire",
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
        self.send: Send = wire.send_nowait
        """For `write_all_nowait`, and there for sources that have not been held up."""
        self._sent_bytes = 0
        self._writes = 0
        self._short_sends = 0
        self._limits = limits
        self._budget = budget
        self._clock = clock
        self._spawn = spawn
        self._on_fail = on_fail
        self._backlog: Backlog | None = None
        self._drained: trio.Event | None = None
        self._progress_at = -inf
        self._sources: tuple[Source, ...] = ()

    @property
    def backlogged(self) -> bool:
        """Whether something waits here for the peer."""
        return self._backlog is not None

    def has_progressed(self, since: float) -> bool:
        """Whether the peer has taken something after it had fallen behind, not before `since`."""
        return self.reason is None and self._progress_at >= since

    def write_nowait(
        self, data: bytes, source: Source | None = None, mark: Piece | None = None
    ) -> None:
        """Send `data` now, or queue what the kernel does not take.

        `data` is whole frames.  With a `source` it may be dropped while it is unstarted; `mark`
        is then the first piece of the source's feed that it holds.
        """
        if self._backlog is not None:
            self._enqueue(self._backlog, data, source, mark)
            return
        self._writes += 1
        self._sent_bytes += len(data)
        for _, sent in write_all_nowait((self.send,), data):
            self.fell_short(data, sent)

    def fell_short(self, data: bytes, sent: int) -> None:
        """`write_all_nowait` sent `sent` bytes of `data`, of which all have been counted."""
        self._sent_bytes -= len(data) - max(sent, 0)
        if sent == BROKEN:
            self.fail(Reason.PEER_LOST)
            return
        self._short_sends += 1
        # The peer has taken all that was before.
        self._progress_at = self._clock()
        self._backlog = Backlog(self._budget, self.wire.unread_bytes())
        self._backlog.start(data, sent, self._progress_at)
        self._hold_up()
        self._spawn(self._drain)

    def fail(self, reason: Reason) -> None:
        """End the connection, for this reason unless it already has one; nothing more is sent.

        A pass that is under way may still hold this outlet: its write must not start a drainer in
        a nursery that has closed.
        """
        if self.reason is None:
            self.reason = reason
            self._hold_up()
            self.send = _refuse
            self._on_fail()

    def attach(self, source: Source) -> None:
        """Tell `source` from now on what becomes of its writes."""
        self._sources += (source,)

    def detach(self, source: Source) -> None:
        """Forget `source` and what it has queued.  May be called twice."""
        if source not in self._sources:
            return
        self._sources = tuple(other for other in self._sources if other is not source)
        if self._backlog is not None:
            self._backlog.remove(source)

    async def wait_drained(self) -> None:
        """Wait until nothing is queued here any more."""
        if self._backlog is None:
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

    def count(self, writes: int, sent_bytes: int) -> None:
        """Add what a source has sent directly and will not speak of again."""
        self._writes += writes
        self._sent_bytes += sent_bytes

    def statistics(self) -> OutletStatistics:
        writes, sent_bytes = self._writes, self._sent_bytes
        for source in self._sources:
            more = source.sent_directly()
            writes += more[0]
            sent_bytes += more[1]
        queued_bytes = 0 if self._backlog is None else self._backlog.queued_bytes
        return OutletStatistics(sent_bytes, writes, self._short_sends, queued_bytes)

    # Falling behind.

    def _hold_up(self) -> None:
        for source in self._sources:
            source.held_up()

    def _enqueue(
        self, backlog: Backlog, data: bytes, source: Source | None, mark: Piece | None
    ) -> None:
        if self.reason is not None:
            return
        limit = self._limits.queued_bytes
        if source is None and not backlog.has_room(len(data), limit):
            self._drop_everything_droppable(backlog)
        # What cannot be dropped gains nothing from its age: a slow peer still gets its pong.
        if backlog.has_room(len(data), limit) and (source is None or not self._is_late(backlog)):
            backlog.put(Queued(data, source, mark, self._clock()))
        elif source is None or mark is None:
            self.fail(Reason.OUTLET_OVERFLOW)
        else:
            source.fell_behind(backlog.remove(source) or mark)

    def _drop_everything_droppable(self, backlog: Backlog) -> None:
        for source in self._sources:
            first = backlog.remove(source)
            if first is not None:
                source.fell_behind(first)

    def _is_late(self, backlog: Backlog) -> bool:
        return self._clock() - backlog.since > self._limits.queued_s

    # Catching up.

    async def _drain(self) -> None:
        """Send the tail, then the queue; end when there is nothing left."""
        while self._backlog is not None:
            with trio.move_on_after(self._limits.stalled_s) as patience:
                await self._wait_writable()
            if patience.cancelled_caught:
                self.fail(Reason.VIEWER_STALLED)
            if self.reason is not None or self._backlog is None:
                return
            self._send_queued(self._backlog)

    async def _wait_writable(self) -> None:
        try:
            await self.wire.wait_writable()
        except WireBroken:
            self.fail(Reason.PEER_LOST)

    def _send_queued(self, backlog: Backlog) -> None:
        now = self._clock()
        while True:
            try:
                sent = self.wire.send_nowait(backlog.unsent)
            except BlockingIOError:
                return
            except OSError:
                self.fail(Reason.PEER_LOST)
                return
            self._sent_bytes += sent
            self._progress_at = now
            if not backlog.advance(sent):
                return
            if not backlog.start_next():
                self._end_backlog()
                return
            self._writes += 1

    def _end_backlog(self) -> None:
        self._settle()
        for source in self._sources:
            source.caught_up()

    def _settle(self) -> None:
        """Nothing is held for this peer any more."""
        if self._backlog is not None:
            self._backlog.discard()
            self._backlog = None
        if self._drained is not None:
            self._drained.set()
            self._drained = None


def write_all_nowait(sends: Iterable[Send], data: bytes) -> list[tuple[Send, int]]:
    """Send `data` by each of `sends`; those that did not take all of it, and how much they took.

    The wires belong to outlets without a backlog, and each outlet must be told if it `fell_short`
    before anything else happens to it.
    """
    whole = len(data)
    short: list[tuple[Send, int]] = []
    for send in sends:
        try:
            if (sent := send(data)) != whole:
                short.append((send, sent))
        except BlockingIOError:
            short.append((send, 0))
        except OSError:
            short.append((send, BROKEN))
    return short


def _refuse(_data: bytes | memoryview, /) -> int:
    raise OSError(errno.EPIPE, "this connection has ended")
