"""How fast one party may publish over requests, which share no connection that could count them."""

from collections import OrderedDict

import attrs

WINDOW_S = 10.0
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

    def wait_s(
        self, party: str, namespace: str, publications: int, per_s: float, now: float
    ) -> float:
        """Count so many, and say 0; or say how long the party must wait, and count nothing."""
        key = party, namespace
        window = self._windows.pop(key, None)
        if window is None or now >= window.ends:
            window = _Window(now + WINDOW_S)
        self._windows[key] = window
        if len(self._windows) > PARTIES:
            self._windows.popitem(last=False)
        if window.published + publications > WINDOW_S * per_s:
            return window.ends - now
        window.published += publications
        return 0.0
