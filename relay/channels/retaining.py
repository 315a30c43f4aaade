"""What of a channel is kept no longer: a decision alone, beside no clock and no store."""

from relay.store.extents import Extent

SLACK = 1.1
"""A channel is cut when it is so much longer than it may be: seldom, and a lot."""
BATCH = 500
"""Publications that go at once."""


def cut(extent: Extent, *, keep: int, outlived: int) -> int | None:
    """From which offset on a channel is to be kept, as the next step to where it should be.

    None where all is as it should be.

    Args:
        extent: what there is.
        keep: how many publications may be kept.
        outlived: below this offset they are too old, as far as that is known.
    """
    first, last = extent.first_offset, extent.last_offset
    goal = max(first, outlived)
    if last - first + 1 > keep * SLACK:
        goal = max(goal, last - keep + 1)
    lowest = first if extent.lowest is None else min(extent.lowest, first)
    if goal == first == lowest:
        return None
    # What readers do not find any more goes first.
    return max(first, min(goal, lowest + BATCH))
