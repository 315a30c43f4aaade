"""How often somebody may do something, and how that is said (RateLimit header fields for HTTP,
draft-ietf-httpapi-ratelimit-headers).

Times are counted in windows: the first one opens a window, and when it is over the count begins
again.  So a client is told exactly how many are left, and when there will be all of them.
"""

import math
from collections import OrderedDict

import attrs

from relay.http.response import Headers


@attrs.frozen
class Spent:
    """What is left after one more."""

    policy: str
    """What it is called."""
    quota: int
    window_s: int
    left: int
    """-1 where it was one too many."""
    reset_s: int
    """Until there are all of them again."""

    @property
    def is_too_much(self) -> bool:
        return self.left < 0

    @property
    def headers(self) -> Headers:
        """For the answer, whatever it is."""
        return (
            ("RateLimit-Policy", f'"{self.policy}";q={self.quota};w={self.window_s}'),
            ("RateLimit", f'"{self.policy}";r={max(0, self.left)};t={self.reset_s}'),
        )


@attrs.define
class _Window:
    since: float
    times: int = 0


@attrs.define(eq=False)
class Allowance:
    """So many times in a window, for each of many; see the head of this module.

    Keeps `most` windows; beyond that, the one that opened first is forgotten.
    """

    policy: str
    quota: int
    window_s: int = 60
    most: int = 10_000
    _windows: OrderedDict[str, _Window] = attrs.field(factory=OrderedDict, init=False)

    def spend(self, who: str, now: float) -> Spent:
        """Once more.  `now` in seconds, any steady clock."""
        window = self._windows.get(who)
        if window is None or now >= window.since + self.window_s:
            window = self._open(who, now)
        left = self.quota - window.times - 1
        window.times += left >= 0
        reset_s = math.ceil(window.since + self.window_s - now)
        return Spent(self.policy, self.quota, self.window_s, max(-1, left), reset_s)

    def __len__(self) -> int:
        return len(self._windows)

    def _open(self, who: str, now: float) -> _Window:
        self._windows.pop(who, None)
        self._windows[who] = window = _Window(now)
        if len(self._windows) > self.most:
            self._windows.popitem(last=False)
        return window
