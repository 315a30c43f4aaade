"""What a sans-IO connection returns when it has no event to give."""

import enum
from typing import Final


class Signal(enum.Enum):
    """Not events: they say what the caller has to do next."""

    NEED_DATA = enum.auto()
    CLOSED = enum.auto()


NEED_DATA: Final = Signal.NEED_DATA
"""Nothing more can be said before more bytes arrive."""
CLOSED: Final = Signal.CLOSED
"""The peer has finished, and everything that it said was handled."""
