"""Who watches a broadcast by asking for it piece by piece.

Such a viewer has no connection of its own: it may come by several, or by a proxy that keeps what it
has fetched.  So it is known by an id in the address of its media playlist, which each player gets
with the multivariant playlist.  It is a viewer from its second playlist on, because only players
come back for the next one, and until it has not come back for as long as any of them would wait.
What a proxy in front answers by itself is seen by nobody here.
"""

import re

import attrs

AWAY_TARGETS = 2
"""Players reload each target duration, or half of it."""
LEAST_AWAY_S = 5.0
MOST = 100_000
"""Ids at once; who comes then is served and not counted."""

_ID = re.compile("[0-9a-f]{16}")


@attrs.define(eq=False)
class Audience:
    """Of one broadcast; times are monotonic seconds."""

    away_s: float = attrs.field(default=LEAST_AWAY_S, init=False)
    """Who has not come back for so long is gone."""
    _seen: dict[str, float] = attrs.field(factory=dict, init=False)
    """Who has come back, the longest ago first."""
    _expected: dict[str, float] = attrs.field(factory=dict, init=False)
    """Who has been here once, the longest ago first."""

    def reloads_within(self, target_s: int) -> None:
        """Playlists have this target duration."""
        self.away_s = max(LEAST_AWAY_S, AWAY_TARGETS * target_s + 1)

    def see(self, viewer: str, now: float) -> bool:
        """Somebody has got a playlist; True where that makes it a viewer."""
        self._forget(now)
        if self._seen.pop(viewer, None) is not None:
            self._seen[viewer] = now
            return False
        if self._expected.pop(viewer, None) is not None:
            self._seen[viewer] = now
            return True
        if _ID.fullmatch(viewer) and len(self._seen) + len(self._expected) < MOST:
            self._expected[viewer] = now
        return False

    def count(self, now: float) -> int:
        """How many watch now."""
        self._forget(now)
        return len(self._seen)

    def _forget(self, now: float) -> None:
        for known in (self._seen, self._expected):
            while known and (first := next(iter(known.items())))[1] < now - self.away_s:
                del known[first[0]]
