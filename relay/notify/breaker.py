"""Whether a callback that goes on failing is still asked, decided by outcomes and the time alone.

    closed ----FAILURES in a row----> open ----OPEN_S later, the next who asks----> half-open
       ^                               ^                                                |
       |                               +------------ it failed, or nobody waits --------+
       +------------------------------------- it answered ------------------------------+

A callback that hangs costs everybody who asks the whole deadline.  So after some failures in a row
nobody is sent there for a while, and everybody has the configured answer at once.  Then one
question goes out as a probe, and its outcome decides; whoever asks meanwhile does not wait for it.

What was asked in one state is no evidence about the next: a hundred questions may have been under
way when the fifth of them failed, and what becomes of the others neither opens the breaker once
more nor closes it.
"""

import enum
from collections.abc import Callable

import attrs

FAILURES = 5
"""In a row."""
OPEN_S = 10.0


class State(enum.Enum):
    """The value names it in logs and metrics."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@attrs.define(eq=False)
class Breaker:
    """See the head of this module.  `now` is in seconds, by any steady clock."""

    _on_change: Callable[[State], None]
    state: State = attrs.field(default=State.CLOSED, init=False)
    _failures: int = attrs.field(default=0, init=False)
    _opened_at: float = attrs.field(default=0.0, init=False)
    _changes: int = attrs.field(default=0, init=False)

    def refuses(self, now: float) -> bool:
        """Whether whoever asks now need not wait for a place."""
        match self.state:
            case State.OPEN:
                return now < self._opened_at + OPEN_S
            case State.HALF_OPEN:
                return True
            case State.CLOSED:
                return False

    def admit(self, now: float) -> int | None:
        """A number to report the outcome of a question by; None when it is not to be asked."""
        if self.refuses(now):
            return None
        if self.state is State.OPEN:
            self._become(State.HALF_OPEN)
        return self._changes

    def succeeded(self, admitted: int) -> None:
        """That question was answered, whatever the answer."""
        if admitted != self._changes:
            return
        self._failures = 0
        if self.state is State.HALF_OPEN:
            self._become(State.CLOSED)

    def failed(self, admitted: int, now: float) -> None:
        """That question was not answered."""
        if admitted != self._changes:
            return
        self._failures += 1
        if self.state is State.HALF_OPEN or self._failures >= FAILURES:
            self._opened_at = now
            self._become(State.OPEN)

    def abandoned(self, admitted: int) -> None:
        """Nobody waits for the answer any more; if it was the probe, the next who asks is one."""
        if admitted == self._changes and self.state is State.HALF_OPEN:
            self._become(State.OPEN)

    def _become(self, state: State) -> None:
        self.state = state
        self._failures = 0
        self._changes += 1
        self._on_change(state)
