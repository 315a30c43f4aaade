"""Slow mode: how long each must wait until the next message."""

from collections import OrderedDict

import attrs

REMEMBERED = 10_000
"""Users of one room; beyond that, who has spoken longest ago is forgotten."""


@attrs.define(eq=False)
class Pace:
    """When each has spoken last.  It is not kept: after a restart everybody may speak at once."""

    _spoken: OrderedDict[str, float] = attrs.field(factory=OrderedDict, init=False)

    def wait_s(self, user: str, slow_s: int, now: float) -> float:
        """How long this user has to wait; 0 for not at all.  `now` by any steady clock."""
        spoken = self._spoken.get(user)
        return 0.0 if spoken is None else max(0.0, spoken + slow_s - now)

    def speak(self, user: str, now: float) -> None:
        """The user speaks now."""
        self._spoken[user] = now
        self._spoken.move_to_end(user)
        if len(self._spoken) > REMEMBERED:
            self._spoken.popitem(last=False)

    def unspeak(self, user: str, at: float) -> None:
        """What the user said then was not heard: the store did not take it."""
        if self._spoken.get(user) == at:
            del self._spoken[user]
