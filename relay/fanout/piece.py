"""The unit of a feed's log."""

import attrs


@attrs.define(eq=False, slots=True)
class Piece:
    """Whole frames of one feed's format, encoded once and shared by every follower."""

    data: bytes
    position: int
    """Number of this piece in its feed's log."""
    packets: int
    """How many packets these bytes hold; 0 for what only accompanies media."""
    packets_before: int
    """How many packets all earlier pieces held: what a gap has cost is a difference of two."""
    media_ms: int
    is_resync: bool
