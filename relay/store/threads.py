"""Pools of threads for what blocks, by name: hidden ones are how such servers die."""

from collections.abc import Callable
from typing import TypeVar

import attrs
import trio

from relay.store.contract import ThreadUse

T = TypeVar("T")

READERS = 4
"""Threads that read, each with a connection; one more writes."""


@attrs.define(eq=False)
class Threads:
    """Some threads, each with one call at a time; who finds all of them busy waits."""

    _limiter: trio.CapacityLimiter = attrs.field(converter=trio.CapacityLimiter)

    async def run(self, call: Callable[[], T]) -> T:
        """Call it in a thread.  Cancelled, it goes on, unheard, and holds its place to its end."""
        return await trio.to_thread.run_sync(call, limiter=self._limiter, abandon_on_cancel=True)

    def use(self) -> ThreadUse:
        now = self._limiter.statistics()
        return ThreadUse(int(now.total_tokens), now.borrowed_tokens, now.tasks_waiting)
