"""How much one client may have under way, and how fast it may go on.

Where it is too much, its task does not read: what the client says next waits in the kernel, and
then on its own side.  Only publications are refused for being too many, because that is what their
namespace says; everything else is slowed down, and nothing is lost.
"""

from collections.abc import Callable

import attrs
import trio

from relay.config import Limits

WINDOW_S = 1.0
"""Commands are counted over so long; who sends too many is let wait for the next."""
PUBLISHING_S = 10.0
"""Publications are counted over so long."""


@attrs.define(eq=False)
class Flow:
    """See the head of this module."""

    _limits: Limits
    _clock: Callable[[], float]
    is_bounded: bool = True
    """The operator is not: its back end may be in a hurry."""
    _unacknowledged: int = attrs.field(default=0, init=False)
    _room: trio.Event | None = attrs.field(default=None, init=False)
    _window_ends: float = attrs.field(default=0.0, init=False)
    _commands: int = attrs.field(default=0, init=False)
    """In this window."""
    _publishing_ends: float = attrs.field(default=0.0, init=False)
    _published: int = attrs.field(default=0, init=False)
    """In a window of their own."""

    def count_command(self) -> bool:
        """Count a command, or what is none and costs as much; whether there are too many."""
        now = self._clock()
        if now >= self._window_ends:
            self._window_ends, self._commands = now + WINDOW_S, 0
        self._commands += 1
        return self.is_bounded and self._commands > WINDOW_S * self._limits.commands_per_s

    async def wait_window(self) -> None:
        """Wait until commands are counted anew."""
        await trio.sleep(self._window_ends - self._clock())

    def count_publication(self, per_s: float) -> bool:
        """Count a publication; whether there are more than so many lately."""
        now = self._clock()
        if now >= self._publishing_ends:
            self._publishing_ends, self._published = now + PUBLISHING_S, 0
        self._published += 1
        return self.is_bounded and self._published > PUBLISHING_S * per_s

    def begin_publication(self) -> None:
        """One more is under way."""
        self._unacknowledged += 1

    def end_publication(self) -> None:
        """One is not any more."""
        self._unacknowledged -= 1
        if self._room is not None:
            self._room.set()
            self._room = None

    @property
    def is_full(self) -> bool:
        """Whether as many are under way as there may be."""
        return self._unacknowledged >= self._limits.unacknowledged_publishes

    async def wait_room(self) -> None:
        """Wait until one of them has ended."""
        self._room = trio.Event()
        await self._room.wait()
