"""How many requests are under way at once: at one host, and in all.

Anybody may subscribe, also with a callback that hangs on purpose: thousands of them, each under a
name of its own.  So who is tried for the first time and who is tried again have places of their
own: a callback that hangs takes one of the first kind once, and until its delivery is given up,
three days later, it waits with its like.  Verifications have places of their own, too, and less
time: until a callback has confirmed, nobody knows whether it ever will.

Who waits for its host has no place yet, and so holds up nobody else.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import attrs
import trio

FIRST = 64
AGAIN = 16
VERIFYING = 64


@attrs.define(eq=False)
class Lanes:
    """See the head of this module."""

    _per_host: int
    _first: trio.CapacityLimiter = attrs.field(init=False)
    _again: trio.CapacityLimiter = attrs.field(init=False)
    _verifying: trio.CapacityLimiter = attrs.field(init=False)
    _hosts: dict[str, trio.CapacityLimiter] = attrs.field(factory=dict, init=False)
    """Those that somebody asks, or waits to ask."""

    def __attrs_post_init__(self) -> None:
        self._first = trio.CapacityLimiter(FIRST)
        self._again = trio.CapacityLimiter(AGAIN)
        self._verifying = trio.CapacityLimiter(VERIFYING)

    @asynccontextmanager
    async def deliver(self, host: str, *, is_first: bool) -> AsyncIterator[None]:
        """A place for a delivery, which has been tried before or not."""
        with self._known(host) as places:
            async with places, self._first if is_first else self._again:
                yield

    @asynccontextmanager
    async def verify(self, host: str) -> AsyncIterator[None]:
        """A place for a verification."""
        with self._known(host) as places:
            async with places, self._verifying:
                yield

    @contextmanager
    def _known(self, host: str) -> Iterator[trio.CapacityLimiter]:
        """The places at a host, which is forgotten when nobody asks it any more."""
        places = self._hosts.get(host)
        if places is None:
            places = self._hosts[host] = trio.CapacityLimiter(self._per_host)
        try:
            yield places
        finally:
            now = places.statistics()
            if not now.borrowed_tokens and not now.tasks_waiting:
                self._hosts.pop(host, None)
