"""One source in one wire format, and everybody who follows it.

A feed is a log of encoded pieces, numbered by *position*.  Each piece was encoded once; every
follower is sent the same bytes objects.  The log reaches back to the last *resync point* (for media
a keyframe), so that a newcomer has somewhere to start:

        resync point           edge             end
             |                   |               |
    ... [K][p][p][p][p][p][p][p] | [p][p][p]     |
             ^                   ^
          newcomers         live followers

- A **live** follower stands at the edge, and belongs to the feed's `Audience`.  A pass joins what
  lies between edge and end, writes that one `bytes` to the audience, and moves the edge.
- A **catching** follower stands somewhere behind.  It is sent at most 256 KB at a time, and only
  when its outlet has sent everything before: what it lacks stays here, shared, and not in a queue
  of its own.  That is why a join burst is not lag.  At the edge, with an empty outlet, it is live.
- A **waiting** follower has nothing to start from: no resync point is there yet, or the last one
  lies before the gap that it fell into.  The next resync point makes it a catching one.
- An **early** follower stands at the end, ahead of the edge: it was told otherwise what comes
  before, as those are who follow a channel of messages.  The next pass makes it a live one.

Who is behind is served between passes, never in one: two thousand newcomers at once are a second of
work, and the live edge does not wait for them.  Of those, only who can have something now is *due*:
a stalled follower costs a pass nothing.

Splicing is therefore nothing: burst and live edge are one sequence of positions, and a follower has
exactly one.

What stands before the first piece (file header, codec configuration) is the feed's *opening*; what
stands between a gap and the piece after it is its *resume*.  Both come from the encoding.
"""

from collections.abc import Callable, Iterator
from enum import Enum, auto
from typing import Protocol

import attrs

from relay.fanout.audience import Audience
from relay.fanout.follower import Follower
from relay.fanout.piece import Piece
from relay.reasons import Reason

BURST_BYTES = 256 * 1024
"""Per pass and follower, so that a storm of newcomers does not delay the live edge."""

CATCH_UP_MS = 4_000
"""A follower who catches up may be so far behind, however short the GOPs are: as a live one may."""

LEAST_UNSENT = 128 * 1024
"""What a follower's kernel may always hold unsent."""


class Due(Enum):
    """When a feed wants to be visited."""

    NOW = auto()
    """There is news that its live followers must not wait for."""
    PROMPT = auto()
    """There is news that gains next to nothing by company, as a message that is not a picture."""
    SOON = auto()
    """There is news that may wait a little for a ride."""
    BEHIND = auto()
    """Somebody who is behind can have more."""


class Prelude(Protocol):
    """What an encoding says to followers at the points where they start."""

    def opening(self, media_ms: int) -> bytes:
        """Before the first piece that a newcomer gets, which begins at `media_ms`."""

    def resume(self, from_ms: int, to_ms: int) -> bytes:
        """Before the first piece after a gap in media time."""


@attrs.frozen
class FeedStatistics:
    """A snapshot for metrics and tests."""

    live: int
    slow: int
    log_pieces: int
    log_bytes: int


@attrs.define(eq=False)
class Feed:
    """See the head of this module."""

    name: str
    _prelude: Prelude
    _wake: "Wake"
    _catch_up_ms: int = CATCH_UP_MS
    _urgent: Due = Due.NOW
    """What its urgent news is."""
    log_bytes: int = attrs.field(default=0, init=False)
    unsent_allowance: int = attrs.field(default=LEAST_UNSENT, init=False)
    """Bytes that a follower's kernel may hold unsent: the largest pass and a half."""
    _log: list[Piece] = attrs.field(factory=list, init=False)
    _first: int = attrs.field(default=0, init=False)
    _edge: int = attrs.field(default=0, init=False)
    packets: int = attrs.field(default=0, init=False)
    """How many all pieces have held so far."""
    _resync: int | None = attrs.field(default=None, init=False)
    _previous_resync: int | None = attrs.field(default=None, init=False)
    _live: Audience = attrs.field(factory=Audience, init=False)
    _catching: dict[Follower, None] = attrs.field(factory=dict, init=False)
    _waiting: dict[Follower, None] = attrs.field(factory=dict, init=False)
    _early: dict[Follower, None] = attrs.field(factory=dict, init=False)
    _due: dict[Follower, None] = attrs.field(factory=dict, init=False)
    """Who of those can have something now, in the order of arrival."""
    _slices: dict[int, tuple[int, bytes]] = attrs.field(factory=dict, init=False)
    _end_reason: Reason | None = attrs.field(default=None, init=False)

    # The encoder's side.

    def append(
        self, data: bytes, *, packets: int, media_ms: int, is_resync: bool, urgent: bool
    ) -> None:
        """Add a piece at the end; an urgent one starts a pass, others wait a little for one."""
        position = self._end
        if is_resync:
            self._previous_resync, self._resync = self._resync, position
        self._log.append(Piece(data, position, packets, self.packets, media_ms, is_resync))
        self.packets += packets
        self.log_bytes += len(data)
        self._wake(self, self._urgent if urgent else Due.SOON)

    def forget(self) -> None:
        """Give up the resync point: what follows it has grown too large to be kept."""
        self._previous_resync = self._resync = None

    # The followers' side.

    def add(self, follower: Follower) -> None:
        """Take in a newcomer, who will be sent something soon.  An outlet follows a feed once."""
        follower.outlet.attach(follower)
        self._waiting[follower] = None
        self._make_due(follower)

    def add_at_end(self, follower: Follower) -> None:
        """Take in somebody who knows everything up to now, and gets all that comes from here on."""
        follower.outlet.attach(follower)
        follower.position = self._end
        if self._edge < self._end:
            self._early[follower] = None
            return
        self._catching[follower] = None
        if follower.outlet.backlogged:
            return
        self._join_live(follower)

    def remove(self, follower: Follower) -> None:
        """Let a follower go, and drop what it has queued."""
        self._live.remove(follower)
        for others in (self._catching, self._waiting, self._early, self._due):
            others.pop(follower, None)
        follower.outlet.detach(follower)

    def lag(self, follower: Follower) -> None:
        """`follower` has a gap and waits for a resync point."""
        if follower in self._live:
            self._live.remove(follower)
        elif follower in self._catching:
            del self._catching[follower]
        else:
            return
        self._waiting[follower] = None
        self._make_due(follower)

    def hold_up(self, follower: Follower) -> None:
        """`follower`'s outlet has a backlog, or has failed."""
        self._live.hold_up(follower)

    def caught_up(self, follower: Follower) -> None:
        """`follower`'s outlet is empty: if it lacks something, it can have more, or the end."""
        self._live.caught_up(follower)
        if follower in self._catching or follower in self._waiting:
            self._make_due(follower)
        if self._end_reason is not None:
            self._wake(self, Due.NOW)

    def sent_to(self, follower: Follower) -> tuple[int, int]:
        """Writes and bytes that only the audience has counted for `follower`."""
        return self._live.sent_to(follower)

    def end(self, reason: Reason) -> None:
        """Nothing more will come: followers are told once everything is with the kernel."""
        self._end_reason = reason
        self._wake(self, Due.NOW)

    @property
    def follower_count(self) -> int:
        return len(self._live) + self._behind

    def receiving_count(self, since: float, *, is_flowing: bool) -> int:
        """Followers who really receive.

        Who has a backlog, or waits behind a gap, does if it has taken something `since` then; all
        others who have begun do while the feed itself `is_flowing`.  Nothing is kept for this at
        any pass: a follower without a backlog has got whatever there was.
        """
        ready, slow = self._live.ready_count, [*self._live.held_up, *self._waiting]
        for follower in self._catching:
            if follower.outlet.backlogged:
                slow.append(follower)
            else:
                ready += 1
        receiving = sum([follower.outlet.has_progressed(since) for follower in slow])
        return receiving + ready if is_flowing else receiving

    @property
    def _behind(self) -> int:
        return len(self._catching) + len(self._waiting) + len(self._early)

    def statistics(self) -> FeedStatistics:
        return FeedStatistics(len(self._live), self._behind, len(self._log), self.log_bytes)

    # The pump's side.

    def write_news(self) -> Iterator[int]:
        """Write what is new to every live follower.

        Yields now and then how many sends that took; other tasks may run then.
        """
        start, self._edge = self._edge, self._end
        news = self._log[start - self._first :]
        if news:
            self._slices.clear()
        if news and self._live:
            yield from self._live.write(self._join(news), news[0])
        if self._resync is not None and start <= self._resync < self._edge:
            for follower in self._waiting:
                self._make_due(follower)
        self._admit_early()
        self._settle()

    def advance_one(self) -> bool:
        """Give one follower that is behind what its outlet can take; False when none is due."""
        if not self._due:
            return False
        follower = next(iter(self._due))
        del self._due[follower]
        self._advance(follower)
        if self._end_reason is not None:
            self._settle()
        return True

    def _admit_early(self) -> None:
        """The edge has reached those who came ahead of it; what came after them they lack."""
        for follower in list(self._early):
            # Who came while this pass was under way may be ahead of the next one as well.
            if follower.position is not None and follower.position <= self._edge:
                del self._early[follower]
                self._catching[follower] = None
                self._make_due(follower)

    def _make_due(self, follower: Follower) -> None:
        self._due[follower] = None
        self._wake(self, Due.BEHIND)

    def _join(self, news: list[Piece]) -> bytes:
        data = news[0].data if len(news) == 1 else b"".join([piece.data for piece in news])
        if len(data) * 3 // 2 > self.unsent_allowance:
            self._allow_unsent(len(data) * 3 // 2)
        return data

    def _advance(self, follower: Follower) -> None:
        """Give a follower that is behind what its outlet can take now."""
        if follower.outlet.backlogged:
            return
        if follower in self._waiting and not self._start(follower):
            return
        self._burst(follower)
        outlet = follower.outlet
        # One that has failed leaves soon, and is never ready again.
        if follower not in self._catching or outlet.backlogged or outlet.reason is not None:
            return
        if follower.position == self._edge:
            self._join_live(follower)
        else:
            self._make_due(follower)

    def _settle(self) -> None:
        """After a pass: let go of what was sent, and of followers for whom there is no more."""
        self._trim()
        if self._end_reason is None:
            return
        for follower in (*self._live, *self._waiting):
            if follower not in self._due and not follower.outlet.backlogged:
                follower.end(self._end_reason)

    def _trim(self) -> None:
        """Let go of what nobody may start from, and nobody who is little behind stands at."""
        keep = self._edge if self._resync is None else min(self._edge, self._resync)
        oldest = keep if self._previous_resync is None else min(keep, self._previous_resync)
        for follower in list(self._catching):
            assert follower.position is not None
            if follower.position < oldest and self._is_too_old(self._at(follower.position)):
                follower.fell_behind(self._at(follower.position))
            else:
                keep = min(keep, follower.position)
        self._drop_before(keep)

    @property
    def _end(self) -> int:
        return self._first + len(self._log)

    def _is_too_old(self, piece: Piece) -> bool:
        return self._log[-1].media_ms - piece.media_ms > self._catch_up_ms

    def _at(self, position: int) -> Piece:
        return self._log[position - self._first]

    def _drop_before(self, position: int) -> None:
        count = position - self._first
        if count <= 0:
            return
        self.log_bytes -= sum([len(piece.data) for piece in self._log[:count]])
        del self._log[:count]
        self._first = position

    def _allow_unsent(self, n: int) -> None:
        self.unsent_allowance = n
        for follower in self._live:
            follower.outlet.wire.allow_unsent(n)

    def _start(self, follower: Follower) -> bool:
        """Put a waiting follower at the last resync point, if that lies behind its gap."""
        if self._resync is None or self._resync >= self._edge:
            return False
        piece, gap = self._at(self._resync), follower.gap
        if gap is not None and piece.position < gap.position:
            return False
        if gap is None or not follower.opened:
            prelude = self._prelude.opening(piece.media_ms)
        else:
            prelude = self._prelude.resume(gap.media_ms, piece.media_ms)
        follower.start_at(piece)
        del self._waiting[follower]
        self._catching[follower] = None
        follower.outlet.write_nowait(prelude, follower, piece)
        return True

    def _burst(self, follower: Follower) -> None:
        if follower.position is None or follower.position >= self._edge:
            return
        piece = self._at(follower.position)
        stop, data = self._slice(follower.position)
        follower.position = stop
        # Too much for the queue, and it is a gap: there is no position any more.
        follower.outlet.write_nowait(data, follower, piece)

    def _slice(self, start: int) -> tuple[int, bytes]:
        """Pieces from `start` on, up to a burst; newcomers between two passes share the bytes."""
        known = self._slices.get(start)
        if known is not None:
            return known
        stop, size = start, 0
        while stop < self._edge and size < BURST_BYTES:
            size += len(self._at(stop).data)
            stop += 1
        data = b"".join([self._at(position).data for position in range(start, stop)])
        self._slices[start] = (stop, data)
        return stop, data

    def _join_live(self, follower: Follower) -> None:
        follower.position = None
        del self._catching[follower]
        self._live.add(follower)
        if self.unsent_allowance > LEAST_UNSENT:
            follower.outlet.wire.allow_unsent(self.unsent_allowance)


Wake = Callable[[Feed, Due], None]
