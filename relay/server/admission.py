"""Who is let in, and how many at once: counts only, no I/O.

A connection is a *stranger* until it follows a feed or has shown who it is.  Strangers are bounded
by address; who follows a feed is bounded by the process alone, because a school behind NAT and a
site behind a proxy each have one address.
"""

from collections import Counter

import attrs

RESERVED_DESCRIPTORS = 64
"""For files, the key store, the operator, and for saying no."""


@attrs.define(eq=False)
class Admission:
    """Counts of this process's connections."""

    descriptors: int
    strangers_per_address: int
    connections: int = attrs.field(default=0, init=False)
    _strangers: Counter[str] = attrs.field(factory=Counter, init=False)

    @property
    def capacity(self) -> int:
        """How many connections the descriptor limit allows."""
        return max(1, self.descriptors - RESERVED_DESCRIPTORS)

    @property
    def is_full(self) -> bool:
        return self.connections >= self.capacity

    def may_enter(self, address: str) -> bool:
        """Whether one more stranger from this address is tolerated."""
        return self._strangers[address] < self.strangers_per_address

    def enter(self, address: str) -> "Stranger":
        return Stranger(self._strangers, address)

    @property
    def stranger_count(self) -> int:
        return self._strangers.total()


@attrs.define(eq=False)
class Stranger:
    """One connection's entry in the count by address."""

    _strangers: Counter[str]
    _address: str | None

    def __attrs_post_init__(self) -> None:
        if self._address is not None:
            self._strangers[self._address] += 1

    def leave(self) -> None:
        """It is known now, or gone.  May be called twice."""
        if self._address is None:
            return
        self._strangers[self._address] -= 1
        if not self._strangers[self._address]:
            del self._strangers[self._address]
        self._address = None
