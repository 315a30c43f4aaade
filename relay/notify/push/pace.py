"""Turns at an even rate, for whoever asks, in the order in which they asked."""

from math import inf

import attrs
import trio


@attrs.define(eq=False)
class Pace:
    """See the head of this module.  A turn that is not used is lost: nobody catches up."""

    per_s: float
    _next: float = attrs.field(default=-inf, init=False)

    async def turn(self) -> None:
        """Return when it is one's turn."""
        when = max(trio.current_time(), self._next)
        self._next = when + 1 / self.per_s
        await trio.sleep_until(when)
