"""Ids of messages: UUIDs of version 7 (RFC 9562, 5.7), which sort by time and are guessed by none.

The order of a room is that of its offsets: the clock of an id may be moved back.
"""

from uuid import UUID

RANDOM_BYTES = 10


def message_id(at_ms: int, random: bytes) -> str:
    """An id.

    Args:
        at_ms: wall clock, milliseconds since 1970.
        random: `RANDOM_BYTES` of them.
    """
    value = (at_ms & 0xFFFF_FFFF_FFFF) << 80 | int.from_bytes(random)
    value = value & ~(0xF << 76) | 7 << 76
    value = value & ~(0b11 << 62) | 0b10 << 62
    return str(UUID(int=value))


def read_id(text: str) -> str | None:
    """The same id as it is written here; None for what is no UUID."""
    try:
        found = UUID(text)
    except ValueError:
        return None
    return str(found) if str(found) == text.lower() else None
