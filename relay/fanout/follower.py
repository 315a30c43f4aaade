"""One connection's position in one feed, and what it missed."""

from collections.abc import Callable
from typing import Protocol

import attrs

from relay.fanout.outlet import Outlet
from relay.fanout.piece import Piece
from relay.reasons import Reason

_MINUTE = 60.0


class Followed(Protocol):
    """The feed, as its followers see it."""

    packets: int
    """How many all its pieces have held so far."""

    def lag(self, follower: "Follower") -> None: ...
    def caught_up(self, follower: "Follower") -> None: ...
    def remove(self, follower: "Follower") -> None: ...
    def hold_up(self, follower: "Follower") -> None: ...
    def sent_to(self, follower: "Follower") -> tuple[int, int]: ...


@attrs.frozen
class FollowerStatistics:
    """A snapshot for the log line and the metrics."""

    skipped_packets: int
    gaps: int


@attrs.define(eq=False)
class Follower:
    """Where a connection stands in a feed.  `fanout.feed` says what the states mean."""

    feed: Followed
    outlet: Outlet
    _clock: Callable[[], float]
    _gaps_per_minute: int
    _on_end: Callable[[Reason], None] | None = None
    _on_gap: Callable[[], None] | None = None
    """For who must not miss anything: called instead of waiting for a resync point."""
    position: int | None = attrs.field(default=None, init=False)
    """The next piece to be sent while catching up; None while waiting for a resync point."""
    gap: Piece | None = attrs.field(default=None, init=False)
    """The first piece that did not go out, while waiting after having fallen behind."""
    opened: bool = attrs.field(default=False, init=False)
    skipped_packets: int = attrs.field(default=0, init=False)
    gaps: int = attrs.field(default=0, init=False)
    end_reason: Reason | None = attrs.field(default=None, init=False)
    turn: int | None = attrs.field(default=None, init=False)
    """Its place among the ready ones, and what had been sent to those before: see `Audience`."""
    writes_before: int = attrs.field(default=0, init=False)
    bytes_before: int = attrs.field(default=0, init=False)
    _recent: tuple[float, ...] = attrs.field(default=(), init=False)
    """When it fell behind, within the last minute."""

    def start_at(self, piece: Piece) -> None:
        """Go on at a resync point; what lies between the gap and it is lost to this follower."""
        if self.gap is not None:
            self.skipped_packets += piece.packets_before - self.gap.packets_before
        self.gap = None
        self.opened = True
        self.position = piece.position

    def fell_behind(self, mark: Piece) -> None:
        """The outlet, or the feed, could not keep what begins at `mark` for this follower."""
        self.gap = mark
        self.position = None
        self.gaps += 1
        self.feed.lag(self)
        if self._on_gap is not None:
            self._on_gap()
        elif self._too_often():
            self.outlet.fail(Reason.VIEWER_TOO_SLOW)

    def held_up(self) -> None:
        self.feed.hold_up(self)

    def caught_up(self) -> None:
        self.feed.caught_up(self)

    def sent_directly(self) -> tuple[int, int]:
        return self.feed.sent_to(self)

    def end(self, reason: Reason) -> None:
        """There is nothing more to follow, and everything of before is with the kernel."""
        if self.end_reason is None:
            self.end_reason = reason
            if self._on_end is not None:
                self._on_end(reason)

    def leave(self) -> None:
        """Follow no longer.  May be called twice."""
        self.feed.remove(self)

    def statistics(self) -> FollowerStatistics:
        """What was missed, up to now: a gap that lasts counts as well."""
        lasting = 0 if self.gap is None else self.feed.packets - self.gap.packets_before
        return FollowerStatistics(self.skipped_packets + lasting, self.gaps)

    def _too_often(self) -> bool:
        now = self._clock()
        self._recent = (*(when for when in self._recent if when >= now - _MINUTE), now)
        return len(self._recent) > self._gaps_per_minute
