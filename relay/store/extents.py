"""What a store keeps of each channel, for whoever tidies up: from where to where, and how old."""

from typing import Protocol

import attrs


@attrs.frozen(kw_only=True)
class Extent:
    """Of one channel."""

    channel: str
    epoch: str
    first_offset: int
    """Readers find nothing below it."""
    last_offset: int
    lowest: int | None
    """The lowest offset that is really there: below the first there may be what is still to be
    dug out.  None where nothing is there.
    """


class ExtentReader(Protocol):
    """What a store can be asked about this."""

    async def extents(self, *, after: str, limit: int) -> list[Extent]:
        """Of the channels whose names come after that one, sorted by name."""

    async def extent(self, channel: str) -> Extent | None:
        """Of one; None where there is none."""

    async def outlived(self, channel: str, before_ms: int, *, limit: int) -> int:
        """The offset below which all is older than that, of the `limit` oldest that readers find.

        0 where there is no such channel.
        """
