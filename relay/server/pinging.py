"""Pings for every WebSocket of the server, by one task.

A phone that leaves a network says nothing, so every peer is asked now and then whether it is still
there.  A task for each of ten thousand peers would do little but sleep.  All of them are asked
after the same time, so whoever is asked goes to the end of one line, and the first of the line is
always the next.

The line keeps the order in which peers came, and with it their distances: if everybody were asked
at once, ten thousand answers would come at once, and the audience would wait while they are read.
"""

from itertools import takewhile
from typing import Protocol

import attrs
import trio

GRAIN_S = 0.1
"""Peers whose time comes within so long are asked together."""
PEERS_PER_SLICE = 64
"""Then other tasks run."""


class Pingable(Protocol):
    """Whoever can be asked."""

    def ping(self) -> None:
        """Ask, or end the connection of one that has not answered since it was asked before."""


@attrs.define(eq=False)
class Pinging:
    """See the head of this module."""

    _every: float
    _due: dict[Pingable, float] = attrs.field(factory=dict, init=False)
    """When each is asked next, the first one first."""

    def add(self, peer: Pingable) -> None:
        """Ask this peer from now on, for the first time after a whole interval."""
        self._due[peer] = trio.current_time() + self._every

    def remove(self, peer: Pingable) -> None:
        """Ask no longer.  May be called twice."""
        self._due.pop(peer, None)

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            now = trio.current_time()
            # Who comes while this sleeps is due after everybody who is here, or in an interval.
            first = next(iter(self._due.values()), now + self._every)
            await trio.sleep_until(max(first, now + GRAIN_S))
            await self._ask(trio.current_time())

    async def _ask(self, now: float) -> None:
        due = [peer for peer, _ in takewhile(lambda entry: entry[1] <= now, self._due.items())]
        for start in range(0, len(due), PEERS_PER_SLICE):
            for peer in due[start : start + PEERS_PER_SLICE]:
                # It may have gone while others were asked.
                if self._due.pop(peer, None) is not None:
                    self._due[peer] = now + self._every
                    peer.ping()
            await trio.lowlevel.checkpoint()
