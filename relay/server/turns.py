"""Whoever speaks to us waits for a turn, so that no crowd of them can hold up the fan-out.

Trio runs every task that is ready once in each round of its scheduler.  A thousand peers who all
send as fast as they can make a round as long as a thousand reads take, and the pump, which is one
task among them, serves its viewers once in it.  So what was read from a connection is looked at
only when the connection's turn has come, in the order of arrival, and only so many turns are given
in one round that the round stays short.  How many that is follows from what rounds cost, as it does
for the pump: two thousand honest newcomers are let through 64 at a time, chunk bombs one by one.

Publishers need no turn while they publish: they are known, and bounded by their bitrate.
"""

from collections.abc import Callable

import attrs
import trio

ROUND_S = 0.004
"""CPU seconds that a round should not exceed."""
MOST = 64


@attrs.define(eq=False)
class Turns:
    """See the head of this module."""

    _cpu: Callable[[], float]
    per_round: int = attrs.field(default=1, init=False)
    _waiting: trio.lowlevel.ParkingLot = attrs.field(factory=trio.lowlevel.ParkingLot, init=False)
    _arrival: trio.Event = attrs.field(factory=trio.Event, init=False)

    async def wait(self) -> None:
        """Wait for a turn; it lasts until the next checkpoint."""
        self._arrival.set()
        await self._waiting.park()

    async def run(self) -> None:
        """Give turns until cancelled."""
        while True:
            if not self._waiting:
                self._arrival = trio.Event()
                await self._arrival.wait()
            began = self._cpu()
            self._waiting.unpark(count=self.per_round)
            # They run in the next round, in which this task may come first.
            await trio.lowlevel.checkpoint()
            await trio.lowlevel.checkpoint()
            self._learn(self._cpu() - began)

    def _learn(self, cost: float) -> None:
        if cost > ROUND_S:
            self.per_round = max(1, self.per_round // 2)
        else:
            self.per_round = min(MOST, self.per_round + 1)
