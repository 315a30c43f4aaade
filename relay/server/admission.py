"""Who is let in, and how many at once: counts only, no I/O.

A connection is a *stranger* until it follows a feed or has shown who it is.  Strangers are bounded
by address; who follows a feed is bounded by the process alone, because a school behind NAT and a
site behind a proxy each have one address.

Browsers keep connections that they may need again.  Those count as strangers too, but they are
*dismissible*: a newcomer takes the place of the one that has been idle longest, so that forty
pupils who open a page do not shut out the forty-first.

Who came a moment ago and has not been looked at yet counts as well, but is no reason to refuse the
next one: when two thousand come at once, the door waits for them to be heard.
"""

from collections.abc import Callable

import attrs

RESERVED_DESCRIPTORS = 64
"""For files, the key store, the operator, and for saying no."""


@attrs.define(eq=False)
class Admission:
    """Counts of this process's connections."""

    descriptors: int
    strangers_per_address: int
    connections: int = attrs.field(default=0, init=False)
    _strangers: dict[str, dict["Stranger", None]] = attrs.field(factory=dict, init=False)

    @property
    def capacity(self) -> int:
        """How many connections the descriptor limit allows."""
        return max(1, self.descriptors - RESERVED_DESCRIPTORS)

    @property
    def is_full(self) -> bool:
        return self.connections >= self.capacity

    @property
    def is_overfull(self) -> bool:
        """Whether saying no has taken half of the reserve: from here on nobody is even told."""
        return self.connections >= self.capacity + RESERVED_DESCRIPTORS // 2

    def has_room(self, address: str) -> bool:
        """Whether another stranger from this address may come, and nobody has to go for it."""
        return len(self._strangers.get(address, {})) < self.strangers_per_address

    def may_enter(self, address: str) -> bool:
        """Whether one more stranger from this address is tolerated; an idle one may have to go."""
        if self.has_room(address):
            return True
        strangers = self._strangers.get(address, {})
        idle = min(
            (stranger for stranger in strangers if stranger.idle_since is not None),
            key=lambda stranger: stranger.idle_since or 0.0,
            default=None,
        )
        if idle is None:
            return False
        idle.leave()
        idle.dismiss()
        return True

    def has_unheard(self, address: str) -> bool:
        """Whether a stranger from this address waits for us, who have not looked at it yet."""
        return any(stranger.is_unheard for stranger in self._strangers.get(address, {}))

    def enter(self, address: str, dismiss: Callable[[], None]) -> "Stranger":
        """Count a connection; `dismiss` ends it if it is idle and another one wants its place."""
        stranger = Stranger(self, address, dismiss)
        self.count(address, stranger)
        return stranger

    def count(self, address: str, stranger: "Stranger") -> None:
        self._strangers.setdefault(address, {})[stranger] = None

    def leave(self, address: str, stranger: "Stranger") -> None:
        strangers = self._strangers.get(address, {})
        strangers.pop(stranger, None)
        if not strangers:
            self._strangers.pop(address, None)

    @property
    def stranger_count(self) -> int:
        return sum(len(strangers) for strangers in self._strangers.values())


@attrs.define(eq=False)
class Stranger:
    """One connection's entry in the count by address."""

    _admission: Admission
    _address: str
    dismiss: Callable[[], None]
    idle_since: float | None = attrs.field(default=None, init=False)
    """Since when it waits for a next request; None while it is busy, or has asked for nothing."""
    is_unheard: bool = attrs.field(default=False, init=False)
    """It has said its first words, and its turn has not come."""

    def move(self, address: str) -> bool:
        """Count it for the client that a proxy has named; False where that client has too many."""
        self.leave()
        if not self._admission.may_enter(address):
            return False
        self._address = address
        self._admission.count(address, self)
        return True

    def leave(self) -> None:
        """It is known now, or gone.  May be called twice."""
        self._admission.leave(self._address, self)
