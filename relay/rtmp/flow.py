"""Acknowledgements and windows (RTMP 1.0, 5.4.3 to 5.4.5).

Each side tells the other after how many bytes it wants to hear of their arrival.  Some encoders
never say it and stop all the same when nothing comes, after 2 or 4 GB: so there is a window from
the start, and nobody can ask for a larger one.  The count runs on modulo 2**32.
"""

from typing import Any

import attrs

WINDOW = 2_500_000
"""Bytes between two acknowledgements: what Flash Media Server asked for, and all encoders know."""


@attrs.define
class Flow:
    """What one connection has received, and what was said about it."""

    received: int = 0
    acknowledged: int = 0
    window: int = WINDOW
    announced: int = 0
    """The window that we asked the peer for; 0 before we did."""

    def advance(self, size: int) -> None:
        self.received += size

    def due(self) -> int | None:
        """The sequence number to acknowledge now, if it is time for one."""
        if self.received - self.acknowledged < self.window:
            return None
        self.acknowledged = self.received
        return self.received & 0xFFFFFFFF

    def set_window(self, size: int) -> None:
        """The peer wants to hear from us every `size` bytes; more often does no harm."""
        self.window = min(max(size, 1), WINDOW)

    def limit(self, size: int, *, soft: bool) -> int | None:
        """The peer limits our output.  Returns the window to announce, if it must be."""
        if size == self.announced or (soft and 0 < self.announced < size):
            return None
        self.announced = size
        return size

    def snapshot(self) -> dict[str, Any]:
        """All state, as JSON can hold it."""
        return attrs.asdict(self)
