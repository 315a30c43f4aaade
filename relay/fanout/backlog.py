"""What one slow peer has not taken yet: made at its first short send, gone when all is sent.

The unsent *tail* has been started, so it goes first and is never dropped.  What follows waits in a
bounded memory channel, in order.  Bytes and age are counted beside it, and every byte is held
against the budget of the process.
"""

from typing import NamedTuple, Protocol

import trio

from relay.fanout.budget import Budget
from relay.fanout.piece import Piece

QUEUE_PIECES = 256


class Source(Protocol):
    """Whoever stands behind a piece that may be dropped."""

    def held_up(self) -> None:
        """The outlet takes nothing directly any more: a backlog begins, or the connection ends."""

    def caught_up(self) -> None:
        """Everything written so far is with the kernel."""

    def fell_behind(self, mark: Piece) -> None:
        """Everything from `mark` on, as given to `write_nowait`, did not go out."""

    def sent_directly(self) -> tuple[int, int]:
        """Writes and bytes that went out by `write_all_nowait` and are not in the outlet's sums."""


class Queued(NamedTuple):
    """A piece that has not been started."""

    data: bytes
    source: Source | None
    mark: Piece | None
    since: float


class Backlog:
    """See the head of this module."""

    __slots__ = (
        "_arrivals",
        "_budget",
        "_departures",
        "_kernel_bytes",
        "_sent_of_tail",
        "_tail",
        "queued_bytes",
        "since",
    )

    def __init__(self, budget: Budget, kernel_bytes: int) -> None:
        """`kernel_bytes` is what the kernel holds already; it counts as held as well."""
        self.queued_bytes = 0
        self.since = 0.0
        """When the tail came."""
        self._budget = budget
        self._kernel_bytes = kernel_bytes
        self._tail = b""
        self._sent_of_tail = 0
        self._arrivals: trio.MemorySendChannel[Queued]
        self._departures: trio.MemoryReceiveChannel[Queued]
        self._arrivals, self._departures = trio.open_memory_channel[Queued](QUEUE_PIECES)
        budget.change(kernel_bytes)

    def start(self, data: bytes, sent: int, since: float) -> None:
        """Take `data` as the tail, of which `sent` bytes are out."""
        self._hold(data)
        self._set_tail(data, sent, since)

    @property
    def unsent(self) -> memoryview:
        """What goes next."""
        return memoryview(self._tail)[self._sent_of_tail :]

    def advance(self, sent: int) -> bool:
        """Count what was sent of the tail; whether that was all of it."""
        self._sent_of_tail += sent
        if self._sent_of_tail < len(self._tail):
            return False
        self._release(self._tail)
        self._tail = b""
        return True

    def start_next(self) -> bool:
        """Make the first queued piece the tail; False when there is none."""
        piece = self._next()
        if piece is None:
            return False
        self._set_tail(piece.data, 0, piece.since)
        return True

    def has_room(self, n: int, limit: int) -> bool:
        """Whether a piece of `n` bytes keeps the queue within `limit` bytes, and its length."""
        queue = self._arrivals.statistics()
        return queue.current_buffer_used < QUEUE_PIECES and self.queued_bytes + n <= limit

    def put(self, piece: Queued) -> None:
        """Queue a piece; there must be room."""
        self._arrivals.send_nowait(piece)
        self._hold(piece.data)

    def remove(self, source: Source) -> Piece | None:
        """Take what `source` has queued out of the channel; the mark of the first such piece.

        A Trio channel cannot drop: it is emptied, and what stays is put back in order.
        """
        first: Piece | None = None
        kept: list[Queued] = []
        while (piece := self._next()) is not None:
            if piece.source is not source:
                kept.append(piece)
                continue
            self._release(piece.data)
            first = first or piece.mark
        for piece in kept:
            self._arrivals.send_nowait(piece)
        return first

    def discard(self) -> None:
        """Let everything go."""
        if self._tail:
            self._release(self._tail)
            self._tail = b""
        while (piece := self._next()) is not None:
            self._release(piece.data)
        self._budget.change(-self._kernel_bytes)
        self._kernel_bytes = 0

    def _set_tail(self, data: bytes, sent: int, since: float) -> None:
        self._tail, self._sent_of_tail, self.since = data, sent, since

    def _next(self) -> Queued | None:
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
