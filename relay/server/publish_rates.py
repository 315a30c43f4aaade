"""How fast one party may publish over requests, which share no connection that could count them."""

import math
from collections import OrderedDict

import attrs

from relay.http.rate_limit import Spent

WINDOW_S = 10
"""A burst is no rate."""
PARTIES = 10_000


@attrs.define
class _Window:
    ends: float
    published: int = 0


@attrs.define(eq=False)
class PublishRates:
    """Counts by party and namespace; beyond `PARTIES`, the one longest silent is forgotten."""

    _windows: OrderedDict[tuple[str, str], _Window] = attrs.field(factory=OrderedDict, init=False)

    def spend(
        self, party: str, namespace: str, publications: int, per_s: float, now: float
    ) -> Spent:
        """Count so many, or say that they are too many, and count nothing."""
        key = party, namespace
        window = self._windows.pop(key, None)
        if window is None or now >= window.ends:
            window = _Window(now + WINDOW_S)
        self._windows[key] = window
        if len(self._windows) > PARTIES:
            self._windows.popitem(last=False)
        quota = math.floor(WINDOW_S * per_s)
        left = quota - window.published - publications
        window.published += publications if left >= 0 else 0
        return Spent(namespace, quota, WINDOW_S, max(-1, left), math.ceil(window.ends - now))
