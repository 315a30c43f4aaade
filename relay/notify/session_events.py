"""What is to be announced of one stream, decided from what is seen of it.

    nobody --a keyframe--> coming --stable_s--> ON AIR --gone--> away --grace_s--> nobody
                  ^           |                   ^----returns-----|
                  +---gone----+

A broadcast is announced when it has been live for some seconds without a break: an encoder that
dies in its first second has called nobody.  Once announced it is one *airing* until it has been
away for the whole grace: who follows a stream hears of ten flaps nothing, of one start and one end.

An airing outlasts the process.  What must not be forgotten of it is its `Airing`, kept in the store
with the event that announced it; after a restart the stream is away, from then on.

What is seen and when comes in; notices and the next deadline come out.  `now` is monotonic seconds,
`at_ms` the wall clock in milliseconds since 1970.
"""

import enum
from collections.abc import Iterator
from math import inf
from typing import Any

import attrs

PEAK_EVERY_S = 60.0
"""A new peak is told once in so long."""
UPDATE_EVERY_S = 5.0
"""What is said of a stream changes as often as its owner types; it is told once in so long."""


class EventType(enum.Enum):
    """What can be announced; the value is the CloudEvents `type`."""

    ONLINE = "stream.online"
    UPDATED = "stream.updated"
    OFFLINE = "stream.offline"
    PEAK = "viewers.peak"
    RECORDED = "recording.finished"
    """Told by whoever records (`relay.recordings`), and no part of an airing."""


@attrs.frozen(kw_only=True)
class Sight:
    """What is seen of a broadcast."""

    session: str
    is_live: bool
    """Whether a picture comes in now."""
    viewers: int
    visits: int
    """How often somebody has come to watch, in this session of the broadcast."""


@attrs.frozen(kw_only=True)
class Airing:
    """What outlasts the process: a stream is announced, and not over."""

    session: str
    began_ms: int
    """When the picture began, not when that was announced."""
    seen_ms: int
    """When it was last known to be live."""
    peak: int
    total: int


@attrs.frozen(kw_only=True)
class Notice:
    """Something to announce."""

    type: EventType
    at_ms: int
    data: dict[str, Any]
    """Beside what is said of every stream."""
    airing: Airing | None
    """What is to be remembered from now on."""


@attrs.frozen(kw_only=True)
class Patience:
    """How long the machine waits, in seconds."""

    stable_s: float
    grace_s: float


@attrs.define(eq=False)
class StreamNotices:
    """See the head of this module."""

    _patience: Patience
    airing: Airing | None = None
    _live_since: float | None = attrs.field(default=None, init=False)
    _began_ms: int = attrs.field(default=0, init=False)
    _away_since: float = attrs.field(default=-inf, init=False)
    _session: str = attrs.field(default="", init=False)
    _seen_ms: int = attrs.field(default=0, init=False)
    _peak: int = attrs.field(default=0, init=False)
    _total: int = attrs.field(default=0, init=False)
    _visits: int = attrs.field(default=0, init=False)
    """Of the newest session, which are in the total."""
    _told_peak: int = attrs.field(default=0, init=False)
    _peak_told_at: float = attrs.field(default=-inf, init=False)
    _update_due: float = attrs.field(default=inf, init=False)
    _updated_at: float = attrs.field(default=-inf, init=False)

    @classmethod
    def restored(cls, patience: Patience, airing: Airing, now: float) -> "StreamNotices":
        """After a restart: announced, and away since just now."""
        notices = cls(patience, airing)
        notices._away_since = now
        notices._seen_ms = airing.seen_ms
        notices._peak = notices._told_peak = airing.peak
        notices._total = airing.total
        return notices

    # What happens.

    def see(self, sight: Sight | None, now: float, at_ms: int) -> None:
        """Take what is seen now; None where there is no such broadcast."""
        if sight is None or not sight.is_live:
            self._lose(now, at_ms)
            return
        if self._live_since is None:
            self._live_since, self._began_ms = now, at_ms
            self._peak_told_at = max(self._peak_told_at, now)
        self._count(sight, at_ms)

    def update(self, now: float) -> None:
        """Something else is said of the stream."""
        self._update_due = min(self._update_due, max(now, self._updated_at + UPDATE_EVERY_S))

    def _lose(self, now: float, at_ms: int) -> None:
        if self._live_since is None:
            return
        self._live_since, self._away_since, self._seen_ms = None, now, at_ms
        if self.airing is None:
            self._forget()

    def _count(self, sight: Sight, at_ms: int) -> None:
        if sight.session != self._session:
            self._session, self._visits = sight.session, 0
        self._total += sight.visits - self._visits
        self._visits = sight.visits
        self._peak = max(self._peak, sight.viewers)
        self._seen_ms = at_ms

    def _forget(self) -> None:
        self._session, self._visits = "", 0
        self._peak = self._total = self._told_peak = 0

    # What is to be announced.

    @property
    def due(self) -> float:
        """When there is something to announce, if nothing else happens; infinite for never."""
        return min(self._update_due, self._airing_due, self._peak_due)

    @property
    def forgotten_at(self) -> float:
        """From when on nothing of before matters, if nothing else happens; infinite for never."""
        if self.airing is not None or self._live_since is not None or self._update_due < inf:
            return inf
        return self._updated_at + UPDATE_EVERY_S

    def take(self, now: float, at_ms: int) -> Iterator[Notice]:
        """What is due by now, in order."""
        if now >= self._airing_due:
            yield self._begin(at_ms) if self.airing is None else self._end(at_ms)
        if now >= self._update_due:
            self._update_due, self._updated_at = inf, now
            yield self._notice(EventType.UPDATED, at_ms)
        if now >= self._peak_due:
            self._told_peak, self._peak_told_at = self._peak, now
            self._remember()
            yield self._notice(EventType.PEAK, at_ms, viewers=self._peak)

    @property
    def _airing_due(self) -> float:
        if self._live_since is not None:
            return self._live_since + self._patience.stable_s if self.airing is None else inf
        return self._away_since + self._patience.grace_s if self.airing is not None else inf

    @property
    def _peak_due(self) -> float:
        if self.airing is None or self._live_since is None or self._peak <= self._told_peak:
            return inf
        return self._peak_told_at + PEAK_EVERY_S

    def _begin(self, at_ms: int) -> Notice:
        self.airing = Airing(
            session=self._session,
            began_ms=self._began_ms,
            seen_ms=self._seen_ms,
            peak=self._peak,
            total=self._total,
        )
        return self._notice(EventType.ONLINE, at_ms)

    def _end(self, at_ms: int) -> Notice:
        self._remember()
        airing, self.airing = self.airing, None
        assert airing is not None
        self._forget()
        return Notice(
            type=EventType.OFFLINE,
            at_ms=at_ms,
            data=_of(airing)
            | {
                "duration_s": max(0, airing.seen_ms - airing.began_ms) // 1000,
                "peak_viewers": airing.peak,
                "total_viewers": airing.total,
            },
            airing=None,
        )

    def _remember(self) -> None:
        assert self.airing is not None
        self.airing = attrs.evolve(
            self.airing, seen_ms=self._seen_ms, peak=self._peak, total=self._total
        )

    def _notice(self, type_: EventType, at_ms: int, **data: Any) -> Notice:
        return Notice(type=type_, at_ms=at_ms, data=_of(self.airing) | data, airing=self.airing)


def _of(airing: Airing | None) -> dict[str, Any]:
    """Which airing an event is about; an update may be about none."""
    if airing is None:
        return {"session": None, "since_ms": None}
    return {"session": airing.session, "since_ms": airing.began_ms}
