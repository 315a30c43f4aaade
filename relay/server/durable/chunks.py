"""What a stream holds behind a position, in pieces of bounded size."""

from collections.abc import Sequence

import attrs

from relay.channels.channel import Channel
from relay.channels.hub import Hub
from relay.publication import Position, Publication

CHUNK_BYTES = 1024 * 1024
"""A chunk ends with the message that fills it up to this."""
AT_FIRST = 16
AT_MOST = 1024
"""Messages that are asked for at once: a few, and then as many as their size allows."""


@attrs.frozen
class Chunk:
    """Messages that follow each other."""

    publications: tuple[Publication, ...]
    position: Position
    """Of the last of them; where there is none, of the one before."""
    leaves_gap: bool
    """Whether what should have come first is not kept any more."""


def first_offset(channel: Channel) -> int:
    """Of the oldest message that is kept; where none is, of the next one to come."""
    return channel.first_stored if channel.namespace.durable else channel.history.first_offset


async def read_chunk(hub: Hub, channel: Channel, after: Position, size: int = CHUNK_BYTES) -> Chunk:
    """The next messages behind `after`, some `size` bytes of them.

    Nothing happens between the return and the caller's next step.

    Raises:
        StoreUnavailable: they cannot be read now.
    """
    found: list[Publication] = []
    held, limit = 0, AT_FIRST
    position = after.offset
    while held < size:
        more = await hub.read_after(channel, position, limit)
        taken = _up_to(more, size - held)
        if not taken or taken[0].offset != position + 1:
            break
        found += taken
        held += sum(len(publication.data) for publication in taken)
        position = taken[-1].offset
        if position >= channel.last_offset:
            break
        limit = min(AT_MOST, max(1, len(found) * (size - held) // max(1, held)))
    missing = not found and after.offset < channel.last_offset
    return Chunk(tuple(found), Position(after.epoch, position), missing)


def _up_to(publications: Sequence[Publication], size: int) -> Sequence[Publication]:
    """As many as fill `size` bytes, and the one that goes beyond."""
    for index, publication in enumerate(publications, 1):
        size -= len(publication.data)
        if size <= 0:
            return publications[:index]
    return publications
